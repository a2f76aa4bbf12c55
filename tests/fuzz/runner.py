"""Run one target on drawn inputs: it answers or refuses in its own words, in its time, and leaves no memory behind."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gitopsd.errors import GitopsError

LOOP_S = 0.05  # of CPU: what the event loop may be held for one item
WORKER_S = 3.0  # of CPU, in a process that may be ended
KEPT_BYTES = 96 << 20  # by all inputs of one run
PEAK_BYTES = 256 << 20  # for one input
REFERENCE_S = 0.03  # of CPU: what `_reference_s` takes where the bounds were set
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK_RESET = "5"


@dataclass(frozen=True, slots=True)
class Target:
    """A part of gitopsd that reads what others write."""

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    refuses: tuple[type[Exception], ...] = (GitopsError,)  # what it may raise; anything else is a fault
    cpu_s: float = LOOP_S  # for one input, where the bounds were set


@dataclass(slots=True)
class Run:
    """What one target took so far."""

    target: Target
    slower: float  # than the machine where the bounds were set
    kept_bytes: int = 0
    tried: int = 0

    def try_one(self, given: Any) -> None:
        """Have the target read one input, and check what it raised and took."""
        before, _ = _memory()
        CLEAR.write_text(PEAK_RESET)
        gc.disable()  # a collection of what the tests hold is no fault of the input
        began_s = time.thread_time()
        try:
            self.target.read(given)
        except self.target.refuses:
            pass
        finally:
            took_s = time.thread_time() - began_s
            gc.enable()
        after, peak = _memory()
        self.tried += 1
        self.kept_bytes += after - before
        assert took_s <= self.target.cpu_s * self.slower, f"{took_s:.3f} s of CPU for one input"
        assert peak - before <= PEAK_BYTES, f"{(peak - before) >> 20} MiB for one input"


def slowness() -> float:
    """Return how much slower this machine is than the one where the bounds were set; 1 where it is not."""
    best_s = min(_reference_s() for _ in range(5))
    return max(1.0, best_s / REFERENCE_S)


def fuzz(target: Target, *, examples: int, begin: int, for_s: float = 0.0) -> Run:
    """Try `examples` inputs by the seed `begin`, and then by the seeds after it until `for_s` seconds have passed."""
    run, ends_s, number = Run(target, slowness()), time.monotonic() + for_s, begin
    while number == begin or time.monotonic() < ends_s:
        _round(run, examples, number)
        number += 1
    return run


def _round(run: Run, examples: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(run.target.inputs)
    def holds(given: Any) -> None:
        run.try_one(given)

    try:
        holds()
    except BaseException as err:
        err.add_note(f"target {run.target.name}, seed {number}")
        raise
    assert run.kept_bytes <= KEPT_BYTES, f"{run.target.name} keeps {run.kept_bytes >> 20} MiB of {run.tried} inputs"


def _memory() -> tuple[int, int]:
    """Return the bytes of memory that are held, and the most that were since the peak was reset."""
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE))
    return int(found["VmRSS"]) << 10, int(found["VmHWM"]) << 10


def _reference_s() -> float:
    began_s, total = time.thread_time(), 0
    for number in range(600_000):
        total += number % 7
    return time.thread_time() - began_s
