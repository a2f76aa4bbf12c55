"""Workers that see of the machine what they are shown: docs/security.md."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gitopsd.errors import NotConfined, WorkerFailed
from gitopsd.runtime.isolation import Confinement, WorkerView, granted, granted_within
from gitopsd.runtime.process_tree import IDLE
from gitopsd.runtime.workers import JobLimits, WorkerPool

JOBS = "tests.runtime.jobs"
TREE = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def sandboxed() -> None:
    if not granted().bubblewrap:
        pytest.skip(f"no sandbox on this machine: {granted().reason}")


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    limits = JobLimits(deadline_s=20, data_bytes=256 << 20)
    async with WorkerPool(1, limits, view=WorkerView(visible=(str(TREE),))) as pool:
        yield pool


async def test_it_reads_what_it_is_shown_and_writes_none_of_it(pool: WorkerPool) -> None:
    assert "isolation.py" in await pool.call("os:listdir", str(TREE / "gitopsd" / "runtime"))
    for place in (TREE, "/usr", "/etc", "/dev", "/"):
        with pytest.raises(WorkerFailed, match="Read-only file system"):
            await pool.call(f"{JOBS}:write", f"{place}/new", 1)
    await pool.call(f"{JOBS}:write", "/tmp/new", 1)  # noqa: S108 - its own
    assert not await asyncio.to_thread(Path("/tmp/new").exists)  # noqa: S108 - the machine's


async def test_its_scratch_has_a_bound(pool: WorkerPool) -> None:
    with pytest.raises(WorkerFailed, match="No space left"):
        await pool.call(f"{JOBS}:write", "/tmp/new", 2 << 20)  # noqa: S108 - its own


async def test_what_is_hidden_looks_empty_where_it_lies_below_what_is_shown(tmp_path: Path) -> None:
    for name in ("shown", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    view = WorkerView(visible=(str(tmp_path),), hidden=(str(tmp_path / "hidden"),))
    async with WorkerPool(1, view=view) as pool:
        assert ["file"] == await pool.call("os:listdir", str(tmp_path / "shown"))
        assert [] == await pool.call("os:listdir", str(tmp_path / "hidden"))


async def test_it_sees_and_signals_no_process_of_others(pool: WorkerPool) -> None:
    listed = {int(name) for name in await pool.call("os:listdir", "/proc") if name.isdecimal()}

    assert 2 >= len(listed)
    with pytest.raises(WorkerFailed, match="ProcessLookupError"):
        await pool.call("os:kill", os.getpid(), 0)


async def test_it_has_its_limits_and_keeps_its_modules(pool: WorkerPool) -> None:
    assert {"core": 0, "data": 256 << 20, "file": 256 << 20} == await pool.call(f"{JOBS}:limits")
    assert [1, 2] == [await pool.call(f"{JOBS}:count") for _ in range(2)]
    assert {"PATH", "LANG", "GITOPSD_WORKER", "PWD"} >= (await pool.call(f"{JOBS}:environment")).keys() - {"LC_CTYPE"}


@pytest.mark.parametrize("after", ["crash", "litter_and_crash"])
async def test_its_end_is_told_as_it_was_and_the_pool_goes_on(pool: WorkerPool, tmp_path: Path, after: str) -> None:
    mark = str(tmp_path)

    with pytest.raises(WorkerFailed, match=r"crashed its worker .signal SIGSEGV"):
        await pool.call(f"{JOBS}:{after}", *([mark] if after != "crash" else []))

    assert 2 == await pool.call(f"{JOBS}:double", 1)
    assert not running_with(mark)


@pytest.mark.parametrize("job", ["litter", "litter_unmarked"])
async def test_its_whole_descent_goes_with_it(pool: WorkerPool, tmp_path: Path, job: str) -> None:
    mark = str(tmp_path)

    with pytest.raises(WorkerFailed, match="took more than 1 s"):
        await pool.call(f"{JOBS}:{job}", mark, deadline_s=1)

    assert not running_with(mark)


async def test_what_takes_long_steps_back_with_all_it_is_in(pool: WorkerPool) -> None:
    mark = f"GITOPSD_WORKER={(await pool.call(f'{JOBS}:environment'))['GITOPSD_WORKER']}"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pool.call(f"{JOBS}:forever"))
        async with asyncio.timeout(20):
            while priorities(mark) != {IDLE}:  # noqa: ASYNC110 - the kernel tells no event
                await asyncio.sleep(0.05)
        task.cancel()


def nesting(place: Path, *, strict: bool) -> WorkerPool:
    place.mkdir()
    view = WorkerView(visible=(str(TREE),), writes=(str(place),), nests=True)
    return WorkerPool(1, JobLimits(deadline_s=20), confinement=Confinement(strict=strict), view=view)


@pytest.mark.skipif(granted().root, reason="root runs no programs")
async def test_its_programs_have_a_sandbox_of_their_own(tmp_path: Path) -> None:
    place = tmp_path / "place"
    script = f"id -u; ls {place} {TREE} /proc | grep -c '^[0-9]'; echo > {place}/new || echo refused"
    async with nesting(place, strict=True) as pool:
        await pool.call(f"{JOBS}:write", f"{place}/file", 1)
        said = (await pool.call(f"{JOBS}:program", script, str(place))).split()

        assert pool.kept
        assert pool.isolation == granted()
    assert [str(os.getuid()), "refused"] == [said[0], said[-1]]
    assert int(said[1]) < 10
    assert (place / "file").exists()


@pytest.mark.skipif(granted_within(WorkerView(nests=True)).options == granted().options, reason="it grants as much")
async def test_it_is_not_kept_where_its_programs_would_be_kept_less(tmp_path: Path) -> None:
    async with nesting(tmp_path / "place", strict=False) as pool:
        assert "kept" == (await pool.call(f"{JOBS}:program", "ls -d /proc/1 >/dev/null && echo kept", "/usr")).strip()
        assert not pool.kept


@pytest.mark.skipif(not granted().root, reason="an ordinary user runs programs")
async def test_it_is_kept_where_no_program_is_run(tmp_path: Path) -> None:
    async with nesting(tmp_path / "place", strict=True) as pool:
        with pytest.raises(NotConfined, match="runs no programs as root"):
            await pool.call(f"{JOBS}:program", "true", "/usr")
        assert pool.kept


def test_it_goes_with_a_daemon_that_is_killed(tmp_path: Path) -> None:
    pids, mark = tmp_path / "pids", str(tmp_path)
    script = DAEMON.format(pids=str(pids), mark=mark, tree=str(TREE))

    daemon = subprocess.Popen([sys.executable, "-c", script], cwd=TREE)  # noqa: S603 - ourselves
    wait_for(lambda: bool(running_with(mark, but=daemon.pid)))
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()

    wait_for(lambda: not running_with(mark))


def test_without_bubblewrap_it_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script = BARE.format(place=str(tmp_path))

    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", script], cwd=TREE, env={"PATH": str(tmp_path)}, capture_output=True, check=False
    )

    assert b"['file']\n" == done.stdout, done.stderr.decode()


DAEMON = """
import asyncio
from gitopsd.runtime.isolation import WorkerView
from gitopsd.runtime.process_tree import IDLE
from gitopsd.runtime.workers import WorkerPool

async def main():
    async with WorkerPool(1, view=WorkerView(visible=({tree!r},))) as pool:
        await pool.call("tests.runtime.jobs:litter", {mark!r})

asyncio.run(main())
"""
BARE = """
import asyncio
from gitopsd.runtime.isolation import WorkerView
from gitopsd.runtime.process_tree import IDLE
from gitopsd.runtime.workers import WorkerPool

async def main():
    async with WorkerPool(1, view=WorkerView()) as pool:
        print(await pool.call("os:listdir", {place!r}))

asyncio.run(main())
"""


def priorities(mark: str) -> set[int]:
    return {os.getpriority(os.PRIO_PROCESS, pid) for pid in running_with(mark, "environ")}


def running_with(mark: str, where: str = "cmdline", but: int = 0) -> list[int]:
    """Return the processes that have `mark` in the file `where` of theirs."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) not in (but, os.getpid()):
            try:
                if mark.encode() in (process / where).read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue  # it ended meanwhile
    return found


def wait_for(condition: object, deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.01)
