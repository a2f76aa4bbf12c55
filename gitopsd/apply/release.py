"""Letting go of a hook's object: our finalizer comes off, and the object may go."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gitopsd.apply.prune import prune
from gitopsd.apply.refusals import refused
from gitopsd.core.objects.managed_fields import view_hash
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import HOOK_FINALIZER, Accepted, Applied, Prune, Refused, Release
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import Manifest

CONFLICT, NOT_FOUND = 409, 404
MERGE_PATCH = "application/merge-patch+json"
TRIES = 5  # its controller writes its status at any time


async def release(client: KubeClient, resource: ApiResource, command: Release) -> Applied:
    """Take our finalizer off, and delete the object if so commanded; one that is not there is let go of already.

    Every write carries the version that was just read, so that nothing is deleted that another writer has changed
    meanwhile, and no finalizer is lost that another has added.
    """
    answer: Applied = Refused(command.key, CONFLICT, "it changes all the time", retryable=True)
    for _ in range(TRIES):
        answer = await _try(client, resource, command)
        if not isinstance(answer, Refused) or answer.code != CONFLICT:
            break
    return answer


async def _try(client: KubeClient, resource: ApiResource, command: Release) -> Applied:
    key = command.key
    path = object_path(resource, key.namespace, key.name)
    reply = await client.request("GET", path)
    if reply.ok and reply.body["metadata"].get("uid") == command.uid:
        finalizers = reply.body["metadata"].get("finalizers") or ()
        if HOOK_FINALIZER in finalizers:
            reply = await _without_finalizer(client, path, reply.body["metadata"], finalizers)
    elif reply.ok:
        return Accepted(key, changed=False, message="another object of this name has taken its place")
    if reply.code == NOT_FOUND:
        return Accepted(key, changed=False)
    if not reply.ok:
        return refused(key, reply)
    meta = reply.body["metadata"]
    version = ResourceVersion(str(meta.get("resourceVersion", "")))
    if meta.get("deletionTimestamp"):
        return Accepted(key, changed=True, resource_version=version if meta.get("finalizers") else None)
    if not command.delete:
        return Accepted(key, changed=True, resource_version=version, view=view_hash(reply.body))
    return await prune(client, resource, Prune(key, command.uid, version, "Background"))


async def _without_finalizer(client: KubeClient, path: str, meta: Manifest, finalizers: Collection[Any]) -> Reply:
    remaining = [name for name in finalizers if name != HOOK_FINALIZER]
    body = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": remaining or None}}
    return await client.request("PATCH", path, body=body, content_type=MERGE_PATCH)
