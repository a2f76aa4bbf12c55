"""A mirror that runs while a block does, and waiting for what it should come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.kube.client import KubeClient
from gitopsd.live.mirrors import LiveMirrors
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Found, Reading
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey

T = TypeVar("T")
HERE = ClusterId("here")
SHOP = AppName("shop")
DEADLINE_S = 90.0


@dataclass(slots=True)
class Running:
    """Mirrors of one cluster, and which applications and clusters they told of, in order."""

    mirrors: LiveMirrors
    told: list[AppName] = field(default_factory=list)
    clusters: list[ClusterId] = field(default_factory=list)

    def reading(self, ref: ObjectRef, app: AppName = SHOP) -> Reading:
        return self.mirrors.readings(HERE, app, [ref])[ref.key]

    def found(self, ref: ObjectRef) -> LiveObject:
        reading = self.reading(ref)
        assert isinstance(reading, Found), reading
        return reading.live

    async def until_synced(self) -> None:
        await until(lambda: self.mirrors.age(HERE).synced, "synced")

    async def until_found(self, ref: ObjectRef) -> LiveObject:
        await until(lambda: isinstance(self.reading(ref), Found), f"{ref.key} found")
        return self.found(ref)


@asynccontextmanager
async def running(
    client: KubeClient,
    kinds: Collection[GroupKind] = (),
    tracking: Tracking = ANNOTATION,
    now_s: Callable[[], float] = time.monotonic,
    refresh_s: float = 600.0,
) -> AsyncIterator[Running]:
    """Run the mirror of the cluster that `client` speaks to while the block runs."""
    told: list[AppName] = []
    clusters: list[ClusterId] = []
    mirrors = LiveMirrors(
        {HERE: client},
        kinds=lambda _: kinds,
        on_change=told.append,
        on_cluster=clusters.append,
        tracking=tracking,
        takeover=("kubectl-client-side-apply", "argocd-controller"),
        now_s=now_s,
        refresh_s=refresh_s,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(mirrors.mirrors[HERE].run(), name="mirror under test")
        try:
            yield Running(mirrors, told, clusters)
        finally:
            task.cancel()


async def until(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until `condition` holds; fail naming `what` when it does not in time."""
    try:
        async with asyncio.timeout(deadline_s):
            while not condition():  # noqa: ASYNC110 - there is no event: the world is looked at
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not in {deadline_s} s: {what}") from None


def ref(kind: str, namespace: str, name: str, group: str = "", version: str = "v1") -> ObjectRef:
    return ObjectRef(ResourceKey(group, kind, namespace, name), GVK(group, version, kind))
