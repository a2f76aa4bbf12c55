"""Writes of managedFields alone: who owns what is set right, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitopsd.core.objects.managed_fields import MANAGER, Entry
from gitopsd.kube.client import JSON_PATCH, KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import Manifest, ResourceKey, key_of

CONFLICT = 409
TRIES = 3  # somebody wrote between our read and our write; more often than this, the next pass tries
Change = Callable[[Manifest], Sequence[Entry] | None]  # the live object → its entries as they should be; None: they are


async def changed(client: KubeClient, resource: ApiResource, key: ResourceKey, change: Change) -> Reply | None:
    """Write what `change` makes of the entries of the object as it is now; None where there is nothing to change.

    A reply that is not ok is why it was not read, or not written.
    """
    reply = Reply(CONFLICT, None)
    for _ in range(TRIES):
        reply = await client.request("GET", object_path(resource, key.namespace, key.name))
        if not reply.ok:
            return reply
        replacement = change(reply.body)
        if replacement is None:
            return None
        reply = await replace(client, resource, reply.body, replacement)
        if reply.code != CONFLICT:
            break
    return reply


async def replace(client: KubeClient, resource: ApiResource, live: Manifest, entries: Sequence[Entry]) -> Reply:
    """Write `entries` as the managedFields of `live`, as it was read: a conflict where it has moved on.

    So an entry that somebody adds meanwhile is not lost.
    """
    key = key_of(live)
    version = live["metadata"]["resourceVersion"]
    patch = [
        {"op": "add", "path": "/metadata/managedFields", "value": list(entries)},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    path = object_path(resource, key.namespace, key.name)
    return await client.request("PATCH", path, query={"fieldManager": MANAGER}, body=patch, content_type=JSON_PATCH)
