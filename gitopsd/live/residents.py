"""Asks a cluster what lives in an object: the objects of a namespace, of a definition, the claim of a volume."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from gitopsd.errors import Retryable
from gitopsd.kube.client import KubeClient
from gitopsd.kube.paths import collection_path, object_path
from gitopsd.live.decode import Decoder
from gitopsd.live.discovery import Discovery
from gitopsd.live.fair_slots import FairSlots
from gitopsd.live.metadata_scan import CROWDS, NEVER, REPORTS, has_any
from gitopsd.live.scope import WatchScope
from gitopsd.model.cluster import ApiResource, LiveObject
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey
from gitopsd.model.residents import DEFINITION, NAMESPACE, Resident, Residents
from gitopsd.runtime.tasks import at_most

AT_ONCE = 8
NOT_FOUND = 404
CLAIM = GVK("", "v1", "PersistentVolumeClaim")
# Made anew by whoever made them, of what is there; nobody loses anything with them.
PASSING = NEVER | CROWDS | {GroupKind("", "Endpoints")}
PASSING_GROUPS = REPORTS | {"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"}
MOST_BELOW = 50_000  # objects that are looked at for what an application owns
Counts = Callable[[Resident], bool]


class Mirrored(Protocol):
    """The mirror of the cluster that is asked."""

    @property
    def discovered(self) -> Discovery | None: ...

    def children(self, uid: Uid) -> Iterable[tuple[GVK, LiveObject]]: ...


class Question:
    """One question about one object."""

    def __init__(self, discovery: Discovery, decoder: Decoder, below: Collection[Uid], counts: Counts) -> None:
        self.residents: list[ResourceKey] = []
        self._found = discovery
        self._decoder = decoder
        self._below = below
        self._counts = counts

    def is_one(self, resource: ApiResource, manifest: Manifest, *, vouching: bool) -> bool:
        """Take note of an object that counts; `vouching`: a namespaced owner of it is asked about by itself."""
        key = self._decoder.key(resource.gvk, manifest)
        if key is None:
            return False
        live = self._decoder.live(key, manifest)
        below = any(uid in self._below for uid in live.owners)
        vouched = vouching and any(map(self._is_beside, _owners(manifest)))
        if not self._counts(Resident(live, below, vouched)):
            return False
        self.residents.append(key)
        return True

    def _is_beside(self, owner: Mapping[str, Any]) -> bool:
        group, _, version = str(owner.get("apiVersion")).rpartition("/")
        resource = self._found.resource(GVK(group, version, str(owner.get("kind"))))
        return isinstance(resource, ApiResource) and resource.namespaced


class ResidentsOf:
    """Asks one cluster; nothing is kept, for an answer is as old as it is."""

    def __init__(
        self, cluster: Mirrored, client: KubeClient, bounds: WatchScope, pages: FairSlots, decoder: Decoder
    ) -> None:
        self._cluster = cluster
        self._client = client
        self._bounds = bounds
        self._pages = pages
        self._decoder = decoder

    async def look(self, holder: LiveObject, roots: Collection[Uid], counts: Counts) -> Residents:
        """Return what lives in `holder` and counts; what cannot be read may live there.

        Args:
            holder: the object.
            roots: of the objects that go with it.
            counts: tells of a resident whether it is one that is not to go.
        """
        discovery = self._cluster.discovered
        if discovery is None:
            return Residents(unread=("what the cluster serves is not known yet",))
        asking = Question(discovery, self._decoder, self._all_below({*roots, holder.uid}), counts)
        if holder.key.group_kind == NAMESPACE:
            unread = await self._in_namespace(discovery, asking, holder.key.name)
        elif holder.key.group_kind == DEFINITION:
            return await self._of_definition(discovery, asking, holder.key)
        else:
            unread = await self._of_volume(discovery, asking, holder.key)
        return Residents(tuple(sorted(asking.residents)), tuple(sorted(unread)))

    async def _in_namespace(self, discovery: Discovery, asking: Question, namespace: str) -> list[str]:
        kinds = [
            resource for resource in discovery.preferred.values() if resource.namespaced and "list" in resource.verbs
        ]

        async def one(resource: ApiResource) -> str:
            return await self._one(asking, resource, namespace, vouching=True)

        errors = await at_most(AT_ONCE, filter(_matters, kinds), one, name=f"residents of {namespace}")
        silent = [
            f"{group}/{version}: {error}"
            for (group, version), error in discovery.failed.items()
            if group not in PASSING_GROUPS
        ]
        return [*filter(None, errors), *silent]

    async def _of_definition(self, discovery: Discovery, asking: Question, key: ResourceKey) -> Residents:
        """Look through the kind of a definition, as that says it is served: discovery lags behind it."""
        definitions = discovery.preferred.get(key.group_kind)
        if definitions is None:
            return Residents(unread=("the definition cannot be read",))
        try:
            reply = await self._client.request("GET", object_path(definitions, "", key.name))
            if reply.code == NOT_FOUND:
                return Residents()
            resource = _defined(reply.body) if reply.ok else None
            if resource is None:
                return Residents(unread=("it does not say that its kind is served",))
            kind = resource.gvk.group_kind
            if not _matters(resource):
                return Residents(defines=kind)
            # A kind that is only now not served may have objects all the same.
            reply = await self._client.request("GET", collection_path(resource), query={"limit": "1"})
        except Retryable as err:
            return Residents(unread=(err.what,))
        unread = "" if reply.ok else f"{kind}: {reply.message} ({reply.code})"
        unread = unread or await self._one(asking, resource, "", vouching=False)
        return Residents(tuple(sorted(asking.residents)), (unread,) if unread else (), defines=kind)

    async def _of_volume(self, discovery: Discovery, asking: Question, key: ResourceKey) -> list[str]:
        volumes, claims = discovery.preferred.get(key.group_kind), discovery.preferred.get(CLAIM.group_kind)
        if volumes is None or claims is None:
            return ["its kind is not served"]
        try:
            reply = await self._client.request("GET", object_path(volumes, "", key.name))
            spec = reply.body.get("spec") if reply.ok else None
            ref = spec.get("claimRef") if isinstance(spec, dict) else None
            if reply.ok and isinstance(ref, dict) and ref.get("name") and ref.get("namespace"):
                path = object_path(claims, str(ref["namespace"]), str(ref["name"]))
                reply = await self._client.request("GET", path)
                if reply.ok and ref.get("uid") in (None, reply.body["metadata"].get("uid")):
                    asking.is_one(claims, reply.body, vouching=False)
        except Retryable as err:
            return [err.what]
        return [] if reply.ok or reply.code == NOT_FOUND else [f"{reply.message} ({reply.code})"]

    async def _one(self, asking: Question, resource: ApiResource, namespace: str, *, vouching: bool) -> str:
        """Look through one kind; return why that cannot be done, as a line about it."""
        kind = resource.gvk.group_kind
        if refusal := self._bounds.refusal(resource, ResourceKey(kind.group, kind.kind, namespace, "")):
            return f"{kind}: {refusal}"

        def wanted(manifest: Manifest) -> bool:
            return asking.is_one(resource, manifest, vouching=vouching)

        try:
            answer = await has_any(self._client, resource, wanted, (namespace,), self._pages)
        except Retryable as err:
            return f"{kind}: {err.what}"
        return f"{kind}: {answer}" if isinstance(answer, str) else ""

    def _all_below(self, roots: Iterable[Uid]) -> Collection[Uid]:
        """Return the objects `roots` and all that they own, as far as their kinds are watched."""
        uids = {uid for uid in roots if uid}
        waiting = deque(sorted(uids))
        while waiting and len(uids) < MOST_BELOW:
            for _, live in self._cluster.children(waiting.popleft()):
                if live.uid and live.uid not in uids:
                    uids.add(live.uid)
                    waiting.append(live.uid)
        return uids


def _matters(resource: ApiResource) -> bool:
    return resource.gvk.group_kind not in PASSING and resource.gvk.group not in PASSING_GROUPS


def _defined(definition: Any) -> ApiResource | None:
    """Return the kind that a definition defines, at a version that is served; None where there is none."""
    spec = definition.get("spec")
    try:
        served = [version["name"] for version in spec["versions"] if version["served"]]
        gvk = GVK(spec["group"], served[0], spec["names"]["kind"])
        namespaced = spec["scope"] == "Namespaced"
        return ApiResource(gvk, spec["names"]["plural"], namespaced, frozenset({"list"}), preferred=True)
    except (KeyError, IndexError, TypeError):
        return None


def _owners(manifest: Manifest) -> list[Mapping[str, Any]]:
    owners = manifest["metadata"].get("ownerReferences")
    return [owner for owner in owners if isinstance(owner, dict)] if isinstance(owners, list) else []
