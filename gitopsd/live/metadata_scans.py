"""When the kinds that nobody watches are looked through, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Protocol

from gitopsd.errors import Retryable
from gitopsd.kube.client import KubeClient
from gitopsd.live.fair_slots import FairSlots
from gitopsd.live.metadata_scan import belongs_to_trees, has_any, surveyed
from gitopsd.live.scope import WatchScope
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GVK, Manifest
from gitopsd.runtime.tasks import at_most

AT_ONCE = 4
RETRY_S = 60.0  # after a survey in which some kinds did not answer, or that found some: these may own others
FIRST_LISTS_S = 10.0  # that the first survey waits for the first lists, by which is known who owns what


class ScannedKind(Protocol):
    """The mirror whose cluster is looked through."""

    @property
    def synced(self) -> bool: ...

    def unwatched(self) -> Collection[ApiResource] | None:
        """Return the kinds that are served and not watched; None where that is not known yet."""
        ...

    def is_tracked(self, manifest: Manifest) -> bool: ...
    def owns(self, manifest: Manifest) -> bool: ...

    def holds_ours(self, resource: ApiResource) -> None:
        """The kind holds tracked objects, or what those own."""
        ...


class MetadataScans:
    """Looks through a cluster at start, when it is asked to, and after `relist_s` at the latest."""

    def __init__(self, mirror: ScannedKind, client: KubeClient, bounds: WatchScope, lists: FairSlots) -> None:
        self.done = False  # all kinds have been looked through once
        self.unanswered: dict[GVK, str] = {}  # kinds of which the last survey could not tell, and why
        self._mirror = mirror
        self._client = client
        self._bounds = bounds
        self._lists = lists
        self._now = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have one as soon as may be."""
        self._now.set()

    def ask_later(self) -> None:
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(RETRY_S, self._now.set)

    def close(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    async def run(self) -> None:
        wait_s, patient = self._client.settings.relist_s, True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._now.wait()
            self._now.clear()
            self.close()
            todo = self._mirror.unwatched()
            if todo is None:
                continue
            if patient and not self._mirror.synced:
                wait_s, patient = FIRST_LISTS_S, False
                continue
            over = await self._look_through([one for one in todo if surveyed(one)])
            wait_s = self._client.settings.relist_s if over else RETRY_S

    async def _look_through(self, todo: Collection[ApiResource]) -> bool:
        """Tell of the kinds that hold what is an application's; return whether there is nothing more to find.

        There may be where a kind could not be asked, and where one was found.
        """
        results = await at_most(AT_ONCE, todo, self._has_ours, name=f"survey of {self._client.name}")
        answers = list(zip(todo, results, strict=True))
        for resource, answer in answers:
            if answer is True:
                self._mirror.holds_ours(resource)
        self.done = True
        self.unanswered = {resource.gvk: str(answer) for resource, answer in answers if not isinstance(answer, bool)}
        return not any(answer is True or isinstance(answer, Retryable) for _, answer in answers)

    async def _has_ours(self, resource: ApiResource) -> bool | str | Retryable:
        def wanted(manifest: Manifest) -> bool:
            return self._mirror.is_tracked(manifest) or (grows and self._mirror.owns(manifest))

        grows = belongs_to_trees(resource)
        try:
            return await has_any(self._client, resource, wanted, self._bounds.parts(resource), self._lists)
        except Retryable as err:
            return err
