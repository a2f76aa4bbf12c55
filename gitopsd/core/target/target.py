"""Desired manifests → the target: every object in apply form, one per key.

The apply form is the one in which an object is hashed, compared and applied (decision 6).
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitopsd.core.objects.fields import WrongShape, mapping_at, text_at
from gitopsd.core.objects.hashes import object_hash, target_hash
from gitopsd.core.target.aliases import with_both_names
from gitopsd.core.target.hooks import Hook, hook_of, read
from gitopsd.core.target.sync_options import HOOK, is_hook, option_conditions, sync_wave
from gitopsd.core.target.tracking import ANNOTATION, Tracking, track
from gitopsd.core.text.lists import first_of
from gitopsd.errors import InvalidManifest
from gitopsd.model.comparison import Reading, Unreadable
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey, annotations_of, gvk_of, key_of
from gitopsd.model.status import Condition, at_most

MAX_REPEATED = 10  # conditions of one application; the rest is counted
NAME_IT = "write metadata.name: what has no name cannot be found again, unless it is a hook with generateName"
# Kinds whose objects are run for their effect, and the field that has the cluster delete them when they are over.
TIMES_TO_LIVE = {
    GroupKind("batch", "Job"): "ttlSecondsAfterFinished",
    GroupKind("argoproj.io", "Workflow"): "ttlStrategy",
}
SERVERS = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")  # in metadata
SECRET = GroupKind("", "Secret")
CLUSTER_ROLE = GroupKind("rbac.authorization.k8s.io", "ClusterRole")
DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
# True: namespaced, False: cluster-scoped, None: not served, Unreadable: the cluster does not tell
KindScope = Callable[[GVK], bool | Unreadable | None]


@dataclass(frozen=True, slots=True)
class Target:
    """What Git asks of one cluster for one application."""

    objects: Mapping[ResourceKey, Manifest]  # in apply form, sorted by key
    hashes: Mapping[ResourceKey, TargetHash]
    hash: TargetHash
    held: frozenset[ResourceKey] = frozenset()  # hooks and skipped objects: Git holds them, so they are never pruned
    conditions: tuple[Condition, ...] = ()
    hooks: tuple[Hook, ...] = ()  # sorted by key
    unplaced: frozenset[ResourceKey] = frozenset()  # whether they are namespaced cannot be read: both keys of each
    tracking: Tracking = ANNOTATION
    nameless: tuple[str, ...] = ()  # objects of Git without a name: where, and what


def with_nameless(target: Target, nameless: Sequence[str]) -> Target:
    """Return `target` of a render that has left out these objects, with a condition for each."""
    conditions = [
        Condition(
            "ComparisonError",
            f"{description}: it is left out, and nothing is pruned until it has a name",
            NAME_IT,
        )
        for description in nameless[:MAX_REPEATED]
    ]
    return (
        replace(target, nameless=tuple(nameless), conditions=(*conditions, *target.conditions)) if nameless else target
    )


def nameless_refused(nameless: Sequence[str]) -> InvalidManifest:
    """Return the error for objects without a name, where that costs more than themselves."""
    return InvalidManifest(first_of(nameless, MAX_REPEATED, between="; "), remedy=NAME_IT)


def target_of(
    app: AppName, namespace: str, manifests: Sequence[Manifest], scope: KindScope, tracking: Tracking = ANNOTATION
) -> Target:
    """Return the target of `app`, whatever the order of `manifests` (but for an object that is there twice).

    Args:
        app: whose tracking id goes on.
        namespace: of the destination; "" where it has none.
        manifests: as rendered, of all sources in their order. The last one of a key counts, as in Argo CD.
        scope: how the cluster scopes a kind; definitions among `manifests` answer for kinds it does not know. Where
            nobody tells, an object is taken for namespaced, and both keys that it may have are `unplaced`.
        tracking: how an object says that it is of `app`.

    Raises:
        InvalidManifest: an object cannot be put into apply form, or its sync wave is not a number.
    """
    defined = scopes_of(manifests)
    objects: dict[ResourceKey, Manifest] = {}
    hooks: dict[ResourceKey, Hook] = {}
    unplaced: set[ResourceKey] = set()
    times: Counter[ResourceKey] = Counter()
    warnings: list[Condition] = []
    for manifest in manifests:
        gvk = gvk_of(manifest)
        scope_known = scope(gvk)
        namespaced = scope_known if isinstance(scope_known, bool) else defined.get(gvk.group_kind)
        unknown = namespaced is None and isinstance(scope_known, Unreadable)
        if unknown and not (namespace or manifest["metadata"].get("namespace")):
            namespaced = False  # for now: the other way round it would be refused, and all others with it
        form = apply_form(manifest, app, namespace, namespaced=namespaced, tracking=tracking)
        key = key_of(form.manifest)
        times[key] += 1
        if unknown:
            unplaced |= {key, replace(key, namespace="")}
        warnings += [Condition("IgnoredFieldWarning", text) for text in form.warnings]
        if is_hook(form.manifest):
            hooks[key] = hook_of(form.manifest)
            warnings += _hook_warning(key, form.manifest)
            continue
        warnings += [*option_conditions(key, form.manifest), *_short_lived(key, form.manifest)]
        sync_wave(form.manifest)  # refused here, so that no later stage meets a wave it cannot read
        objects[key] = form.manifest
    ordered = {key: objects[key] for key in sorted(objects)}
    hashes = {key: object_hash(manifest) for key, manifest in ordered.items()}
    hooks_only = frozenset(hooks.keys() - objects.keys())
    run, ignored = _run([hooks[key] for key in sorted(hooks_only)])
    content = {**{hook.key: hook.hash for hook in run}, **hashes}
    return Target(
        ordered,
        hashes,
        target_hash(content),
        hooks_only | (unplaced - objects.keys()),
        (*warnings, *_repeated(times, objects.keys() & hooks.keys()), *ignored),
        run,
        frozenset(unplaced),
        tracking,
    )


@dataclass(frozen=True, slots=True)
class ApplyForm:
    manifest: Manifest
    warnings: tuple[str, ...] = ()


def apply_form(
    manifest: Manifest, app: AppName, namespace: str, *, namespaced: bool | None, tracking: Tracking = ANNOTATION
) -> ApplyForm:
    """Return `manifest` as it is applied: a copy, with null values as they are.

    `stringData` is folded into `data`, the server's own fields are dropped, namespace and tracking id are set, and a
    field that has two names is written under both.

    Args:
        manifest: has passed the border: apiVersion, kind and metadata.name are there.
        app: whose tracking id goes on.
        namespace: the destination's, for a namespaced object that names none; "" where the destination has none.
        namespaced: the scope of the kind; None where it is not known, which is taken for namespaced.
        tracking: what goes on beside the tracking id.

    Raises:
        InvalidManifest: metadata, annotations, labels or a Secret's stringData has the wrong type, or a namespaced
            object is left without a namespace.
    """
    subject = f"{manifest['kind']} {manifest['metadata'].get('name')!r}"
    try:
        _check_metadata(manifest)
        form, dropped = _without_servers(manifest)
        kind = gvk_of(manifest).group_kind
        form = _folded(form) if kind == SECRET else with_both_names(form, kind)
    except WrongShape as err:
        raise InvalidManifest(f"{subject}: {err}", remedy="give the field the type that its kind says") from err
    form, moved = _placed(form, namespace, subject, namespaced=namespaced)
    warnings = [f"{subject}: {path} is the server's and is left out; remove it in Git" for path in dropped]
    return ApplyForm(track(form, app, tracking), (*warnings, *moved))


def scopes_of(manifests: Iterable[Manifest]) -> Mapping[GroupKind, bool]:
    """Return the kinds that the CustomResourceDefinitions among `manifests` define; True: namespaced.

    Custom resources may come in the commit that brings their definition, before any server knows the scope.
    """
    scopes = {}
    for manifest in manifests:
        if gvk_of(manifest).group_kind == DEFINITION and (defined := defined_kind(manifest)) is not None:
            scopes[defined] = manifest["spec"].get("scope") != "Cluster"
    return scopes


def defined_kind(definition: Manifest) -> GroupKind | None:
    """Return the kind that a CustomResourceDefinition defines; None where it does not say so properly."""
    try:
        group, kind = text_at(definition, "spec", "group"), text_at(definition, "spec", "names", "kind")
    except WrongShape:
        return None
    return GroupKind(group, kind) if group and kind else None


def defines(manifests: Iterable[Manifest]) -> frozenset[GroupKind]:
    """Return the kinds that the CustomResourceDefinitions among `manifests` define."""
    kinds = (defined_kind(manifest) for manifest in manifests if gvk_of(manifest).group_kind == DEFINITION)
    return frozenset(kind for kind in kinds if kind is not None)


def unreadable(target: Target, readings: Mapping[ResourceKey, Reading]) -> tuple[Condition, ...]:
    """Return a condition for each kind of the target's objects that cannot be read, and each reason for it."""
    lost: dict[tuple[GVK, str], int] = {}
    for key, manifest in target.objects.items():
        reading = readings.get(key)
        if isinstance(reading, Unreadable) and not reading.pending:
            what = gvk_of(manifest), reading.cause
            lost[what] = lost.get(what, 0) + 1
    return tuple(
        Condition(
            "UnreadableWarning",
            f"{gvk}: {count} object{'s are' if count > 1 else ' is'} Unknown: {cause}",
            remedy="see the cluster's kinds that cannot be read; nothing of them is written until they can",
        )
        for (gvk, cause), count in sorted(lost.items())
    )


def _run(hooks: Sequence[Hook]) -> tuple[tuple[Hook, ...], tuple[Condition, ...]]:
    """Return the hooks that are run. Where Argo CD's annotation makes one, none that only Helm's makes is."""
    some = [hook for hook in hooks if hook.phases]
    by_argocd = [hook for hook in some if not hook.by_helm]
    if not by_argocd or len(by_argocd) == len(some):
        return tuple(some), ()
    names = ", ".join(str(hook.key) for hook in some if hook.by_helm)
    return tuple(by_argocd), (
        Condition(
            "HookWarning",
            f"Helm's hooks are not run beside Argo CD's: {names}",
            remedy=f"annotate them with {HOOK}, or remove that annotation from {by_argocd[0].key}",
        ),
    )


def _repeated(times: Mapping[ResourceKey, int], both: Collection[ResourceKey]) -> tuple[Condition, ...]:
    """Return a condition for each object that Git holds more than once; `both` are hooks and objects at once."""
    conditions = []
    for key, count in sorted(times.items()):
        if count > 1:
            counts = "it is applied, and not run as a hook" if key in both else "the last one counts"
            what = f"{key} is rendered {count} times; {counts}"
            conditions.append(Condition("RepeatedResourceWarning", what, "remove all but one in Git"))
    return at_most(MAX_REPEATED, conditions, "objects are rendered more than once")


def _short_lived(key: ResourceKey, manifest: Manifest) -> list[Condition]:
    """Return the condition of an object that deletes itself when it is over, and so is made anew for ever."""
    spec, field = manifest.get("spec"), TIMES_TO_LIVE.get(key.group_kind)
    if field is None or not isinstance(spec, dict) or spec.get(field) is None:
        return []
    what = f"{key}: spec.{field} deletes it when it is over; Git still holds it then, so the next sync runs it again"
    remedy = f"annotate it {HOOK}: Sync to run it once for each new content, or leave {field} out"
    return [Condition("ShortLivedWarning", what, remedy)]


def _hook_warning(key: ResourceKey, manifest: Manifest) -> list[Condition]:
    annotated = read(annotations_of(manifest))
    if not annotated.unknown:
        return []
    named = ", ".join(hook_type or "without a type" for hook_type in annotated.unknown)
    return [
        Condition(
            "HookWarning",
            f"{key}: there is no hook {named}, so it is not run as that, and not applied",
            remedy=f"mend the annotation {HOOK}: PreSync, Sync, PostSync, SyncFail, PreDelete, PostDelete or Skip",
        ),
    ]


def _check_metadata(manifest: Manifest) -> None:
    for field in ("annotations", "labels"):
        for name, value in mapping_at(manifest, "metadata", field).items():
            if value is not None and not isinstance(value, str):
                raise WrongShape(f".metadata.{field}[{name!r}] is not a string: put it in quotes")
    text_at(manifest, "metadata", "namespace")


def _without_servers(manifest: Manifest) -> tuple[Manifest, list[str]]:
    """Return a copy without the server's fields, and those that said something: empty ones come from generators."""
    meta = manifest["metadata"]
    dropped = [f".metadata.{name}" for name in SERVERS if meta.get(name)]
    servers = {"status"}
    if gvk_of(manifest).group_kind == CLUSTER_ROLE and manifest.get("aggregationRule"):
        servers.add("rules")  # its controller gathers them: to write them, even none, is to empty the role at each sync
    dropped += [f".{name}" for name in sorted(servers) if manifest.get(name)]
    metadata = {name: value for name, value in meta.items() if name not in SERVERS}
    return {**{name: value for name, value in manifest.items() if name not in servers}, "metadata": metadata}, dropped


def _folded(secret: Manifest) -> Manifest:
    if "stringData" not in secret:
        return secret
    texts = mapping_at(secret, "stringData")
    wrong = [name for name, value in texts.items() if value is not None and not isinstance(value, str)]
    if wrong:
        # Names only: the value may be the secret, written as a number.
        raise WrongShape(f".stringData[{wrong[0]!r}] is not a string: put it in quotes")
    data = {**mapping_at(secret, "data"), **{name: _base64(value or "") for name, value in texts.items()}}
    rest: dict[str, Any] = {name: value for name, value in secret.items() if name != "stringData"}
    return {**rest, "data": data} if data else rest


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _placed(
    manifest: Manifest, namespace: str, subject: str, *, namespaced: bool | None
) -> tuple[Manifest, tuple[str, ...]]:
    meta = manifest["metadata"]
    named = meta.get("namespace")
    if namespaced is False:
        metadata = {name: value for name, value in meta.items() if name != "namespace"}
        warning = f"{subject}: its kind is not namespaced, so .metadata.namespace is left out; remove it in Git"
        return {**manifest, "metadata": metadata}, (warning,) if named else ()
    if named:
        return manifest, ()
    if not namespace:
        raise InvalidManifest(
            f"{subject} is namespaced and names no namespace",
            remedy="set metadata.namespace, or the application's spec.destination.namespace",
        )
    return {**manifest, "metadata": {**meta, "namespace": namespace}}, ()
