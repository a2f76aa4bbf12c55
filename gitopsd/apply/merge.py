"""For kinds whose API server knows no server-side apply, as some aggregated ones: what Git says is laid over live.

Whose a field is, nobody keeps there: what Git drops stays, and a list is taken whole.
"""

from __future__ import annotations

from typing import Any

from gitopsd.core.objects.managed_fields import MANAGER
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import collection_path, object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Predicted
from gitopsd.model.manifest import Manifest, key_of

NOT_FOUND, UNSUPPORTED = 404, 415


async def predicted(client: KubeClient, resource: ApiResource, manifest: Manifest) -> Predicted:
    """Return what the object would be, without asking: a server of that age may take a dry run for a write."""
    reply = await _read(client, resource, manifest)
    return Predicted(merged(reply.body, manifest) if reply.ok else manifest)


async def write(client: KubeClient, resource: ApiResource, manifest: Manifest) -> Reply:
    """Create the object, or update it from the version that was read: another writer meanwhile is a conflict."""
    key, query = key_of(manifest), {"fieldManager": MANAGER}
    reply = await _read(client, resource, manifest)
    if reply.code == NOT_FOUND:
        return await client.request("POST", collection_path(resource, key.namespace), query=query, body=manifest)
    if not reply.ok or merged(reply.body, manifest) == reply.body:
        return reply
    path = object_path(resource, key.namespace, key.name)
    return await client.request("PUT", path, query=query, body=merged(reply.body, manifest))


def merged(live: Any, target: Any) -> Any:
    """Return `live` with `target` laid over it; null takes away.

    Source: RFC 7386, JSON merge patch.
    """
    if not isinstance(target, dict):
        return target
    result = dict(live) if isinstance(live, dict) else {}
    for name, value in target.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


async def _read(client: KubeClient, resource: ApiResource, manifest: Manifest) -> Reply:
    key = key_of(manifest)
    return await client.request("GET", object_path(resource, key.namespace, key.name))
