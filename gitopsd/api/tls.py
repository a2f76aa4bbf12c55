"""TLS by certificate files that are read again when they change."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path

import structlog

from gitopsd.errors import InvalidSettings

log = structlog.get_logger()

Stamp = tuple[tuple[int, int, int], ...]  # inode, size, mtime of each file


class TlsFiles:
    """A certificate and its key; new connections get what the files hold, once they hold a pair that fits.

    The context handed to the server passes each handshake on to the newest one. Loading a second pair into one
    context would keep the first beside it where their kinds of key differ.
    """

    name = "tls"

    def __init__(self, cert: Path, key: Path, *, poll_s: float = 2.0) -> None:
        """Read the files now, and look at them every `poll_s` while running.

        Raises:
            InvalidSettings: they cannot be read, or are not a pair.
        """
        self._cert = cert
        self._key = key
        self._poll_s = poll_s
        try:
            self._seen = self._stamp()
            self._newest = self._load()
            self.context = self._load()
        except (OSError, ValueError) as err:  # ssl.SSLError is an OSError
            raise InvalidSettings(
                f"{cert} and {key} are no certificate with its key: {_reason(err)}",
                remedy="set api.cert_file and api.key_file to PEM files that belong together",
            ) from err
        self.context.sni_callback = self._choose

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            self.look()

    def look(self) -> None:
        """Read the files again if they changed; a bad pair is logged once and leaves the old one in place."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            self._seen = stamp
            self._newest = self._load()
        except (OSError, ValueError) as err:
            log.warning("tls.kept", error=_reason(err), cert=str(self._cert), remedy="put a pair of PEM files there")
        else:
            log.info("tls.reloaded", cert=str(self._cert))

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _: str | None, __: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1", "h2"])  # in this order: who speaks both is no gRPC client
        context.load_cert_chain(self._cert, self._key, password=_no_password)
        return context

    def _stamp(self) -> Stamp:
        return tuple((at.st_ino, at.st_size, at.st_mtime_ns) for at in map(os.stat, (self._cert, self._key)))


def _no_password() -> str:
    raise ValueError("the key is encrypted")  # without this, OpenSSL would ask at the terminal


def _reason(err: Exception) -> str:
    return str(err) or type(err).__name__
