"""An application whose destination changed: when what it left where it was may be pruned, and how that is told."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsd.core.text.lists import first_of
from gitopsd.model.application import SyncPolicy
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.health import HealthStatus
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation, OperationPhase
from gitopsd.model.status import Condition

TYPE = "LeftBehindWarning"
MAX_TOLD = 3  # objects named in one condition


def unsettled(
    policy: SyncPolicy,
    deleting: bool,  # noqa: FBT001 - one of the facts
    compared: Comparison,
    last: Operation | None,
    target: TargetHash,
) -> str:
    """Return why nothing is pruned yet of what is left elsewhere; "" where it may be.

    First it has to be where it goes now, in sync and healthy. Then it may go by itself where the policy prunes by
    itself, else once a person has synced this content with prune. It goes with its application in any case.

    Args:
        policy: of the application.
        deleting: the application goes with its objects.
        found: of its destination.
        last: the running or the last operation.
        target: the content.
    """
    if last is not None and not last.phase.over:
        return "a sync runs"
    if deleting:
        return ""
    if compared.status is not SyncStatus.SYNCED or compared.health.status is not HealthStatus.HEALTHY:
        return "the application is not in sync and healthy yet where it goes now"
    succeeded = last is not None and last.phase is OperationPhase.SUCCEEDED and last.target == target
    pruned = succeeded and last is not None and last.scope.prune and last.scope.whole
    if (policy.automated and policy.prune) or pruned:
        return ""
    return "it requires pruning, which only a sync with prune does"


def condition(cluster: ClusterId, keys: Sequence[ResourceKey], reason: str) -> Condition:
    """Return what tells of the objects `keys` that are left in `cluster`; `why` they are, "" where they are going."""
    named = first_of(keys, MAX_TOLD)
    remedy = "sync with prune, or remove them from the cluster"
    what = f"left in cluster {cluster}, where it went before: {named}: {reason or 'being deleted'}"
    return Condition(TYPE, what, remedy)


def unseen(cluster: ClusterId, count: int, reason: str) -> Condition:
    """Return what tells of objects that may be left in a cluster that cannot be read."""
    remedy = "see the cluster; where it is gone for good, take it out of the settings"
    what = (
        f"up to {count} objects may be left in cluster {cluster}, where it went before, which cannot be read: {reason}"
    )
    return Condition(TYPE, what, remedy)
