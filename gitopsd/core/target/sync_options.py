"""What people ask of a sync: sync options, waves, hook annotations; what is not understood becomes a warning."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.errors import InvalidManifest
from gitopsd.model.application import ExtraFields
from gitopsd.model.manifest import Manifest, ResourceKey, annotations_of, key_of
from gitopsd.model.status import Condition

SYNC_WAVE = "argocd.argoproj.io/sync-wave"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
HOOK = "argocd.argoproj.io/hook"
HOOK_DELETE = "argocd.argoproj.io/hook-delete-policy"
HELM_HOOK = "helm.sh/hook"
CRD_INSTALL = "crd-install"  # of Helm 2
HELM_HOOK_DELETE = "helm.sh/hook-delete-policy"
HELM_WEIGHT = "helm.sh/hook-weight"
HELM_RESOURCE_POLICY = "helm.sh/resource-policy"
MIGRATION_MANAGER = "argocd.argoproj.io/client-side-apply-migration-manager"
EXTRA_FIELDS = "gitopsd.io/extra-fields"
OPERATION_ID = "gitopsd.io/operation-id"  # on a hook's object: which operation runs it, and in which phase
DELETION_APPROVED = "argocd.argoproj.io/deletion-approved"
MARKS = (
    SYNC_WAVE,
    SYNC_OPTIONS,
    COMPARE_OPTIONS,
    HOOK,
    HOOK_DELETE,
    HELM_HOOK,
    HELM_HOOK_DELETE,
    HELM_RESOURCE_POLICY,
    OPERATION_ID,
)

Marks = Iterable[tuple[str, str]] | Mapping[str, str]


def marks_of(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return the annotations of a live object that decide about its pruning and order, sorted; never raises."""
    metadata = manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict):
        return ()
    return tuple(sorted((name, annotations[name]) for name in MARKS if isinstance(annotations.get(name), str)))


class Consent(enum.Enum):
    """Whether an object may be deleted."""

    GIVEN = "true"
    NEVER = "false"
    CONFIRM = "confirm"  # wait until a person approves


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The sync options of an application or of one object, where an object's come before its application's."""

    create_namespace: bool = False
    prune: Consent = Consent.GIVEN
    delete: Consent = Consent.GIVEN  # when the application is deleted with its objects
    prune_last: bool = False  # prunes wait until what was applied is healthy
    propagation: str = "Foreground"  # Foreground | Background | Orphan
    takeover: bool = True  # legacy managers are taken over at the first apply
    validate: bool = True  # False: fields that the kind does not have are no reason to refuse an object
    replace: bool = False  # objects are replaced whole
    force: bool = False  # objects are deleted and made anew where a field cannot change
    respect_ignored: bool = False  # what ignoreDifferences ignores is not written either
    fail_on_shared: bool = False  # an object that another application has fails the sync
    skip_unserved: bool = False  # objects of kinds that are not served are not tried first


DEFAULTS = SyncOptions()

# Options whose effect gitopsd always has: server-side apply touches only what differs.
INHERENT = {
    "ServerSideApply": "true",
    "ApplyOutOfSyncOnly": "true",
}
HARMLESS = {"ApplyOutOfSyncOnly"}  # whatever their value
FLAGS = {"true": True, "false": False}
CONSENTS = {consent.value: consent for consent in Consent}
PROPAGATIONS = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}
SETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {  # option → its field of SyncOptions, and the values it may have
    "ClientSideApplyMigration": ("takeover", FLAGS),
    "CreateNamespace": ("create_namespace", FLAGS),
    "Delete": ("delete", CONSENTS),
    "Prune": ("prune", CONSENTS),
    "PruneLast": ("prune_last", FLAGS),
    "PrunePropagationPolicy": ("propagation", PROPAGATIONS),
    "FailOnSharedResource": ("fail_on_shared", FLAGS),
    "Force": ("force", FLAGS),
    "Replace": ("replace", FLAGS),
    "RespectIgnoreDifferences": ("respect_ignored", FLAGS),
    "SkipDryRunOnMissingResource": ("skip_unserved", FLAGS),
    "Validate": ("validate", FLAGS),
}


def parse_options(
    texts: Mapping[str, str], over: SyncOptions = DEFAULTS, *, subject: str
) -> tuple[SyncOptions, tuple[str, ...]]:
    """Return the sync options that `texts` (name → value) makes of `over`, and a warning for each not followed.

    Args:
        given: of an application's syncPolicy.syncOptions, or `listed` of an object's annotation.
        over: the application's options where `texts` is an object's.
        subject: whose they are, for the warnings.
    """
    changes: dict[str, Any] = {}
    warnings: list[str] = []
    for name, value in sorted(texts.items()):
        change = _change(name, value)
        if isinstance(change, str):
            warnings.append(f"{subject}: sync option {name}={value} {change}")
        else:
            changes.update(change)
    options = {**{name: getattr(over, name) for name in SyncOptions.__slots__}, **changes}
    return SyncOptions(**options), tuple(warnings)


def options_of_target(target: Manifest, over: SyncOptions) -> SyncOptions:
    """Return the sync options of a target object, where its application has `over`."""
    options, _ = parse_options(listed(annotations_of(target).get(SYNC_OPTIONS) or ""), over, subject="")
    return options


def listed(text: str) -> Mapping[str, str]:
    """Return the options of a comma list such as `Prune=false,Replace=true` as name → value; a bare name is true."""
    pairs = (part.strip().partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() or "true" for name, _, value in pairs}


def extra_fields_of(annotations: Mapping[str, str]) -> ExtraFields | None:
    """Return what an object asks to be done about its extra fields; None where it asks nothing that is understood."""
    text = annotations.get(EXTRA_FIELDS)
    return next((choice for choice in ExtraFields if choice.value == text), None)


def has_compare_option(marks: Marks, name: str) -> bool:
    """Tell whether the compare-options annotation among `marks` switches on `name`."""
    return listed(dict(marks).get(COMPARE_OPTIONS) or "").get(name) == "true"


def sync_wave(manifest: Manifest) -> int:
    """Return the sync wave of `manifest`, 0 when it names none; lower waves sync first.

    Helm's weight of a hook is one, and 0 where it is no number, as Helm has it.

    Raises:
        InvalidManifest: the annotation is not a decimal integer of 64 bits.
    """
    annotations = manifest["metadata"].get("annotations") or {}
    name = SYNC_WAVE if SYNC_WAVE in annotations or HELM_HOOK not in annotations else HELM_WEIGHT
    text = annotations.get(name, "0")
    wave = wave_in({SYNC_WAVE: text}, default=None)
    if wave is None and name == HELM_WEIGHT:
        return 0
    if wave is None:
        raise InvalidManifest(
            f"{key_of(manifest)}: {name} is {text!r}",
            remedy="write a whole number, such as '-1' or '5', in quotes",
        )
    return wave


def wave_in(marks: Marks, *, default: int | None = 0) -> int | None:
    """Return the sync wave among the `marks` of a live object; `default` where it cannot be read."""
    text: Any = dict(marks).get(SYNC_WAVE, "0")
    # int() alone would also take " 5", "1_0" and non-ASCII digits, which Go's Atoi refuses.
    if not isinstance(text, str) or not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        return default
    wave = int(text)
    return wave if -(2**63) <= wave < 2**63 else default


def option_conditions(key: ResourceKey, manifest: Manifest) -> list[Condition]:
    """Return a condition for each option that an object's annotations name and that is not understood."""
    annotations = annotations_of(manifest)
    _, warnings = parse_options(listed(annotations.get(SYNC_OPTIONS) or ""), subject=str(key))
    conditions = [Condition("SyncOptionWarning", warning, f"see the annotation {SYNC_OPTIONS}") for warning in warnings]
    if EXTRA_FIELDS in annotations and extra_fields_of(annotations) is None:
        what = f"{key}: the annotation {EXTRA_FIELDS} is not understood, and has no effect"
        conditions.append(Condition("SyncOptionWarning", what, "write show, heal or ignore"))
    return conditions


def is_hook(manifest: Manifest) -> bool:
    """Tell whether an annotation makes a hook of `manifest`."""
    return bool(hook_types(marks_of(manifest)))


def hook_types(marks: Marks) -> tuple[str, ...]:
    """Return the hook types that the annotations `marks` name, as written; empty for an ordinary object.

    Argo CD's annotation counts before Helm's. Helm's `crd-install` marks an ordinary object. An annotation that names
    none makes a hook of the type "", which nobody runs.

    Source: Argo CD, gitops-engine/pkg/sync/hook (IsHook).
    """
    by_name = dict(marks)
    if HOOK not in by_name and by_name.get(HELM_HOOK, CRD_INSTALL).strip() == CRD_INSTALL:
        return ()
    text = by_name.get(HOOK) or by_name.get(HELM_HOOK) or ""
    return tuple(part.strip() for part in text.split(",") if part.strip()) or ("",)


def _change(name: str, value: str) -> dict[str, Any] | str:
    """Return the fields that an option sets, or why it has no effect."""
    lower = value.lower()
    if name in SETS:
        field, values = SETS[name]
        return {field: values[lower]} if lower in values else "has no effect: the value is not understood"
    if name in HARMLESS or INHERENT.get(name) == lower:
        return {}
    if name == "ServerSideApply":
        return "has no effect: gitopsd always applies on the server"
    return "has no effect: the option is not known"
