from __future__ import annotations

import asyncio

import pytest

from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.tasks import running

pytestmark = pytest.mark.looptime


class BlockableClock:
    """The loop's virtual time, plus the time for which something blocked the loop."""

    def __init__(self) -> None:
        self.blocked_s = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.blocked_s


async def test_loop_that_keeps_up_has_no_lag() -> None:
    lag = LoopLag(clock=BlockableClock())
    async with running(lag):
        await asyncio.sleep(10)

        assert 0 == round(lag.worst_s(60), 6)


async def test_blocked_loop_shows_and_is_forgotten_after_the_window() -> None:
    clock = BlockableClock()
    observed: list[float] = []
    lag = LoopLag(clock=clock, observe=observed.append)
    async with running(lag):
        await asyncio.sleep(5)
        clock.blocked_s += 7
        assert 6.8 < lag.worst_s(60)  # seen while it blocks, before the late beat
        await asyncio.sleep(5)
        assert 6.8 < lag.worst_s(60) < 7.2
        assert 6.8 < max(observed) < 7.2
        await asyncio.sleep(5)

        assert 0.01 > lag.worst_s(5)
        assert 6.8 < lag.worst_s(60)
