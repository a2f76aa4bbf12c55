"""Target and live, paired, and what came of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from gitopsd.model.cluster import LiveObject
from gitopsd.model.health import Health
from gitopsd.model.ids import TargetHash, ViewHash
from gitopsd.model.manifest import Manifest, ResourceKey


class SyncStatus(enum.Enum):
    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """The mirror holds the object."""

    live: LiveObject


@dataclass(frozen=True, slots=True)
class Absent:
    """The kind is served and was listed in full, and the object was not there."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """Discovery is whole and the cluster does not serve the kind, so the object cannot exist."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not known: the API server refused, did not answer, or the list is not in. Never pruned, never called missing."""

    cause: str
    pending: bool = False  # the list is under way: wait for it, nothing is wrong
    ours: bool = False  # what is pending is the event of a write of ours: what the mirror holds is known to be old


Reading = Found | Absent | Unserved | Unreadable


@dataclass(frozen=True, slots=True)
class Pair:
    """One object as Git wants it (in apply form) and as the cluster answered for it."""

    key: ResourceKey
    target: Manifest | None  # None: not in Git, a prune candidate
    live: Reading


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the server once showed to be in sync (D5): equal four hashes are in sync without asking."""

    target: TargetHash
    view: ViewHash
    rules: str
    admission: str


class Explanation(enum.Enum):
    """Why live is not as an apply would make it."""

    DRIFT = "Drift"  # live was changed, and Git was not
    NOT_APPLIED = "NotApplied"  # Git was changed, and that is not live yet
    REMOVED = "Removed"  # ours, and Git does not set it any more
    DEFAULTED = "Defaulted"  # the API server fills it in, as it follows from another difference
    TAKEN_OVER = "TakenOver"  # set by who is taken over at the first apply, and not by Git: it goes then
    ADDED = "Added"  # a person or a tool set it, and Git does not: it goes where that is asked for
    MUTATED = "Mutated"  # a webhook or a policy changes what is applied
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a live value, as managedFields tell."""

    manager: str
    operation: str  # Apply | Update
    at_s: float | None  # Unix time of its last write to the object, which need not have been of this value
    subresource: str = ""
    certain: bool = True  # False: nothing is left of a value that was removed; it wrote last


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list: the item whose fields have these values, each by its name."""

    key: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return ",".join(f"{field}={value}" for field, value in self.key)


PathElement = str | int | Item
FieldPath = tuple[PathElement, ...]  # the way into an object: names of fields, places in lists, items of lists


@dataclass(frozen=True, slots=True)
class Difference:
    """One path on which predicted live and live differ, as a person reads it. Secrets are masked before this."""

    path: str  # as in `.spec.template.spec.containers[name=web].image`
    live: Any  # ABSENT_TEXT where there is none
    predicted: Any  # what an apply would make of it
    target: Any = "(absent)"  # what Git says; ABSENT_TEXT where it says nothing
    explanation: Explanation = Explanation.UNKNOWN
    writers: tuple[Writer, ...] = ()  # of the live value, the latest first
    steps: FieldPath = ()  # the path for programs


@dataclass(frozen=True, slots=True)
class Compared:
    """The verdict on one object."""

    pair: Pair
    status: SyncStatus
    differences: tuple[Difference, ...] = ()
    reason: str = ""  # why not Synced, in one line; the server's words where it refused
    unconfirmed: bool = False  # OutOfSync by the hashes, and the server would not say (403, no dry-run support)
    adopt: bool = False  # in sync but for whose it is, or for what goes as it is taken over: the next sync writes it
    refused: bool = False  # the server refused the target: Terminal for this content
    remember: Remembered | None = None  # to be stored: the server has just shown it in sync
    health: Health | None = None
    extra: tuple[Difference, ...] = ()  # what people and tools have set beside Git, where somebody asks for it
    explanation: Explanation | None = None  # of the object as a whole, where it is not there, or only there


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict on one application against one cluster."""

    status: SyncStatus
    health: Health
    resources: tuple[Compared, ...] = ()  # sorted by key
    target: TargetHash | None = None  # of all target objects; None where there is no target
    warnings: tuple[str, ...] = field(default=())


def installation_of(reading: Reading | None) -> str:
    """Return the other installation of gitopsd whose object it is; "" where it is of none."""
    return reading.live.installation if isinstance(reading, Found) else ""
