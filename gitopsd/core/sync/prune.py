"""What may be deleted, and why something may not (decision 20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gitopsd.core.compare.pairing import owns
from gitopsd.core.target.options import (
    DEFAULTS,
    DELETION_APPROVED,
    HELM_RESOURCE_POLICY,
    SYNC_OPTIONS,
    Consent,
    SyncOptions,
    listed,
    parse_options,
)
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest, ResourceKey


@dataclass(frozen=True, slots=True)
class Guard:
    """What a sync of `app` must know beyond target and live, before it writes and above all before it deletes."""

    app: AppName
    options: SyncOptions = DEFAULTS  # the application's
    barrier: tuple[AppName, ...] = ()  # applications without a target at this epoch: prunes wait for them
    others: Mapping[ResourceKey, frozenset[AppName]] = field(default_factory=dict)  # wanted by their last known target
    adopted: bool = False  # what Argo CD's annotation tracks is ours to delete
    approved_s: float | None = None  # when a person approved deletions (`approved_s`)
    deleting: bool = False  # the application goes with all its objects: Delete= counts instead of Prune=
    claimed: frozenset[ResourceKey] = frozenset()  # wanted first now, and who else may want it is not known yet


@dataclass(frozen=True, slots=True)
class PruneRefusal:
    """Why an object is not deleted."""

    reason: str
    waits: bool  # it may be deleted later in the same operation, once something else has happened


def prune_refusal(live: LiveObject, guard: Guard, since_s: float) -> PruneRefusal | None:
    """Return why `live`, which Git does not hold, may not be deleted now; None where it may.

    Args:
        live: as the mirror has it; what cannot be read never gets here.
        guard: of the application that deletes.
        since_s: Unix time at which the operation began; an approval from before does not count.
    """
    if not owns(guard.app, live):
        return PruneRefusal("it is not an object of this application in its own right", waits=False)
    if live.by_argocd and not guard.adopted:
        return PruneRefusal(
            "Argo CD's annotation tracks it: annotate the application gitopsd.io/adopt=true", waits=False
        )
    if others := guard.others.get(live.key):
        return PruneRefusal(f"application {', '.join(sorted(others))} wants it", waits=False)
    if refusal := _without_consent(live, guard, since_s):
        return refusal
    if guard.barrier:
        names = ", ".join(guard.barrier[:3]) + ("" if len(guard.barrier) <= 3 else " …")  # noqa: PLR2004 - a line's worth
        return PruneRefusal(f"waits until it is known what {names} want at this commit", waits=True)
    return None


def options_of(live: LiveObject, over: SyncOptions) -> SyncOptions:
    """Return the sync options that the annotation of a live object makes of its application's."""
    marks = dict(live.marks)
    if marks.get(HELM_RESOURCE_POLICY) == "keep":
        over = replace(over, delete=Consent.NEVER)
    options, _ = parse_options(listed(marks.get(SYNC_OPTIONS, "")), over, subject=str(live.key))
    return options


def approved_s(application: Manifest) -> float | None:
    """Return the Unix time at which a person approved deletions, of the declaration's annotation; None: not at all."""
    meta = application.get("metadata")
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    text = annotations.get(DELETION_APPROVED) if isinstance(annotations, dict) else None
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        # Without a zone it would be read in this machine's.
        return time.timestamp() if time is not None and time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _without_consent(live: LiveObject, guard: Guard, since_s: float) -> PruneRefusal | None:
    options = options_of(live, guard.options)
    name, consent = ("Delete", options.delete) if guard.deleting else ("Prune", options.prune)
    match consent:
        case Consent.NEVER:
            return PruneRefusal(f"{name}=false", waits=False)
        case Consent.CONFIRM if guard.approved_s is None or guard.approved_s < since_s:
            how = f"gitopsd app confirm-deletion {guard.app}, or the application's annotation {DELETION_APPROVED}"
            return PruneRefusal(f"{name}=confirm: approve it by {how}", waits=True)
        case _:
            return None
