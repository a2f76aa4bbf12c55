"""Taking away what people and tools have added to an object: the next apply does it, once the fields are ours."""

from __future__ import annotations

from gitopsd.apply import entries, preview
from gitopsd.core.ownership.extra import without_extra
from gitopsd.core.ownership.obstacles import cleared
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Apply

CONFLICT, NOT_FOUND = 409, 404
TRIES = 3  # somebody wrote between our read and our write; more often than this, the next pass tries


async def claim(client: KubeClient, resource: ApiResource, command: Apply) -> Reply | None:
    """Make ours what of the command's extra fields is still nobody else's, and change nothing beside.

    None where that is done, or there is nothing left of them. Nothing is claimed where the API server would not have
    the object without them, which a dry run tells: that reply is returned.
    """
    key, manifest = command.key, command.manifest
    for _ in range(TRIES):
        read = await client.request("GET", object_path(resource, key.namespace, key.name))
        if not read.ok:
            return None if read.code == NOT_FOUND else read
        goes, managed = without_extra(manifest, read.body, command.how.extra)
        if not goes:
            return None
        reply = await preview.laid_out(client, resource, read.body, cleared(manifest, read.body, goes))
        if reply.ok:
            reply = await entries.replace(client, resource, read.body, managed)
        if reply.ok or reply.code != CONFLICT:
            return None if reply.ok else reply
    return Reply(CONFLICT, None)
