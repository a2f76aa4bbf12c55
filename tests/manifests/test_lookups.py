"""Questions about closures are asked together, and nobody loses an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gitopsd.errors import RepositoryUnreachable
from gitopsd.manifests.jobs import Place, Question
from gitopsd.manifests.lookups import MOST, LookUps
from gitopsd.manifests.singleflight import SingleFlight

HERE: Place = ("opener", "mirror", "revision"), ()


class Worker:
    """Answers when it is let go; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []  # inputs, by job
        self.go = asyncio.Event()
        self.fails = False

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        del job, deadline_s
        questions: Sequence[Question] = args[1]
        self.asked.append([inputs for inputs, _, _ in questions])
        await self.go.wait()
        if self.fails:
            raise RepositoryUnreachable("the mirror is damaged", remedy="wait for the next fetch")
        return [[f"{inputs}:{'+'.join(looked_up)}" for looked_up in sets] for inputs, sets, _ in questions]


async def test_questions_that_come_meanwhile_are_asked_together() -> None:
    worker = Worker()
    look_ups = LookUps(worker)
    async with asyncio.TaskGroup() as group:
        asks = [group.create_task(look_ups.keys(HERE, str(n), [("x", "y"), ("z",)], {})) for n in range(5)]
        await asyncio.sleep(0)
        worker.go.set()

    assert [["0"], ["1", "2", "3", "4"]] == worker.asked
    assert [[f"{n}:x+y", f"{n}:z"] for n in range(5)] == [ask.result() for ask in asks]


async def test_revisions_are_asked_apart() -> None:
    worker = Worker()
    worker.go.set()
    look_ups = LookUps(worker)
    async with asyncio.TaskGroup() as group:
        for revision in "ab":
            group.create_task(look_ups.keys((("opener", "mirror", revision), ()), revision, [("x",)], {}))

    assert [["a"], ["b"]] == worker.asked


async def test_a_job_has_a_bound() -> None:
    worker = Worker()
    worker.go.set()
    large = tuple(f"file:{n}" for n in range(MOST // 2 + 1))
    look_ups = LookUps(worker)
    async with asyncio.TaskGroup() as group:
        for n in range(4):
            group.create_task(look_ups.keys(HERE, str(n), [large], {}))

    assert [["0"], ["1"], ["2"], ["3"]] == worker.asked


async def test_the_others_are_answered_when_the_one_who_asks_is_cancelled() -> None:
    worker = Worker()
    look_ups = LookUps(worker)
    async with asyncio.TaskGroup() as group:
        asks = [group.create_task(look_ups.keys(HERE, str(n), [("x",)], {})) for n in range(4)]
        await asyncio.sleep(0)
        asks[0].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asks[1].cancel()  # it now asks for itself and the rest
        asks[3].cancel()  # it waits
        worker.go.set()

    assert ["2:x"] == asks[2].result()


async def test_a_failed_job_fails_all_it_was_asked_for_and_is_not_repeated_for_each() -> None:
    worker = Worker()
    worker.fails = True
    look_ups = LookUps(worker)
    failures = []

    async def ask(inputs: str) -> None:
        with pytest.raises(RepositoryUnreachable) as raised:
            await look_ups.keys(HERE, inputs, [("x",)], {})
        failures.append(raised.value.what)

    async with asyncio.TaskGroup() as group:
        for n in range(5):
            group.create_task(ask(str(n)))
        await asyncio.sleep(0)
        worker.go.set()

    assert (["the mirror is damaged"] * 5, 2) == (failures, len(worker.asked))


async def test_equal_work_is_done_once() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    done = []

    async def work() -> int:
        done.append(1)
        await asyncio.sleep(0)
        return len(done)

    async with asyncio.TaskGroup() as group:
        joined = [group.create_task(flights.join("key", work)) for _ in range(5)]
    assert [1] * 5 == [one.result() for one in joined]
    assert 2 == await flights.join("key", work)  # what is over is not kept


async def test_a_failure_is_shared_by_those_who_waited() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    done = []

    async def work() -> int:
        done.append(1)
        await asyncio.sleep(0)
        raise RepositoryUnreachable("gone", remedy="wait")

    async def ask() -> None:
        with pytest.raises(RepositoryUnreachable, match="gone"):
            await flights.join("key", work)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ask())
    assert 1 == len(done)
