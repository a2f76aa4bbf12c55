"""A program that a job runs: a child of the worker with nothing of ours, within a deadline and a limit on its output.

The worker's own limits on memory and files hold for it, too. It dies with the worker, and so with the daemon. Of the
machine it has what `isolation` shows it, where that is granted.
"""

from __future__ import annotations

import errno
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import orjson

from gitopsd.errors import NotConfined, WorkerFailed, WorkerStopped
from gitopsd.runtime.die_with_parent import PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, control
from gitopsd.runtime.isolation import Confinement, Isolation, ProgramView, granted, limited, sealed
from gitopsd.runtime.process_tree import MARK, PROC, SHELL_SIGNALS, kill_all, kill_descent

RUN = "GITOPSD_RUN"  # in the environment of one program and of all that it starts
STDERR_BYTES = 64 << 10  # its end is kept: there the reason stands
CHUNK_BYTES = 64 << 10
# For clients that honour it, where the kernel grants no network namespace: nobody listens there.
NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")


@dataclass(frozen=True, slots=True)
class ProgramResult:
    code: int  # below 0: killed by that signal
    stdout: bytes
    stderr: str


class _Policy:
    """What holds for every program of this process; a worker is told at its start."""

    confinement = Confinement()
    isolation: Isolation | None = None  # None: what the machine grants
    reaper = False  # whether what a program leaves behind becomes a child of this process


def adopt(confinement: Confinement, isolation: Isolation | None = None) -> None:
    """Have `confinement` hold for all programs from now on, in a process that is the reaper of what they leave.

    They get `isolation`, instead of what the machine grants.
    """
    _Policy.confinement = confinement
    _Policy.isolation = isolation
    _Policy.reaper = True


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its arguments, where and with what it runs, and its limits."""

    command: Sequence[str]  # the program is looked up in the PATH of `env`
    cwd: Path
    env: Mapping[str, str]
    what: str  # as errors name it
    deadline_s: float
    output_bytes: int
    starts: tuple[str, ...] = ()  # other programs, by their paths
    source: Path | None = None  # what it reads, `cwd` or above; None: `cwd`
    writes: bool = False  # to its source, too
    home: Path | None = None  # an empty directory, its HOME and TMPDIR: in memory, where that is granted
    network: bool = False
    steered: bool = False  # what it does is the source's to say, so nothing but the sandbox keeps it


def run(program: Program) -> ProgramResult:
    """Run `program` and return how it ended.

    Its environment is the one given, two marks by which what it starts is found, and proxies that lead nowhere. Nothing
    that it started outlives this call.

    Raises:
        NotConfined: it would have more of the machine than the settings allow.
        WorkerFailed: there is no such program; names `what`.
        WorkerStopped: the deadline passed, its output is too long, or it took too much of the processor.
    """
    isolation = _Policy.isolation or granted()
    _check(program, isolation)
    run_id = secrets.token_hex(16)
    marks = {RUN: run_id} | {name: value for name, value in os.environ.items() if name == MARK}
    if program.home is not None:
        marks |= {"HOME": str(program.home), "TMPDIR": str(program.home)}
    before = _children()
    with _Status() as status, _started(program, isolation, marks, status) as child:
        try:
            stdout, stderr = _output(child, time.monotonic() + program.deadline_s, program)
        finally:
            _end(child, f"{RUN}={run_id}".encode(), before)
        if isolation.bubblewrap and child.returncode > 0 and not status.ended:
            raise _missing(program, stderr.decode(errors="replace").strip()[-300:])
    code = child.returncode
    if SHELL_SIGNALS < code < 2 * SHELL_SIGNALS:  # as bubblewrap and every shell tell of a signal
        code = SHELL_SIGNALS - code
    if code in _BROKEN:
        raise WorkerStopped(
            f"{program.what} {_BROKEN[code]}, and was killed", remedy="make it less, or raise the limit"
        )
    return ProgramResult(code, stdout, stderr.decode(errors="replace"))


class _Status:
    """Where bubblewrap tells that the program ended, so that its own failure is not taken for the program's."""

    def __enter__(self) -> Self:
        self._ours, self.theirs = os.pipe()
        os.set_blocking(self._ours, False)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ours)
        os.close(self.theirs)

    @property
    def ended(self) -> bool:
        try:
            report = os.read(self._ours, CHUNK_BYTES)
        except BlockingIOError:
            return False
        return any("exit-code" in orjson.loads(line) for line in report.splitlines())


def _started(
    program: Program, isolation: Isolation, marks: Mapping[str, str], status: _Status
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - a program of the operator, by its arguments, without a shell
            _enclosed(program, isolation, status),
            cwd=program.cwd,
            env={**({} if program.network else NO_NETWORK), **program.env, **marks},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(status.theirs,) if isolation.bubblewrap else (),
            # bubblewrap does the same itself; without a function the kernel need not copy our page tables.
            preexec_fn=None if isolation.bubblewrap else _tied,  # noqa: PLW1509 - it takes no lock: system calls
        )
    except (OSError, subprocess.SubprocessError) as err:
        raise _missing(program, str(err)) from err


def _tied() -> None:
    control(PR_SET_PDEATHSIG, signal.SIGKILL)
    control(PR_SET_NO_NEW_PRIVS, 1)


def _check(program: Program, isolation: Isolation) -> None:
    if not _Policy.confinement.strict or isolation.full:
        return
    if isolation.root:
        raise NotConfined(
            f"{program.what}: gitopsd runs no programs as root",
            remedy="run gitopsd as a user of its own, or say tools.unconfined: true in the settings",
        )
    if program.steered:
        raise NotConfined(
            f"{program.what}: a source says what it does, and there is no sandbox to keep it in: {isolation.reason}",
            remedy="install bubblewrap and allow user namespaces, or say tools.unconfined: true in the settings",
        )


def _enclosed(program: Program, isolation: Isolation, status: _Status) -> list[str]:
    confinement, programs = _Policy.confinement, (*_found(program), *program.starts)
    if not isolation.bubblewrap:
        # Without a namespace the kernel counts all processes and threads of this user.
        return limited(program.command, confinement, _tasks())
    view = ProgramView(
        programs,
        program.cwd,
        program.source or program.cwd,
        program.home,
        writes=program.writes,
        network=program.network,
    )
    command = limited(program.command, confinement)
    return sealed(command, isolation, confinement, view, "--json-status-fd", str(status.theirs))


def _found(program: Program) -> tuple[str, ...]:
    """Return the path of a program; none for one of its own source."""
    name = program.command[0]
    path: tuple[str, ...] = ()
    if "/" in name and not name.startswith("/"):
        there = program.cwd / name
    else:
        there = Path(shutil.which(name, path=program.env.get("PATH", os.defpath)) or name)
        path = (str(there),)
    if not os.access(there, os.X_OK):
        raise _missing(program, f"{name}: {os.strerror(errno.EACCES if there.exists() else errno.ENOENT)}")
    return path


def _missing(program: Program, reason: str) -> WorkerFailed:
    return WorkerFailed(f"{program.what} could not be started: {reason}", remedy="see `tools` in the settings")


def _tasks() -> int:
    """Return how many processes and threads this user has."""
    count = 0
    for process in PROC.iterdir():
        try:
            if process.name.isdecimal() and process.stat().st_uid == os.geteuid():
                count += sum(1 for _ in (process / "task").iterdir())
        except OSError:
            continue  # it ended meanwhile
    return count


_BROKEN = {
    -signal.SIGXCPU: "took more of the processor than tools.cpu_s",
    -signal.SIGXFSZ: "wrote a file of more than workers.file_bytes",
}


def _output(child: subprocess.Popen[bytes], until_s: float, program: Program) -> tuple[bytes, bytes]:
    """Return stdout and the end of stderr once the child has ended."""
    stdout, stderr = bytearray(), b""
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]  # both are pipes
        while selector.get_map():
            left_s = until_s - time.monotonic()
            ready = selector.select(left_s) if left_s > 0 else []
            if not ready and time.monotonic() >= until_s:
                raise _late(program)
            for key, _ in ready:
                chunk = os.read(key.fd, CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stderr:
                    stderr = (stderr + chunk)[-STDERR_BYTES:]
                else:
                    stdout += chunk
            if len(stdout) > program.output_bytes:
                raise WorkerStopped(
                    f"{program.what} prints more than {program.output_bytes} bytes",
                    remedy="make it less, or raise tools.output_bytes",
                )
    try:
        child.wait(max(0.0, until_s - time.monotonic()))
    except subprocess.TimeoutExpired as err:
        raise _late(program) from err
    return bytes(stdout), stderr


def _late(program: Program) -> WorkerStopped:
    return WorkerStopped(
        f"{program.what} took more than {program.deadline_s:g} s and was killed",
        remedy="make it less, or raise tools.deadline_s",
    )


def _end(child: subprocess.Popen[bytes], mark: bytes, before: set[int]) -> None:
    """Kill what is left; mostly nothing is, and the kernel tells so at once: orphans become children of a worker."""
    if child.returncode is None:
        kill_descent(child.pid, mark)
        child.wait()  # so that what is left below it is ours
    if _Policy.reaper:
        kill_all(lambda: _children() - before - {child.pid})
    elif any(children.read_text() for children in PROC.glob("self/task/*/children")):
        kill_descent(None, mark)


def _children() -> set[int]:
    return {int(pid) for children in PROC.glob("self/task/*/children") for pid in children.read_text().split()}
