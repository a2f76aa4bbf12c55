"""Certificates and authorities that are replaced while the daemon runs are read again by themselves."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from gitopsd.errors import ClusterUnreachable
from gitopsd.kube.client import KubeClient
from gitopsd.kube.credential_files import CredentialFiles
from gitopsd.settings import ClusterSettings
from gitopsd.sim.tls import Authority
from tests.kube.credentials import kubeconfig


def replaced(path: Path, content: bytes) -> None:
    """Write a file as tools do that replace certificates: beside it, then in its place."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


@asynccontextmanager
async def api_server(folder: Path, authority: Authority) -> AsyncIterator[int]:
    """Serve {} over TLS while the block runs; gives the port."""
    given = authority.issue("server")
    (folder / "server.pem").write_bytes(given.certificate + given.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/version", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("by_kubeconfig", [True, False])
async def test_an_authority_that_was_replaced_is_trusted_without_a_restart(
    tmp_path: Path, *, by_kubeconfig: bool
) -> None:
    old, new = Authority(datetime.fromtimestamp(time.time(), UTC)), Authority(datetime.fromtimestamp(time.time(), UTC))
    ca = tmp_path / "ca.crt"
    ca.write_bytes(old.certificate)
    async with api_server(tmp_path, new) as port:
        server = f"https://127.0.0.1:{port}"
        settings = (
            kubeconfig(tmp_path, {}, server=server, **{"certificate-authority": "ca.crt"})
            if by_kubeconfig
            else ClusterSettings("shop", server=server, ca_file=ca)
        )
        async with KubeClient(settings) as client:
            for _ in range(2):
                with pytest.raises(ClusterUnreachable, match="certificate is not trusted"):
                    await client.request("GET", "/version")
            replaced(ca, new.certificate)

            assert 200 == (await client.request("GET", "/version")).code


@pytest.mark.parametrize("name", ["kubeconfig", "ca.crt", "client.crt", "client.key"])
def test_every_file_of_a_kubeconfig_is_looked_at(tmp_path: Path, name: str) -> None:
    for each in ("ca.crt", "client.crt", "client.key"):
        (tmp_path / each).write_text("a")
    user = {"client-certificate": "client.crt", "client-key": "client.key"}
    files = CredentialFiles(kubeconfig(tmp_path, user, **{"certificate-authority": "ca.crt"}))
    files.note()

    assert not files.changed()
    replaced(tmp_path / name, (tmp_path / name).read_bytes())
    assert files.changed()
    files.note()
    (tmp_path / name).unlink()
    assert files.changed()
