"""Health by users' checks: asked of a worker beside the watches, which never wait for it."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import orjson

from gitopsd.core.health import is_asked
from gitopsd.live.decode import without_deletion
from gitopsd.model.cluster import LiveObject
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import GVK, Manifest, ResourceKey
from gitopsd.ports import HealthChecks

PENDING = Health(HealthStatus.PROGRESSING, "its health check is under way")
UNREADABLE = Health(HealthStatus.UNKNOWN, "it is nested too deeply for its health check")


class KindObjects(Protocol):
    """Where the objects of one kind are kept."""

    gvk: GVK

    def checked(self, key: ResourceKey, version: ResourceVersion, health: Health | None) -> None: ...


@dataclass(frozen=True, slots=True)
class PendingCheck:
    """One object to be checked: its newest version alone."""

    holder: KindObjects
    version: ResourceVersion
    packed: bytes  # the object as JSON, without managedFields, compressed: a first list may bring 50,000
    due_s: float = 0.0


class Checking:
    """The checks that one cluster's objects wait for: one at a time, the newest version of each object once."""

    def __init__(self, checks: HealthChecks, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._now_s = now_s
        self._wanted: dict[tuple[GVK, ResourceKey], PendingCheck] = {}
        self._later: dict[tuple[GVK, ResourceKey], PendingCheck] = {}  # no worker would take them just now
        self._news = asyncio.Event()

    def concerns(self, gvk: GVK) -> bool:
        """Tell whether there is a check for objects of `gvk`."""
        return self._checks.has(gvk.group_kind)

    def health_of(
        self, holder: KindObjects, live: LiveObject, old: LiveObject | None, manifest: Manifest
    ) -> Health | None:
        """Return the health of `live` until its check has answered, which is asked for; or what needs no check.

        A new version of the same spec keeps the health of the one before: a heartbeat is not Progressing.
        """
        if not is_asked(without_deletion(manifest) if live.guarded else manifest):
            return live.health
        subject = holder.gvk, live.key
        if old is None or old.resource_version != live.resource_version or not old.resource_version:
            self._later.pop(subject, None)
            packed = _packed(manifest)
            if packed is None:
                self._wanted.pop(subject, None)
                return UNREADABLE
            self._wanted[subject] = PendingCheck(holder, live.resource_version, packed)
            self._news.set()
        return old.health if old is not None and old.generation == live.generation else PENDING

    async def run(self) -> None:
        """Ask for one check after the other, until cancelled."""
        while True:
            self._back_from_later()
            if not self._wanted:
                await self._rest()
                continue
            subject = next(iter(self._wanted))
            pending = self._wanted.pop(subject)
            answer = await self._checks.check(pending.holder.gvk.group_kind, zlib.decompress(pending.packed).decode())
            if answer.again_s is not None and subject not in self._wanted:
                self._later[subject] = replace(pending, due_s=self._now_s() + answer.again_s)
            pending.holder.checked(subject[1], pending.version, answer.health)

    def _back_from_later(self) -> None:
        now_s = self._now_s()
        for subject in [subject for subject, pending in self._later.items() if pending.due_s <= now_s]:
            self._wanted.setdefault(subject, self._later.pop(subject))

    async def _rest(self) -> None:
        self._news.clear()
        due_s = min((pending.due_s for pending in self._later.values()), default=None)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if due_s is None else max(0.0, due_s - self._now_s())):
                await self._news.wait()


def _packed(manifest: Manifest) -> bytes | None:
    """Return an object as compressed JSON; None where it is nested too deeply to be written."""
    meta = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    try:
        return zlib.compress(orjson.dumps({**manifest, "metadata": meta}), level=1)
    except TypeError:
        return None
