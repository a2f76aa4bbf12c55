"""A simulated cluster as the demo sees it: over its API, with the rights of its kubeconfig."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gitopsd.errors import NotFound, Retryable, Terminal

KINDS = {
    "Deployment": "/apis/apps/v1/{namespaced}deployments",
    "Service": "/api/v1/{namespaced}services",
    "ConfigMap": "/api/v1/{namespaced}configmaps",
}
MANAGER = "gitopsd-demo-user"  # whoever edits by hand


class WatchEnded(Retryable):
    """A watch is over, as watches are; list and watch again."""


@dataclass(frozen=True, slots=True)
class KubeconfigAccess:
    """What a kubeconfig says."""

    server: str
    trust: ssl.SSLContext
    token: str


def access(kubeconfig: Path) -> KubeconfigAccess:
    """Return the access that the first cluster and user of `kubeconfig` give: a CA and a token or certificate."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    data = cluster.get("certificate-authority-data")
    trust = ssl.create_default_context(
        cafile=cluster.get("certificate-authority"), cadata=base64.b64decode(data).decode() if data else None
    )
    if "client-certificate" in user:
        trust.load_cert_chain(user["client-certificate"], user["client-key"])
    return KubeconfigAccess(cluster["server"], trust, user.get("token", ""))


@dataclass(frozen=True, slots=True)
class Cluster:
    """Requests to one API server."""

    name: str
    session: aiohttp.ClientSession

    async def items(self, kind: str) -> tuple[list[Mapping[str, Any]], str]:
        """Return all objects of a kind, and the resourceVersion to watch from."""
        answer = await self._send("GET", _path(kind))
        return answer["items"], answer["metadata"]["resourceVersion"]

    async def watch(self, kind: str, resource_version: str) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """Yield type and object of each change, and end when the server ends the watch."""
        query = {"watch": "1", "resourceVersion": resource_version}
        forever = aiohttp.ClientTimeout(total=None, sock_connect=10)
        try:
            async with self.session.get(_path(kind), params=query, timeout=forever) as answer:
                async for line in answer.content:
                    event = json.loads(line)
                    if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                        yield event["type"], event["object"]
        except aiohttp.ClientError as err:
            raise WatchEnded(f"{self.name}: the watch broke off: {err}", remedy="it is opened anew") from err

    async def get(self, kind: str, namespace: str, name: str) -> Any:
        return await self._send("GET", _path(kind, namespace, name))

    async def edit(self, kind: str, namespace: str, name: str, patch: Mapping[str, Any]) -> Any:
        """Merge `patch` into an object, as a person with an editor would."""
        path = f"{_path(kind, namespace, name)}?fieldManager={MANAGER}"
        return await self._send("PATCH", path, dict(patch), "application/merge-patch+json")

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        await self._send("DELETE", _path(kind, namespace, name))

    async def _send(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Any:
        data = None if body is None else json.dumps(body)
        try:
            async with self.session.request(method, path, data=data, headers={"Content-Type": media}) as answer:
                value = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as err:
            raise WatchEnded(f"{self.name}: {method} {path}: {err}", remedy="see whether the demo runs") from err
        if answer.status == 404:  # noqa: PLR2004  # not found
            raise NotFound(f"{self.name}: {value['message']}", remedy="see `gitopsd app get`")
        if not answer.ok:
            raise Terminal(f"{self.name}: {method} {path}: {value['message']}", remedy="see the cluster's words")
        return value


@asynccontextmanager
async def connected(name: str, kubeconfig: Path) -> AsyncIterator[Cluster]:
    """Open connections to a cluster for as long as the block runs."""
    granted = access(kubeconfig)
    headers = {"Authorization": f"Bearer {granted.token}"} if granted.token else {}
    async with aiohttp.ClientSession(
        granted.server,
        headers=headers,
        connector=aiohttp.TCPConnector(ssl=granted.trust, limit=0),
        timeout=aiohttp.ClientTimeout(total=30),
        read_bufsize=1 << 20,  # a line of a watch is one object
    ) as session:
        yield Cluster(name, session)


def _path(kind: str, namespace: str = "", name: str = "") -> str:
    path = KINDS[kind].format(namespaced=f"namespaces/{namespace}/" if namespace else "")
    return f"{path}/{name}" if name else path
