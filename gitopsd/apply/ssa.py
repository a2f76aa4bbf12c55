"""Server-side apply: the dry run, the write, and the takeover of what others wrote before us."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gitopsd.apply.refusals import inapplicable, refused
from gitopsd.core.managed_fields import MANAGER, taken_over, view_hash
from gitopsd.errors import ClusterUnreachable
from gitopsd.kube.client import APPLY_PATCH, JSON_PATCH, Client, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Accepted, Answer, Applied, Apply, Predicted, Refused
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import Manifest, ResourceKey, key_of

CONFLICT, NOT_FOUND = 409, 404
TAKEOVER_TRIES = 3  # somebody wrote between our read and our write; more often than this, the next pass tries


async def dry_run(client: Client, resource: ApiResource, manifest: Manifest) -> Answer:
    """Ask what applying `manifest` would make of the live object.

    Raises:
        Retryable: no answer, or one that says nothing of the manifest (a conflict, an overload, a broken webhook).
    """
    key = key_of(manifest)
    reply = await _patch(client, resource, manifest, dry_run=True)
    if reply.ok:
        return Predicted(reply.body)
    refusal = inapplicable(key, reply)
    if refusal is None:
        no = refused(key, reply)
        raise ClusterUnreachable(
            f"cluster {client.name}: no dry run of {key} ({no.code}): {no.message}", remedy=no.remedy
        )
    return refusal


async def apply(
    client: Client,
    resource: ApiResource,
    command: Apply,
    *,
    takeover: Collection[str],
    known: ResourceVersion | None,
) -> Applied:
    """Write the target; `known` is the version of the live object that the mirror holds, None where it has none.

    `Accepted.changed` is exact where the mirror was; where it lags or has no such object, it says True.
    """
    key = command.key
    if command.takeover:
        refusal = await _take_over(client, resource, key, command.manifest, takeover)
        if refusal is not None:
            return refusal
    reply = await _patch(client, resource, command.manifest, dry_run=False)
    if not reply.ok:
        return refused(key, reply)
    version = ResourceVersion(str(reply.body["metadata"].get("resourceVersion", "")))
    return Accepted(key, changed=version != known, resource_version=version, view=view_hash(reply.body))


async def _patch(client: Client, resource: ApiResource, manifest: Manifest, *, dry_run: bool) -> Reply:
    key = key_of(manifest)
    return await client.request(
        "PATCH",
        object_path(resource, key.namespace, key.name),
        query={"fieldManager": MANAGER, "force": "true", **({"dryRun": "All"} if dry_run else {})},
        body=manifest,
        content_type=APPLY_PATCH,
    )


async def _take_over(
    client: Client, resource: ApiResource, key: ResourceKey, manifest: Manifest, takeover: Collection[str]
) -> Refused | None:
    """Make our Apply entry hold what the managers in `takeover` wrote; None when that is so, and nothing else changed.

    The write carries the version that was read, so that an entry somebody adds meanwhile is not lost.
    """
    path = object_path(resource, key.namespace, key.name)
    reply = Reply(CONFLICT, None)
    for _ in range(TAKEOVER_TRIES):
        reply = await client.request("GET", path)
        if not reply.ok:
            return None if reply.code == NOT_FOUND else refused(key, reply)
        entries = taken_over(reply.body, manifest["apiVersion"], takeover)
        if entries is None:
            return None
        reply = await client.request(
            "PATCH",
            path,
            query={"fieldManager": MANAGER},
            body=_replaced(reply.body, entries),
            content_type=JSON_PATCH,
        )
        if reply.code != CONFLICT:
            return None if reply.ok else refused(key, reply)
    return refused(key, reply)


def _replaced(live: Manifest, entries: Collection[Manifest]) -> list[dict[str, Any]]:
    # Writing the resourceVersion that was read makes the server refuse the patch where the object has moved on.
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": list(entries)},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]
