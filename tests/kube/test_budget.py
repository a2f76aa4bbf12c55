"""How many requests one API server gets at once, by what it says."""

from __future__ import annotations

import asyncio

import pytest

from gitopsd.kube.budget import Budget

pytestmark = pytest.mark.looptime


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def spend(budget: Budget, count: int, for_s: float = 1.0) -> float:
    """Ask `count` times at once, each for `for_s`; return how long it took."""
    started_s = now_s()

    async def one() -> None:
        async with budget.turn():
            await asyncio.sleep(for_s)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(), name=f"{number}")
    return now_s() - started_s


async def test_as_many_as_are_set_are_in_flight() -> None:
    assert 3.0 == await spend(Budget(4), 12)


async def test_requests_refused_together_make_it_half_as_many_once_after_the_rest() -> None:
    budget = Budget(8)
    for rest_s in (2.0, 3.0, None):
        budget.refused(rest_s)

    assert (4, 3.0) == (budget.limit, budget.rest_s())
    assert 5.0 == await spend(budget, 8)


async def test_each_refusal_after_a_rest_makes_it_fewer_and_never_none() -> None:
    budget = Budget(8)
    for _ in range(10):
        budget.refused(0)
        await asyncio.sleep(budget.rest_s())

    assert 1 == budget.limit
    assert 3.0 == await spend(budget, 3)


async def test_answers_make_it_more_again_up_to_what_is_set() -> None:
    budget = Budget(8)
    budget.refused(0)
    for _ in range(9):
        budget.answered()
    assert 5 <= budget.limit < 8
    for _ in range(100):
        budget.answered()

    assert 8 == budget.limit


async def test_who_gives_up_waiting_leaves_its_place_to_the_next() -> None:
    budget = Budget(1)
    async with budget.turn():
        first, second = (asyncio.ensure_future(spend(budget, 1)) for _ in range(2))  # noqa: TID251 - cancelled below
        await asyncio.sleep(1)
    first.cancel()  # the turn was handed to it, and it does not come any more
    assert 1.0 <= await second
    assert 1.0 == await spend(budget, 1)
    with pytest.raises(asyncio.CancelledError):
        await first
