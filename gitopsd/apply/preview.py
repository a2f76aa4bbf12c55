"""What an object would be after more than an apply: it is asked for by a dry run of the whole, laid out by us."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from gitopsd.apply.refusals import unanswered
from gitopsd.core.objects.managed_fields import MANAGER
from gitopsd.core.ownership.removed import without
from gitopsd.core.ownership.takeover import taken_away
from gitopsd.kube.client import JSON_PATCH, KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Answer, Predicted
from gitopsd.model.manifest import Manifest, key_of

# Of metadata only what a manifest may set: the rest is the server's.
METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
CONFLICT = 409
KEPT = frozenset({"apiVersion", "kind", "metadata", "status"})


async def taken_over(
    client: KubeClient, resource: ApiResource, target: Manifest, predicted: Manifest, managers: Collection[str]
) -> Answer | None:
    """Return what becomes of `predicted`, a dry run of `target`, where what `managers` set and Git does not goes, too.

    What goes may be filled in again by the API server: so it is asked. None where the object has moved on meanwhile.

    Raises:
        Retryable: as of a dry run.
    """
    goes = taken_away(target, predicted, managers)
    if not goes:
        return Predicted(predicted)
    reply = await laid_out(client, resource, predicted, without(predicted, goes))
    if reply.code == CONFLICT:
        return None
    if not reply.ok:
        return unanswered(client, key_of(predicted), reply)
    meta = {**reply.body["metadata"], "managedFields": predicted["metadata"].get("managedFields")}
    return Predicted({**reply.body, "metadata": meta}, goes)


async def laid_out(client: KubeClient, resource: ApiResource, old: Manifest, new: Manifest) -> Reply:
    """Ask by a dry run what the server makes of `new`, where `old` is live, or what an apply makes of it.

    A conflict where the live object is of another version than `old`.
    """
    key = key_of(old)
    patch = [*_changes("", old, new, sorted({*old, *new} - KEPT))]
    patch += _changes("/metadata", old["metadata"], new["metadata"], METADATA)
    version = old["metadata"].get("resourceVersion")
    patch.append({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
    return await client.request(
        "PATCH",
        object_path(resource, key.namespace, key.name),
        query={"fieldManager": MANAGER, "dryRun": "All"},
        body=patch,
        content_type=JSON_PATCH,
    )


def _changes(above: str, old: Manifest, new: Manifest, names: Iterable[str]) -> Iterable[dict[str, Any]]:
    for name in names:
        path = f"{above}/{name.replace('~', '~0').replace('/', '~1')}"
        if name in new:
            yield {"op": "add", "path": path, "value": new[name]}
        elif name in old:
            yield {"op": "remove", "path": path}
