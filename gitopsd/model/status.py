"""What gitopsd says of an application after a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitopsd.model.comparison import Comparison
from gitopsd.model.ids import ClusterId, Revision
from gitopsd.model.operation import EndReason, Operation, OperationPhase
from gitopsd.words import said


@dataclass(frozen=True, slots=True)
class Condition:
    """Something a person should know, with what to do about it."""

    type: str  # Argo CD's: ComparisonError, InvalidSpecError, SyncError, SharedResourceWarning …
    message: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name, text in (("message", self.message), ("remedy", self.remedy)):
            if (words := said(text)) != text:
                object.__setattr__(self, name, words)


def at_most(most: int, conditions: Sequence[Condition], others: str) -> tuple[Condition, ...]:
    """Return `conditions`, all of one type; where they are more than `most`, the last one counts the `others`."""
    if len(conditions) <= most:
        return tuple(conditions)
    rest = Condition(conditions[0].type, f"{len(conditions) - most + 1} more {others}", "see the others")
    return (*conditions[: most - 1], rest)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A sync of the past, whatever came of it."""

    id: int
    revisions: tuple[Revision, ...]
    started_s: float
    finished_s: float
    initiated_by: str  # "" when automated
    phase: str  # OperationPhase's value
    message: str
    target: str  # hash of the content
    sources: tuple[dict[str, object], ...] = ()  # as declared then
    end: EndReason | None = None  # None: of a time when only words told why it ended


@dataclass(frozen=True, slots=True)
class Failing:
    """Syncs of one content that fail, one after the other."""

    since_s: float  # Unix time at which the first one failed
    tries: int  # that have failed
    next_s: float | None  # Unix time of the next; None: it waits for a change, or it runs
    message: str  # the last one's message
    trying: bool = False  # one runs now


@dataclass(frozen=True, slots=True)
class AppStatus:
    comparison: Comparison
    revisions: tuple[Revision, ...]  # one per source, all of one epoch per repository
    cluster: ClusterId | None
    conditions: tuple[Condition, ...] = ()
    operation: Operation | None = None  # the running or the last one
    reconciled_s: float = 0.0  # Unix time of the comparison: what a pass has written since is not in it
    epoch_s: float = 0.0  # Unix time at which the oldest epoch was taken
    source_types: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()  # why it is too old to go by; what is shown of it is not green then
    orphans: int = 0  # objects of no application in its namespace, where its project asks for them
    failing: Failing | None = None  # None: its syncs do not fail
    waiting: str = ""  # why nothing is done about what is out of sync; "" where nothing is, or something runs


def newest(entries: Sequence[HistoryEntry], limit: int) -> tuple[HistoryEntry, ...]:
    """Return the last `limit` syncs that succeeded and as many that did not: what fails all night takes no rollback."""
    good = [entry for entry in entries if entry.phase == OperationPhase.SUCCEEDED.value]
    bad = [entry for entry in entries if entry.phase != OperationPhase.SUCCEEDED.value]
    newest_ids = {entry.id for some in (good, bad) for entry in some[max(0, len(some) - limit) :]}
    return tuple(entry for entry in entries if entry.id in newest_ids)
