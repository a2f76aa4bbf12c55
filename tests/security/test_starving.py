"""Nobody starves others: docs/security.md, "Starving"."""

from __future__ import annotations

import asyncio

import pytest

from gitopsd.errors import WorkerStopped
from gitopsd.runtime.turns import asking
from gitopsd.runtime.workers import JobLimits, WorkerPool

JOBS = "tests.runtime.jobs"
DATA_BYTES = 256 << 20


async def _hostile(pool: WorkerPool, number: int, deadline_s: float) -> None:
    with asking("hostile", f"app-{number}"):
        while True:
            try:
                await pool.call(f"{JOBS}:forever", deadline_s=deadline_s)
            except WorkerStopped:
                continue


async def test_twenty_endless_jobs_of_one_project_hold_up_nobody_else() -> None:
    limits = JobLimits(data_bytes=DATA_BYTES)
    async with WorkerPool(2, limits) as pool, asyncio.TaskGroup() as group:
        hostile = [group.create_task(_hostile(pool, number, 600.0)) for number in range(20)]
        await asyncio.sleep(0)

        async with asyncio.timeout(60):
            with asking("good", "web"):
                found = [await pool.call(f"{JOBS}:double", number) for number in range(5)]

        for each in hostile:
            each.cancel()
    assert [0, 2, 4, 6, 8] == found


async def test_those_that_had_to_be_stopped_leave_workers_to_the_others_whosever_they_are() -> None:
    limits = JobLimits(data_bytes=DATA_BYTES)
    async with WorkerPool(2, limits) as pool, asyncio.TaskGroup() as group:
        for number in range(4):
            with asking(f"project-{number}", "app"), pytest.raises(WorkerStopped):
                await pool.call(f"{JOBS}:forever", deadline_s=0.01)
        hostile = []
        for number in range(4):
            with asking(f"project-{number}", "app"):
                hostile.append(group.create_task(pool.call(f"{JOBS}:forever", deadline_s=600.0)))
        await asyncio.sleep(0)

        async with asyncio.timeout(60):
            for number in range(5):
                with asking(f"good-{number}", "web"):
                    assert 42 == await pool.call(f"{JOBS}:double", 21)

        for each in hostile:
            each.cancel()


async def test_what_had_to_be_stopped_gives_way_on_the_processor_the_next_time() -> None:
    async with WorkerPool(1, JobLimits(data_bytes=DATA_BYTES)) as pool:
        with asking("hostile", "app"):
            before = await pool.call(f"{JOBS}:priority")
            with pytest.raises(WorkerStopped):
                await pool.call(f"{JOBS}:forever", deadline_s=0.01)
            with asking("good", "app"):
                await pool.call(f"{JOBS}:start_thread")
            assert 19 == await pool.call(f"{JOBS}:priority")
            assert before == await pool.call(f"{JOBS}:priority")  # it went well, and the worker was another
