"""ConfigMaps of applications, in the clusters that the contract is tried on."""

from __future__ import annotations

from typing import Any

from gitopsd.kube.client import APPLY_PATCH, KubeClient
from gitopsd.model.manifest import GroupKind

CONFIG_MAP = GroupKind("", "ConfigMap")
TRACKING_ID = "gitopsd.io/tracking-id"


def config_map(namespace: str, name: str = "settings", app: str = "", **data: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "namespace": namespace}
    if app:
        meta["annotations"] = {TRACKING_ID: f"{app}:/ConfigMap:{namespace}/{name}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {"a": "1"}}


async def apply(client: KubeClient, manifest: dict[str, Any], manager: str = "gitopsd") -> dict[str, Any]:
    meta = manifest["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/configmaps/{meta['name']}"
    query = {"fieldManager": manager, "force": "true"}
    reply = await client.request("PATCH", path, query=query, body=manifest, content_type=APPLY_PATCH)
    assert reply.ok, reply
    found: dict[str, Any] = reply.body
    return found


async def delete(client: KubeClient, namespace: str, name: str) -> None:
    reply = await client.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/{name}")
    assert reply.ok, reply
