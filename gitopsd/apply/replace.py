"""Writes that go beyond an apply because an object's options ask for it: replaced whole, or deleted and made anew."""

from __future__ import annotations

from gitopsd.apply.prune import prune
from gitopsd.apply.refusals import refused
from gitopsd.core.objects.managed_fields import MANAGER
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import collection_path, object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Apply, Prune, Refused
from gitopsd.model.ids import ResourceVersion, Uid

CONFLICT, NOT_FOUND = 409, 404


async def replace(client: KubeClient, resource: ApiResource, command: Apply) -> Reply:
    """Make the object exactly what the manifest says; fields of others go, unless the server gives them again.

    The write carries the version that the manifest was made for, or else the one that was read: what another writer
    changes meanwhile is a conflict, not lost.
    """
    key = command.key
    path = object_path(resource, key.namespace, key.name)
    query = {"fieldManager": MANAGER, **({} if command.how.validate else {"fieldValidation": "Ignore"})}
    reply = await client.request("GET", path)
    if reply.code == NOT_FOUND:
        where = collection_path(resource, key.namespace)
        return await client.request("POST", where, query=query, body=command.manifest)
    if not reply.ok:
        return reply
    meta = {"resourceVersion": reply.body["metadata"]["resourceVersion"], **command.manifest["metadata"]}
    return await client.request("PUT", path, query=query, body={**command.manifest, "metadata": meta})


async def remove(client: KubeClient, resource: ApiResource, command: Apply) -> Refused | None:
    """Delete the object, so that it can be made anew; None when it is gone, else why it is not yet."""
    key = command.key
    reply = await client.request("GET", object_path(resource, key.namespace, key.name))
    if reply.code == NOT_FOUND:
        return None
    if not reply.ok:
        return refused(key, reply)
    meta = reply.body["metadata"]
    if not meta.get("deletionTimestamp"):
        version = ResourceVersion(str(meta["resourceVersion"]))
        answer = await prune(client, resource, Prune(key, Uid(str(meta["uid"])), version, "Background"))
        if isinstance(answer, Refused):
            return answer
        if answer.resource_version is None:
            return None
    return Refused(key, CONFLICT, "it is being deleted, to be made anew", retryable=True)
