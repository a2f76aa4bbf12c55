"""What the server gives Services: cluster IPs and node ports, kept while their type needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]
_FIRST_NODE_PORT, _NODE_PORTS = 30000, 2768


@dataclass(slots=True)
class Addresses:
    """Gives out cluster IPs of 10.0.0.0/16 and node ports, each once."""

    _next_ip: int = 10
    _next_port: int = 0
    taken: set[str] = field(default_factory=set)

    def cluster_ip(self) -> str:
        while True:
            self._next_ip = self._next_ip % 65_000 + 1
            ip = f"10.0.{self._next_ip >> 8}.{self._next_ip & 255}"
            if ip not in self.taken:
                self.taken.add(ip)
                return ip

    def node_port(self) -> int:
        self._next_port = (self._next_port + 1) % _NODE_PORTS
        return _FIRST_NODE_PORT + self._next_port


def _needs_node_ports(spec: Obj) -> bool:
    balanced = spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False
    return spec["type"] == "NodePort" or balanced


def _needs_external_policy(spec: Obj) -> bool:
    return spec["type"] in ("NodePort", "LoadBalancer") or bool(spec.get("externalIPs"))


def _drop_what_its_type_lost(spec: Obj, before: Obj) -> None:
    """Take off a Service what only its former type needed, where the update left that as it was."""
    open_types = ("NodePort", "LoadBalancer")
    if before["type"] in open_types and spec["type"] not in open_types:
        had = {port.get("nodePort") for port in before.get("ports", ())}
        for port in spec.get("ports", ()):
            if port.get("nodePort") in had:
                port.pop("nodePort", None)
    fields = []
    if _needs_external_policy(before) and not _needs_external_policy(spec):
        fields.append("externalTrafficPolicy")
    if before["type"] == "LoadBalancer" != spec["type"]:
        fields += ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"]
    for name in fields:
        if spec.get(name) == before.get(name):
            spec.pop(name, None)


def prepare_service(obj: Obj, old: Obj | None, addresses: Addresses) -> None:
    """Give a Service its addresses, or keep those it has where the update names none."""
    spec = obj["spec"]
    before = old["spec"] if old else {}
    if old:
        _drop_what_its_type_lost(spec, before)
    if spec["type"] == "ExternalName":
        return
    if not spec.get("clusterIP"):
        ips = spec.get("clusterIPs")
        spec["clusterIP"] = ips[0] if ips else before.get("clusterIP") or addresses.cluster_ip()
    if spec["clusterIP"] != "None":
        addresses.taken.add(spec["clusterIP"])
    if not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    spec.setdefault("ipFamilies", before.get("ipFamilies") or ["IPv4"])
    spec.setdefault("ipFamilyPolicy", before.get("ipFamilyPolicy") or "SingleStack")
    if _needs_node_ports(spec):
        had = {port["port"]: port.get("nodePort") for port in before.get("ports", ())}
        for port in spec.get("ports", ()):
            if not port.get("nodePort"):
                port["nodePort"] = had.get(port["port"]) or addresses.node_port()
