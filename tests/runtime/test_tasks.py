from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import structlog

from gitopsd.errors import ClusterUnreachable, GitopsError, InvalidManifest, Retryable, TooSlow
from gitopsd.runtime.deadline import within
from gitopsd.runtime.tasks import STUCK_S, Graceful, at_most, running, serve, supervise

pytestmark = pytest.mark.looptime


@dataclass
class Noted:
    """A service that notes when it starts and is gone."""

    name: str
    notes: list[str]
    lives_s: float = float("inf")
    fails: Exception | None = None
    slow_to_stop_s: float = 0.0

    async def run(self) -> None:
        self.notes.append(f"+{self.name}")
        try:
            await asyncio.sleep(self.lives_s if self.lives_s != float("inf") else 1e9)
            if self.fails:
                raise self.fails
        finally:
            await asyncio.sleep(self.slow_to_stop_s)
            self.notes.append(f"-{self.name}")


async def test_layers_stop_in_reverse_and_each_is_gone_before_the_next() -> None:
    notes: list[str] = []
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(5, stop.set)
    layers = [(Noted(name, notes, slow_to_stop_s=3),) for name in ("probes", "mirrors", "workers")]
    await serve(stop, *layers)

    assert ["+probes", "+mirrors", "+workers", "-workers", "-mirrors", "-probes"] == notes


@dataclass
class Deaf:
    """A service to which a cancellation is lost, as one that comes in the turn in which what is awaited ends."""

    name: str = "deaf"
    lost: int = 1

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(1e9)
            except asyncio.CancelledError:
                self.lost -= 1
                if self.lost < 0:
                    raise


async def test_service_that_does_not_end_is_named_and_told_again() -> None:
    clock = asyncio.get_running_loop().time
    with structlog.testing.capture_logs() as logs:
        async with running(Deaf(), Noted("slow", [], slow_to_stop_s=20)):
            await asyncio.sleep(1)
            stopped_s = clock()

    assert STUCK_S == clock() - stopped_s
    [stuck] = logs
    assert ("service.stuck", "deaf") == (stuck["event"], stuck["service"])
    assert stuck["at"][-1].startswith("sleep:")
    assert any("Deaf.run" in place for place in stuck["at"])


async def test_failed_service_stops_every_layer_with_its_reason() -> None:
    notes: list[str] = []
    inner = Noted("inner", notes)
    broken = Noted("broken", notes, lives_s=5, fails=ValueError("bug"))
    with pytest.raises(ExceptionGroup) as caught:
        await serve(asyncio.Event(), (broken,), (inner,))

    assert caught.group_contains(ValueError, match="bug")
    assert {"-inner", "-broken"} == set(notes[-2:])


async def test_service_that_ends_by_itself_is_a_fault() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await serve(asyncio.Event(), (Noted("mirror", [], lives_s=1),))

    assert caught.group_contains(RuntimeError, match="mirror ended by itself")


async def test_services_run_while_the_block_runs() -> None:
    notes: list[str] = []
    async with running(Noted("probes", notes)):
        await asyncio.sleep(1)
        assert ["+probes"] == notes

    assert ["+probes", "-probes"] == notes


@dataclass
class Attempts:
    """Fails as told, run by run; then raises `Done`."""

    outcomes: list[tuple[float, Exception | None]]
    started_s: list[float] = field(default_factory=list)

    async def run(self) -> None:
        self.started_s.append(asyncio.get_running_loop().time())
        if not self.outcomes:
            raise KeyError("done")
        lasts_s, error = self.outcomes.pop(0)
        await asyncio.sleep(lasts_s)
        if error:
            raise error


def gone() -> Retryable:
    return ClusterUnreachable("c1 does not answer", remedy="wait")


def doubled(failures: int) -> float:
    return 2.0**failures


async def waits(attempts: Attempts, failed: Callable[[Retryable], None] = lambda _: None) -> list[float]:
    with pytest.raises(KeyError):
        await supervise("mirror", attempts.run, delay_s=doubled, failed=failed)
    return [later - earlier for earlier, later in zip(attempts.started_s, attempts.started_s[1:], strict=False)]


async def test_retryable_failures_wait_longer_each_time() -> None:
    told: list[Retryable] = []
    errors = [gone(), gone(), gone()]

    assert [2, 4, 8] == await waits(Attempts([(0, error) for error in errors]), told.append)
    assert errors == told


async def test_run_that_was_healthy_for_long_starts_the_count_anew() -> None:
    assert [2, 4, 602, 4] == await waits(Attempts([(0, gone()), (0, gone()), (600, gone()), (0, gone())]))


async def test_bug_is_not_restarted() -> None:
    attempts = Attempts([(0, InvalidManifest("m", remedy="r"))])
    with pytest.raises(InvalidManifest):
        await supervise("mirror", attempts.run, delay_s=doubled)

    assert 1 == len(attempts.started_s)


async def test_at_most_n_are_in_flight_and_results_keep_their_order() -> None:
    flying = peak = 0

    async def fly(number: int) -> int:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        await asyncio.sleep(10 - number % 3)
        flying -= 1
        return number * number

    assert tuple(n * n for n in range(10)) == await at_most(4, range(10), fly)
    assert 4 == peak


async def test_first_failure_cancels_the_rest_and_leaves_as_itself() -> None:
    ended: list[int] = []

    async def fly(number: int) -> None:
        await asyncio.sleep(number)
        if number == 2:
            raise gone()
        ended.append(number)

    with pytest.raises(ClusterUnreachable):
        await at_most(8, range(5), fly)

    assert [0, 1] == ended


async def test_slow_peer_is_named() -> None:
    with pytest.raises(TooSlow, match="the list of Pods took more than 3 s") as caught:
        await within(3, "the list of Pods", asyncio.sleep(10))

    assert isinstance(caught.value, GitopsError)


async def test_timeout_of_the_work_itself_is_not_ours() -> None:
    async def impatient() -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        await within(3, "the list of Pods", impatient())


async def test_answer_within_the_deadline_is_returned() -> None:
    assert "pods" == await within(3, "the list of Pods", asyncio.sleep(1, "pods"))


class Obliging:
    """Ends `takes_s` after it was asked to."""

    name = "passes"

    def __init__(self, takes_s: float) -> None:
        self.asked = asyncio.Event()
        self.finished = False
        self._takes_s = takes_s

    async def run(self) -> None:
        await self.asked.wait()
        await asyncio.sleep(self._takes_s)
        self.finished = True


@pytest.mark.parametrize(("takes_s", "expected"), [(10, (True, 11)), (100, (False, 21))])
async def test_service_with_grace_may_finish_but_not_for_ever(takes_s: float, expected: tuple[bool, float]) -> None:
    loop = asyncio.get_running_loop()
    service = Obliging(takes_s)
    stop = asyncio.Event()
    loop.call_later(1, stop.set)
    began_s = loop.time()
    await serve(stop, (Graceful(service, service.asked.set, grace_s=20),))

    assert expected == (service.finished, loop.time() - began_s)


async def test_service_with_grace_that_fails_ends_the_daemon_with_its_reason() -> None:
    broken = Noted("passes", [], lives_s=5, fails=ValueError("bug"))
    with pytest.raises(ExceptionGroup) as caught:
        await serve(asyncio.Event(), (Graceful(broken, lambda: None, grace_s=20),))

    assert caught.group_contains(ValueError, match="bug")
