"""Deletes that carry what was compared, so that only the very state we saw may go."""

from __future__ import annotations

from gitopsd.apply.refusals import refused
from gitopsd.kube.client import KubeClient
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Accepted, Applied, Prune, Refused
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import Manifest

NOT_FOUND = 404


async def prune(client: KubeClient, resource: ApiResource, command: Prune) -> Applied:
    """Delete one object; one that is not there any more is as good as deleted.

    `Accepted.resource_version` is of the object that is still there, because finalizers or its dependents hold it;
    None when it is gone.
    """
    key = command.key
    if not command.uid or not command.resource_version:
        return Refused(
            key, 400, "nothing is deleted without the uid and resourceVersion that were compared", retryable=False
        )
    reply = await client.request(
        "DELETE",
        object_path(resource, key.namespace, key.name),
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": command.uid, "resourceVersion": command.resource_version},
            "propagationPolicy": command.propagation,
        },
    )
    if reply.code == NOT_FOUND:
        return Accepted(key, changed=False)
    if not reply.ok:
        return refused(key, reply)
    return Accepted(key, changed=True, resource_version=_left(reply.body))


def _left(answer: Manifest) -> ResourceVersion | None:
    """Return the version of the object that the answer shows as still there; a Status tells that it is gone."""
    meta = answer.get("metadata")
    if answer.get("kind") == "Status" or not isinstance(meta, dict):
        return None
    lingers = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds")
    return ResourceVersion(str(meta.get("resourceVersion", ""))) if lingers else None
