"""Writes that people ask for, one object at a time: patches and deletions of what is live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never

from gitopsd.apply.refusals import refused
from gitopsd.apply.run import ClusterApplier
from gitopsd.core.objects.live_patches import addressed
from gitopsd.core.target.tracking import ANNOTATION, INSTALLATION_ID, Tracking, tracking_of
from gitopsd.errors import (
    BadRequest,
    ClusterRefused,
    ClusterUnreachable,
    Conflict,
    GitopsError,
    NotFound,
    NotPermitted,
)
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.command import ObjectRef
from gitopsd.model.edit import LiveDeletion, LiveEdit, LivePatch
from gitopsd.model.ids import ClusterId, Uid
from gitopsd.model.manifest import Manifest, ResourceKey, annotations_of

MANAGER = "gitopsd-api"  # the field manager of what people write by hand
CONFLICT = 409
KINDS: dict[int, type[GitopsError]] = {
    400: BadRequest,
    404: NotFound,
    CONFLICT: Conflict,
    413: BadRequest,
    415: BadRequest,
    422: BadRequest,
}


@dataclass(frozen=True, slots=True)
class EditTarget:
    """Which object is meant, and in whose name it is written."""

    cluster: ClusterId
    ref: ObjectRef
    uid: Uid
    user: str = ""  # "": gitopsd's own


@dataclass(frozen=True, slots=True)
class LiveEdits:
    """Writes to the very object that is meant, by its uid: another one of that name is left alone."""

    applier: ClusterApplier
    tracking: Tracking = ANNOTATION

    async def edit(self, target: EditTarget, edit: LiveEdit) -> Manifest | None:
        """Do one edit; return the object as it is then, Secrets in the clear, None where it is deleted.

        Raises:
            NotFound: it is gone, or another one has its name by now.
            BadRequest: the edit is none, or the cluster finds it invalid.
            Conflict: somebody else wrote the object meanwhile.
            NotPermitted: it would change whose object it is.
            ClusterRefused: the cluster does not let gitopsd, or in whose name it writes.
            Retryable: no answer, or nothing may be written to the cluster now.
        """
        client, path = await way_to(self.applier, target)
        match edit:
            case LivePatch():
                return await self._patched(client, path, target, edit)
            case LiveDeletion():
                await _delete(client, path, target, edit)
                return None
            case _:
                assert_never(edit)

    async def _patched(self, client: KubeClient, path: str, target: EditTarget, patch: LivePatch) -> Manifest:
        """Patch, after a dry run has shown whose object it would be: another application's would be pruned by that."""
        live = await read_live(self.applier, target)
        body = addressed(patch, live)
        foreseen = await self._sent(client, path, target, patch, body, dry_run=True)
        check_whose(target.ref.key, live, foreseen, self.tracking)
        return await self._sent(client, path, target, patch, body, dry_run=False)

    async def _sent(  # noqa: PLR0913 - the parts of one request
        self, client: KubeClient, path: str, target: EditTarget, patch: LivePatch, body: Any, *, dry_run: bool
    ) -> Manifest:
        query = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
        reply = await client.request("PATCH", path, query=query, body=body, content_type=patch.kind.value)
        check(reply, target.ref.key)
        manifest: Manifest = reply.body
        return manifest


async def way_to(applier: ClusterApplier, target: EditTarget) -> tuple[KubeClient, str]:
    """Return what writes the object, and its path.

    Raises:
        NotFound: its kind is gone.
        Retryable: no answer, or nothing may be written to the cluster now.
    """
    if fence := applier.fenced(target.cluster):
        raise ClusterUnreachable(fence, remedy="try again later")
    client = applier.acting_as(target.user).writer(target.cluster)
    resource = await applier.resource_of(client, target.cluster, target.ref.gvk)
    if resource is None:
        raise NotFound(f"{target.ref.key} is gone with its kind", remedy="see `gitopsd app tree`")
    return client, object_path(resource, target.ref.key.namespace, target.ref.key.name)


async def read_live(applier: ClusterApplier, target: EditTarget) -> Manifest:
    """Return the object as it is now. Raises NotFound where it is gone, and as `applier.read`."""
    live = await applier.read(target.cluster, target.ref)
    if live is None or live["metadata"].get("uid") != target.uid:
        raise _replaced(target.ref.key)
    return live


def check_whose(key: ResourceKey, before: Manifest, after: Manifest, tracking: Tracking) -> None:
    """Raise NotPermitted where an object would be another application's, or nobody's, than it is."""
    one, other = (
        (tracking_of(state, tracking), annotations_of(state).get(INSTALLATION_ID)) for state in (before, after)
    )
    if one != other:
        raise NotPermitted(f"{key}: this changes whose object it is", remedy="leave tracking id and label alone")


async def _delete(client: KubeClient, path: str, target: EditTarget, deletion: LiveDeletion) -> None:
    propagation = "Orphan" if deletion.orphan else "Background" if deletion.force else "Foreground"
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": target.uid},
        "propagationPolicy": propagation,
        **({"gracePeriodSeconds": 0} if deletion.force else {}),
    }
    reply = await client.request("DELETE", path, body=options)
    if reply.code == CONFLICT:  # with the only precondition
        raise _replaced(target.ref.key)
    check(reply, target.ref.key)


def check(reply: Reply, key: ResourceKey) -> None:
    """Raise what a refusal of a write to `key` is, in the cluster's words."""
    if reply.ok:
        return
    no = refused(key, reply)
    if kind := KINDS.get(reply.code):
        raise kind(f"{key}: {no.message}", remedy="look at the object again, and then ask anew")
    kind = ClusterUnreachable if no.retryable else ClusterRefused
    raise kind(f"{key}: {no.message}", remedy="try again later" if no.retryable else no.remedy)


def _replaced(key: ResourceKey) -> NotFound:
    return NotFound(f"{key} is gone, or another object by now", remedy="look at it again, and then ask anew")
