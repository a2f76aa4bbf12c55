"""One API server by the standard library alone: what a floor is timed with."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Plain:
    """One kept connection, one request at a time."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        data = cluster.get("certificate-authority-data")
        self._trust = ssl.create_default_context(
            cafile=cluster.get("certificate-authority"), cadata=base64.b64decode(data).decode() if data else None
        )
        if "client-certificate" in user:
            self._trust.load_cert_chain(user["client-certificate"], user["client-key"])
        self._where = urlsplit(cluster["server"])
        self._headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        self._connection = self._connect()

    def _connect(self) -> HTTPSConnection:
        return HTTPSConnection(self._where.hostname or "", self._where.port, timeout=60, context=self._trust)

    def call(self, verb: str, path: str, body: Any = None, media: str = "application/json") -> Any:
        """Send one request and return its answer's JSON. Raises RuntimeError where the server refuses."""
        data = None if body is None else json.dumps(body)
        self._connection.request(verb, path, data, {**self._headers, "Content-Type": media})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{verb} {path}: {answer.status} {text[:500].decode(errors='replace')}")
        return json.loads(text)

    def apply(self, path: str, manifest: Mapping[str, Any], *, dry_run: bool = False) -> Any:
        dry = "&dryRun=All" if dry_run else ""
        return self.call("PATCH", f"{path}?fieldManager=bench-floor&force=true{dry}", manifest, APPLY)

    def watch(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Yield the events of `path` from now on; of a connection of its own."""
        version = self.call("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        connection = self._connect()
        connection.request("GET", f"{path}?watch=1&resourceVersion={version}", headers=self._headers)
        yield {}  # it is open from here on
        answer: HTTPResponse = connection.getresponse()
        for line in answer:
            yield json.loads(line)


def config_map_path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps{f'/{name}' if name else ''}"


def config_map(namespace: str, name: str, value: str, size: int = 400) -> dict[str, Any]:
    """Return a ConfigMap of about `size` bytes whose `value` is as given."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": name}},
        "data": {"value": value, "text": "x" * size},
    }
