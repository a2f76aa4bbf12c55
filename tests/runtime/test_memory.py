"""Places in memory: whose process was killed goes with the next one that takes such a place, and no other does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitopsd.runtime import memory
from gitopsd.runtime.memory import kept

HOLDER = """
import sys, time
from pathlib import Path
from gitopsd.runtime import memory
memory.SHARED = Path(sys.argv[1])
with memory.kept(memory.SHARED / sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "SHARED", tmp_path)
    return tmp_path


def name(what: str) -> str:
    return f"gitopsd-{os.geteuid()}-{what}"


def test_place_of_a_killed_process_goes_with_the_next_start(shared: Path) -> None:
    left = shared / name("killed")
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(shared), left.name], stdout=subprocess.PIPE) as holder:  # noqa: S603 - ours
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        (left / "render-x").mkdir()
        with kept(shared / name("one")):
            assert left.exists(), "its process lives"
        holder.send_signal(signal.SIGKILL)
    assert left.exists()

    with kept(shared / name("two")):
        assert [name("two")] == [place.name for place in shared.iterdir()]
    assert [] == list(shared.iterdir())


def test_what_is_not_ours_stays(shared: Path) -> None:
    mine = shared / "mine"
    mine.mkdir()
    (mine / "file").touch()
    (shared / name("link")).symlink_to(mine)
    (shared / "gitopsd-other").mkdir()

    with kept(shared / name("one")):
        assert (mine / "file").exists()

    assert {"mine", name("link"), "gitopsd-other"} == {place.name for place in shared.iterdir()}


def test_place_that_cannot_be_taken_keeps_nobody_from_starting(shared: Path) -> None:
    there = shared / name("taken")
    there.write_text("a file")

    with kept(there):
        assert there.is_file()


def test_place_elsewhere_is_removed_at_the_end(shared: Path) -> None:
    elsewhere = shared / "run" / "work"

    with kept(elsewhere):
        assert not elsewhere.exists(), "who uses it makes it"
        elsewhere.mkdir(parents=True)

    assert not elsewhere.exists()
