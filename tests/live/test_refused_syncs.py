"""Whose sync was refused is told when what that may rest on changes, and not all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitopsd.live.decode import Decoder
from gitopsd.live.kinds import VersionStore
from gitopsd.live.refused_syncs import BETWEEN_S, LAG_S, RefusedSyncs
from gitopsd.model.cluster import ApiResource, RefusedAt
from gitopsd.model.comparison import Reading, Unreadable, Unserved
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GVK, GroupKind

MAPS, BOATS = GVK("", "v1", "ConfigMap"), GVK("example.com", "v1", "Boat")
QUOTA = GVK("", "v1", "ResourceQuota")
SHOP = AppName("shop")

pytestmark = pytest.mark.looptime


@dataclass
class Place:
    """What one cluster is to `RefusedSyncs`."""

    told: list[AppName] = field(default_factory=list)
    policies: str = "p1"
    served: dict[GVK, ApiResource | Reading] = field(default_factory=dict)
    versions: dict[GVK, VersionStore] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.refused_syncs = RefusedSyncs(
            self.versions,
            {},
            lambda gvk: self.served.get(gvk, Unserved()),
            lambda gvk: f"{self.policies} {self.served.get(gvk)}",
            self.told.append,
        )

    def follow(self, gvk: GVK) -> VersionStore:
        store = VersionStore(gvk, Decoder(frozenset()), lambda: 0.0, lambda: self.refused_syncs.changed(gvk))
        self.versions[gvk] = store
        return store


@asynccontextmanager
async def running() -> AsyncIterator[Place]:
    place = Place()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(place.refused_syncs.run(), name="refused syncs")
        yield place
        task.cancel()


def quota(namespace: str, version: str) -> dict[str, Any]:
    meta = {"name": "q", "namespace": namespace, "resourceVersion": version}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta}


def at(namespace: str = "prod", gvk: GVK = MAPS, *, unanswered: bool = False) -> list[RefusedAt]:
    return [RefusedAt(gvk, namespace, unanswered)]


async def test_policy_that_changes_is_told_and_what_changes_nothing_is_not() -> None:
    async with running() as place:
        before = place.refused_syncs.refused(SHOP, "op", at())
        place.refused_syncs.changed()
        await asyncio.sleep(60)
        nothing = list(place.told)
        place.policies = "p2"
        place.refused_syncs.changed()
        await asyncio.sleep(2 * LAG_S)

        assert (False, []) == (before, nothing)
        assert ([SHOP], True) == (place.told, place.refused_syncs.refused(SHOP, "op", at()))
        assert not place.refused_syncs.refused(SHOP, "the next one", at())


async def test_quota_of_another_namespace_is_not_told_and_one_that_is_being_listed_is_no_change() -> None:
    async with running() as place:
        store = place.follow(QUOTA)
        assert not place.refused_syncs.refused(SHOP, "op", at())
        store.begin()
        store.put(quota("prod", "1"))
        store.put(quota("else", "1"))
        store.end()
        await asyncio.sleep(60)
        store.put(quota("else", "2"))
        await asyncio.sleep(60)
        before = list(place.told)
        store.put(quota("prod", "2"))
        await asyncio.sleep(60)

        assert ([], [SHOP]) == (before, place.told)


async def test_kind_that_is_served_is_told_and_while_that_is_not_known_nobody() -> None:
    async with running() as place:
        place.refused_syncs.refused(SHOP, "op", at(gvk=BOATS))
        place.served[BOATS] = Unreadable("its server is down")
        place.refused_syncs.changed()
        await asyncio.sleep(60)
        before = list(place.told)
        place.served[BOATS] = ApiResource(BOATS, "boats", namespaced=True, verbs=frozenset({"get"}), preferred=True)
        place.refused_syncs.changed()
        await asyncio.sleep(60)

        assert ([], [SHOP]) == (before, place.told)


async def test_first_one_that_is_taken_wakes_who_had_no_answer() -> None:
    async with running() as place:
        place.refused_syncs.refused(SHOP, "op", at(unanswered=True))
        place.refused_syncs.refused(AppName("refused"), "op", at())
        place.refused_syncs.written(GroupKind("", "Secret"))
        await asyncio.sleep(60)
        before = list(place.told)
        place.refused_syncs.written(MAPS.group_kind)
        await asyncio.sleep(60)

        assert ([], [SHOP]) == (before, place.told)


async def test_thousand_that_one_thing_refused_come_one_after_the_other_each_once() -> None:
    async with running() as place:
        names = [AppName(f"app-{number:04}") for number in range(1000)]
        for name in names:
            place.refused_syncs.refused(name, "op", at())
        place.policies = "p2"
        for _ in range(20):
            place.refused_syncs.changed()
            await asyncio.sleep(0.1)
        at_first = len(place.told)
        await asyncio.sleep(1000 * BETWEEN_S + 60)

        assert at_first <= 2 / BETWEEN_S
        assert names == place.told


async def test_who_is_not_refused_any_more_is_not_told() -> None:
    async with running() as place:
        place.refused_syncs.refused(SHOP, "op", at())
        place.refused_syncs.refused(SHOP, "next", [])
        place.policies = "p2"
        place.refused_syncs.changed()
        await asyncio.sleep(60)

        assert [] == place.told
