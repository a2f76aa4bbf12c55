"""Server-side apply: the dry run, the write, and the takeover of what others wrote before us."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from gitopsd.apply import merge, preview
from gitopsd.apply.refusals import inapplicable, is_immutable, refused, unanswered
from gitopsd.apply.replace import remove, replace
from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, ExpressionPaths, Rules
from gitopsd.core.compare.respect_ignored import spared
from gitopsd.core.objects.managed_fields import MANAGER, view_hash
from gitopsd.core.takeover import taken_over
from gitopsd.kube.client import APPLY_PATCH, JSON_PATCH, KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import PLAIN, Accepted, Answer, Applied, Apply, DryRun, Refused
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import Manifest, ResourceKey, key_of

CONFLICT, NOT_FOUND = 409, 404
Named = Callable[[Sequence[str], Sequence[Manifest]], Awaitable[Sequence[Sequence[tuple[str, ...]]]]]  # IgnoredPaths
TRIES = 3  # somebody wrote between our read and our write; more often than this, the next pass tries


async def dry_run(
    client: KubeClient, resource: ApiResource, manifest: Manifest, *, takeover: Collection[str] = ()
) -> Answer:
    """Ask what applying `manifest` would make of the live object, where what the managers in `takeover` set goes too.

    Raises:
        Retryable: no answer, or one that says nothing of the manifest (a conflict, an overload, a broken webhook).
    """
    key = key_of(manifest)
    reply = await _patch(client, resource, manifest, dry_run=True)
    if reply.ok:
        return await preview.taken_over(client, resource, reply.body, takeover)
    if reply.code == merge.UNSUPPORTED:
        return await merge.predicted(client, resource, manifest)
    return unanswered(client, key, reply)


async def apply(  # noqa: PLR0913 - by name
    client: KubeClient,
    resource: ApiResource,
    command: Apply,
    *,
    takeover: Collection[str],
    known: ResourceVersion | None,
    named: Named,
) -> Applied:
    """Write the target; `known` is the version of the live object that the mirror holds, None where it has none.

    `Accepted.changed` is exact where the mirror was; where it lags or has no such object, it says True.
    """
    key = command.key
    if command.takeover:
        managers = [*takeover, *filter(None, (command.how.legacy,))]
        refusal = await _take_over(client, resource, key, command.manifest, managers)
        if refusal is not None:
            return refusal
    reply = await _write(client, resource, command, named)
    if command.how.recreate and is_immutable(reply):
        waits = await remove(client, resource, command)
        if waits is not None:
            return waits
        reply = await _write(client, resource, command, named)
    if not reply.ok:
        return refused(key, reply)
    version = ResourceVersion(str(reply.body["metadata"].get("resourceVersion", "")))
    return Accepted(key, changed=version != known, resource_version=version, view=view_hash(reply.body))


async def check(client: KubeClient, resource: ApiResource, command: DryRun) -> Applied:
    """Ask whether the server would take the target; a webhook that takes no dry runs does not stand in its way."""
    reply = await _patch(client, resource, command.manifest, dry_run=True, validate=command.validate)
    refusal = None if reply.ok else inapplicable(command.key, reply)
    if reply.ok or reply.code == merge.UNSUPPORTED or (refusal is not None and refusal.kind == "no-dry-run"):
        return Accepted(command.key, changed=False)
    return refused(command.key, reply)


async def _write(client: KubeClient, resource: ApiResource, command: Apply, named: Named) -> Reply:
    """Write the object as its options say, again where another writer came between what was read and the write."""
    reply = Reply(CONFLICT, None)
    for _ in range(TRIES):
        reply = await _try(client, resource, command, named)
        if reply.code != CONFLICT or command.how == PLAIN:
            break
    return reply


async def _try(client: KubeClient, resource: ApiResource, command: Apply, named: Named) -> Reply:
    """Write the object once; at the end of all ways there is our Apply entry, which says what is ours."""
    how, manifest, versioned = command.how, command.manifest, command.manifest
    if how.spares:
        reply = await client.request("GET", object_path(resource, command.key.namespace, command.key.name))
        if reply.ok:
            manifest = await _spared(command, reply.body, named)
            # What is spared was read: should it have changed since, the server refuses, and it is read again.
            version = {"resourceVersion": reply.body["metadata"]["resourceVersion"]}
            versioned = {**manifest, "metadata": {**manifest["metadata"], **version}}
        elif reply.code != NOT_FOUND:
            return reply
    if how.replace:
        reply = await replace(client, resource, dataclasses.replace(command, manifest=versioned))
        if not reply.ok:
            return reply
        versioned = manifest  # it has moved by now
    reply = await _patch(client, resource, versioned, dry_run=False, validate=how.validate)
    return await merge.write(client, resource, versioned) if reply.code == merge.UNSUPPORTED else reply


async def _spared(command: Apply, live: Manifest, named: Named) -> Manifest:
    how = command.how
    places = NO_EXPRESSION_PATHS
    if how.spare_expressions:
        target, found = await named(how.spare_expressions, (command.manifest, live))
        places = ExpressionPaths(tuple(target), tuple(found))
    return spared(command.manifest, Rules(how.spare, how.spare_managers), live, places, how.held)


async def _patch(
    client: KubeClient, resource: ApiResource, manifest: Manifest, *, dry_run: bool, validate: bool = True
) -> Reply:
    key = key_of(manifest)
    return await client.request(
        "PATCH",
        object_path(resource, key.namespace, key.name),
        query={
            "fieldManager": MANAGER,
            "force": "true",
            **({"dryRun": "All"} if dry_run else {}),
            **({} if validate else {"fieldValidation": "Ignore"}),
        },
        body=manifest,
        content_type=APPLY_PATCH,
    )


async def _take_over(
    client: KubeClient, resource: ApiResource, key: ResourceKey, manifest: Manifest, takeover: Collection[str]
) -> Refused | None:
    """Make our Apply entry hold what the managers in `takeover` wrote; None when that is so, and nothing else changed.

    The write carries the version that was read, so that an entry somebody adds meanwhile is not lost.
    """
    path = object_path(resource, key.namespace, key.name)
    reply = Reply(CONFLICT, None)
    for _ in range(TRIES):
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
