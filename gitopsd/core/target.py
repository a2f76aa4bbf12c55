"""Desired manifests → the target: every object in apply form, hashed, one per key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitopsd.core.apply_form import apply_form, scopes_of
from gitopsd.core.hashes import object_hash, target_hash
from gitopsd.core.options import HOOK, SYNC_OPTIONS, hook_types, listed, marks_of, parse_options, sync_wave
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, annotations_of, gvk_of, key_of
from gitopsd.model.status import Condition

Scope = Callable[[GVK], bool | None]  # True: namespaced, False: cluster-scoped, None: not known


@dataclass(frozen=True, slots=True)
class Target:
    """What Git asks of one cluster for one application."""

    objects: Mapping[ResourceKey, Manifest]  # in apply form, sorted by key
    hashes: Mapping[ResourceKey, TargetHash]
    hash: TargetHash
    held: frozenset[ResourceKey] = frozenset()  # hooks and skipped objects: Git holds them, so they are never pruned
    conditions: tuple[Condition, ...] = ()


def target_of(app: AppName, namespace: str, manifests: Sequence[Manifest], scope: Scope) -> Target:
    """Return the target of `app`, whatever the order of `manifests` (but for an object that is there twice).

    Args:
        app: whose tracking id goes on.
        namespace: of the destination; "" where it has none.
        manifests: as rendered, of all sources in their order. The last one of a key counts, as in Argo CD.
        scope: how the cluster scopes a kind; definitions among `manifests` answer for kinds it does not know.

    Raises:
        InvalidManifest: an object cannot be put into apply form, or its sync wave is not a number.
    """
    defined = scopes_of(manifests)
    objects: dict[ResourceKey, Manifest] = {}
    held: set[ResourceKey] = set()
    warnings: list[Condition] = []
    for manifest in manifests:
        gvk = gvk_of(manifest)
        known = scope(gvk)
        form = apply_form(manifest, app, namespace, namespaced=defined.get(gvk.group_kind) if known is None else known)
        key = key_of(form.manifest)
        warnings += [Condition("IgnoredFieldWarning", text) for text in form.warnings]
        types = hook_types(marks_of(form.manifest))
        if types:
            held.add(key)
            warnings += _hook_warning(key, types)
            continue
        if key in objects:
            warnings.append(_repeated(key))
        warnings += _option_warnings(key, form.manifest)
        sync_wave(form.manifest)  # refused here, so that no later stage meets a wave it cannot read
        objects[key] = form.manifest
    ordered = {key: objects[key] for key in sorted(objects)}
    hashes = {key: object_hash(manifest) for key, manifest in ordered.items()}
    return Target(ordered, hashes, target_hash(hashes), frozenset(held - objects.keys()), tuple(warnings))


def _repeated(key: ResourceKey) -> Condition:
    return Condition(
        "RepeatedResourceWarning",
        f"{key} is rendered more than once; the last one counts",
        remedy="remove all but one in Git",
    )


def _option_warnings(key: ResourceKey, manifest: Manifest) -> list[Condition]:
    text = annotations_of(manifest).get(SYNC_OPTIONS) or ""
    _, warnings = parse_options(listed(text), subject=str(key))
    return [Condition("SyncOptionWarning", warning, f"see the annotation {SYNC_OPTIONS}") for warning in warnings]


def _hook_warning(key: ResourceKey, types: Iterable[str]) -> list[Condition]:
    if tuple(types) == ("Skip",):
        return []
    return [
        Condition(
            "HookWarning",
            f"{key} is a hook ({', '.join(types)}), which this version neither runs nor prunes",
            remedy=f"run it by other means, or remove the annotation {HOOK} to apply it as an ordinary object",
        )
    ]
