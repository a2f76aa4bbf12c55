from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gitopsd.runtime.spawn import PIPE, spawn

ENV = {"PATH": os.environ["PATH"]}


async def test_the_exit_code_is_told() -> None:
    assert 3 == await spawn(["sh", "-c", "exit 3"], env=ENV).wait()


async def test_a_signal_is_told_as_a_negative_number() -> None:
    child = spawn(["sleep", "60"], env=ENV)
    os.kill(child.pid, signal.SIGKILL)

    assert -signal.SIGKILL == await child.wait()


async def test_there_is_no_exit_code_while_it_runs() -> None:
    child = spawn(["cat"], env=ENV, stdin=PIPE)

    assert child.returncode is None

    child.close()
    await child.wait()


async def test_it_waits_where_the_kernel_gives_no_handle_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)

    assert 3 == await spawn(["sh", "-c", "exit 3"], env=ENV).wait()


async def test_output_and_errors_come_apart() -> None:
    child = spawn(["sh", "-c", "echo out; echo err >&2"], env=ENV, stdout=PIPE, stderr=PIPE)
    output, errors = child.output()

    assert (b"out\n", b"err\n") == (await output.read(), await errors.read())

    await child.wait()
    child.close()


async def test_drained_waits_for_what_it_started_too() -> None:
    child = spawn(["sh", "-c", "exec 3<&0; read line <&3 & exit 0"], env=ENV, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    child.output()
    await child.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await child.drained()

    child.close()


async def test_closing_ends_its_input() -> None:
    child = spawn(["cat"], env=ENV, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    child.output()
    child.close()

    assert 0 == await child.wait()


async def test_more_than_a_reader_takes_at_once_comes_whole() -> None:
    child = spawn(["head", "-c", "3000000", "/dev/zero"], env=ENV, stdout=PIPE, stderr=PIPE)
    output, _ = child.output()

    assert 3_000_000 == len(await output.read())

    await child.wait()
    child.close()


@pytest.mark.parametrize("at_its_end", [True, False])
def test_a_pipe_is_closed_once(monkeypatch: pytest.MonkeyPatch, at_its_end: bool) -> None:  # noqa: FBT001 - parametrised
    """A descriptor that is closed before its file is, is somebody else's by then: uvloop's own pipes do that."""
    closed = []

    class Pipe(io.BufferedReader):
        def close(self) -> None:
            if not self.closed:
                closed.append(os.fstat(self.fileno()).st_size)
            super().close()

    class Probed(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            assert isinstance(self.stdout, io.BufferedReader)
            self.stdout = Pipe(self.stdout.detach())

    async def use() -> None:
        child = spawn(["true" if at_its_end else "cat"], env=ENV, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        output, _ = child.output()
        if at_its_end:
            assert b"" == await output.read()
        child.close()
        await child.wait()

    monkeypatch.setattr(subprocess, "Popen", Probed)
    with asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        runner.run(use())
    assert [0] == closed


async def test_it_gets_the_given_environment_and_place_alone(tmp_path: Path) -> None:
    child = spawn(["env"], env={**ENV, "ONE": "1"}, cwd=tmp_path, stdout=PIPE, stderr=PIPE)
    output, _ = child.output()
    lines = set((await output.read()).decode().split())
    await child.wait()
    child.close()

    assert {"ONE=1", f"PATH={ENV['PATH']}"} == {line for line in lines if not line.startswith(("PWD=", "_="))}


async def test_a_program_that_is_not_there_raises() -> None:
    with pytest.raises(FileNotFoundError):
        spawn(["/nowhere/program"], env=ENV)


async def test_it_inherits_the_descriptors_it_is_given() -> None:
    read, write = os.pipe()
    child = spawn(["sh", "-c", f"echo there > /proc/self/fd/{write}"], env=ENV, fds=[write])
    os.close(write)
    await child.wait()

    assert b"there\n" == os.read(read, 100)

    os.close(read)
