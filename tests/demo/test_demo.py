"""The demo as a user runs it: the three things visibly work, and nothing is left behind however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clusters import free_ports

Demo = subprocess.Popen[str]
Start = Callable[..., Demo]

DEADLINE_S = 100.0  # all of it takes 4 s on two idle cores
COMMAND = (sys.executable, "-m", "gitopsd", "demo", "--clusters", "2", "--apps", "3")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a directory of a short name, as a socket's path may have 107 bytes only."""
    path = Path(tempfile.mkdtemp(prefix="d"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def start(temporary: Path) -> Iterator[Start]:
    """Start demos that keep their directories in `temporary`, and end them with the test."""
    with ExitStack() as stack:

        def go(*options: str) -> Demo:
            # The clean environment shows that it needs none of the caller's; PATH is for git.
            environ = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary), "HOME": "/nonexistent"}
            command = [*COMMAND, "--port", str(free_ports(2)[0]), *options]
            demo = subprocess.Popen(  # noqa: S603 - ours
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
            )
            stack.enter_context(demo)
            stack.callback(demo.kill)
            return demo

        yield go


def printed(demo: Demo, text: str) -> str:
    """Return what the demo printed up to the line that holds `text`."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def processes(temporary: Path) -> list[str]:
    """Return the command lines of all processes that have something to do with the demo's directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(temporary).encode() in text:
            found.append(text.replace(b"\0", b" ").decode(errors="replace")[:100])
    return found


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_the_three_things_visibly_work(start: Start, temporary: Path) -> None:
    demo = start("--exercise")
    out, _ = demo.communicate(timeout=DEADLINE_S)

    assert 0 == demo.returncode, out
    for line in (
        "edited    Deployment",
        "healed    Deployment",
        "deleted   Service",
        "restored  Service",
        "live      ",
    ):
        assert line in out
    assert [] == processes(temporary)
    assert [] == list(temporary.iterdir())


@pytest.mark.parametrize("when", ["[2/4]", "[4/4]", "Ctrl-C ends"])
def test_demo_that_is_stopped_leaves_nothing_behind(start: Start, temporary: Path, when: str) -> None:
    demo = start()
    printed(demo, when)

    demo.send_signal(signal.SIGINT)
    out, _ = demo.communicate(timeout=DEADLINE_S)

    assert 0 == demo.returncode, out
    assert "Traceback" not in out
    assert [] == processes(temporary)
    assert [] == list(temporary.iterdir())


def test_demo_that_is_killed_leaves_no_process_and_the_next_sweeps_its_directory(start: Start, temporary: Path) -> None:
    demo = start()
    printed(demo, "Ctrl-C ends")
    assert 4 <= len(processes(temporary))

    demo.kill()
    demo.communicate(timeout=DEADLINE_S)
    until(lambda: not processes(temporary))
    (left,) = temporary.iterdir()
    following = start()
    printed(following, "[1/4]")

    assert not left.exists()
    following.terminate()
    following.communicate(timeout=DEADLINE_S)
    assert [] == list(temporary.iterdir())


def test_port_that_is_taken_is_named(temporary: Path) -> None:
    port, _ = free_ports(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        command = [*COMMAND, "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)  # noqa: S603 - ours

    assert 2 == done.returncode
    assert f"port {port + 1} cannot be used" in done.stderr
    assert [] == list(temporary.iterdir())
