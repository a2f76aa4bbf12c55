from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from gitopsd.api.app import probe_app
from gitopsd.api.listener import Listener
from gitopsd.api.probes import Probes, Readiness
from gitopsd.api.tls import TlsFiles
from gitopsd.errors import InvalidSettings
from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.metrics import Meters
from gitopsd.runtime.tasks import running
from tests.api.certificates import common_name, write_pair
from tests.api.serving import listening, until


def probes() -> web.Application:
    return probe_app(Probes(LoopLag()), Readiness(tuple), Meters().exposition)


async def served_name(port: int, *, sni: str = "daemon.example") -> str:
    """Return the common name of the certificate that a new connection gets; an address sends no SNI."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=sni)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        name = common_name(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        writer.close()
        await writer.wait_closed()
    return name


@pytest.mark.parametrize("sni", ["daemon.example", "127.0.0.1"])
async def test_new_connections_get_the_new_certificate(tmp_path: Path, sni: str) -> None:
    tls = TlsFiles(*write_pair(tmp_path, "old", "rsa"))
    async with listening(probes(), tls) as port:
        assert "old" == await served_name(port, sni=sni)
        write_pair(tmp_path, "new", "ec")
        tls.look()
        assert "new" == await served_name(port, sni=sni)


async def test_changed_files_are_noticed_while_running(tmp_path: Path) -> None:
    tls = TlsFiles(*write_pair(tmp_path, "old"), poll_s=0.02)
    async with running(tls), listening(probes(), tls) as port:
        write_pair(tmp_path, "new")

        async def renewed() -> bool:
            return "new" == await served_name(port)

        await until(renewed)


async def test_connection_that_is_open_outlives_the_change(tmp_path: Path) -> None:
    tls = TlsFiles(*write_pair(tmp_path, "old"))
    trusting = ssl._create_unverified_context()  # noqa: S323, SLF001 - the test's own server
    async with listening(probes(), tls) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        write_pair(tmp_path, "new")
        tls.look()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("damage", ["broken", "of another pair", "gone", "encrypted"])
async def test_bad_new_file_keeps_the_old_pair_until_it_is_mended(tmp_path: Path, damage: str) -> None:
    cert, key = write_pair(tmp_path, "old")
    tls = TlsFiles(cert, key)
    async with listening(probes(), tls) as port:
        match damage:
            case "broken":
                cert.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
            case "of another pair":
                (tmp_path / "other").mkdir()
                write_pair(tmp_path / "other", "other")[0].rename(cert)
            case "gone":
                key.unlink()
            case "encrypted":
                write_pair(tmp_path, "locked", password=b"secret")
            case other:
                raise AssertionError(other)
        tls.look()
        assert "old" == await served_name(port)
        write_pair(tmp_path, "mended")
        tls.look()
        assert "mended" == await served_name(port)


@pytest.mark.parametrize("damage", ["broken", "gone", "encrypted"])
def test_bad_files_at_the_start_are_refused_with_their_names(tmp_path: Path, damage: str) -> None:
    cert, key = write_pair(tmp_path, "old", password=b"secret" if damage == "encrypted" else None)
    if damage == "broken":
        key.write_text("no key")
    if damage == "gone":
        cert.unlink()

    with pytest.raises(InvalidSettings, match=r"tls\.crt and .*tls\.key are no certificate with its key"):
        TlsFiles(cert, key)


async def test_old_protocols_are_refused(tmp_path: Path) -> None:
    old = ssl._create_unverified_context()  # noqa: S323, SLF001 - the test's own server
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    async with listening(probes(), TlsFiles(*write_pair(tmp_path, "old"))) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=old)
        assert "TLSv1.2" == writer.get_extra_info("ssl_object").version()
        writer.close()
        await writer.wait_closed()


async def test_port_that_is_taken_is_named() -> None:
    async with listening(probes()) as port:
        with pytest.raises(InvalidSettings, match=f"127.0.0.1:{port} cannot be listened on"):
            await Listener("second", probes(), "127.0.0.1", port).run()
