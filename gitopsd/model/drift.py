"""What the drift ledger holds: each change of a live field that Git did not ask for."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from gitopsd.model.comparison import Writer
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey


class WriterClass(enum.Enum):
    """What kind of writer changed a field, by the name of its field manager."""

    HUMAN = "human"  # kubectl and programs like it
    CONTROLLER = "controller"
    GITOPS = "gitops"  # another tool that applies manifests
    ADMISSION = "admission"  # a webhook or a policy, on the way in
    UNKNOWN = "unknown"  # what is gone leaves no trace


class DriftEnd(enum.Enum):
    HEALED = "healed"  # by self-heal
    SYNCED = "synced"  # by a sync that a person asked for, or of new content
    REVERTED = "reverted"  # not by us
    SUPERSEDED = "superseded"  # Git asks for something else of the object now
    OVERWRITTEN = "overwritten"  # by another change, which has an entry of its own
    FORGOTTEN = "forgotten"  # the application is gone, or goes elsewhere


@dataclass(frozen=True, slots=True)
class Drift:
    """One field of one object that somebody changed, from when it was seen until it was right again."""

    id: int
    app: AppName
    cluster: ClusterId
    key: ResourceKey
    path: str  # as in Difference; "." is the whole object
    old: Any  # what an apply makes of it; masked
    new: Any  # what it was changed to; masked
    target: TargetHash  # of the object
    began_s: float  # Unix time at which it was seen
    by: WriterClass = WriterClass.UNKNOWN
    writers: tuple[Writer, ...] = ()  # the latest first
    ended_s: float | None = None  # None: it is so still
    end: DriftEnd | None = None
    operation: str = ""  # of the sync that put it right

    @property
    def writer(self) -> str:
        """Who changed it, as far as that is known."""
        return self.writers[0].manager if self.writers else ""


@dataclass(frozen=True, slots=True)
class DriftQuery:
    """Which entries are meant; what is empty excludes nothing."""

    app: str = ""
    cluster: str = ""
    writer: str = ""  # a glob over field managers
    by: WriterClass | None = None
    since_s: float | None = None  # those that were, or began, at this Unix time or later
    until_s: float | None = None  # those that began before
    open: bool = False  # only those that are so still
    before: int | None = None  # only entries with a smaller id: the next page
    limit: int = 100
