"""A program that a job runs: a child of the worker with nothing of ours, within a deadline and a limit on its output.

The worker's own limits on memory and files hold for it, too. It dies with the worker, and so with the daemon. What the
kernel grants besides (`isolation`), it does without: the network, and the daemon's own files.
"""

from __future__ import annotations

import os
import secrets
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitopsd.errors import WorkerFailed
from gitopsd.runtime.isolation import Confinement, confined, granted
from gitopsd.runtime.process_tree import MARK, PROC, kill_all, kill_descent

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
    reaper = False  # whether what a program leaves behind becomes a child of this process


def adopt(confinement: Confinement) -> None:
    """Have `confinement` hold for all programs from now on, in a process that is the reaper of what they leave."""
    _Policy.confinement = confinement
    _Policy.reaper = True


def run(  # noqa: PLR0913 - a program, where and with what it runs, and its limits
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    deadline_s: float,
    output_bytes: int,
    what: str,
    home: Path | None = None,
    network: bool = False,
) -> ProgramResult:
    """Run `command`, a program and its arguments, and return how it ended; without network, unless it is allowed.

    The program is looked up in the PATH of `env`. Its environment is `env`, two marks by which what it starts is found,
    and proxies that lead nowhere. `home`, an
    empty directory, is its HOME and TMPDIR, in memory where that is granted. Nothing that it started outlives this
    call.

    Raises:
        WorkerFailed: there is no such program, the deadline passed, its output is too long, or it took too much of
            the processor; names `what`.
    """
    run_id = secrets.token_hex(16)
    marks = {RUN: run_id} | {name: value for name, value in os.environ.items() if name == MARK}
    if home is not None:
        marks |= {"HOME": str(home), "TMPDIR": str(home)}
    before = _children()
    try:
        child = subprocess.Popen(  # noqa: S603 - a program of the operator, by its arguments, without a shell
            command,
            cwd=cwd,
            env={**({} if network else NO_NETWORK), **env, **marks},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=confined(  # noqa: PLW1509 - it takes no lock: system calls
                replace(granted(), network=granted().network and not network),
                _Policy.confinement,
                program=shutil.which(command[0], path=env.get("PATH", os.defpath)) or command[0],
                cwd=cwd,
                shown=Path(os.path.commonpath((cwd, home or cwd))),
                scratch=home,
            ),
        )
    except (OSError, subprocess.SubprocessError) as err:
        raise WorkerFailed(f"{what} could not be started: {err}", remedy="see `tools` in the settings") from err
    with child:
        try:
            stdout, stderr = _output(child, time.monotonic() + deadline_s, deadline_s, output_bytes, what)
        finally:
            _end(child, f"{RUN}={run_id}".encode(), before)
    if child.returncode in _BROKEN:
        raise WorkerFailed(
            f"{what} {_BROKEN[child.returncode]}, and was killed", remedy="make it less, or raise the limit"
        )
    return ProgramResult(child.returncode, stdout, stderr.decode(errors="replace"))


_BROKEN = {
    -signal.SIGXCPU: "took more of the processor than tools.cpu_s",
    -signal.SIGXFSZ: "wrote a file of more than workers.file_bytes",
}


def _output(
    child: subprocess.Popen[bytes], until_s: float, deadline_s: float, output_bytes: int, what: str
) -> tuple[bytes, bytes]:
    """Return stdout and the end of stderr once the child has ended."""
    stdout, stderr = bytearray(), b""
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]  # both are pipes
        while selector.get_map():
            left_s = until_s - time.monotonic()
            ready = selector.select(left_s) if left_s > 0 else []
            if not ready and time.monotonic() >= until_s:
                raise _late(what, deadline_s)
            for key, _ in ready:
                chunk = os.read(key.fd, CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stderr:
                    stderr = (stderr + chunk)[-STDERR_BYTES:]
                else:
                    stdout += chunk
            if len(stdout) > output_bytes:
                raise WorkerFailed(
                    f"{what} prints more than {output_bytes} bytes", remedy="make it less, or raise tools.output_bytes"
                )
    try:
        child.wait(max(0.0, until_s - time.monotonic()))
    except subprocess.TimeoutExpired as err:
        raise _late(what, deadline_s) from err
    return bytes(stdout), stderr


def _late(what: str, deadline_s: float) -> WorkerFailed:
    return WorkerFailed(
        f"{what} took more than {deadline_s:g} s and was killed", remedy="make it less, or raise tools.deadline_s"
    )


def _end(child: subprocess.Popen[bytes], mark: bytes, before: set[int]) -> None:
    """Kill what is left; mostly nothing is, and the kernel tells so at once: orphans become children of a worker."""
    if child.returncode is None:
        kill_descent(child.pid, mark)
    if _Policy.reaper:
        kill_all(lambda: _children() - before - {child.pid})
    elif any(children.read_text() for children in PROC.glob("self/task/*/children")):
        kill_descent(None, mark)


def _children() -> set[int]:
    return {int(pid) for children in PROC.glob("self/task/*/children") for pid in children.read_text().split()}
