"""One simulated cluster as a running HTTPS server."""

from __future__ import annotations

import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from gitopsd.sim.access import ADMIN, Authorizer
from gitopsd.sim.controllers import Controllers
from gitopsd.sim.faults import Faults
from gitopsd.sim.incoming import RequestTarget, WriteOptions
from gitopsd.sim.kinds import Kinds, builtin_kinds
from gitopsd.sim.rest import Rest
from gitopsd.sim.store import SimStore
from gitopsd.sim.tls import Authority
from gitopsd.sim.writes import Writes

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+sim",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "simulated",
}
_BODY_BYTES = 3 << 20  # the real server's own limit
_FIRST_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a simulated cluster is to be."""

    directory: Path  # gets kubeconfig, and one more for each further user
    name: str = "sim"
    port: int = 0  # 0: a free one
    speed: float = 1.0  # simulated seconds a second
    history: int = 10_000  # changes of a kind that a watch can go back
    controllers: bool = True
    tokens: Mapping[str, str] = field(default_factory=dict)  # user → bearer token; "admin" is among them


@dataclass(frozen=True, slots=True)
class Running:
    """Where a simulated cluster is served."""

    server: str
    kubeconfig: Path


@asynccontextmanager
async def serve(plan: Plan) -> AsyncIterator[Running]:
    """Serve a new, empty cluster on loopback while the block runs."""
    store = SimStore(plan.history)
    kinds = Kinds()
    for kind in builtin_kinds():
        kinds.add(kind)
        store.collection(kind.group_plural)
    writes = Writes(kinds, store, _now)
    rest = Rest(writes, Authorizer(store, plan.tokens), Faults(), VERSION)
    authority = Authority(datetime.now(UTC))  # noqa: TID251 - a process of its own, with its own clock
    app = web.Application(client_max_size=_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", rest.handle)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
    async with Controllers(writes, plan.speed, on=plan.controllers, root_certificate=authority.certificate.decode()):
        for namespace in _FIRST_NAMESPACES:
            writes.create(
                RequestTarget(kinds.named("Namespace")),
                {"metadata": {"name": namespace}},
                WriteOptions("kube-apiserver"),
            )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", plan.port, ssl_context=_tls(authority), backlog=1024)
            await site.start()
            port = runner.addresses[0][1]
            yield _written(plan, authority, f"https://127.0.0.1:{port}")
        finally:
            await runner.cleanup()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251 - as above


def _tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = authority.issue("kube-apiserver")
    with tempfile.TemporaryDirectory() as directory:  # the ssl module reads files only
        path = Path(directory) / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(issued.key + issued.certificate)
        context.load_cert_chain(path)
    return context


def _written(plan: Plan, authority: Authority, server: str) -> Running:
    plan.directory.mkdir(parents=True, exist_ok=True)
    (plan.directory / "ca.crt").write_bytes(authority.certificate)
    for user, token in plan.tokens.items():
        file = plan.directory / ("kubeconfig" if user == ADMIN else f"{user}.kubeconfig")
        file.touch(mode=0o600)
        file.write_text(json.dumps(_kubeconfig(plan.name, server, authority, user, token), indent=2))
    return Running(server, plan.directory / "kubeconfig")


def _kubeconfig(name: str, server: str, authority: Authority, user: str, token: str) -> dict[str, Any]:
    import base64

    trust = base64.b64encode(authority.certificate).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": trust}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    }
