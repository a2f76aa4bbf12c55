"""Which of the objects that live in another one may not go with it (decision 34)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gitopsd.core.compare.pairing import owns
from gitopsd.core.sync.prune import options_of
from gitopsd.core.target.sync_options import DEFAULTS, Consent, SyncOptions, hook_types
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.residents import Resident

ACCOUNTS = GroupKind("", "ServiceAccount")
CONFIGS = GroupKind("", "ConfigMap")
# What controllers of the cluster put into every namespace.
EVERYWHERE = frozenset(
    {
        (ACCOUNTS, "default"),
        (CONFIGS, "kube-root-ca.crt"),
        (CONFIGS, "istio-ca-root-cert"),
        (CONFIGS, "openshift-service-ca.crt"),
    }
)


@dataclass(frozen=True, slots=True)
class Leaver:
    """The application that would delete, as far as it decides what goes with an object."""

    app: AppName
    options: SyncOptions = DEFAULTS
    stays: Collection[ResourceKey] = ()  # what Git holds; nothing where the application goes with all its objects
    adopted: bool = False
    deleting: bool = False


def stays(resident: Resident, leaver: Leaver) -> bool:
    """Tell whether a resident is not to go: it is not the application's, or that keeps it."""
    live = resident.live
    if live.deleting or resident.below or resident.vouched or (live.key.group_kind, live.key.name) in EVERYWHERE:
        return False
    return not _is_of(live, leaver) or live.key in leaver.stays or _is_kept(live, leaver)


def whose(live: LiveObject) -> AppName | None:
    """Return the application whose object `live` is in its own right; None where it is nobody's."""
    return live.tracking.app if live.tracking is not None and owns(live.tracking.app, live) else None


def _is_of(live: LiveObject, leaver: Leaver) -> bool:
    if live.by_argocd and not leaver.adopted:
        return False
    hook = live.tracking is not None and live.tracking.app == leaver.app and bool(hook_types(live.marks))
    return owns(leaver.app, live) or hook


def _is_kept(live: LiveObject, leaver: Leaver) -> bool:
    options = options_of(live, leaver.options)
    return (options.delete if leaver.deleting else options.prune) is Consent.NEVER
