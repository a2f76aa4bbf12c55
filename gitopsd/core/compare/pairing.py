"""Target and live, matched by key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from gitopsd.core.target.sync_options import hook_types
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Found, Pair, Reading, Unreadable
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import Manifest, ResourceKey

NOT_READ = Unreadable("it has not been read yet", pending=True)


def pairs(
    app: AppName,
    target: Mapping[ResourceKey, Manifest],
    readings: Mapping[ResourceKey, Reading],
    held: Collection[ResourceKey] = (),
) -> tuple[Pair, ...]:
    """Match every target object with its reading, and every live object that is the application's with its target.

    Args:
        app: whose live objects without a target are prune candidates; those of others are left out.
        target: in apply form.
        readings: of every target key, and of every object that carries the application's tracking id. One that is
            missing is not taken for absent: nobody looked.
        held: keys that Git holds although they are no target (hooks, skipped objects); left out.

    Returns:
        One `Pair` for each key, sorted by key.

    Source: Argo CD, gitops-engine/pkg/sync/reconcile.go, but changes neither argument.
    """
    extra = {
        key: reading
        for key, reading in readings.items()
        if key not in target and key not in held and isinstance(reading, Found) and owns(app, reading.live)
    }
    targets = {key: Pair(key, manifest, readings.get(key, NOT_READ)) for key, manifest in target.items()}
    by_key = {**targets, **{key: Pair(key, None, reading) for key, reading in extra.items()}}
    return tuple(by_key[key] for key in sorted(by_key))


def owns(app: AppName, live: LiveObject) -> bool:
    """Tell whether `live` is an object of `app` in its own right.

    Not so an object with a controller owner, one whose tracking id was copied from another object, and a hook.
    """
    if live.tracking is None or live.tracking.app != app or live.controlled:
        return False
    return live.tracking.names(live.key) and not hook_types(live.marks)


def known_of(app: AppName, reading: Reading) -> Reading:
    """Return the reading of an object that was once shown in sync for `app`; also without its mark it is `app`'s.

    Somebody may take off the tracking annotation; that we applied the object still stands in its managedFields. What
    says that it is somebody else's, or a controller's, is no more the application's.
    """
    if not isinstance(reading, Found):
        return reading
    live = reading.live
    if live.tracking is not None or live.installation or live.controlled or live.view is None:
        return reading
    return Found(replace(live, tracking=TrackingId(app, live.key)))
