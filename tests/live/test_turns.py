from __future__ import annotations

import asyncio

import pytest

from gitopsd.live.turns import Turns

pytestmark = pytest.mark.looptime


async def test_more_than_may_go_at_once_wait_until_one_is_done() -> None:
    turns, order = Turns(1, patience_s=60), []

    async def one(name: str, for_s: float) -> None:
        async with turns.turn():
            order.append(name)
            await asyncio.sleep(for_s)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(one(name, 10), name=name)

    assert (["a", "b", "c"], 30.0) == (order, asyncio.get_running_loop().time())


async def test_a_turn_can_end_before_its_block() -> None:
    turns = Turns(1, patience_s=60)
    async with turns.turn() as done:
        done()
        async with turns.turn():
            assert asyncio.get_running_loop().time() == 0.0


async def test_who_has_waited_long_goes_on_all_the_same() -> None:
    turns = Turns(1, patience_s=2)
    async with turns.turn(), turns.turn():
        assert asyncio.get_running_loop().time() == 2.0


async def test_who_went_without_a_turn_gives_none_back() -> None:
    turns = Turns(1, patience_s=2)
    async with turns.turn():
        async with turns.turn():
            pass
        async with turns.turn():
            assert asyncio.get_running_loop().time() == 4.0
