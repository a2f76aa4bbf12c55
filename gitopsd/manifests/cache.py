"""Redis, which holds rendered manifests for all daemons of a fleet, and is trusted with nothing (decision 9).

Every entry is sealed by one AEAD under a key that is not in Redis, with its Redis key as associated data: what was
forged, swapped, cut or sealed under another key does not open, and is a miss. A Redis that is gone, slow or full
costs a render, never an error.
"""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gitopsd.errors import InvalidSettings
from gitopsd.runtime.deadline import heed_cancellation
from gitopsd.runtime.seal import KEY_BYTES, Seal

PREFIX = "gitopsd:manifests:"
AT_ONCE = 32  # commands in flight, each on a connection; more wait here
LARGE_BYTES = 256 << 10  # what takes longer than 2 ms to seal or open is done in a thread
MOST_BYTES = 128 << 20  # of an entry, sealed or opened; a worker answers less
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
LOOK_S, LOOK_GONE_S = 10.0, 1.0  # between two looks whether the server is there; while it is gone the pause counts too

T = TypeVar("T")
OnCommand = Callable[[float, bool], None]  # its seconds, and whether it got no answer or was refused
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CacheState:
    """What the status page tells of Redis."""

    degraded: bool = False
    reason: str = ""  # why; "" when it is not


class Cache:
    """Sealed entries by name. Reads and writes never raise: what cannot be had is a miss.

    It is also a service, which looks whether the server is there: a daemon at rest asks it for nothing, and would tell
    what held when it last did.
    """

    name = "cache"

    def __init__(  # noqa: PLR0913 - what a Redis is, and three knobs with their defaults
        self,
        url: str,
        key: bytes,
        *,
        password: str | None = None,
        deadline_s: float = 1.0,
        ttl_s: float = 7 * 86400.0,
        on_event: Callable[[str], None] = lambda _: None,
        on_command: OnCommand = lambda _seconds, _failed: None,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Speak to the Redis at `url`, and seal with `key`, 32 bytes.

        `on_event` is called with hit, miss, unsealed (an entry that does not open; a miss besides), put, failed, and
        with lost and back where a look shows it. `on_command` is called after each command.
        `ready` is awaited before each command, within its deadline: a private server that starts is not gone.
        """
        self._seal = Seal(key)
        self._deadline_s = deadline_s
        self._ttl_s = max(1, int(ttl_s))
        self._on_event = on_event
        self._redis = redis.asyncio.Redis.from_url(
            url,
            password=password,
            protocol=2,  # servers before 6 know no other
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=deadline_s,
            socket_timeout=deadline_s,
            max_connections=2 * AT_ONCE,
        )
        self._gate = Breaker(deadline_s, ready, on_command)
        self._refusal = ""  # of the last write, while the server answers

    @property
    def state(self) -> CacheState:
        reason = self._gate.reason or self._refusal
        return CacheState(bool(reason), reason)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_GONE_S if self._gate.reason else LOOK_S)
            before = self._gate.reason
            with suppress(redis.ResponseError):  # it answers
                await self._gate.run(self._redis.ping)
            if bool(before) is not bool(self._gate.reason):
                self._on_event("lost" if self._gate.reason else "back")

    async def get(self, names: Sequence[str]) -> list[bytes | None]:
        """Return what was put under each of `names`; None for a miss. What is read lives on."""
        stored = await self._gate.run(lambda: self._read(names)) if names else []
        sealed = stored if stored is not None else [b""] * len(names)
        opened = [await self._opened(name, one) for name, one in zip(names, sealed, strict=True)]
        for one in opened:
            self._on_event("miss" if one is None else "hit")
        return opened

    async def put(self, name: str, value: bytes) -> None:
        """Keep `value` under `name`, unless it cannot be kept."""
        sealed = await _aside(self._sealed, name, value)
        try:
            if await self._gate.run(lambda: self._redis.set(PREFIX + name, sealed, ex=self._ttl_s)) is not None:
                self._refusal = ""
                self._on_event("put")
        except redis.ResponseError as err:  # full, or a replica: it can still be read
            if not self._refusal:
                log.warning("cache.refuses", error=str(err))
            self._refusal = f"Redis refuses to keep entries: {err}"
            self._on_event("failed")

    async def _read(self, names: Sequence[str]) -> list[bytes]:
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.getrange(PREFIX + name, 0, MOST_BYTES)  # a bound on what somebody else may have put there
            pipeline.expire(PREFIX + name, self._ttl_s)
        answers = await pipeline.execute(raise_on_error=False)
        return [answer if isinstance(answer, bytes) else b"" for answer in answers[::2]]

    async def _opened(self, name: str, sealed: bytes) -> bytes | None:
        if not sealed:
            return None
        try:
            return await _aside(self._unsealed, name, sealed)
        except (ValueError, zlib.error):
            self._on_event("unsealed")
            return None

    def _sealed(self, name: str, value: bytes) -> bytes:
        return self._seal.sealed(PREFIX + name, zlib.compress(value, 1))

    def _unsealed(self, name: str, sealed: bytes) -> bytes:
        packed = self._seal.opened(PREFIX + name, sealed)
        if packed is None:
            raise ValueError("not what was sealed")
        unpack = zlib.decompressobj()
        value = unpack.decompress(packed, MOST_BYTES)
        if not unpack.eof:
            raise ValueError("more than an entry may hold")
        return value


async def _aside(work: Callable[[str, bytes], bytes], name: str, data: bytes) -> bytes:
    return await asyncio.to_thread(work, name, data) if len(data) > LARGE_BYTES else work(name, data)


class Breaker:
    """Keeps a Redis that is gone from costing every pass its deadline: after a failure one command in a while tries."""

    def __init__(
        self,
        deadline_s: float,
        ready: Callable[[], Awaitable[None]] | None = None,
        on_command: OnCommand = lambda _seconds, _failed: None,
    ) -> None:
        self._ready = ready
        self._on_command = on_command
        self._deadline_s = deadline_s
        self._pause_s = FIRST_PAUSE_S
        self._closed_until_s = 0.0  # of the loop's clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.reason = ""  # why it is taken to be gone; "" while it answers

    async def run(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """Run one command; None where it gets no answer, and at once while Redis is taken to be gone.

        Raises:
            redis.ResponseError: the server answers, and refuses.
        """
        clock = asyncio.get_running_loop().time
        async with self._slots:
            if clock() < self._closed_until_s:
                return None
            if self.reason:  # the others do without while this one tries
                self._closed_until_s = clock() + self._deadline_s + self._pause_s
            began_s, failed = clock(), True
            try:
                async with asyncio.timeout(self._deadline_s):
                    if self._ready is not None:
                        await self._ready()
                    answer = await command()
                heed_cancellation()
                failed = False
            except redis.ResponseError:
                self._answers()
                raise
            except (redis.RedisError, OSError, TimeoutError) as err:
                self._fails(str(err) or f"no answer in {self._deadline_s:g} s", clock())
                return None
            finally:
                self._on_command(clock() - began_s, failed)
            self._answers()
            return answer

    def _fails(self, error: str, now_s: float) -> None:
        if not self.reason:
            log.warning("cache.gone", error=error)
        self.reason = f"Redis does not answer: {error}"
        self._closed_until_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)

    def _answers(self) -> None:
        if self.reason:
            log.info("cache.back")
        self.reason, self._pause_s, self._closed_until_s = "", FIRST_PAUSE_S, 0.0


def key_in(file: Path) -> bytes:
    """Return the key that seals entries, from `file`; made there, for the owner alone, where it is missing.

    Raises:
        InvalidSettings: the file holds something else.
    """
    if not file.exists():
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file_made:
            file_made.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        with suppress(FileExistsError):  # somebody else was first; theirs counts
            file.hardlink_to(fresh)
        fresh.unlink()
    return decoded_key(file.read_text(), str(file))


def decoded_key(text: str, origin: str) -> bytes:
    """Return the 32 bytes that `text`, base64, holds.

    Raises:
        InvalidSettings: it is something else; names `origin`.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidSettings(
            f"{origin} does not hold {KEY_BYTES} bytes in base64",
            remedy=f"write what `openssl rand -base64 {KEY_BYTES}` prints",
        )
    return key
