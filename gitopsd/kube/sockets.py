"""The sockets of one client: dead peers are noticed by the kernel, and none outlives its client."""

from __future__ import annotations

import asyncio
import socket
import weakref
from typing import Any

KEEPALIVE = {  # a peer that vanished without a word is noticed in a minute, while nothing is sent
    "TCP_KEEPIDLE": 30,  # seconds of silence before the first probe
    "TCP_KEEPINTVL": 10,  # seconds between probes
    "TCP_KEEPCNT": 3,  # unanswered probes
}
FAREWELL_S = 1.0  # for TLS to be closed in form


class Sockets:
    """Makes sockets, and knows which are open."""

    def __init__(self) -> None:
        self._made: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def make(self, address: tuple[Any, ...]) -> socket.socket:
        """Return a socket for `address`, an entry of getaddrinfo."""
        made_socket = socket.socket(address[0], address[1], address[2])
        made_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            if hasattr(socket, name):
                made_socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._made.add(made_socket)
        return made_socket

    async def closed(self) -> None:
        """Wait until those in closing are closed: a request that was cancelled leaves TLS a last word to say."""
        step_s = 0.005
        for _ in range(int(FAREWELL_S / step_s)):
            if all(one.fileno() == -1 for one in self._made):
                return
            await asyncio.sleep(step_s)
