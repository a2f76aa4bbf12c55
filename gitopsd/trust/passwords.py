"""Passwords as argon2 hashes. Hashing takes 20 ms and 19 MiB, so it is done in a thread, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gitopsd.errors import Overloaded

MEMORY_KIB, TIMES, LANES = 19456, 2, 1  # OWASP's least for argon2id
MOST_WAITING = 16


class PasswordHashes:
    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=TIMES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._nobodys = ""  # what takes as long to check as somebody's
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return the hash of a password. Raises Overloaded where many are being hashed."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Tell whether `stored` is the hash of `password`; where it is None it takes as long. Raises Overloaded."""
        async with self._turn():
            return await asyncio.to_thread(self._fits, password, stored) and stored is not None

    def _fits(self, password: str, stored: str | None) -> bool:
        if stored is None and not self._nobodys:
            self._nobodys = self._hasher.hash("nobody")
        try:
            return self._hasher.verify(self._nobodys if stored is None else stored, password)
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise Overloaded(f"{self._waiting} passwords are being looked at", remedy="try again in a second")
        self._waiting += 1
        try:
            async with self._lock:
                yield
        finally:
            self._waiting -= 1
