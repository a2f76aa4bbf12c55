"""What a task that is not accepted yet asks of the cluster now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitopsd.core.compare.ignore_rules import NO_RULES, rules_for
from gitopsd.core.ownership.takeover import migration_manager, takes_over
from gitopsd.core.sync.plan import CLAIMED, DELETION, contested, taken
from gitopsd.core.sync.prune import Guard, lived_in, options_of, prune_refusal
from gitopsd.core.sync.readiness import held_by
from gitopsd.core.target.hooks import DeletePolicy, Hook, is_run, run_manifest
from gitopsd.core.target.namespace_metadata import manager_of
from gitopsd.core.target.sync_options import SyncOptions, hook_types, options_of_target
from gitopsd.core.target.target import defines
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Apply, Command, CreateNamespace, Prune, Release, Write
from gitopsd.model.comparison import Absent, FieldPath, Found, Reading, Unreadable, Unserved, installation_of
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from gitopsd.model.operation import Operation, Task, TaskState, TaskVerb, WaitReason

BARRIER_S = 60.0  # what waits for other applications longer than this is left for the next sync
PENDING_S = 60.0  # as long for a list that is under way
SERVED_S = 600.0  # as long for a kind whose definition was just applied


@dataclass(frozen=True, slots=True)
class Observed:
    """What a step is told of the world."""

    target: TargetHash  # of all target objects, as Git has them now (for a pinned operation: at its revisions)
    objects: Mapping[ResourceKey, Manifest]  # in apply form
    hashes: Mapping[ResourceKey, TargetHash]
    readings: Mapping[ResourceKey, Reading]  # of every target object, and of all that the application tracks
    guard: Guard
    hooks: tuple[Hook, ...] = ()
    ignored: tuple[IgnoreDifference, ...] = ()  # the application's ignoreDifferences
    namespace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # what its namespace is to carry
    held: Mapping[ResourceKey, tuple[FieldPath, ...]] = field(default_factory=dict)  # fields that stay as they are live
    extra: Mapping[ResourceKey, tuple[FieldPath, ...]] = field(
        default_factory=dict
    )  # fields that Git lacks, and that go


@dataclass(frozen=True, slots=True)
class Issue:
    command: Command


@dataclass(frozen=True, slots=True)
class Done:
    """There is nothing left to do."""

    message: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; the operation waits up to so many seconds from its start, then goes on without."""

    reason: WaitReason
    message: str
    up_to_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Skip:
    """Not in this operation."""

    message: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """It was done, though the answer was lost: the cluster shows it."""


Action = Issue | AlreadyDone | Done | Wait | Skip


def asked(task: Task, observed: Observed, operation: Operation) -> Action:
    """Return what `task` asks for, as the world is now; what was planned is looked at anew.

    Args:
        task: PENDING, or ISSUED and perhaps never answered.
        seen: the world.
        operation: whose task it is; an approval of deletions from before its start does not count.
    """
    match task.verb:
        case TaskVerb.APPLY:
            return _apply(task, observed)
        case TaskVerb.PRUNE:
            return _prune(task, observed, operation.started_s)
        case TaskVerb.CREATE_NAMESPACE:
            return _create(task, observed)
        case TaskVerb.HOOK if task.end is not None:
            return Issue(Release(task.key, task.uid, task.deletes)) if task.uid else Done(task.message)
        case TaskVerb.HOOK:
            return _run(task, observed, operation)


def hook_of_task(task: Task, observed: Observed, operation: Operation) -> Hook | None:
    """Return the hook that `task` runs; None where Git does not hold it, or not this content of it."""
    candidates = (hook for hook in observed.hooks if hook.name_in(operation.id, task.phase) == task.key)
    return next((hook for hook in candidates if hook.hash == task.target), None)


def _run(task: Task, observed: Observed, operation: Operation) -> Action:  # noqa: PLR0911 - one line a case
    hook = hook_of_task(task, observed, operation)
    reading = observed.readings.get(task.key)
    if hook is None:
        return Skip("Git holds another content of it by now", failed=True)
    if others := observed.guard.others.get(task.key):
        return Skip(contested(others), failed=True)
    if message := out_of_place(task, observed):
        return Skip(message)
    match reading:
        case Unreadable(cause=cause):
            return Wait(WaitReason.UNKNOWN, f"it cannot be read: {cause}", math.inf)
        case Found(live=live) if is_run(live, operation.id, task.phase):
            return AlreadyDone()
        case Found(live=live) if (
            not live.deleting and not _not_ours(live, observed.guard) and lived_in(live, observed.guard)
        ):
            return _run_in_place(task, hook, observed, operation)  # what lives in it would go with it
        case Found(live=live) if live.deleting or (task.state is TaskState.PENDING and live.uid == task.uid):
            message = "what ran before it under this name is still being deleted"
            return Wait(WaitReason.DELETING, message, math.inf)
        case Found(live=live) if refusal := _not_ours(live, observed.guard):
            return Skip(refusal, failed=True)
        case Found(live=live) if DeletePolicy.BEFORE in hook.policies or task.phase in DELETION:
            return Issue(Release(task.key, live.uid, delete=True))
        case _:
            return _run_in_place(task, hook, observed, operation)


def _run_in_place(task: Task, hook: Hook, observed: Observed, operation: Operation) -> Action:
    return Issue(Apply(task.key, run_manifest(hook, observed.guard.app, operation.id, task.phase), hook.hash))


def out_of_place(task: Task, observed: Observed) -> str:
    """Return why a hook of a deletion has no place to be run in any more, which holds up nothing; "" where it has."""
    if task.phase not in DELETION:
        return ""
    if isinstance(observed.readings.get(task.key), Unserved):
        return "its kind is not served any more"
    namespace = observed.readings.get(ResourceKey("", "Namespace", "", task.key.namespace))
    return "its namespace is gone" if task.key.namespace and isinstance(namespace, Absent) else ""


def _not_ours(live: LiveObject, guard: Guard) -> str:
    """Return why the live object in a hook's place may be neither replaced nor changed; "" where it may."""
    if live.controlled or not hook_types(live.marks):
        return "an object of this name is there that is no hook: remove it, or give the hook another name"
    if live.tracking is not None and live.tracking.app != guard.app:
        return f"a hook of application {live.tracking.app} has this name: give it another one"
    if live.installation:
        return taken(live.installation)
    if live.by_argocd and not guard.adopted:
        return "Argo CD's annotation tracks it: annotate the application gitopsd.io/adopt=true"
    return ""


def _apply(task: Task, observed: Observed) -> Action:
    manifest, reading = observed.objects.get(task.key), observed.readings.get(task.key)
    if manifest is None or observed.hashes.get(task.key) != task.target:
        return Skip("Git holds another content of it by now", failed=True)
    options = options_of_target(manifest, observed.guard.options)
    if message := shared(task.key, reading, observed.guard, options):
        return Skip(message, failed=True) if options.fail_on_shared else Wait(WaitReason.CONTESTED, message)
    if task.key in observed.guard.claimed:
        return Wait(WaitReason.CLAIMED, CLAIMED, BARRIER_S)  # what comes after it in order comes after it
    if isinstance(reading, Unreadable):
        up_to_s = PENDING_S if reading.pending else 0.0
        return Wait(WaitReason.UNKNOWN, f"it cannot be read: {reading.cause}", up_to_s)
    if isinstance(reading, Unserved) and task.key.group_kind in defines(observed.objects.values()):
        return Wait(WaitReason.UNSERVED, "its definition is applied, but the kind is not served yet", SERVED_S)
    held_fields, extra = observed.held.get(task.key, ()), observed.extra.get(task.key, ())
    how = replace(write_of(manifest, options, observed.ignored), held=held_fields, extra=extra)
    takeover = takes_over(reading, manifest, options)
    return Issue(Apply(task.key, manifest, observed.hashes[task.key], takeover, how))


def write_of(manifest: Manifest, options: SyncOptions, ignored: Sequence[IgnoreDifference]) -> Write:
    """Return how the target `manifest` is written."""
    rules = rules_for(ignored, key_of(manifest)) if options.respect_ignored else NO_RULES
    spared = rules.pointers, rules.managers, rules.expressions
    return Write(options.validate, options.replace, options.force, *spared, migration_manager(manifest))


def shared(key: ResourceKey, reading: Reading | None, guard: Guard, options: SyncOptions) -> str:
    """Return why an object is not applied that others want, or have; "" where it is.

    That another application of ours merely has it counts where that is to fail the sync.
    """
    others = guard.others.get(key, frozenset())
    if options.fail_on_shared and isinstance(reading, Found) and (whose := reading.live.tracking) is not None:
        others |= {whose.app} - {guard.app} if whose.names(key) else frozenset()
    if others:
        return contested(others)
    installation = installation_of(reading)
    return taken(installation) if installation else ""


def _create(task: Task, observed: Observed) -> Action:
    reading = observed.readings.get(task.key)
    if isinstance(reading, Found) and reading.live.deleting:
        message = f"the namespace is being deleted, and made anew then{held_by(reading.live)}"
        return Wait(WaitReason.DELETING, message, math.inf)
    return Issue(CreateNamespace(task.key.name, observed.namespace, manager_of(observed.guard.app)))


def _prune(task: Task, observed: Observed, started_s: float) -> Action:
    match observed.readings.get(task.key):
        case None | Absent() | Unserved():
            return Done("it is gone")
        case Unreadable(cause=cause):
            return Wait(WaitReason.UNKNOWN, f"it cannot be read: {cause}")
        case Found(live=live):
            return _delete(task, live, observed, started_s)


def _delete(task: Task, live: LiveObject, observed: Observed, started_s: float) -> Action:
    if live.uid != task.uid:
        return Skip("another object of this name has taken its place")
    if task.key in observed.objects and not observed.guard.deleting:
        return Skip("Git holds it again")
    refusal = prune_refusal(live, observed.guard, started_s)
    if refusal is None:
        # The version is the one seen now: what was compared is judged anew above, and still holds.
        propagation = options_of(live, observed.guard.options).propagation
        return Issue(Prune(task.key, live.uid, live.resource_version, propagation))
    if not refusal.waits:
        return Skip(refusal.reason)
    return Wait(WaitReason.KEPT, refusal.reason, BARRIER_S if observed.guard.barrier else math.inf)
