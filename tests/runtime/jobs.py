"""Jobs that worker tests run: each misbehaves in one way."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from gitopsd.errors import InvalidManifest
from gitopsd.runtime.sandbox import Program, run

KEPT: list[int] = []  # what a worker remembers between two jobs


class NotOurs(InvalidManifest):
    """A class that gitopsd.errors does not have."""


def double(value: int) -> int:
    return 2 * value


def count() -> int:
    KEPT.append(1)
    return len(KEPT)


def pid() -> int:
    return os.getpid()


def priority() -> int:
    """Return the highest priority of this process's threads."""
    return min(os.getpriority(os.PRIO_PROCESS, int(each.name)) for each in Path("/proc/self/task").iterdir())


def start_thread() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def environment() -> dict[str, str]:
    return dict(os.environ)


def open_files() -> list[str]:
    return [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]


def limits() -> dict[str, int]:
    kinds = {"core": resource.RLIMIT_CORE, "data": resource.RLIMIT_DATA, "file": resource.RLIMIT_FSIZE}
    return {name: resource.getrlimit(kind)[0] for name, kind in kinds.items()}


def refuse() -> None:
    raise InvalidManifest("web.yaml:3: no kind", remedy="write one")


def refuse_strangely() -> None:
    raise NotOurs("odd", remedy="none")


def bug() -> None:
    raise KeyError("oops")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def crash_when_old() -> str:
    if KEPT:
        crash()
    return "fresh"


def eat() -> int:
    return len(b"x" * (1 << 30))


def talk(size: int) -> str:
    return "x" * size


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def forever() -> None:
    while True:
        pass


def write(path: str, size: int) -> None:
    Path(path).write_bytes(b"x" * size)


def program(script: str, place: str) -> str:
    """Return what a program of the shell prints."""
    asked = Program(["/bin/sh", "-c", script], Path(place), {"PATH": "/usr/bin:/bin"}, "it", 20, 1000, steered=True)
    return run(asked).stdout.decode()


def litter(mark: str) -> None:
    """Leave a grandchild in a session of its own, whose parent is gone, then never end."""
    here = [sys.executable, "-c", "import time; time.sleep(600)", mark]
    there = f"import subprocess; subprocess.Popen({here!r}, start_new_session=True)"
    subprocess.run([sys.executable, "-c", there], check=True, start_new_session=True)  # noqa: S603 - ours
    time.sleep(600)


def litter_unmarked(mark: str) -> None:
    """As `litter`, but what is left carries nothing of the worker's environment."""
    here = [sys.executable, "-c", "import time; time.sleep(600)", mark]
    there = f"import subprocess; subprocess.Popen({here!r}, start_new_session=True, env={{}})"
    subprocess.run([sys.executable, "-c", there], check=True, start_new_session=True)  # noqa: S603 - ours
    time.sleep(600)


def litter_and_crash(mark: str) -> None:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", mark], start_new_session=True)  # noqa: S603 - ours
    crash()
