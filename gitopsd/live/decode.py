"""A live object as the mirror keeps it: decoded as the event comes, the body dropped at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from gitopsd.core import health
from gitopsd.core.objects.fields import WrongShape, flag_at, items_at, number_at, text_at
from gitopsd.core.objects.managed_fields import newest_s, view_hash
from gitopsd.core.ownership.takeover import has_legacy
from gitopsd.core.target.namespace_metadata import kept_of
from gitopsd.core.target.sync_options import marks_of
from gitopsd.core.target.tracking import ANNOTATION, Tracking, other_installation, tracking_of
from gitopsd.core.tree.network import network_of
from gitopsd.model.cluster import LiveObject, PodFacts
from gitopsd.model.command import HOOK_FINALIZER
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, ResourceVersion, TrackingId, Uid
from gitopsd.model.manifest import GVK, Manifest, ResourceKey

ARGOCD = "argocd-controller"
HealthOf = Callable[[Manifest], Health | None]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Makes live objects of manifests; strings that many objects share are one string."""

    takeover: Collection[str]  # managers that the first apply takes over
    tracking: Tracking = ANNOTATION
    health_of: HealthOf = health.health_of

    def key(self, gvk: GVK, manifest: Manifest) -> ResourceKey | None:
        """Return the key of an object of `gvk`; None where it has no name, so is none."""
        meta = manifest.get("metadata")
        if not isinstance(meta, dict):
            return None
        name, namespace = meta.get("name"), meta.get("namespace") or ""
        if not isinstance(name, str) or not name or not isinstance(namespace, str):
            return None
        return ResourceKey(gvk.group, gvk.kind, sys.intern(namespace), name)

    def is_tracked(self, manifest: Manifest) -> bool:
        """Tell whether an object says which application it is of; `manifest` may lack all but its metadata."""
        return tracking_of(manifest, self.tracking)[0] is not None

    def live(self, key: ResourceKey, manifest: Manifest) -> LiveObject:
        """Return `manifest`, the object `key`, as the mirror keeps it; a field of a wrong type reads as absent.

        An object without a uid keeps "", with which nothing can be deleted.
        """
        meta = manifest["metadata"]
        owners = meta.get("ownerReferences")
        refs = [ref for ref in owners if isinstance(ref, dict)] if isinstance(owners, list) else ()
        tracked, by_argocd = tracking_of(manifest, self.tracking)
        generation = meta.get("generation")
        guarded = HOOK_FINALIZER in _finalizers(meta)
        return LiveObject(
            key=key,
            uid=Uid(str(meta.get("uid") or "")),
            resource_version=ResourceVersion(str(meta.get("resourceVersion") or "")),
            owners=tuple(Uid(sys.intern(str(ref.get("uid")))) for ref in refs),
            controlled=any(ref.get("controller") is True for ref in refs),
            tracking=_shared_tracking(tracked, key),
            by_argocd=by_argocd,
            argocd_wrote_s=newest_s(manifest, ARGOCD),
            takeover=has_legacy(manifest, self.takeover),
            view=view_hash(manifest),
            deleting=bool(meta.get("deletionTimestamp")),
            established=_established(key, manifest),
            health=_shared_health(self.health_of(without_deletion(manifest) if guarded else manifest)),
            created_s=_unix_s(meta.get("creationTimestamp")),
            generation=generation if isinstance(generation, int) else 0,
            guarded=guarded,
            marks=marks_of(manifest),
            kept=kept_of(manifest) if key.kind == "Namespace" and not key.group else (),
            installation=sys.intern(other_installation(manifest, self.tracking)),
            pod=_pod_facts(manifest) if key.kind == "Pod" and not key.group else None,
            # Of what is nobody's and stands alone no tree ever shows anything, and there may be very many.
            network=network_of(key, manifest) if refs or tracked is not None else None,
            claims=_claims(key, manifest) if key.kind == "StatefulSet" and key.group == "apps" else (),
            finalizers=_finalizers(meta) if meta.get("deletionTimestamp") else (),
        )


def _finalizers(meta: Manifest) -> tuple[str, ...]:
    finalizers = meta.get("finalizers")
    return (
        tuple(sys.intern(finalizer) for finalizer in finalizers if isinstance(finalizer, str))
        if isinstance(finalizers, list)
        else ()
    )


def without_deletion(manifest: Manifest) -> Manifest:
    """Return a hook's object as if nobody deleted it: whether it ended well counts, not that a TTL removes it."""
    meta = {name: value for name, value in manifest["metadata"].items() if name != "deletionTimestamp"}
    return {**manifest, "metadata": meta}


def _pod_facts(manifest: Manifest) -> PodFacts:
    try:
        initial, lasting = items_at(manifest, "spec", "initContainers"), items_at(manifest, "spec", "containers")
        running = items_at(manifest, "status", "containerStatuses")
        statuses = [*items_at(manifest, "status", "initContainerStatuses"), *running]
        images = {sys.intern(text_at(status, "image")) for status in (*initial, *lasting)}
        node = sys.intern(text_at(manifest, "spec", "nodeName"))
        restarts = sum(number_at(status, "restartCount") for status in statuses)
        ready = sum(flag_at(status, "ready") for status in running)
        return PodFacts(tuple(sorted(images)), node, restarts, ready, len(lasting))
    except WrongShape:
        return PodFacts((), "", 0)


def _claims(key: ResourceKey, manifest: Manifest) -> tuple[str, ...]:
    try:
        templates = items_at(manifest, "spec", "volumeClaimTemplates")
        names = [text_at(template, "metadata", "name") for template in templates]
    except WrongShape:
        return ()
    return tuple(f"{name}-{key.name}" for name in names if name)


def _shared_tracking(tracked: TrackingId | None, key: ResourceKey) -> TrackingId | None:
    if tracked is None:
        return None
    return TrackingId(AppName(sys.intern(tracked.app)), key if tracked.key == key else tracked.key)


@lru_cache(maxsize=4096)
def _shared_health(health: Health | None) -> Health | None:
    return health


def _established(key: ResourceKey, manifest: Manifest) -> bool:
    status = manifest.get("status")
    status = status if isinstance(status, dict) else {}
    if key.kind == "CustomResourceDefinition" and key.group == "apiextensions.k8s.io":
        conditions = status.get("conditions")
        return isinstance(conditions, list) and any(_is_true(condition, "Established") for condition in conditions)
    if key.kind == "Namespace" and not key.group:
        return status.get("phase") == "Active"
    return True


def _is_true(condition: Any, name: str) -> bool:
    return isinstance(condition, dict) and condition.get("type") == name and condition.get("status") == "True"


def _unix_s(text: Any) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return 0.0
