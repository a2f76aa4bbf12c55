"""What may be deleted, and why something may not (decision 20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gitopsd.core.compare.pairing import owns
from gitopsd.core.target.sync_options import (
    DEFAULTS,
    DELETION_APPROVED,
    HELM_RESOURCE_POLICY,
    SYNC_OPTIONS,
    Consent,
    SyncOptions,
    listed,
    parse_options,
)
from gitopsd.core.text.lists import first_of
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.residents import Residents, is_holder

MAX_TOLD = 3  # objects or applications named in one reason


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
    home: ResourceKey | None = None  # the namespace that CreateNamespace=true makes, and Git does not hold
    nameless: tuple[str, ...] = ()  # objects that Git holds without a name: each may be any that seems to be gone
    residents: Mapping[ResourceKey, Residents] = field(default_factory=dict)  # of objects in which others may live


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
    if never := _never(live, guard):
        return PruneRefusal(never, waits=False)
    if refusal := _without_consent(live, guard, since_s):
        return refusal
    if guard.barrier:
        names = first_of(guard.barrier, MAX_TOLD)
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


def lived_in(live: LiveObject, guard: Guard) -> str:
    """Return what lives in an object and would go with it although it is not to; "" where nothing does."""
    if not is_holder(live.key) or live.deleting:
        return ""
    residents = guard.residents.get(live.key)
    if residents is None:
        return "what lives in it has not been looked at yet"
    reasons = [f"application {name} wants objects in it" for name in sorted(residents.wanting - {guard.app})]
    reasons += ["this application wants objects in it"] if guard.app in residents.wanting else []
    reasons += [f"{key} lives in it" for key in residents.residing]
    reasons += [f"what may live in it cannot be read: {error}" for error in residents.unread]
    return first_of(reasons, MAX_TOLD)


def _never(live: LiveObject, guard: Guard) -> str:
    """Return why an object is not the application's to delete, whoever consents; "" where it is."""
    if not owns(guard.app, live):
        return "it is not an object of this application in its own right"
    if live.by_argocd and not guard.adopted:
        return "Argo CD's annotation tracks it: annotate the application gitopsd.io/adopt=true"
    if guard.nameless and not guard.deleting:
        return f"{guard.nameless[0]}, so it may be this one"
    if others := guard.others.get(live.key):
        return f"application {', '.join(sorted(others))} wants it"
    return "CreateNamespace=true makes it for this application: it is let go of" if live.key == guard.home else ""


def _without_consent(live: LiveObject, guard: Guard, since_s: float) -> PruneRefusal | None:
    options = options_of(live, guard.options)
    name, consent = ("Delete", options.delete) if guard.deleting else ("Prune", options.prune)
    inside, looked_at = lived_in(live, guard), live.key in guard.residents
    how = f"gitopsd app confirm-deletion {guard.app}, or the application's annotation {DELETION_APPROVED}"
    match consent:
        case Consent.NEVER:
            return PruneRefusal(f"{name}=false", waits=False)
        case Consent.CONFIRM if guard.approved_s is None or guard.approved_s < since_s:
            beside = f"; what is in it goes with it: {inside}" if inside and looked_at else ""
            return PruneRefusal(f"{name}=confirm: approve it by {how}{beside}", waits=True)
        case Consent.GIVEN if inside and looked_at:
            remedy = f"annotate it {SYNC_OPTIONS}: {name}=confirm, and approve that by {how}"
            return PruneRefusal(f"{inside}, and would go with it; to delete it all the same {remedy}", waits=False)
        case Consent.GIVEN if inside:
            return PruneRefusal(inside, waits=True)
        case _:
            return _with_others(live, guard)


def _with_others(live: LiveObject, guard: Guard) -> PruneRefusal | None:
    residents = guard.residents.get(live.key)
    if residents is None or not residents.leaving:
        return None
    names = ", ".join(sorted(residents.leaving)[:MAX_TOLD])
    return PruneRefusal(
        f"waits until application {names}, which is being deleted, has no objects in it any more", waits=True
    )
