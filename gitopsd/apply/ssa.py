"""Server-side apply: the dry run, the write, and the takeover of what others wrote before us."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from gitopsd.apply import entries, merge, preview
from gitopsd.apply.blocked import LiveRefusal, blocked, make_way, told, told_of_dry_run
from gitopsd.apply.extra import claim
from gitopsd.apply.refusals import fields_named, for_want_of_another, inapplicable, refused, unanswered
from gitopsd.apply.replace import remove, replace
from gitopsd.apply.stale_versions import Served, mend, stale_versions
from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, ExpressionPaths, Rules
from gitopsd.core.compare.respect_ignored import spared
from gitopsd.core.objects.managed_fields import MANAGER, view_hash
from gitopsd.core.ownership.causes import without_nulls
from gitopsd.core.ownership.takeover import ours_alone, taken_over
from gitopsd.kube.client import APPLY_PATCH, KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import PLAIN, Accepted, Answer, Applied, Apply, DryRun, Inapplicable, Refused
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import GroupKind, Manifest, ResourceKey, key_of

CONFLICT, NOT_FOUND, INVALID = 409, 404, 422
RBAC = "rbac.authorization.k8s.io"
# Whose role cannot change; nothing is lost with them, so they are made anew unasked, as Argo CD does.
BINDINGS = frozenset({GroupKind(RBAC, "RoleBinding"), GroupKind(RBAC, "ClusterRoleBinding")})
Named = Callable[[Sequence[str], Sequence[Manifest]], Awaitable[Sequence[Sequence[tuple[str, ...]]]]]  # IgnoredPaths
TRIES = 3  # somebody wrote between our read and our write; more often than this, the next pass tries


@dataclass(frozen=True, slots=True)
class WriteTerms:
    """What a write is told beside its command."""

    takeover: Collection[str]  # managers taken over at the first apply
    known: ResourceVersion | None  # the version of the live object that the mirror holds; None where it has none
    named: Named
    served: Served


async def dry_run(
    client: KubeClient, resource: ApiResource, manifest: Manifest, *, takeover: Collection[str], served: Served
) -> Answer:
    """Ask what applying `manifest` would make of the live object, where what the managers in `takeover` set goes too.

    Raises:
        Retryable: no answer, or one that says nothing of the manifest (a conflict, an overload, a broken webhook).
    """
    key = key_of(manifest)
    reply, answer = await _foreseen(client, resource, manifest, takeover)
    if answer is not None:
        return answer
    if reply.code == merge.UNSUPPORTED:
        return await merge.predicted(client, resource, manifest)
    if stale := await stale_versions(client, resource, key, reply, served):
        return Inapplicable(reply.code, f"{stale.words} by the next sync", "no-dry-run")
    way = await blocked(client, resource, manifest, reply)
    return (way.predicted if way else None) or told_of_dry_run(unanswered(client, key, reply), way)


async def _foreseen(
    client: KubeClient, resource: ApiResource, manifest: Manifest, takeover: Collection[str]
) -> tuple[Reply, Answer | None]:
    """Return the server's answer to a dry run, and what follows from it where it is a yes."""
    reply, answer = Reply(CONFLICT, None), None
    for _ in range(TRIES):
        reply = await _patch(client, resource, manifest, dry_run=True)
        answer = await preview.taken_over(client, resource, manifest, reply.body, takeover) if reply.ok else None
        if answer is not None or not reply.ok:
            return reply, answer
    return Reply(CONFLICT, None), None


async def apply(client: KubeClient, resource: ApiResource, command: Apply, terms: WriteTerms) -> Applied:
    """Write the target.

    `Accepted.changed` is exact where the mirror was; where it lags or has no such object, it says True.
    """
    key = command.key
    if command.takeover:
        managers = [*terms.takeover, *filter(None, (command.how.legacy,))]
        refusal = await _take_over(client, resource, key, command.manifest, managers)
        if refusal is not None:
            return refusal
    if command.how.extra and (no := await claim(client, resource, command)) is not None:
        return refused(key, no)
    reply, message = await _mended(client, resource, command, terms)
    around = None if reply.ok else await _around(client, resource, command, terms.named, reply)
    if isinstance(around, Refused):
        return around
    reply = around or reply
    if not reply.ok:
        return refused(key, reply)
    if ours_alone(reply.body) is not None:
        alone = await entries.changed(client, resource, key, ours_alone)
        reply = alone if alone is not None and alone.ok else reply
    version = ResourceVersion(str(reply.body["metadata"].get("resourceVersion", "")))
    return Accepted(key, version != terms.known, version, view_hash(reply.body), message)


async def check(client: KubeClient, resource: ApiResource, command: DryRun, served: Served) -> Applied:
    """Ask whether the server would take the target; a webhook that takes no dry runs does not stand in its way.

    Nor does what the write itself takes out of its way.
    """
    reply = await _patch(client, resource, command.manifest, dry_run=True, validate=command.validate)
    refusal = None if reply.ok else inapplicable(command.key, reply)
    if reply.ok or reply.code == merge.UNSUPPORTED or (refusal is not None and refusal.kind == "no-dry-run"):
        return Accepted(command.key, changed=False)
    if await stale_versions(client, resource, command.key, reply, served):
        return Accepted(command.key, changed=False)
    way = await blocked(client, resource, command.manifest, reply)
    if way and (way.after is not None or _is_made_anew(command.key, way)):
        return Accepted(command.key, changed=False)
    lacks = command.lacks_another and for_want_of_another(reply)
    return told(dataclasses.replace(refused(command.key, reply), lacks_another=lacks), way)


def _is_made_anew(key: ResourceKey, way: LiveRefusal, *, forced: bool = False) -> bool:
    """Tell whether an object is deleted and made anew: where its options say so, or it is a binding of another role."""
    return way.fixed is not None and (forced or key.group_kind in BINDINGS)


async def _mended(client: KubeClient, resource: ApiResource, command: Apply, terms: WriteTerms) -> tuple[Reply, str]:
    """Write; where entries at versions that are served no more are in the way, again without those, and say so."""
    reply = await _write(client, resource, command, terms.named)
    stale = await stale_versions(client, resource, command.key, reply, terms.served)
    if stale is None:
        return reply, ""
    mended = await mend(client, resource, command.key, stale)
    if mended is not None and not mended.ok:
        return mended, ""
    return await _write(client, resource, command, terms.named), stale.words


async def _around(
    client: KubeClient, resource: ApiResource, command: Apply, named: Named, reply: Reply
) -> Reply | Refused | None:
    """Write what was refused by `reply` without what is in its way, or anew; None where it is no such refusal."""
    for _ in range(TRIES):
        way = await blocked(client, resource, command.manifest, reply, whole=command.how.replace)
        if way is None:
            return None
        if _is_made_anew(command.key, way, forced=command.how.recreate):
            waits = await remove(client, resource, command)
            return waits or await _write(client, resource, command, named)
        if way.after is None:
            return told(refused(command.key, reply), way)
        outcome = await make_way(client, resource, way)
        if outcome.ok:
            return await _write(client, resource, command, named)
        if outcome.code != CONFLICT:
            return outcome
    return Reply(CONFLICT, None)


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
        target, live_paths = await named(how.spare_expressions, (command.manifest, live))
        places = ExpressionPaths(tuple(target), tuple(live_paths))
    return spared(command.manifest, Rules(how.spare, how.spare_managers), live, places, how.held)


async def _patch(
    client: KubeClient, resource: ApiResource, manifest: Manifest, *, dry_run: bool, validate: bool = True
) -> Reply:
    """Apply; where the schema of a custom kind does not allow a null, without it, as a POST leaves it out."""
    reply = await _sent(client, resource, manifest, dry_run=dry_run, validate=validate)
    if reply.code != INVALID or (reduced := without_nulls(manifest, fields_named(reply))) is manifest:
        return reply
    return await _sent(client, resource, reduced, dry_run=dry_run, validate=validate)


async def _sent(
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
    """Make our Apply entry hold what the managers in `takeover` wrote, and change nothing else; None if that is so."""
    reply = await entries.changed(
        client, resource, key, lambda live: taken_over(live, manifest["apiVersion"], takeover)
    )
    return None if reply is None or reply.ok or reply.code == NOT_FOUND else refused(key, reply)
