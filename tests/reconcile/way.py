"""The way of a revision: which modules a reader opens, one after the other, to follow a pass to its first write.

A *stop* is an arrival in a module, so a way of n stops is n modules read in a row, none twice in a row. Counted as
somebody reads who follows each call into the function that is called, and comes back when it is read:

- A function is opened where it is called first, and not again: loops, and later calls of it, are no stops. What is
  nested in it (comprehensions, lambdas, functions of its own) is read with it.
- A call into another module is one stop, and coming back to the caller, who is not read to the end yet, is a second one
  (a *return*). After the last call nobody comes back.
- Nouns are known, not opened: `model/`, `errors.py`, `words.py`, the protocols of `ports/`, and the asyncio kit of
  `runtime/`, which knows no GitOps. What is behind a port is not on the way, nor what an edge calls back; what a
  dataclass generates is nobody's text.
- A pure function of `core/` that itself calls no other module (but nouns) is not opened: its name and its first
  sentence say it. One that leads on is.

Only what this one pass calls counts, so what other revisions would call is not on its way.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

NOUNS = ("model", "errors", "words", "ports", "runtime")
PURE = "core"
NESTED = ".<locals>"

Function = tuple[str, str]  # its module, and the outermost function's name in it


class Tracer:
    """Notes who is called while the block of `following` runs, until `end` is called."""

    def __init__(self, package: Path, edges: Path) -> None:
        """Follow what lies in `package`; what lies in `edges` stands for the world behind its ports."""
        self._package, self._edges = f"{package}/", f"{edges}/"
        self._calls: list[tuple[Function | None, Function, bool]] = []  # caller, callee, whether it is nested
        self._frames: dict[int, FrameType] = {}  # held, so that no two have one id: those called, not those resumed
        self._driver: set[int] | None = None  # the frames that have called the first function

    @contextmanager
    def following(self) -> Iterator[None]:
        before = sys.getprofile()
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(before)
            self._frames.clear()

    def end(self) -> None:
        """Follow no further: what was to be reached is reached."""
        sys.setprofile(None)

    def stops(self, *, leaves: bool = False) -> list[str]:
        """Return the modules in the order of a reader's arrivals; with `leaves` every last function is opened."""
        calls = self._opened(set() if leaves else self._pure())
        stops: list[str] = []
        reading: list[Function] = []  # who is not read to the end, the innermost last

        def arrive(function: Function) -> None:
            if not stops or stops[-1] != function[0]:
                stops.append(function[0])

        for caller, callee in calls:
            while caller in reading and reading[-1] != caller:
                reading.pop()
                arrive(reading[-1])
            if caller is not None and caller not in reading:
                arrive(caller)
                reading.append(caller)
            reading.append(callee)
            arrive(callee)
        return stops

    def _opened(self, pure: set[Function]) -> list[tuple[Function | None, Function]]:
        """Return the first call of every function that a reader opens: of all but `pure`."""
        opened, first = set[Function](), []
        for caller, callee, _ in self._calls:
            if callee not in opened and callee not in pure:
                opened.add(callee)
                first.append((None if caller in pure else caller, callee))
        return first

    def _pure(self) -> set[Function]:
        """Return the functions of the core that lead to no other module."""
        callees: dict[Function, set[Function]] = defaultdict(set)
        seen: set[Function] = set()
        for caller, callee, nested in self._calls:
            if caller is not None and not (nested and callee in seen):
                callees[caller].add(callee)
            seen.add(callee)

        def reached(function: Function, so_far: set[Function]) -> set[Function]:
            for callee in callees[function] - so_far:
                so_far.add(callee)
                reached(callee, so_far)
            return so_far

        core = [function for function in seen if function[0].split(".")[0] == PURE]
        return {function for function in core if all(callee[0] == function[0] for callee in reached(function, set()))}

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        callee = self._function(frame)
        if event != "call" or callee is None or id(frame) in self._frames:
            return
        self._frames[id(frame)] = frame
        above = list(_above(frame))
        if self._driver is None:
            self._driver = {id(caller) for caller in above}
        above = [caller for caller in above if id(caller) not in self._driver]
        if any(caller.f_code.co_filename.startswith(self._edges) for caller in above):
            return
        callers = (self._function(caller) for caller in above)
        caller = next((caller for caller in callers if caller is not None), None)
        self._calls.append((caller, callee, NESTED in frame.f_code.co_qualname))

    def _function(self, frame: FrameType) -> Function | None:
        code = frame.f_code
        if not code.co_filename.startswith(self._package):
            return None
        module = code.co_filename.removeprefix(self._package).removesuffix(".py").replace("/", ".")
        return None if module.split(".")[0] in NOUNS else (module, code.co_qualname.split(NESTED)[0])


def _above(frame: FrameType) -> Iterator[FrameType]:
    """Return who has called `frame`, the nearest first; of a task, up to the loop."""
    caller = frame.f_back
    while caller is not None and "/asyncio/" not in caller.f_code.co_filename:
        yield caller
        caller = caller.f_back
