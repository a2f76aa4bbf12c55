"""What waits for something slow leaves its lane to others."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress

import pytest

from gitopsd.runtime.lanes import PATIENCE_S, Lanes, stepping_aside

pytestmark = pytest.mark.looptime


async def _work(lanes: Lanes, wait_s: float, told: list[tuple[str, float]], name: str) -> None:
    lane = await lanes.free()
    lane.drive()
    clock = asyncio.get_running_loop().time
    told.append((name, clock()))
    try:
        async with stepping_aside():
            await asyncio.sleep(wait_s)
        told.append((f"{name} again", clock()))
        await asyncio.sleep(1.0)
    finally:
        lane.leave()


async def test_a_long_wait_leaves_the_lane_and_comes_back_to_it() -> None:
    told: list[tuple[str, float]] = []
    lanes = Lanes(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(_work(lanes, 60.0, told, "slow"))
        await asyncio.sleep(0)
        group.create_task(_work(lanes, 0.0, told, "fast"))

    assert [("slow", 0.0), ("fast", PATIENCE_S), ("fast again", PATIENCE_S), ("slow again", 60.0)] == told


async def test_no_more_go_on_at_once_than_there_are_lanes() -> None:
    told: list[tuple[str, float]] = []
    lanes = Lanes(1)
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(_work(lanes, 10.0, told, name))

    back = [at_s for name, at_s in told if name.endswith("again")]
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(back))


async def _fail() -> None:
    await asyncio.sleep(1)
    raise LookupError


async def test_who_fails_does_not_wait_for_a_lane() -> None:
    lanes = Lanes(1)

    async def failing() -> float:
        lane = await lanes.free()
        lane.drive()
        with suppress(LookupError):
            async with stepping_aside():
                await _fail()
        return asyncio.get_running_loop().time()

    async with asyncio.TaskGroup() as group:
        told = group.create_task(failing())
        await asyncio.sleep(0.5)
        kept = await lanes.free()
        await asyncio.sleep(9)
        kept.leave()

    assert 1.0 == told.result()


async def test_without_a_lane_nothing_is_left() -> None:
    async with stepping_aside():
        await asyncio.sleep(1)
