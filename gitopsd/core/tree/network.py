"""How traffic goes through objects: Ingresses and routes to Services, Services to Pods; where it is reached."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from gitopsd.core.objects.fields import WrongShape, items_at, mapping_at, text_at
from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.cluster import Labels, Network
from gitopsd.model.manifest import GroupKind, Manifest, ResourceKey

MOST = 100  # of anything that one object names; a tree is to be looked at
MOST_CHARS = 2000  # of a link
PAGE = re.compile(r"https?://[^\s/]", re.IGNORECASE)
LINK = "link.argocd.argoproj.io/"
OWN_LINKS_ONLY = "argocd.argoproj.io/ignore-default-links"
POD = GroupKind("", "Pod")
PLAIN_PATH = re.compile(r"[\w./~%-]*\Z", re.ASCII)  # not a pattern


def network_of(key: ResourceKey, manifest: Manifest) -> Network | None:
    """Return how traffic goes through a live object; None where it does not, or its fields are of other types."""
    judge, notes = KINDS.get((key.group, key.kind)), manifest["metadata"].get("annotations")
    links = _links(notes) if isinstance(notes, dict) else []
    if judge is None and not links:
        return None  # at once: of most objects, at each event
    try:
        network = judge(key, manifest) if judge else NOTHING
    except WrongShape:
        return None
    own = isinstance(notes, dict) and notes.get(OWN_LINKS_ONLY) == "true"
    urls = _first([*(() if own else network.urls), *sorted(links)])
    network = replace(network, urls=urls)
    return None if network == NOTHING else _shared(network)


def targets(nodes: Iterable[TreeNode]) -> Mapping[ResourceKey, tuple[ResourceKey, ...]]:
    """Return where nodes of a tree send traffic: to Services as they are named, to Pods of the tree by their labels."""
    nodes = list(nodes)
    pods = _Pods(node for node in nodes if node.gvk.group_kind == POD)
    targeted: dict[ResourceKey, tuple[ResourceKey, ...]] = {}
    for node in nodes:
        network = node.live.network
        if network is not None and (network.targets or network.selects):
            targeted[node.live.key] = (*network.targets, *pods.chosen(node.live.key.namespace, network.selects))
    return targeted


class _Pods:
    """The Pods of a tree by namespace and label: a Service looks at those alone that have its rarest label."""

    def __init__(self, nodes: Iterable[TreeNode]) -> None:
        self._by_label: dict[tuple[str, tuple[str, str]], list[TreeNode]] = defaultdict(list)
        for node in nodes:
            for label in node.live.network.labels if node.live.network else ():
                self._by_label[node.live.key.namespace, label].append(node)

    def chosen(self, namespace: str, selects: Labels) -> list[ResourceKey]:
        if not selects:
            return []
        fewest = min((self._by_label.get((namespace, label), []) for label in selects), key=len)
        return sorted(
            node.live.key for node in fewest if node.live.network and {*selects} <= {*node.live.network.labels}
        )


def _pod(_: ResourceKey, manifest: Manifest) -> Network:
    return Network(labels=_labels(mapping_at(manifest, "metadata", "labels")))


def _service(_: ResourceKey, manifest: Manifest) -> Network:
    if text_at(manifest, "spec", "type") == "ExternalName":  # it selects nothing, whatever its selector says
        return Network()
    return Network(selects=_labels(mapping_at(manifest, "spec", "selector")), addresses=_addresses(manifest))


def _ingress(key: ResourceKey, manifest: Manifest) -> Network:
    rules = items_at(manifest, "spec", "rules")[:MOST]
    backends = [mapping_at(manifest, "spec", "defaultBackend"), mapping_at(manifest, "spec", "backend")]
    backends += [mapping_at(path, "backend") for rule in rules for path in items_at(rule, "http", "paths")]
    names = [text_at(backend, "service", "name") or text_at(backend, "serviceName") for backend in backends]
    addresses = _addresses(manifest)
    urls = _first(_ingress_urls(manifest, rules, addresses))
    return Network(targets=_services(key.namespace, names), addresses=addresses, urls=urls)


def _ingress_urls(
    manifest: Manifest, rules: Sequence[Mapping[str, Any]], addresses: Sequence[tuple[str, str]]
) -> Iterator[str]:
    hosts = [tls.get("hosts") or [""] for tls in items_at(manifest, "spec", "tls")]  # of none: of all
    secure = {host for names in hosts if isinstance(names, list) for host in names if isinstance(host, str)}
    for rule in rules:
        named = text_at(rule, "host")
        scheme = "https" if secure & {named, ""} else "http"
        for host in [named] if named else [value for _, value in addresses]:
            for path in [text_at(entry, "path") for entry in items_at(rule, "http", "paths")] or [""]:
                text = path.rstrip("*")
                if "*" not in host:
                    yield f"{scheme}://{host}{text if PLAIN_PATH.match(text) else ''}"


def _route(key: ResourceKey, manifest: Manifest) -> Network:
    """Read a route of the Gateway API."""
    services: list[ResourceKey] = []
    for rule in items_at(manifest, "spec", "rules"):
        for ref in items_at(rule, "backendRefs"):
            namespace = text_at(ref, "namespace") or key.namespace
            kind = text_at(ref, "kind") or "Service"
            services.append(ResourceKey(text_at(ref, "group"), kind, namespace, text_at(ref, "name")))
    return Network(targets=_first(services))


def _virtual_service(key: ResourceKey, manifest: Manifest) -> Network:
    """Read a VirtualService of Istio."""
    rules = [rule for protocol in ("http", "tls", "tcp") for rule in items_at(manifest, "spec", protocol)]
    hosts = [text_at(to, "destination", "host") for rule in rules for to in items_at(rule, "route")]
    return Network(targets=_services(key.namespace, hosts))


def _services(namespace: str, hosts: Iterable[str]) -> tuple[ResourceKey, ...]:
    """Return the Services that are named `name`, or as the cluster's DNS has them: `name.namespace[.svc…]`."""
    names = [host.split(".") for host in hosts if host]
    return _first(
        ResourceKey("", "Service", parts[1] if len(parts) > 1 else namespace, parts[0])
        for parts in names
        if len(parts) <= 2 or parts[2] == "svc"  # noqa: PLR2004 - name, namespace; else it is a host outside
    )


def _addresses(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    entries = items_at(manifest, "status", "loadBalancer", "ingress")
    return _first(
        (name, text_at(entry, name)) for entry in entries for name in ("hostname", "ip") if text_at(entry, name)
    )


def _labels(texts: Mapping[str, Any]) -> Labels:
    return tuple(sorted((name, value) for name, value in texts.items() if isinstance(value, str)))[:MOST]


def _links(annotations: Mapping[str, Any]) -> list[str]:
    """Return the addresses of pages that annotations name; Argo CD's `text | URL` is its URL."""
    named = (value for name, value in annotations.items() if name.startswith(LINK) and isinstance(value, str))
    links = (value.rpartition("|")[2].strip() for value in named if len(value) <= MOST_CHARS)
    return [value for value in links if PAGE.match(value)]  # `javascript:` runs in the page of whoever follows it


def _first(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))[:MOST]


@lru_cache(maxsize=4096)
def _shared(network: Network) -> Network:
    """Return one and the same value for equal ones: the Pods of a ReplicaSet have the same labels."""
    return network


KINDS: Mapping[tuple[str, str], Callable[[ResourceKey, Manifest], Network]] = {  # by group and kind
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("extensions", "Ingress"): _ingress,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("gateway.networking.k8s.io", "HTTPRoute"): _route,
    ("gateway.networking.k8s.io", "GRPCRoute"): _route,
    ("gateway.networking.k8s.io", "TCPRoute"): _route,
    ("gateway.networking.k8s.io", "TLSRoute"): _route,
    ("networking.istio.io", "VirtualService"): _virtual_service,
}
NOTHING = Network()
