"""Commands in, results out: the writer's side of every cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from gitopsd.apply import ssa
from gitopsd.apply.prune import prune
from gitopsd.apply.refusals import refused
from gitopsd.apply.release import release
from gitopsd.apply.stale_versions import Served
from gitopsd.core.declaration.destination import ARGO_GROUP, DECLARATION_KINDS, DECLARE
from gitopsd.core.ownership.takeover import migration_manager
from gitopsd.errors import ClusterRefused, ClusterUnreachable, UnknownCluster
from gitopsd.kube.client import APPLY_PATCH, KubeClient
from gitopsd.kube.discovery import ask_for
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import (
    Accepted,
    Answer,
    Applied,
    Apply,
    Command,
    CreateNamespace,
    DryRun,
    Inapplicable,
    ObjectRef,
    Prune,
    Refused,
    Release,
)
from gitopsd.model.comparison import Reading, Unserved
from gitopsd.model.ids import ClusterId, ResourceVersion
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, gvk_of, key_of

CONFLICT, NOT_FOUND, FORBIDDEN, NOT_ALLOWED = 409, 404, 403, 405
ENDING = (FORBIDDEN, NOT_ALLOWED)  # what a kind answers to a create while its definition is being deleted
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
Resolve = Callable[[ClusterId, GVK], ApiResource | Reading]  # a GVK without version asks for the preferred one
Known = Callable[[ClusterId, ResourceKey], ResourceVersion | None]


def _unknown(_cluster: ClusterId, _key: ResourceKey) -> ResourceVersion | None:
    return None


async def _nothing_named(_expressions: Sequence[str], documents: Sequence[Manifest]) -> Sequence[tuple[()]]:
    return [() for _ in documents]


@dataclass(frozen=True, slots=True)
class ClusterApplier:
    """Implements `ports.Applier` over the clients of all clusters."""

    clients: Mapping[ClusterId, KubeClient]
    resolve: Resolve
    takeover: Collection[str]  # managers taken over at the first apply
    known: Known = _unknown  # the version that the mirror holds of an object
    named: ssa.Named = _nothing_named  # what jq expressions name in documents, for RespectIgnoreDifferences
    fenced: Callable[[ClusterId], str] = lambda _: ""  # why nothing may be written to a cluster now

    user: str = ""  # in whose name is written; "" is our own

    def acting_as(self, user: str) -> ClusterApplier:
        return replace(self, user=user) if user else self

    async def dry_run(self, cluster: ClusterId, manifest: Manifest, *, takeover: bool = False) -> Answer:
        client = self.writer(cluster)
        resource = await self.resource_of(client, cluster, gvk_of(manifest))
        if resource is None:
            no = _not_served(key_of(manifest), gvk_of(manifest))
            return Inapplicable(no.code, no.message, "invalid")
        managers = [*self.takeover, *filter(None, (migration_manager(manifest),))] if takeover else ()
        return await ssa.dry_run(
            client, resource, manifest, takeover=managers, served=_served(client, gvk_of(manifest))
        )

    async def read(self, cluster: ClusterId, ref: ObjectRef) -> Manifest | None:
        """GET one object; None on 404.

        Raises:
            ClusterRefused: we may not read it.
            Retryable: no answer.
        """
        client = self._client(cluster)
        resource = await self.resource_of(client, cluster, ref.gvk)
        if resource is None:
            return None
        reply = await client.request("GET", object_path(resource, ref.key.namespace, ref.key.name))
        if reply.ok:
            manifest: Manifest = reply.body
            return manifest
        if reply.code == NOT_FOUND:
            return None
        no = refused(ref.key, reply)
        kind = ClusterUnreachable if no.retryable else ClusterRefused
        raise kind(f"cluster {cluster} does not show {ref.key} ({no.code}): {no.message}", remedy=no.remedy)

    async def run(self, cluster: ClusterId, command: Command) -> Applied:
        client = self.writer(cluster)
        if not isinstance(command, DryRun) and (fence := self.fenced(cluster)):
            return Refused(command.key, 0, fence, retryable=True)
        match command:
            case Apply():
                return await self._apply(client, cluster, command)
            case DryRun():
                return await self._check(client, cluster, command)
            case Prune() | Release():
                return await self._delete(client, cluster, command)
            case CreateNamespace():
                return await _create_namespace(client, command)
            case _:
                assert_never(command)

    async def _apply(self, client: KubeClient, cluster: ClusterId, command: Apply) -> Applied:
        gvk = gvk_of(command.manifest)
        resource = await self.resource_of(client, cluster, gvk)
        if resource is None:
            return _not_served(command.key, gvk)
        version = self.known(cluster, command.key)
        terms = ssa.WriteTerms(self.takeover, version, self.named, _served(client, gvk))
        return await _of_ending_kind(self._client(cluster), resource, await ssa.apply(client, resource, command, terms))

    async def _check(self, client: KubeClient, cluster: ClusterId, command: DryRun) -> Applied:
        gvk = gvk_of(command.manifest)
        resource = await self.resource_of(client, cluster, gvk)
        if resource is None:
            return _not_served(command.key, gvk)
        result = await ssa.check(client, resource, command, _served(client, gvk))
        return await _of_ending_kind(self._client(cluster), resource, result)

    async def _delete(self, client: KubeClient, cluster: ClusterId, command: Prune | Release) -> Applied:
        gvk = GVK(command.key.group, "", command.key.kind)
        match self.resolve(cluster, gvk):
            case ApiResource() as resource:
                if isinstance(command, Release):
                    return await release(client, resource, command)
                return await prune(client, resource, command)
            case Unserved():
                return Accepted(command.key, changed=False, message="the cluster does not serve this kind any more")
            case reading:
                raise _unsettled(cluster, gvk, reading)

    async def resource_of(self, client: KubeClient, cluster: ClusterId, gvk: GVK) -> ApiResource | None:
        """Return how the cluster serves `gvk`; None where it does not, which the server itself has said just now.

        A CRD applied a moment ago is served before discovery tells of it, so its absence there is asked for again.
        """
        match self.resolve(cluster, gvk):
            case ApiResource() as resource:
                return resource
            case Unserved():
                return await ask_for(client, gvk)
            case reading:
                raise _unsettled(cluster, gvk, reading)

    def writer(self, cluster: ClusterId) -> KubeClient:
        client = self._client(cluster)
        return client.acting_as(self.user) if self.user else client

    def _client(self, cluster: ClusterId) -> KubeClient:
        client = self.clients.get(cluster)
        if client is None:
            raise UnknownCluster(f"there is no cluster {cluster}", remedy="name one of the settings' clusters")
        return client


async def _create_namespace(client: KubeClient, command: CreateNamespace) -> Applied:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": command.name, **command.metadata}}
    path, query = f"/api/v1/namespaces/{command.name}", {"fieldManager": command.manager}
    if command.metadata:
        query["force"] = "true"
        reply = await client.request("PATCH", path, query=query, body=body, content_type=APPLY_PATCH)
    else:
        reply = await client.request("POST", "/api/v1/namespaces", query=query, body=body)
    if reply.ok:
        return Accepted(
            command.key, changed=True, resource_version=ResourceVersion(reply.body["metadata"]["resourceVersion"])
        )
    # Who may not create namespaces may still have this one; one that is being deleted is there and of no use.
    if reply.code in (CONFLICT, FORBIDDEN) and not command.metadata:
        existing = await client.request("GET", path)
        if existing.ok and "deletionTimestamp" not in existing.body["metadata"]:
            return Accepted(
                command.key,
                changed=False,
                resource_version=ResourceVersion(existing.body["metadata"]["resourceVersion"]),
            )
    return refused(command.key, reply)


def _served(client: KubeClient, gvk: GVK) -> Served:
    """Return what asks the server whether it serves a kind at an apiVersion of the same group."""

    async def served(api_version: str) -> bool:
        return await ask_for(client, gvk_of({"apiVersion": api_version, "kind": gvk.kind})) is not None

    return served


async def _of_ending_kind(client: KubeClient, resource: ApiResource, result: Applied) -> Applied:
    """Return `result`, told to pass by itself where the kind's definition is being deleted: so it is once that is gone.

    The server says so in words alone, so the definition itself is asked.
    """
    suspect = isinstance(result, Refused) and not result.retryable and result.code in ENDING
    if not suspect or not isinstance(result, Refused) or "." not in resource.gvk.group:
        return result
    reply = await client.request("GET", f"{DEFINITIONS}/{resource.plural}.{resource.gvk.group}")
    if not reply.ok or "deletionTimestamp" not in reply.body["metadata"]:
        return result
    remedy = "see what is left of its kind, whose definition is being deleted; it is tried again"
    return replace(result, retryable=True, remedy=remedy)


def _not_served(key: ResourceKey, gvk: GVK) -> Refused:
    return Refused(
        key,
        NOT_FOUND,
        f"the cluster does not serve {gvk}",
        retryable=False,
        remedy=_remedy(gvk),
    )


def _remedy(gvk: GVK) -> str:
    if gvk.group == ARGO_GROUP and gvk.kind in DECLARATION_KINDS:
        here = f"gitopsd takes declarations itself, where .spec.destination.name of the application is {DECLARE.value}"
        return f"{here} and not a cluster"
    return "install its CRD, or write a version that the cluster serves"


def _unsettled(cluster: ClusterId, gvk: GVK, reading: Reading) -> ClusterUnreachable:
    cause = getattr(reading, "cause", "not known yet")
    return ClusterUnreachable(
        f"cluster {cluster}: whether it serves {gvk} is not known: {cause}", remedy="see the cluster's page"
    )
