"""Pairs and what the server says of them → a verdict (decision 5). Unreadable is Unknown, never OutOfSync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from gitopsd.core.compare.ignore_rules import (
    NO_RULES,
    Rules,
    rules_for,
)
from gitopsd.core.ownership.takeover import takes_over
from gitopsd.core.target.sync_options import DEFAULTS, SyncOptions, has_compare_option, options_of_target
from gitopsd.core.target.target import Target
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import (
    Absent,
    Compared,
    Comparison,
    Explanation,
    Found,
    Pair,
    Remembered,
    SyncStatus,
    Unreadable,
    Unserved,
)
from gitopsd.model.health import Health, HealthStatus, worst
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, gvk_of

MISSING = Health(HealthStatus.MISSING)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verdict on one object rests on beside target and live: three of D5's four hashes."""

    target: TargetHash
    rules: Rules = NO_RULES
    admission: str = ""
    tracking: Tracking = ANNOTATION


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The hashes do not show it in sync: only a dry run of the target tells."""

    pair: Pair
    target: Manifest
    live: LiveObject
    basis: Basis
    proven: bool = False  # the server has shown this target in sync before
    kept: bool = False  # … and nobody has touched since what is ours: only what admits it may be different
    takeover: bool = False  # an apply takes over what legacy managers set
    mutations: bool = False  # what webhooks and policies make of it counts as well (IncludeMutationWebhook)


def verdicts(  # noqa: PLR0913 - by name
    paired: Iterable[Pair],
    target: Target,
    remembered: Mapping[ResourceKey, Remembered],
    ignored: Sequence[IgnoreDifference],
    admission: Callable[[GVK], str],
    *,
    options: SyncOptions = DEFAULTS,
    mutations: bool = False,
) -> tuple[tuple[Compared, ...], tuple[Doubtful, ...]]:
    """Return the verdicts that need no question, and the doubtful objects; both sorted by key.

    With `mutations` an object whose state is asked for is out of sync by what admission would make of it, too.
    """
    settled: list[Compared] = []
    doubtful: list[Doubtful] = []
    for pair in paired:
        if pair.target is None:
            settled.append(extra(pair))
            continue
        rules = rules_for(ignored, pair.key)
        basis = Basis(target.hashes[pair.key], rules, admission(gvk_of(pair.target)), target.tracking)
        ruling = verdict(pair, pair.target, basis, remembered.get(pair.key))
        if isinstance(ruling, Doubtful):
            takeover = takes_over(pair.live, pair.target, options_of_target(pair.target, options))
            doubtful.append(replace(ruling, takeover=takeover, mutations=mutations))
        else:
            settled.append(ruling)
    return tuple(settled), tuple(doubtful)


def verdict(pair: Pair, target: Manifest, basis: Basis, remembered: Remembered | None) -> Compared | Doubtful:
    """Return what is known of a target object without asking the server.

    In sync without asking is only what the server has shown in sync before, with the same four hashes.
    """
    match pair.live:
        case Absent():
            explanation = Explanation.NOT_APPLIED if remembered is None else Explanation.DRIFT
            return _missing(pair, "it is missing in the cluster", explanation)
        case Unserved():
            kind = gvk_of(target)
            return _missing(pair, f"the cluster does not serve {kind}", Explanation.NOT_APPLIED)
        case Unreadable(cause=cause):
            return Compared(
                pair, SyncStatus.UNKNOWN, reason=f"cannot be read: {cause}", health=Health(HealthStatus.UNKNOWN, cause)
            )
        case Found(live=live):
            proof = live.view and Remembered(basis.target, live.view, basis.rules.hash, basis.admission)
            if remembered is None:
                return Doubtful(pair, target, live, basis)
            if remembered == proof:
                return Compared(pair, SyncStatus.SYNCED, health=live.health)
            untouched = replace(remembered, admission=basis.admission) == proof
            return Doubtful(pair, target, live, basis, remembered.target == basis.target, untouched)
        case _:
            assert_never(pair.live)


def extra(pair: Pair) -> Compared:
    """Return the verdict on a live object of the application that Git does not hold: it requires pruning."""
    live = pair.live.live if isinstance(pair.live, Found) else None
    reason = "Git does not hold it: it is being deleted" if live and live.deleting else "Git does not hold it"
    return Compared(
        pair,
        SyncStatus.OUT_OF_SYNC,
        reason=reason,
        health=live.health if live else None,
        explanation=Explanation.REMOVED,
    )


def _missing(pair: Pair, reason: str, explanation: Explanation) -> Compared:
    return Compared(pair, SyncStatus.OUT_OF_SYNC, reason=reason, health=MISSING, explanation=explanation)


def comparison(
    resources: Iterable[Compared],
    target: TargetHash | None,
    warnings: Iterable[str] = (),
    *,
    differs: bool = False,
    partial: bool = False,
) -> Comparison:
    """Return the verdict on the application: Unknown before OutOfSync before Synced; the worst health.

    An object that Git does not hold does not count where its annotation says `IgnoreExtraneous`. With `differs`
    something is out of sync beside the objects: what is kept on the namespace. A `partial` target makes it Unknown.
    """
    ordered = tuple(sorted(resources, key=lambda compared: compared.pair.key))
    statuses = {compared.status for compared in ordered if not is_extraneous(compared)}
    statuses |= {SyncStatus.OUT_OF_SYNC} if differs else set()
    statuses |= {SyncStatus.UNKNOWN} if partial else set()
    status = next(
        (status for status in (SyncStatus.UNKNOWN, SyncStatus.OUT_OF_SYNC) if status in statuses), SyncStatus.SYNCED
    )
    return Comparison(status, worst(compared.health for compared in ordered), ordered, target, tuple(warnings))


def is_extraneous(compared: Compared) -> bool:
    """Tell whether an object that Git does not hold says by its annotation that it does not count."""
    pair = compared.pair
    return (
        pair.target is None
        and isinstance(pair.live, Found)
        and has_compare_option(pair.live.live.marks, "IgnoreExtraneous")
    )
