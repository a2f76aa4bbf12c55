"""The demo's processes end with it, in order or not."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from gitopsd.demo.children import ChildEnded, child

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
WITH_DESCENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).wait()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = """
import asyncio, pathlib, sys
from gitopsd.demo.children import child
async def main():
    command, log = [sys.executable, "-c", sys.argv[1]], pathlib.Path(sys.argv[2])
    async with child("sleeper", command, log, grace_s=5, speaks=True) as one:
        print((await one.line()).decode(), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while runs(pid):  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(0.01)


async def text_of(file: Path) -> str:
    async with asyncio.timeout(20):
        while not has_line(file):  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(0.01)
    return file.read_text()  # noqa: ASYNC240 - a few bytes, in a test


def has_line(file: Path) -> bool:
    return file.read_text().endswith("\n")


async def test_child_ends_with_the_block(tmp_path: Path) -> None:
    async with child("sleeper", [sys.executable, "-c", SLEEPER], tmp_path / "log", grace_s=20, speaks=True) as one:
        pid = int(await one.line())
        assert runs(pid)

    assert not runs(pid)


async def test_child_that_does_not_heed_sigterm_is_killed(tmp_path: Path) -> None:
    async with child("deaf", [sys.executable, "-c", DEAF], tmp_path / "log", grace_s=0.1, speaks=True) as one:
        pid = int(await one.line())

    assert not runs(pid)


async def test_what_a_child_has_started_ends_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with child("parent", [sys.executable, "-c", WITH_DESCENT], log, grace_s=20):
        pid = int(await text_of(log))
        assert runs(pid)

    await gone(pid)


async def test_child_is_gone_when_the_demo_is_killed(tmp_path: Path) -> None:
    arguments = ("-c", PARENT, SLEEPER, str(tmp_path / "log"))
    demo = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)
    assert demo.stdout is not None
    pid = int(await demo.stdout.readline())
    assert runs(pid)

    demo.send_signal(signal.SIGKILL)
    await demo.wait()

    await gone(pid)


async def test_child_that_ends_by_itself_says_its_last_words(tmp_path: Path) -> None:
    program = "import sys; print('no redis-server', file=sys.stderr); sys.exit(3)"

    async with child("the daemon", [sys.executable, "-c", program], tmp_path / "log", grace_s=1, speaks=True) as one:
        with pytest.raises(ChildEnded, match=r"(?s)the daemon ended with code 3.*no redis-server"):
            await one.line()


async def test_child_gets_no_settings_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSD_API__PORT", "1")
    program = "import os; print([name for name in os.environ if name.startswith('GITOPSD')])"

    async with child("the daemon", [sys.executable, "-c", program], tmp_path / "log", grace_s=1, speaks=True) as one:
        assert b"[]\n" == await one.line()
