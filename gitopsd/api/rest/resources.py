"""What an application consists of: manifests, managed resources (for diffs), resource tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.argocd_json import difference_json
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.show import ages_of
from gitopsd.core.text.times import rfc3339
from gitopsd.core.tree.network import targets
from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.cluster import LiveObject, Network, PodFacts
from gitopsd.model.comparison import Compared, SyncStatus
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GVK, Manifest, ResourceKey
from gitopsd.usecases.backend import AppView, ManagedResource, Manifests
from gitopsd.usecases.resources import ResourceTree, ResourceUseCases

NOTHING = "null"  # how Argo CD writes a state that is not there


class ResourceRoutes:
    def __init__(self, resources: ResourceUseCases, now_s: Callable[[], float]) -> None:
        self._resources = resources
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/applications/{name}/manifests", self.manifests),
            web.get("/api/v1/applications/{name}/managed-resources", self.managed),
            web.get("/api/v1/applications/{name}/resource-tree", self.tree),
        ]

    async def manifests(self, request: web.Request) -> web.Response:
        name, revision = AppName(request.match_info["name"]), request.query.get("revision", "")
        rendered = await self._resources.manifests(caller_of(request), name, revision)
        return answer(manifests_json(rendered))

    async def managed(self, request: web.Request) -> web.Response:
        view, resources = await self._resources.managed(caller_of(request), AppName(request.match_info["name"]))
        return answer({"items": [managed_json(resource) for resource in resources], "gitopsd": self._freshness(view)})

    async def tree(self, request: web.Request) -> web.Response:
        tree = self._resources.tree(caller_of(request), AppName(request.match_info["name"]))
        return answer({**tree_json(tree), "gitopsd": self._freshness(tree.view)})

    def _freshness(self, view: AppView) -> dict[str, Any]:
        """Return how old what is shown is, and why it is too old to go by where it is."""
        stale = list(view.status.stale) if view.status else []
        return {**ages_of(view, self._now_s()), **({"stale": stale} if stale else {})}


def _extra(view: AppView) -> dict[ResourceKey, int]:
    """Return of how many fields an object has more than Git, where somebody asks for that."""
    return (
        {compared.pair.key: len(compared.extra) for compared in view.status.comparison.resources} if view.status else {}
    )


def manifests_json(rendered: Manifests) -> dict[str, Any]:
    """Return the target as Argo CD's ManifestResponse."""
    return {
        "manifests": [_text(manifest) for manifest in rendered.manifests],
        "revision": rendered.revisions[0] if rendered.revisions else "",
        "revisions": list(rendered.revisions),
        "sourceType": rendered.source_type,
        "namespace": rendered.namespace,
        "server": rendered.server,
    }


def tree_json(tree: ResourceTree) -> dict[str, Any]:
    """Return live objects as Argo CD's ApplicationTree."""
    hosts = sorted({node.live.pod.node for node in tree.nodes if node.live.pod and node.live.pod.node})
    sends = targets(tree.nodes)
    extra = _extra(tree.view)
    nodes = [node_json(node, sends.get(node.live.key, ()), extra.get(node.live.key, 0)) for node in tree.nodes]
    orphans = [node_json(node) for node in tree.orphans]
    return {"nodes": nodes, "orphanedNodes": orphans, "hosts": [{"name": host} for host in hosts]}


def managed_json(resource: ManagedResource) -> dict[str, Any]:
    """Return one object as Argo CD's ResourceDiff, its states as JSON texts; beside it status, reason, differences."""
    live = resource.live
    managed = {
        "group": resource.gvk.group,
        "version": resource.gvk.version,
        "kind": resource.gvk.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "targetState": _text(resource.target),
        "liveState": _text(live),
        "normalizedLiveState": _text(resource.normalized_live or live),
        "predictedLiveState": _text(resource.predicted),
        "resourceVersion": live["metadata"].get("resourceVersion", "") if live else "",
        "hook": resource.hook,
        "modified": False,
    }
    return managed | (_verdict(resource.compared) if resource.compared else {})


def _verdict(compared: Compared) -> dict[str, Any]:
    return {
        "modified": compared.status is SyncStatus.OUT_OF_SYNC,
        "status": compared.status.value,
        "reason": compared.reason,
        "why": compared.explanation.value if compared.explanation else "",
        "differences": [difference_json(difference) for difference in compared.differences],
        "extra": [difference_json(difference) for difference in compared.extra],
    }


def node_json(node: TreeNode, sends: Sequence[ResourceKey] = (), extra: int = 0) -> dict[str, Any]:
    """Return one live object as a node of Argo CD's tree; `sends` is where it sends traffic, `extra` is ours."""
    live = node.live
    fields = _reference(node.gvk, live)
    fields |= {"resourceVersion": live.resource_version, "createdAt": rfc3339(live.created_s)}
    if node.parents:
        fields["parentRefs"] = [_reference(gvk, parent) for gvk, parent in node.parents]
    if live.pod is not None:
        fields["images"] = list(live.pod.images)
        fields["info"] = [{"name": name, "value": value} for name, value in _info(live.pod).items() if value]
    if live.network is not None:
        fields["networkingInfo"] = _network(live.network, sends)
    if extra:
        fields["extra"] = extra
    if node.health is not None:
        fields["health"] = {"status": node.health.status.value, "message": node.health.message}
    return fields


def _info(pod: PodFacts) -> dict[str, str]:
    return {
        "Node": pod.node,
        "Containers": f"{pod.ready}/{pod.containers}" if pod.containers else "",
        "Restart Count": str(pod.restarts) if pod.restarts else "",
    }


def _network(network: Network, sends: Sequence[ResourceKey]) -> dict[str, Any]:
    """Return Argo CD's ResourceNetworkingInfo; unlike there a Service names its Pods too."""
    fields = {
        "labels": dict(network.labels),
        "targetLabels": dict(network.selects),
        "targetRefs": [
            {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name} for key in sends
        ],
        "ingress": [{kind: value} for kind, value in network.addresses],
        "externalURLs": list(network.urls),
    }
    return {name: value for name, value in fields.items() if value}


def _reference(gvk: GVK, live: LiveObject) -> dict[str, Any]:
    reference = {"group": gvk.group, "version": gvk.version, "kind": gvk.kind, "name": live.key.name, "uid": live.uid}
    return reference | ({"namespace": live.key.namespace} if live.key.namespace else {})


def _text(state: Manifest | None) -> str:
    return NOTHING if state is None else orjson.dumps(state).decode()
