"""Who asks: from what came as a token to a caller."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Protocol

from gitopsd.model.caller import Caller, SignIn

BREAK_GLASS_ACCOUNT = "admin"  # whom the static token stands for
LOOK_S = 1.0  # between two looks whether a stream's client is still who it was: a token may be read from a file


class Authenticator(Protocol):
    def caller(self, token: str, address: str) -> Caller | None:
        """Return who holds `token`, of a request from `address`; None: nobody. Cheap enough for every request."""
        ...


class StaticToken:
    """The one token of the settings or the data directory; an empty one lets nobody in."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def caller(self, token: str, address: str) -> Caller | None:
        right = self._token()
        # Digests have one length, so that the comparison does not tell the token's.
        if not right or not hmac.compare_digest(_digest(token), _digest(right)):
            return None
        return Caller(BREAK_GLASS_ACCOUNT, address=address, sign_in=SignIn.BREAK_GLASS)


class StreamHolder:
    """The client of a stream, whose token may end while it listens."""

    def __init__(self, authenticator: Authenticator, token: str, address: str, clock: Callable[[], float]) -> None:
        self._authenticator = authenticator
        self._token, self._address = token, address
        self._clock = clock
        self._look()

    def caller(self) -> Caller | None:
        """Return who it is, as of a second ago at most; None: nobody any more."""
        if self._clock() >= self._next_s:
            self._look()
        return self._caller

    def _look(self) -> None:
        self._caller = self._authenticator.caller(self._token, self._address)
        self._next_s = self._clock() + LOOK_S


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
