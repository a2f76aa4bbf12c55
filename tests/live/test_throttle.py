"""An object that changes a hundred times a second asks for a pass about once a second, and for one at its end."""

from __future__ import annotations

import asyncio

import pytest

from gitopsd.live.notices import FREE, QUIET_S, SPAN_S
from gitopsd.live.throttle import MOST, Throttle
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from tests.live.kit import SHOP

pytestmark = pytest.mark.looptime
KEY, OTHER = ResourceKey("", "ConfigMap", "web", "one"), ResourceKey("", "ConfigMap", "web", "other")
TILL = AppName("till")


class World:
    def __init__(self) -> None:
        self.told: list[AppName] = []
        self.throttle: Throttle[ResourceKey] = Throttle(
            self.told.append,
            lambda: asyncio.get_running_loop().time(),
            free=FREE,
            span_s=SPAN_S,
            quiet_s=QUIET_S,
        )

    async def changes(self, times: int, every_s: float, key: ResourceKey = KEY) -> list[bool]:
        held = []
        for _ in range(times):
            held.append(self.throttle.holds(key, [SHOP]))
            await asyncio.sleep(every_s)
        return held


async def test_object_that_changes_now_and_then_is_never_held() -> None:
    assert [False] * 500 == await World().changes(500, 1.1 * SPAN_S / FREE)


async def test_object_that_changes_all_the_time_is_told_of_once_a_while() -> None:
    world = World()

    held = await world.changes(FREE + 1000, 0.01)

    assert [False] * FREE + [True] * 1000 == held
    assert 9 <= len(world.told) <= 10


async def test_last_change_is_told_and_then_it_is_free_again() -> None:
    world = World()
    await world.changes(FREE + 50, 0.01)
    before = len(world.told)

    await asyncio.sleep(3 * QUIET_S)

    assert before + 1 == len(world.told)
    assert [False] == await world.changes(1, 0.01)


async def test_other_objects_are_told_of_at_once_and_everybody_concerned_later() -> None:
    world = World()
    await world.changes(FREE, 0.0)
    assert world.throttle.holds(KEY, [SHOP])
    assert world.throttle.holds(KEY, [TILL])

    assert not world.throttle.holds(OTHER, [SHOP])
    await asyncio.sleep(1.1 * QUIET_S)

    assert [SHOP, TILL] == world.told


async def test_after_the_end_nobody_is_told() -> None:
    world = World()
    await world.changes(FREE + 1, 0.0)

    world.throttle.close()
    await asyncio.sleep(3 * QUIET_S)

    assert [] == world.told


async def test_counts_are_bounded_and_who_waits_is_not_forgotten() -> None:
    world = World()
    await world.changes(FREE + 1, 0.0)
    for at in range(3 * MOST):
        world.throttle.holds(ResourceKey("", "ConfigMap", "web", str(at)), [TILL])

    await asyncio.sleep(1.1 * QUIET_S)

    assert [SHOP] == world.told
    assert len(world.throttle) <= MOST
