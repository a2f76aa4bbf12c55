"""Whose an object is: the tracking id is put on a target, and read from what is live."""

from __future__ import annotations

from typing import Any

from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import Manifest, ResourceKey, key_of

TRACKING_ID = "gitopsd.io/tracking-id"
ARGOCD_TRACKING_ID = "argocd.argoproj.io/tracking-id"


def tracking_of(manifest: Manifest) -> tuple[TrackingId | None, bool]:
    """Return the tracking id that `manifest` carries, and whether it is Argo CD's annotation.

    Ours counts before Argo CD's. An id of ours that cannot be read hides Argo CD's too: the object says that it is
    ours, and not whose, so nobody may prune it.
    """
    annotations = _annotations(manifest)
    ours = annotations.get(TRACKING_ID)
    if ours is not None:
        return _parsed(ours), False
    theirs = _parsed(annotations.get(ARGOCD_TRACKING_ID))
    return theirs, theirs is not None


def names_itself(tracking: TrackingId, key: ResourceKey) -> bool:
    """Tell whether `tracking` was written for the object `key`, and not copied from another one.

    A Deployment's annotations are copied to its ReplicaSets, an Ingress's to a Certificate: such a copy owns nothing.
    Argo CD writes the application's destination namespace on cluster-scoped objects too, so there it is not compared.
    """
    named = tracking.key
    if key.namespace and named.namespace != key.namespace:
        return False
    return (named.group, named.kind, named.name) == (key.group, key.kind, key.name)


def track(manifest: Manifest, app: AppName) -> Manifest:
    """Return a copy of `manifest` that carries the tracking id of `app`; its metadata is an object and names it."""
    meta = manifest["metadata"]
    annotations = {**(meta.get("annotations") or {}), TRACKING_ID: str(TrackingId(app, key_of(manifest)))}
    return {**manifest, "metadata": {**meta, "annotations": annotations}}


def _annotations(manifest: Manifest) -> dict[str, Any]:
    meta = manifest.get("metadata")
    found = meta.get("annotations") if isinstance(meta, dict) else None
    return found if isinstance(found, dict) else {}


def _parsed(text: Any) -> TrackingId | None:
    return TrackingId.parse(text) if isinstance(text, str) else None
