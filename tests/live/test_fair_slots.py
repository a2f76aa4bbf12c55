from __future__ import annotations

import asyncio

import pytest

from gitopsd.live.fair_slots import FairSlots, Slot

pytestmark = pytest.mark.looptime


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_more_than_may_go_at_once_wait_until_one_is_done() -> None:
    turns, order = FairSlots(1, patience_s=60), []

    async def one(name: str, for_s: float) -> None:
        async with turns.turn():
            order.append(name)
            await asyncio.sleep(for_s)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(one(name, 10), name=name)

    assert (["a", "b", "c"], 30.0) == (order, now_s())


async def test_a_turn_can_end_before_its_block() -> None:
    turns = FairSlots(1, patience_s=60)
    async with turns.turn() as turn:
        turn.done()
        async with turns.turn():
            assert 0.0 == now_s()
        await turn.go_on()  # what is over needs no turn


async def test_who_stalls_loses_its_turn_to_one_who_waits() -> None:
    turns = FairSlots(1, patience_s=2)
    async with turns.turn(), turns.turn():
        assert 2.0 == now_s()


async def test_who_goes_on_keeps_its_turn_however_long_it_takes() -> None:
    turns, ended = FairSlots(1, patience_s=2), 0.0

    async def slow() -> None:
        nonlocal ended
        async with turns.turn() as turn:
            for _ in range(20):
                await asyncio.sleep(0.5)
                await turn.go_on()
            ended = now_s()

    async with asyncio.TaskGroup() as group:
        group.create_task(slow())
        await asyncio.sleep(0)
        async with turns.turn():
            assert (10.0, 10.0) == (ended, now_s())


async def test_who_has_lost_its_turn_waits_for_another_before_it_goes_on() -> None:
    turns = FairSlots(1, patience_s=2)

    async def busy(turn: Slot) -> None:
        for _ in range(10):
            await asyncio.sleep(1)
            await turn.go_on()
        turn.done()

    async with turns.turn() as lost, turns.turn() as other, asyncio.TaskGroup() as group:
        group.create_task(busy(other))
        await lost.go_on()
        assert 12.0 == now_s()


async def test_who_has_lost_its_turn_goes_before_those_who_have_not_begun() -> None:
    turns, order = FairSlots(1, patience_s=2), []

    async def one(name: str, stalls_s: float) -> None:
        async with turns.turn() as turn:
            await asyncio.sleep(stalls_s)
            await turn.go_on()
            order.append(name)

    async with asyncio.TaskGroup() as group:
        for name, stalls_s in {"slow": 3.0, "a": 1.5, "b": 1.5, "c": 1.5}.items():
            group.create_task(one(name, stalls_s), name=name)

    assert ["a", "slow", "b", "c"] == order


async def test_no_more_go_on_than_may_even_if_many_stall() -> None:
    turns, on, most = FairSlots(2, patience_s=1), 0, 0

    async def one(turn: Slot) -> None:
        nonlocal on, most
        on += 1
        most = max(most, on)
        await asyncio.sleep(0)
        on -= 1
        await asyncio.sleep(5)  # it stalls
        await turn.go_on()
        on += 1
        most = max(most, on)
        await asyncio.sleep(0.5)
        on -= 1

    async def all_of_it() -> None:
        async with turns.turn() as turn:
            await one(turn)

    async with asyncio.TaskGroup() as group:
        for number in range(12):
            group.create_task(all_of_it(), name=f"{number}")

    assert 2 == most


async def test_who_gives_up_waiting_leaves_its_place_to_the_next() -> None:
    turns = FairSlots(1, patience_s=60)

    async def take() -> float:
        async with turns.turn():
            return now_s()

    async with asyncio.TaskGroup() as group:
        async with turns.turn():
            first, second = (group.create_task(take()) for _ in range(2))
            await asyncio.sleep(1)
        first.cancel()  # the turn was handed to it, and it does not come any more
    assert 1.0 == second.result()
    assert 1.0 == await take()
