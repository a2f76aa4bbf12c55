"""What an API server refuses although it would take it as new (422): what of the live object is in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitopsd.apply import entries, preview
from gitopsd.apply.refusals import fields_named, fields_shown
from gitopsd.core.objects.managed_fields import MANAGER
from gitopsd.core.ownership.obstacles import Obstacles, claimed, cleared, obstacles
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import collection_path, object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Inapplicable, Predicted, Refused
from gitopsd.model.manifest import Manifest, key_of

CONFLICT, INVALID = 409, 422
TRIES = 3  # somebody wrote between what was read and what was asked
EXISTS = "AlreadyExists"


@dataclass(frozen=True, slots=True)
class LiveRefusal:
    """A refusal that is about the live object."""

    live: Manifest
    obstacles: Obstacles
    fixed: tuple[str, ...] | None = None  # the fields that cannot change once they are there, where that is why
    after: Manifest | None = None  # the object as it would be without what is in the way and may go

    @property
    def predicted(self) -> Predicted | None:
        return None if self.after is None else Predicted(self.after, self.obstacles.free, blocked=True)

    @property
    def remedy(self) -> str:
        """Return what a person can do about it; "" where nothing of this is known."""
        if self.obstacles.held:
            holders = "; ".join(f"{holder.path} is held by {holder.manager}" for holder in self.obstacles.held)
            return f"{holders}, which applied it: have it let go of that, delete that by hand, or set Replace=true"
        if self.fixed is None:
            return ""
        what = f" ({', '.join(self.fixed)})" if self.fixed else ""
        return (
            f"it would be taken as new, and not as a change of what is there{what}: undo the change, delete the "
            "object, or set Force=true on it to have it made anew"
        )


async def blocked(
    client: KubeClient, resource: ApiResource, manifest: Manifest, reply: Reply, *, whole: bool = False
) -> LiveRefusal | None:
    """Return what of the live object made the server refuse `manifest` by `reply`; None where it is no such refusal.

    Nothing is written. Whether the content itself is good is asked by a dry run that creates it: the server looks at
    all of it before it says that the name is taken.

    Args:
        whole: the manifest replaces all that is live, so that only what cannot change is in the way.
    """
    if reply.code != INVALID:
        return None
    for _ in range(TRIES):
        read = await client.request("GET", object_path(resource, key_of(manifest).namespace, key_of(manifest).name))
        if not read.ok:
            return None
        live: Manifest = read.body
        hindrances = Obstacles() if whole else obstacles(manifest, live, fields_named(reply))
        laid = (
            await preview.laid_out(client, resource, live, cleared(manifest, live, hindrances.free))
            if hindrances.free
            else reply
        )
        if laid.ok:
            return LiveRefusal(live, hindrances, after=laid.body)
        if laid.code != CONFLICT:
            new = await _created(client, resource, manifest)
            fixed = None if hindrances.held else fields_shown(reply)
            return LiveRefusal(live, hindrances, fixed) if new.reason == EXISTS else None
    return None


async def make_way(client: KubeClient, resource: ApiResource, way: LiveRefusal) -> Reply:
    """Make what is in the way ours, so that the next apply takes it away in the very write that sets what Git says.

    The write carries the version that was read: whatever came meanwhile is a conflict.
    """
    return await entries.replace(client, resource, way.live, claimed(way.live, way.obstacles.free))


async def _created(client: KubeClient, resource: ApiResource, manifest: Manifest) -> Reply:
    where = collection_path(resource, key_of(manifest).namespace)
    return await client.request("POST", where, query={"fieldManager": MANAGER, "dryRun": "All"}, body=manifest)


def told(refusal: Refused, way: LiveRefusal | None) -> Refused:
    """Return `refusal` with what is known of what is in the way."""
    return refusal if way is None else replace(refusal, remedy=way.remedy or refusal.remedy, by_live=True)


def told_of_dry_run(refusal: Inapplicable, way: LiveRefusal | None) -> Inapplicable:
    """Return `refusal` likewise."""
    if way is None or not way.obstacles.held:
        return refusal
    return replace(refusal, message=f"{refusal.message}; {way.remedy}")
