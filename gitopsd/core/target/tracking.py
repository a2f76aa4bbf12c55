"""Whose an object is: the tracking id is put on a target, and read from what is live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gitopsd.core.objects.managed_fields import our_entry
from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import GroupKind, Manifest, key_of, labels_of

TRACKING_ID = "gitopsd.io/tracking-id"
INSTALLATION_ID = "gitopsd.io/installation-id"
ARGOCD_TRACKING_ID = "argocd.argoproj.io/tracking-id"
MAX_LABEL = 63  # characters of a label's value
# A controller copies a Service's labels to these, and names no owner.
COPIES = frozenset({GroupKind("", "Endpoints"), GroupKind("discovery.k8s.io", "EndpointSlice")})


@dataclass(frozen=True, slots=True)
class Tracking:
    """How objects say which application they are of, beside the annotation that all of them have."""

    label: str = ""  # its value is the application's name; "": none is written
    reads_label: bool = False  # an object without an annotation is of the application that its label names
    installation: str = ""  # objects of another one, or of none, are not ours; "": all are


ANNOTATION = Tracking()


def tracking_of(manifest: Manifest, tracking: Tracking = ANNOTATION) -> tuple[TrackingId | None, bool]:
    """Return the tracking id that `manifest` carries, and whether Argo CD may have written it, not we.

    Ours counts before Argo CD's. An id of ours that cannot be read hides Argo CD's too: the object says that it is
    ours, and not whose, so nobody may prune it.
    """
    annotations = _texts(manifest, "annotations")
    elsewhere = bool(tracking.installation) and annotations.get(INSTALLATION_ID) != tracking.installation
    ours = annotations.get(TRACKING_ID)
    if ours is not None:
        return (None if elsewhere else _parsed(ours)), False
    theirs = _parsed(annotations.get(ARGOCD_TRACKING_ID))
    if theirs is None and tracking.reads_label:
        applied = our_entry(manifest) is not None
        labelled = None if applied and elsewhere else _by_label(manifest, tracking.label)
        return labelled, labelled is not None and not applied
    return theirs, theirs is not None


def other_installation(manifest: Manifest, tracking: Tracking) -> str:
    """Return the id of another installation whose object `manifest` says that it is; "" where it says no such thing."""
    if not tracking.installation:
        return ""
    annotations = _texts(manifest, "annotations")
    installation = annotations.get(INSTALLATION_ID)
    if not isinstance(installation, str) or installation == tracking.installation:
        return ""
    named = _parsed(annotations.get(TRACKING_ID))
    return installation if named is not None and named.names(key_of(manifest)) else ""


def _by_label(manifest: Manifest, label: str) -> TrackingId | None:
    """Return the tracking id that a label stands for; none where it may be a copy of another object's."""
    app = _texts(manifest, "labels").get(label)
    if not isinstance(app, str) or not app or manifest["metadata"].get("ownerReferences"):
        return None
    key = key_of(manifest)
    return None if key.group_kind in COPIES else TrackingId(AppName(app), key)


def track(manifest: Manifest, app: AppName, tracking: Tracking = ANNOTATION) -> Manifest:
    """Return a copy of `manifest` that carries the tracking id of `app`; its metadata is an object and names it.

    Raises:
        InvalidManifest: the label is to name the application, and its name is too long for one.
    """
    meta = manifest["metadata"]
    annotations = {**(meta.get("annotations") or {}), TRACKING_ID: str(TrackingId(app, key_of(manifest)))}
    if tracking.installation:
        annotations[INSTALLATION_ID] = tracking.installation
    tracked = {**manifest, "metadata": {**meta, "annotations": annotations}}
    if tracking.label:
        if tracking.reads_label and len(app) > MAX_LABEL:
            raise InvalidManifest(
                f"the name of application {app} does not fit into the label {tracking.label}",
                remedy=f"give it a name of at most {MAX_LABEL} characters, or set tracking.method: annotation",
            )
        tracked["metadata"]["labels"] = {**labels_of(manifest), tracking.label: app[:MAX_LABEL].rstrip("-._")}
    return tracked


def _texts(manifest: Manifest, field: str) -> dict[str, Any]:
    meta = manifest.get("metadata")
    texts = meta.get(field) if isinstance(meta, dict) else None
    return texts if isinstance(texts, dict) else {}


def _parsed(text: Any) -> TrackingId | None:
    return TrackingId.parse(text) if isinstance(text, str) else None
