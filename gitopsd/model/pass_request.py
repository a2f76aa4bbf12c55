"""What is asked of one pass over an application as it begins."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.model.application import Application
from gitopsd.model.operation import SyncRequest


@dataclass(frozen=True, slots=True)
class PassRequest:
    app: Application
    deleting: bool  # it goes with all its objects
    request: SyncRequest | None  # what a person asked for and may begin now; while an operation runs it waits
    refs: tuple[str, ...]  # the revisions that a person named for what runs or is to begin; empty: the epoch's
    mark: int  # of the prune barrier, from before the epochs were read

    @property
    def left_alone(self) -> bool:
        """Tell whether its declaration forbids to compare or write it; what it wants is still found out."""
        return self.app.skip_reconcile and not self.deleting

    @property
    def epoch_mark(self) -> int | None:
        """Return `mark`; None where a person named the revisions, so that the target is not the epoch's."""
        return None if self.refs else self.mark
