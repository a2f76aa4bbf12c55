"""A pool of killable worker processes: each job under limits and a deadline, a failure is that one job's.

Workers are started as programs of their own (`gitopsd.runtime.worker_main`), with an emptied environment, in a
session of their own, and die with the daemon however that dies. A job is the dotted name of a function and JSON
values; so nothing of the daemon's memory is in a worker's reach. Of the machine's files and network it has what its
`WorkerView` says, where the kernel grants that.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import orjson
import structlog

from gitopsd.errors import TooSlow, WorkerFailed, WorkerStopped, error_from_json
from gitopsd.runtime.isolation import INIT, Confinement, Isolation, WorkerView, boxed, granted, granted_within
from gitopsd.runtime.process_tree import MARK, SHELL_SIGNALS, kill_descent, lower_priority
from gitopsd.runtime.spawn import ChildProcess, spawn
from gitopsd.runtime.turns import FairTurns, Turn
from gitopsd.runtime.worker_main import LENGTH

PATH = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - an entry may be a zip file
PYTHON_MAIN = (sys.executable, "-I", "-X", "utf8", "-m", "gitopsd.runtime.worker_main")
PATIENCE_S = 2.0  # of a job, before it gives way to others
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What a job may take."""

    deadline_s: float = 60.0  # of one job
    data_bytes: int = 512 << 20  # RLIMIT_DATA of a worker
    output_bytes: int = 64 << 20  # of one answer, and of one job's arguments
    file_bytes: int = 256 << 20  # RLIMIT_FSIZE
    files: int = 256  # open at once
    waiting: int = 100_000  # jobs that wait for a worker; more are refused
    start_s: float = 30.0  # a worker that is not ready by then is given up


OnJob = Callable[[str, float, str], None]


class WorkerPool:
    """Implements `ports.Workers`; a service, and usable without being run: workers start when first needed."""

    name = "workers"

    def __init__(  # noqa: PLR0913 - what workers have
        self,
        count: int = 2,
        limits: JobLimits | None = None,
        *,
        preload: Sequence[str] = (),
        confinement: Confinement | None = None,
        view: WorkerView | None = None,
        on_job: OnJob = lambda _job, _seconds, _outcome: None,
    ) -> None:
        """Make a pool of `count` workers that import `preload` at start.

        `confinement` holds for the programs that jobs run (`sandbox.run`); None: they run none that matter.

        `view` is all that workers see of the machine, where it grants a sandbox; None: what the daemon's user sees.

        `on_job` is called after each job with its name, its seconds without waiting, and its outcome: ok, error
        (a GitopsError), bug, memory, output, crash, deadline, cancelled.
        """
        self._count = count
        self._limits = limits or JobLimits()
        self._preload = tuple(preload)
        self._confinement = confinement
        self._view = view
        self._kept: _Sandbox | None = None  # None: not known yet
        self.isolation: Isolation | None = None  # of programs; None: not known yet, or there are none
        self._on_job = on_job
        self._turns = FairTurns(count)
        self._waiting = 0
        self._idle: deque[_Worker] = deque()
        self._alive = 0  # idle, at work, and starting

    @property
    def kept(self) -> bool:
        """Whether workers are in a sandbox; not so before the first has started."""
        return self._kept is not None and self._kept.worker is not None

    async def run(self) -> None:
        """Start all workers, and keep them until cancelled."""
        async with self:
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    group.create_task(self._start_idle(), name=f"start worker {number}")
            await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            await self._end(self._idle.pop())

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        """Run `module:function` with JSON values in a worker and return its JSON value; who asks (`turns.asking`) has
        a fair share of the workers.

        A job must be safe to repeat: one that crashes a worker that has run others before is tried once more in a
        fresh one, so that nobody is blamed for what an earlier job left.

        Raises:
            WorkerStopped: the worker crashed, hit a limit, or the deadline passed; names the job.
            GitopsError: raised by the job itself, of the class it was raised with.
            TooSlow: too many jobs wait already, or no worker could be started.
        """
        message = orjson.dumps([job, args])
        if len(message) > self._limits.output_bytes:
            return _value(job, "arguments", len(message))
        async with self._turn() as turn:
            outcome, value = await self._attempt(turn, job, message, deadline_s or self._limits.deadline_s)
            turn.ended_by_force = outcome in _KNOBS
        return _value(job, outcome, value)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Turn]:
        if self._waiting >= self._limits.waiting:
            raise TooSlow(f"{self._waiting} jobs wait for a worker", remedy="raise workers.count, or wait")
        self._waiting += 1
        async with AsyncExitStack() as stack:
            try:
                turn = await stack.enter_async_context(self._turns.turn())
            finally:
                self._waiting -= 1
            yield turn

    async def _attempt(self, turn: Turn, job: str, message: bytes, deadline_s: float) -> tuple[str, Any]:
        worker = await self._take()
        patience_s = 0.0 if turn.suspect else PATIENCE_S
        outcome, value = await self._ask(worker, job, message, deadline_s, patience_s)
        if outcome in ("crash", "memory") and worker.jobs > 1:
            return await self._ask(await self._start(), job, message, deadline_s, patience_s)
        return outcome, value

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()  # the one used last: its caches are warm
            if worker.alive:
                return worker
            await self._end(worker)
        return await self._start()

    async def _ask(
        self, worker: _Worker, job: str, message: bytes, deadline_s: float, patience_s: float
    ) -> tuple[str, Any]:
        """Run a job in `worker`; what takes longer than `patience_s` goes on when nobody else needs the processor."""
        loop = asyncio.get_running_loop()
        started_s, outcome, value = loop.time(), "cancelled", None
        slower = loop.call_later(patience_s, worker.step_back)
        if not patience_s:
            worker.step_back()
        try:
            outcome, value = await worker.ask(message, deadline_s, self._limits.output_bytes)
        finally:
            slower.cancel()
            self._on_job(job, loop.time() - started_s, outcome)
            if outcome in ("ok", "error", "bug") and not worker.stepped_back:
                self._idle.append(worker)
            else:
                await self._end(worker)
        if outcome == "crash":
            value = worker.death
        return outcome, value

    async def _start_idle(self) -> None:
        async with self._turns.turn():
            if self._alive < self._count:  # else a call was faster
                self._idle.append(await self._start())

    async def _start(self) -> _Worker:
        self._alive += 1
        worker, outcome = None, "cancelled"
        try:
            sandbox = await self._sandbox()
            worker = await self._spawn(sandbox)
            setup = orjson.dumps(self._setup(sandbox))
            outcome, _ = await worker.ask(setup, self._limits.start_s, self._limits.output_bytes)
        finally:
            if worker is None:
                self._alive -= 1
            elif outcome != "ready":
                await self._end(worker)
        if outcome != "ready":
            raise TooSlow(
                f"a worker did not start: {outcome}, {worker.death}",
                remedy="see workers.data_bytes and the machine's memory",
            )
        worker.jobs = 0
        return worker

    def _setup(self, sandbox: _Sandbox) -> dict[str, Any]:
        return {
            "path": PATH,
            "preload": self._preload,
            "data_bytes": self._limits.data_bytes,
            "file_bytes": self._limits.file_bytes,
            "output_bytes": self._limits.output_bytes,
            "files": self._limits.files,
            "confinement": asdict(self._confinement or Confinement()),
            "isolation": asdict(sandbox.programs) if self._confinement else None,
        }

    async def _sandbox(self) -> _Sandbox:
        """Return what the machine grants, which is tried once."""
        if self._kept is None:
            programs = self._confinement is not None
            isolation = await asyncio.to_thread(granted) if programs or self._view is not None else Isolation()
            inner = await self._within(isolation) if isolation.bubblewrap else None
            self._kept = _Sandbox(isolation if inner else None, inner or isolation)
            if programs and self.isolation is None:
                self.isolation = isolation
                tell = log.info if isolation.full else log.warning
                tell("workers.isolation", full=isolation.full, workers=self.kept, **asdict(isolation))
        return self._kept

    async def _within(self, isolation: Isolation) -> Isolation | None:
        """Return what programs of a worker in a sandbox have; None where it is less than without one: they go first."""
        if self._view is None or self._confinement is None:
            return None if self._view is None else isolation
        inner = await asyncio.to_thread(granted_within, self._view)
        runs_none = isolation.root and self._confinement.strict
        as_much = inner.bubblewrap and inner.options == isolation.options
        return inner if runs_none or as_much else None

    async def _spawn(self, sandbox: _Sandbox) -> _Worker:
        if sandbox.worker is None or self._view is None:
            return await _spawn(lambda command: command, os.getpid())
        outer, view = sandbox.worker, self._view
        await asyncio.to_thread(_make, view.writes)
        return await _spawn(lambda command: boxed(command, outer, view), INIT)

    async def _end(self, worker: _Worker) -> None:
        self._alive -= 1
        await worker.end()


@dataclass(frozen=True, slots=True)
class _Sandbox:
    worker: Isolation | None  # None: it runs without
    programs: Isolation


class _Worker:
    """One worker process and the socket to it."""

    def __init__(
        self, process: ChildProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mark: str
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._mark = mark
        self.jobs = 0
        self.stepped_back = False  # for good: an ordinary user cannot take it back

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._reader.at_eof()

    @property
    def death(self) -> str:
        code = self._process.returncode
        if code is not None and SHELL_SIGNALS < code < 2 * SHELL_SIGNALS:  # as bubblewrap tells of a signal
            code = SHELL_SIGNALS - code
        if code is None or code >= 0:
            return f"exit code {code}"
        return f"signal {signal.Signals(-code).name}"

    async def ask(self, message: bytes, deadline_s: float, max_bytes: int) -> tuple[str, Any]:
        """Send one message and return the answer's status and value; "deadline", "crash" and "output" are ours too."""
        self.jobs += 1
        deadline = asyncio.timeout(deadline_s)
        try:
            async with deadline:
                self._writer.write(LENGTH.pack(len(message)) + message)
                await self._writer.drain()
                (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
                if size > max_bytes:
                    return "output", size
                status, value = orjson.loads(await self._reader.readexactly(size))
        except TimeoutError:
            return "deadline", deadline_s
        except (OSError, asyncio.IncompleteReadError):
            return "crash", None
        return status, value

    def step_back(self) -> None:
        """Have what it does, and what it starts, wait for everybody who needs the processor."""
        if self._process.returncode is None and not self.stepped_back:
            self.stepped_back = True
            lower_priority(self._process.pid)

    async def end(self) -> None:
        """Kill the process and its whole descent, and wait until it is gone."""
        self._writer.close()
        if self._reader.at_eof():  # it ended by itself; what it is in needs a moment to hear of it, and tells how
            await self._gone(1)
        kill_descent(self._process.pid if self._process.returncode is None else None, self._mark.encode())
        await self._gone(5)  # unkillable while it waits for a device; the kernel ends it when that answers

    async def _gone(self, patience_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._process.wait()


def _make(places: Iterable[str]) -> None:
    for path in places:
        with suppress(OSError):  # who writes there first tells why it cannot be used
            Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)


async def _spawn(enclosed: Callable[[Sequence[str]], Sequence[str]], parent: int) -> _Worker:
    ours, theirs = socket.socketpair()
    mark = f"{MARK}={secrets.token_hex(16)}"
    ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        process = None
        try:
            process = spawn(
                enclosed((*PYTHON_MAIN, str(theirs.fileno()), str(parent))),
                cwd=Path("/"),
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", MARK: mark.partition("=")[2]},
                fds=(theirs.fileno(),),
            )
        except OSError as err:
            raise TooSlow(
                f"a worker could not be started: {err}", remedy="see the machine's memory and limits"
            ) from err
        finally:
            if process is None:
                writer.close()
    return _Worker(process, reader, writer, mark)


def _value(job: str, outcome: str, value: Any) -> Any:
    match outcome:
        case "ok":
            return value
        case "error":
            raise error_from_json(*value)
        case "bug":
            log.error("worker.job_failed", job=job, error=value[0], trace=value[1])
            raise WorkerFailed(
                f"{job} failed: {value[0]}", remedy="this is a fault of gitopsd: report it with the daemon's log"
            )
        case _:
            raise WorkerStopped(
                f"{job} {_BROKEN[outcome].format(value)}", remedy=f"make the input smaller, or raise {_KNOBS[outcome]}"
            )


_BROKEN = {
    "arguments": "was given {} bytes, more than a worker takes",
    "memory": "needs more memory than a worker may have",
    "output": "answers {} bytes, more than a worker may",
    "crash": "crashed its worker ({})",
    "deadline": "took more than {:g} s and was killed",
}
_KNOBS = {
    "arguments": "workers.output_bytes",
    "memory": "workers.data_bytes",
    "output": "workers.output_bytes",
    "crash": "workers.data_bytes",
    "deadline": "workers.deadline_s",
}
