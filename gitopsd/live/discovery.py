"""What a cluster serves: aggregated discovery in two requests, or the legacy documents one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsd.errors import ClusterUnreachable
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.discovery import served
from gitopsd.model.cluster import ApiResource, Offered
from gitopsd.model.comparison import Reading, Unreadable, Unserved
from gitopsd.model.manifest import GVK, GroupKind
from gitopsd.runtime.tasks import at_most

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
AT_ONCE = 8  # legacy documents; a cluster has some 30


@dataclass(frozen=True, slots=True)
class Discovery:
    """The kinds of a cluster, by version and by kind, and the groups of which that is not known."""

    resources: Mapping[GVK, ApiResource] = field(default_factory=dict)
    preferred: Mapping[GroupKind, ApiResource] = field(default_factory=dict)
    failed: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (group, version) → why it is not known
    version: str = ""  # of the server, as in "v1.36.2"

    def resource(self, gvk: GVK) -> ApiResource | Reading:
        """Return how `gvk` is served, without a version at the preferred one.

        Unserved only where the cluster has said so: a kind of a group that does not answer is Unreadable.
        """
        resource = self.resources.get(gvk) if gvk.version else self.preferred.get(gvk.group_kind)
        if resource is not None:
            return resource
        for (group, version), error in self.failed.items():
            if group == gvk.group and gvk.version in ("", version):
                return Unreadable(f"{group}/{version} does not answer discovery: {error}")
        return Unserved()


def offered(discovery: Discovery, before: Offered | None) -> Offered:
    """Return what templates see of a discovery; `before` is what they saw of the one before it.

    Of a group that does not answer now, what it offered then stays: a chart that leaves out what such a group has
    would have it pruned.
    """
    apis = {_api(gvk.group, gvk.version) for gvk in discovery.resources}
    apis |= {f"{_api(gvk.group, gvk.version)}/{gvk.kind}" for gvk in discovery.resources}
    silent = {_api(group, version) for group, version in discovery.failed if version}
    groups = tuple(f"{group}/" for group, _ in discovery.failed if group)
    former = {api for api in (before.apis.split(",") if before else ()) if api.startswith(groups)}
    version = discovery.version or (before.version if before else "")
    return Offered(version, ",".join(sorted(apis | silent | former)))


def _api(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


async def discover(client: KubeClient) -> Discovery:
    """Ask the cluster what it serves.

    A group whose server does not answer makes only its own kinds unknown.

    Raises:
        ClusterUnreachable, TooSlow: discovery as a whole has no answer.
    """
    core = await _ask(client, "/api", AGGREGATED)
    groups = await _ask(client, "/apis", AGGREGATED)
    if {_kind(core), _kind(groups)} == {"APIGroupDiscoveryList"}:
        served_here, failed = _aggregated([*_items(core, "items"), *_items(groups, "items")])
    else:
        served_here, failed = await _legacy(client, core, groups)
    version = await client.request("GET", "/version")
    resources = {resource.gvk: resource for resource in served_here}
    preferred = {resource.gvk.group_kind: resource for resource in reversed(served_here)}
    preferred |= {resource.gvk.group_kind: resource for resource in served_here if resource.preferred}
    return Discovery(resources, preferred, failed, _version(version))


async def _ask(client: KubeClient, path: str, accept: str = "application/json") -> Any:
    reply = await client.request("GET", path, accept=accept)
    if not reply.ok:
        raise _refused(client, path, reply)
    return reply.body


def _version(reply: Reply) -> str:
    """Return the server's own version; "" where it does not say: nothing depends on it."""
    version = reply.body.get("gitVersion") if reply.ok and isinstance(reply.body, dict) else ""
    return version if isinstance(version, str) else ""


def _refused(client: KubeClient, path: str, reply: Reply) -> ClusterUnreachable:
    return ClusterUnreachable(
        f"cluster {client.name} does not tell what it serves: {path} ({reply.code}): {reply.message}",
        remedy="grant gitopsd's user system:discovery (config/rbac.yaml)",
    )


Failed = dict[tuple[str, str], str]


def _aggregated(groups: Iterable[Mapping[str, Any]]) -> tuple[list[ApiResource], Failed]:
    resources: list[ApiResource] = []
    failed: Failed = {}
    for group in groups:
        name = str(_meta(group).get("name") or "")
        for index, version in enumerate(_items(group, "versions")):
            version_name = str(version.get("version"))
            # What a stale document names is there still; what it does not name may be there as well.
            if version.get("freshness") not in (None, "Current"):
                failed[name, version_name] = "its server does not answer"
            resources.extend(_resources(name, version_name, version, preferred=index == 0))
    return resources, failed


def _resources(group: str, version: str, document: Mapping[str, Any], *, preferred: bool) -> Iterator[ApiResource]:
    for item in _items(document, "resources"):
        kind = item.get("responseKind")
        if not isinstance(kind, dict) or not kind.get("kind") or not isinstance(item.get("resource"), str):
            continue
        legacy = {
            "name": item["resource"],
            "kind": kind["kind"],
            "namespaced": item.get("scope") == "Namespaced",
            "verbs": item.get("verbs"),
        }
        yield from served(group, version, {"resources": [legacy]}, preferred=preferred)


async def _legacy(client: KubeClient, core: Any, groups: Any) -> tuple[list[ApiResource], Failed]:
    versions_served = [("", str(version), index == 0) for index, version in enumerate(core.get("versions") or ())]
    for group in _items(groups, "groups"):
        first = (group.get("preferredVersion") or {}).get("version")
        versions = [version.get("version") for version in _items(group, "versions")]
        versions_served.extend((str(group.get("name")), str(version), version == first) for version in versions)
    failed: Failed = {}

    async def one(want: tuple[str, str, bool]) -> list[ApiResource]:
        group, version, preferred = want
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        reply = await client.request("GET", path)
        if not reply.ok:
            failed[group, version] = reply.message
            return []
        return list(served(group, version, reply.body, preferred=preferred))

    answers = await at_most(AT_ONCE, versions_served, one, name=f"discovery of {client.name}")
    return [resource for answer in answers for resource in answer], failed


def _kind(document: Any) -> str:
    return str(document.get("kind")) if isinstance(document, dict) else ""


def _items(document: Any, name: str) -> list[Mapping[str, Any]]:
    items = document.get(name) if isinstance(document, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _meta(document: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = document.get("metadata")
    return meta if isinstance(meta, dict) else {}
