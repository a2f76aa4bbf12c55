"""Hooks: manifests that are run for their effect in a phase of a sync, and are no part of what is kept in sync."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitopsd.core.objects.hashes import digest, object_hash
from gitopsd.core.target.order import kind_rank
from gitopsd.core.target.sync_options import (
    HELM_HOOK,
    HELM_HOOK_DELETE,
    HOOK,
    HOOK_DELETE,
    OPERATION_ID,
    Marks,
    hook_types,
    sync_wave,
)
from gitopsd.core.target.tracking import track
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import HOOK_FINALIZER, ObjectRef
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey, annotations_of, gvk_of, key_of
from gitopsd.model.operation import SyncPhase


class DeletePolicy(enum.Enum):
    """When a hook's object is deleted."""

    SUCCEEDED = "HookSucceeded"
    FAILED = "HookFailed"
    BEFORE = "BeforeHookCreation"  # before it is run the next time; where nothing is said


PHASES = {phase.value: phase for phase in SyncPhase}
POLICIES = {policy.value: policy for policy in DeletePolicy}
BY_DEFAULT = frozenset({DeletePolicy.BEFORE})
SKIP = "Skip"

# Source: Argo CD, docs/user-guide/helm.md, "Helm Hooks".
HELM_PHASES = {
    "pre-install": SyncPhase.PRE_SYNC,
    "pre-upgrade": SyncPhase.PRE_SYNC,
    "post-install": SyncPhase.POST_SYNC,
    "post-upgrade": SyncPhase.POST_SYNC,
    "pre-delete": SyncPhase.PRE_DELETE,
    "post-delete": SyncPhase.POST_DELETE,
}
HELM_UNUSED = frozenset({"test", "test-success", "test-failure", "pre-rollback", "post-rollback", "crd-install"})
HELM_POLICIES = {
    "hook-succeeded": DeletePolicy.SUCCEEDED,
    "hook-failed": DeletePolicy.FAILED,
    "before-hook-creation": DeletePolicy.BEFORE,
}

NAME_BYTES = 53  # of a generated name's prefix, as much as leaves room for the rest in the 63 of a label
HASH_CHARS = 10


@dataclass(frozen=True, slots=True)
class Hook:
    """One manifest that is run, as Git has it."""

    key: ResourceKey  # where the name is to be generated, that of the manifest's content
    manifest: Manifest  # in apply form
    phases: tuple[SyncPhase, ...]  # it is run once in each
    policies: frozenset[DeletePolicy]
    wave: int
    hash: TargetHash
    by_helm: bool = False  # Helm's annotations make it one
    prefix: str = ""  # generateName

    @property
    def rank(self) -> int:
        return kind_rank(self.key)

    def name_in(self, operation: str, phase: SyncPhase) -> ResourceKey:
        """Return the key of its object in one phase of an operation: the same, however often it is asked for."""
        if not self.prefix:
            return self.key
        name = self.prefix[:NAME_BYTES] + digest([operation, phase.value, str(self.key)])[:HASH_CHARS]
        return ResourceKey(self.key.group, self.key.kind, self.key.namespace, name)


@dataclass(frozen=True, slots=True)
class HookAnnotations:
    """What the annotations of a hook say."""

    phases: tuple[SyncPhase, ...]
    unknown: tuple[str, ...]


def hook_of(manifest: Manifest) -> Hook:
    """Return the hook that `manifest`, in apply form, is.

    Raises:
        InvalidManifest: its sync wave is no number.
    """
    marks = annotations_of(manifest)
    prefix = manifest["metadata"].get("generateName") or ""
    return Hook(
        key_of(manifest),
        manifest,
        read(marks).phases,
        policies_of(marks),
        sync_wave(manifest),
        object_hash(manifest),
        by_helm=not marks.get(HOOK),
        prefix=prefix if isinstance(prefix, str) and manifest["metadata"]["name"].startswith(prefix) else "",
    )


def read(marks: Marks) -> HookAnnotations:
    """Return the phases that `marks` name, in their order, and the types that nobody knows."""
    types, by_name = hook_types(marks), dict(marks)
    hook_phases: Mapping[str, SyncPhase] = PHASES if by_name.get(HOOK) else HELM_PHASES
    unknown = [text for text in types if text not in hook_phases and text != SKIP and text not in HELM_UNUSED]
    phases = {hook_phases[text] for text in types if text in hook_phases}  # beside others, Skip has no effect
    return HookAnnotations(tuple(phase for phase in SyncPhase if phase in phases), tuple(unknown))


def policies_of(marks: Marks) -> frozenset[DeletePolicy]:
    """Return when the hook with these annotations is deleted; what is not understood does not count."""
    by_name = dict(marks)
    ours = _listed(by_name.get(HOOK_DELETE), POLICIES)
    return (
        ours or (_listed(by_name.get(HELM_HOOK_DELETE), HELM_POLICIES) if by_name.get(HELM_HOOK) else ()) or BY_DEFAULT
    )


def _listed(text: str | None, policies: Mapping[str, DeletePolicy]) -> frozenset[DeletePolicy]:
    return frozenset(policies[part.strip()] for part in (text or "").split(",") if part.strip() in policies)


def run_id(operation: str, phase: SyncPhase) -> str:
    """Return what tells a hook's object of one phase of an operation from those of all others."""
    return f"{operation}/{phase.value}"


def run_manifest(hook: Hook, app: AppName, operation: str, phase: SyncPhase) -> Manifest:
    """Return what is applied to run `hook`: named, marked, and kept from vanishing before its end is seen.

    A finalizer keeps it: a Job that a TTL, or somebody, deletes would else leave open whether it had succeeded, and
    whether it has run at all.
    """
    meta = {name: value for name, value in hook.manifest["metadata"].items() if name != "generateName"}
    annotations = {**annotations_of(hook.manifest), OPERATION_ID: run_id(operation, phase)}
    finalizers = [*(meta.get("finalizers") or ()), HOOK_FINALIZER]
    name = hook.name_in(operation, phase).name
    marked = {**meta, "name": name, "annotations": annotations, "finalizers": finalizers}
    return track({**hook.manifest, "metadata": marked}, app)


def is_run(live: LiveObject, operation: str, phase: SyncPhase) -> bool:
    """Tell whether `live` is the object of a hook of this very phase and operation."""
    return dict(live.marks).get(OPERATION_ID) == run_id(operation, phase)


def hook_refs(hooks: Iterable[Hook], operation: str) -> Sequence[ObjectRef]:
    """Return the objects of `hooks` as `operation` names them: their kinds have to be watched before they are run."""
    return [ObjectRef(hook.name_in(operation, phase), gvk_of(hook.manifest)) for hook in hooks for phase in hook.phases]


def hooks_of(app: AppName, lives: Iterable[LiveObject]) -> Sequence[LiveObject]:
    """Return the objects of hooks that syncs of `app` have run, sorted by key."""
    ours = [live for live in lives if live.tracking is not None and live.tracking.app == app]
    return sorted((live for live in ours if OPERATION_ID in dict(live.marks)), key=lambda live: live.key)
