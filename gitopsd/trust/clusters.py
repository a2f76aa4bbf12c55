"""Argo CD's cluster Secrets, read as the kubeconfig that says the same.

Source: Argo CD, docs/operator-manual/declarative-setup.md, "Clusters".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from gitopsd.errors import InvalidDeclaration

HERE = "https://kubernetes.default.svc"  # the cluster that Argo CD itself runs in
RESERVED = "gitopsd"  # the destination by which an application declares applications
LONGEST = 253  # characters of a name
KNOWN = frozenset({"name", "server", "config", "namespaces", "clusterResources", "project", "shard"})
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ClusterSecret:
    name: str
    server: str
    kubeconfig: bytes = field(default=b"", repr=False)  # JSON; b"": by the service account of this pod
    namespaces: tuple[str, ...] = ()  # the only ones; none: all
    cluster_resources: bool = False  # beside `namespaces`: also what is in none
    unchecked: bool = False  # anybody may answer as its server
    project: str = ""  # which it is of; "": of none


def cluster_of(values: Mapping[str, str]) -> ClusterSecret:
    """Return the cluster that the entries of a Secret describe.

    Raises:
        InvalidDeclaration: they do not say how it is reached; no value is repeated.
    """
    server, config = values.get("server", "").strip().rstrip("/"), _config(values)
    if not server.startswith("https://") or "@" in server:
        raise InvalidDeclaration(
            "server is no https:// URL", remedy="write https://HOST:PORT, without user or password"
        )
    name = values.get("name", "").strip() or urlsplit(server).hostname or ""
    if name == RESERVED or len(name) > LONGEST or not name.isprintable():
        raise InvalidDeclaration("name cannot be used", remedy=f"write printable text, and not {RESERVED}")
    if config.get("awsAuthConfig"):
        raise InvalidDeclaration(
            "config.awsAuthConfig is not supported", remedy="write execProviderConfig with `aws eks get-token`"
        )
    tls = _mapping(config, "tlsClientConfig")
    user = _user(config, tls)
    within, project = _within(values), values.get("project", "").strip()
    if server == HERE and not user:
        return ClusterSecret(name, server, b"", *within, project=project)
    if not user:
        raise InvalidDeclaration(
            "config holds no login", remedy="write bearerToken, a client certificate or execProviderConfig"
        )
    return ClusterSecret(
        name, server, _kubeconfig(_cluster(server, config, tls), user), *within, tls.get("insecure") is True, project
    )


def _within(values: Mapping[str, str]) -> tuple[tuple[str, ...], bool]:
    """Return the only namespaces that are read and written, and whether what is in none is, too."""
    namespaces = tuple(filter(None, (namespace.strip() for namespace in values.get("namespaces", "").split(","))))
    if not all(map(NAMESPACE.fullmatch, namespaces)):
        raise InvalidDeclaration(
            "namespaces holds what cannot be a namespace", remedy="write names, with commas between; no globs"
        )
    return namespaces, bool(namespaces) and values.get("clusterResources", "").strip() == "true"


def _config(values: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        config = orjson.loads(values.get("config") or "{}")
    except orjson.JSONDecodeError:
        config = None
    if not isinstance(config, dict):
        raise InvalidDeclaration("config is no JSON object", remedy="write it as Argo CD's documentation has it")
    return config


def _user(config: Mapping[str, Any], tls: Mapping[str, Any]) -> dict[str, Any]:
    user: dict[str, Any] = {}
    if token := _text(config, "bearerToken"):
        user["token"] = token
    if name := _text(config, "username"):
        user |= {"username": name, "password": _text(config, "password")}
    for data, to in (("certData", "client-certificate-data"), ("keyData", "client-key-data")):
        if text := _text(tls, data):
            user[to] = _base64(text, data)
    if ("client-certificate-data" in user) != ("client-key-data" in user):
        raise InvalidDeclaration("config has one of certData and keyData", remedy="write both")
    run = _mapping(config, "execProviderConfig")
    if run:
        env = [{"name": str(key), "value": str(value)} for key, value in _mapping(run, "env").items()]
        user["exec"] = {**run, "env": env, "interactiveMode": "Never"}
    return user


def _cluster(server: str, config: Mapping[str, Any], tls: Mapping[str, Any]) -> dict[str, Any]:
    cluster: dict[str, Any] = {"server": server}
    if tls.get("insecure") is True:
        cluster["insecure-skip-tls-verify"] = True
    elif text := _text(tls, "caData"):
        cluster["certificate-authority-data"] = _base64(text, "caData")
    if text := _text(tls, "serverName"):
        cluster["tls-server-name"] = text
    if text := _text(config, "proxyUrl"):
        cluster["proxy-url"] = text
    return cluster


def _kubeconfig(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> bytes:
    return orjson.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": user}],
        }
    )


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = values.get(name) or {}
    if not isinstance(value, dict):
        raise InvalidDeclaration(f"config.{name} is no object", remedy="write it as Argo CD's documentation has it")
    return value


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name) or ""
    if not isinstance(value, str):
        raise InvalidDeclaration(f"config.{name} is not a string", remedy="put the value in quotes")
    return value


def _base64(text: str, name: str) -> str:
    """Return base64 as it is, and a PEM, which people write too, in base64."""
    if "-----BEGIN" in text:
        return base64.b64encode(text.encode()).decode()
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise InvalidDeclaration(f"config.tlsClientConfig.{name} is no base64", remedy="encode the PEM") from None
    return text
