from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from gitopsd.errors import InvalidManifest, TooSlow, WorkerFailed
from gitopsd.runtime.workers import JobLimits, WorkerPool

JOBS = "tests.runtime.jobs"
DATA_BYTES = 256 << 20


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(1, JobLimits(deadline_s=20, data_bytes=DATA_BYTES, output_bytes=1 << 20)) as pool:
        yield pool


async def test_a_job_gives_its_json_value(pool: WorkerPool) -> None:
    assert 42 == await pool.call(f"{JOBS}:double", 21)


async def test_a_worker_keeps_its_modules_between_jobs(pool: WorkerPool) -> None:
    await pool.call(f"{JOBS}:count")

    assert 2 == await pool.call(f"{JOBS}:count")


async def test_an_error_of_ours_comes_back_as_itself(pool: WorkerPool) -> None:
    with pytest.raises(InvalidManifest) as raised:
        await pool.call(f"{JOBS}:refuse")

    assert ("web.yaml:3: no kind", "write one") == (raised.value.what, raised.value.remedy)


async def test_an_error_class_that_is_not_ours_is_a_failed_worker(pool: WorkerPool) -> None:
    with pytest.raises(WorkerFailed, match="NotOurs: odd"):
        await pool.call(f"{JOBS}:refuse_strangely")


async def test_a_bug_names_the_job_and_spares_the_worker(pool: WorkerPool) -> None:
    before = await pool.call(f"{JOBS}:pid")

    with pytest.raises(WorkerFailed, match=r"tests.runtime.jobs:bug failed: KeyError: 'oops'"):
        await pool.call(f"{JOBS}:bug")

    assert before == await pool.call(f"{JOBS}:pid")


@pytest.mark.parametrize(
    ("job", "words"),
    [("crash", "crashed its worker .signal SIGSEGV"), ("eat", "more memory")],
)
async def test_a_broken_limit_fails_that_job_alone(pool: WorkerPool, job: str, words: str) -> None:
    with pytest.raises(WorkerFailed, match=f"{JOBS}:{job} .*{words}"):
        await pool.call(f"{JOBS}:{job}")

    assert 2 == await pool.call(f"{JOBS}:double", 1)


async def test_what_an_earlier_job_left_is_not_blamed_on_the_next(pool: WorkerPool) -> None:
    await pool.call(f"{JOBS}:count")

    assert "fresh" == await pool.call(f"{JOBS}:crash_when_old")


async def test_a_job_past_its_deadline_is_killed_and_the_pool_goes_on(pool: WorkerPool) -> None:
    before = await pool.call(f"{JOBS}:pid")

    with pytest.raises(WorkerFailed, match=r"jobs:sleep took more than 0.2 s"):
        await pool.call(f"{JOBS}:sleep", 600, deadline_s=0.2)

    assert before != await pool.call(f"{JOBS}:pid")
    assert not alive(before)


async def test_an_answer_past_its_limit_is_refused(pool: WorkerPool) -> None:
    with pytest.raises(WorkerFailed, match=r"jobs:talk answers \d+ bytes"):
        await pool.call(f"{JOBS}:talk", 2 << 20)


async def test_arguments_past_their_limit_are_refused(pool: WorkerPool) -> None:
    with pytest.raises(WorkerFailed, match=r"jobs:double was given \d+ bytes"):
        await pool.call(f"{JOBS}:double", "x" * (2 << 20))


async def test_a_file_past_its_limit_cannot_be_written(tmp_path: Path) -> None:
    async with WorkerPool(1, JobLimits(file_bytes=1 << 10)) as pool:
        with pytest.raises(WorkerFailed):
            await pool.call(f"{JOBS}:write", str(tmp_path / "big"), 1 << 20)

    assert 1 << 10 >= (tmp_path / "big").stat().st_size


async def test_a_worker_has_neither_the_daemons_environment_nor_its_files(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", "secret")
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - the standard library's signature

        environment = await pool.call(f"{JOBS}:environment")

        assert {"PATH", "LANG", "GITOPSD_WORKER"} == environment.keys() - {"LC_CTYPE"}
        assert file.name not in await pool.call(f"{JOBS}:open_files")


async def test_a_worker_dumps_no_core_and_has_its_limits(pool: WorkerPool) -> None:
    assert {"core": 0, "data": DATA_BYTES, "file": 256 << 20} == await pool.call(f"{JOBS}:limits")


async def test_a_worker_that_died_idle_costs_nobody_anything(pool: WorkerPool) -> None:
    os.kill(await pool.call(f"{JOBS}:pid"), signal.SIGKILL)

    assert 2 == await pool.call(f"{JOBS}:double", 1)


async def test_a_cancelled_call_ends_its_worker(pool: WorkerPool) -> None:
    before = await pool.call(f"{JOBS}:pid")
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await pool.call(f"{JOBS}:sleep", 600)

    assert not alive(before)
    assert 2 == await pool.call(f"{JOBS}:double", 1)


@pytest.mark.parametrize("job", ["litter", "litter_unmarked", "litter_and_crash"])
async def test_the_whole_descent_goes_with_its_worker(pool: WorkerPool, tmp_path: Path, job: str) -> None:
    mark = str(tmp_path)

    with pytest.raises(WorkerFailed):
        await pool.call(f"{JOBS}:{job}", mark, deadline_s=1)

    assert [] == running_with(mark)


async def test_jobs_run_side_by_side_and_no_more_than_there_are_workers() -> None:
    async with WorkerPool(2) as pool, asyncio.TaskGroup() as group:
        calls = [group.create_task(pool.call(f"{JOBS}:pid")) for _ in range(50)]
    assert 2 >= len({call.result() for call in calls})


async def test_a_queue_that_is_full_refuses() -> None:
    async with WorkerPool(1, JobLimits(waiting=1)) as pool, asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(pool.call(f"{JOBS}:sleep", 0.3))
        await asyncio.sleep(0)  # the first has the worker, the second waits for it

        with pytest.raises(TooSlow, match="1 jobs wait for a worker"):
            await pool.call(f"{JOBS}:double", 1)


async def test_every_job_is_told_of_with_its_outcome() -> None:
    told: list[tuple[str, str]] = []
    async with WorkerPool(1, on_job=lambda job, _seconds, outcome: told.append((job, outcome))) as pool:
        await pool.call(f"{JOBS}:double", 1)
        for job in ("refuse", "bug", "crash"):
            with suppress(InvalidManifest, WorkerFailed):
                await pool.call(f"{JOBS}:{job}")

    names = [("double", "ok"), ("refuse", "error"), ("bug", "bug"), ("crash", "crash"), ("crash", "crash")]
    assert [(f"{JOBS}:{job}", outcome) for job, outcome in names] == told


async def test_a_run_pool_starts_its_workers_once_and_ends_them_when_cancelled() -> None:
    before = children()
    pool = WorkerPool(2)
    async with asyncio.TaskGroup() as group:
        service = group.create_task(pool.run())
        pids = {await pool.call(f"{JOBS}:pid") for _ in range(20)}
        async with asyncio.timeout(20):
            while len(children() - before) < 2:  # noqa: ASYNC110 - the kernel tells no event
                await asyncio.sleep(0.01)
        await pool.call(f"{JOBS}:pid")

        assert pids <= children()
        assert 2 == len(children() - before)
        service.cancel()

    assert set() == children() - before


def test_workers_die_with_a_daemon_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "daemon.py"
    script.write_text(DAEMON)
    pids = tmp_path / "pids"

    daemon = os.posix_spawn(sys.executable, [sys.executable, str(script), str(pids)], os.environ)
    wait_for(lambda: pids.exists() and pids.read_text().endswith("\n"))
    worker = int(pids.read_text())
    assert alive(worker)
    os.kill(daemon, signal.SIGKILL)
    os.waitpid(daemon, 0)

    wait_for(lambda: not alive(worker))


DAEMON = """
import asyncio, pathlib, sys
from gitopsd.runtime.workers import WorkerPool

async def main():
    async with WorkerPool(1) as pool:
        pathlib.Path(sys.argv[1]).write_text(str(await pool.call("os:getpid")) + "\\n")
        await pool.call("time:sleep", 600)

asyncio.run(main())
"""


def test_the_pool_works_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def scenario() -> int:
        async with WorkerPool(1) as pool:
            with suppress(WorkerFailed):
                await pool.call(f"{JOBS}:crash")
            answer: int = await pool.call(f"{JOBS}:double", 4)
            return answer

    assert 8 == uvloop.run(scenario())


def children() -> set[int]:
    """Return the living children of this process."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return {pid for pid in map(int, listed.split()) if alive(pid)}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def running_with(mark: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and mark.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def wait_for(condition: object, deadline_s: float = 20) -> None:
    end = time.monotonic() + deadline_s
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.01)
