"""One call of a client, by whatever it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from gitopsd.api.grpc.framing import Status


class Call(Protocol):
    path: str  # "/package.Service/Method"
    metadata: Mapping[str, str]  # names are in lower case
    address: str  # of the client; "" where it is not known

    async def message(self, most_bytes: int) -> bytes | None:
        """Return the next message; None where there is no more.

        Raises:
            BadRequest: the request ends in the middle of it.
            NotSupported: it is compressed.
            Overloaded: it is longer than `most_bytes`.
        """
        ...

    async def send(self, message: bytes) -> None:
        """Send one message. Raises TooSlow where the client takes nothing, ConnectionError where it left."""
        ...


Serve = Callable[[Call], Awaitable[Status]]  # answers a call; returns how it ended, and raises nothing
