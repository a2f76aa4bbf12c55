"""HTTP sessions that are kept between two fetches, so that none connects anew: one for a server and certificates."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gitopsd.settings import RepoCredentials, Secret
from gitopsd.trust.fetch import HttpSession
from gitopsd.trust.http import session
from gitopsd.trust.reach import Reach

MOST = 32  # sessions; each has the system's authorities in memory
KEPT_S = 600.0  # then certificates and names are looked at anew
IDLE_S = 300.0  # above the time between two polls


@dataclass(slots=True)
class KeptSession:
    http: HttpSession
    until_s: float  # of the monotonic clock
    closing: AsyncExitStack
    users: int = 0
    is_dropped: bool = False


@dataclass(slots=True)
class KeptSessions:
    """All of them. What holds of a session holds of one that is kept: other certificates or proxies are another key."""

    _kept: dict[Hashable, KeptSession] = field(default_factory=dict)  # the one used least lately first

    @asynccontextmanager
    async def use(
        self, credentials: RepoCredentials | None, url: str, *, deadline_s: float, reach: Reach
    ) -> AsyncIterator[HttpSession]:
        """Lend the session to the host of `url`, as `trust.http.session` opens it. Raises as that does."""
        key = _key(credentials or RepoCredentials(url), url, deadline_s)
        kept = self._kept.pop(key, None)
        if kept is not None and not (time.monotonic() < kept.until_s and kept.http.resolver.still_allows()):
            await self._drop(kept)
            kept = None
        if kept is None:
            closing = AsyncExitStack()
            opened = session(credentials, url, deadline_s=deadline_s, reach=reach, idle_s=IDLE_S)
            kept = KeptSession(await closing.enter_async_context(opened), time.monotonic() + KEPT_S, closing)
        if (other := self._kept.pop(key, None)) is not None:  # somebody else opened one meanwhile
            await self._drop(other)
        self._kept[key] = kept
        kept.users += 1
        try:
            yield kept.http
        finally:
            kept.users -= 1
            if kept.is_dropped:
                await self._drop(kept)
        while len(self._kept) > MOST:
            await self._drop(self._kept.pop(next(iter(self._kept))))

    async def close(self) -> None:
        """Let all of them go, those that are in use when they no more are."""
        dropped, self._kept = list(self._kept.values()), {}
        for kept in dropped:
            await self._drop(kept)

    async def _drop(self, kept: KeptSession) -> None:
        kept.is_dropped = True
        if not kept.users:
            await kept.closing.aclose()


def _key(credentials: RepoCredentials, url: str, deadline_s: float) -> Hashable:
    parts = urlsplit(url)
    changed_s = None
    with suppress(OSError):
        changed_s = credentials.ca_file.stat().st_mtime_ns if credentials.ca_file else None
    secrets = (_digest(credentials.client_cert), _digest(credentials.client_key))
    proxy = (credentials.proxy, credentials.no_proxy)
    return parts.scheme, parts.netloc, deadline_s, credentials.insecure, credentials.ca_file, changed_s, secrets, proxy


def _digest(secret: Secret | None) -> bytes:
    return hashlib.sha256(secret.read().encode()).digest() if secret is not None else b""
