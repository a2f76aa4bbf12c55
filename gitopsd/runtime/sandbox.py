"""A program that a job runs: a child of the worker with nothing of ours, within a deadline and a limit on its output.

The worker's own limits on memory and files hold for it, too. It dies with the worker, and so with the daemon.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitopsd.errors import WorkerFailed
from gitopsd.runtime.descent import MARK, PROC, kill_descent
from gitopsd.runtime.tether import PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, control

RUN = "GITOPSD_RUN"  # in the environment of one program and of all that it starts
STDERR_BYTES = 64 << 10  # its end is kept: there the reason stands
CHUNK_BYTES = 64 << 10
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
# For clients that honour it, where the kernel grants no network namespace: nobody listens there.
NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")


@dataclass(frozen=True, slots=True)
class Ended:
    code: int  # below 0: killed by that signal
    stdout: bytes
    stderr: str


def run(  # noqa: PLR0913 - a program, where and with what it runs, and its limits
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    deadline_s: float,
    output_bytes: int,
    what: str,
) -> Ended:
    """Run `command`, a program's absolute path and its arguments, and return how it ended; without network.

    Its environment is `env`, two marks by which what it starts is found, and proxies that lead nowhere. Nothing that
    it started outlives this call.

    Raises:
        WorkerFailed: there is no such program, the deadline passed, or its output is too long; names `what`.
    """
    run_id = secrets.token_hex(16)
    marks = {RUN: run_id} | {name: value for name, value in os.environ.items() if name == MARK}
    try:
        child = subprocess.Popen(  # noqa: S603 - a program of the operator, by its arguments, without a shell
            command,
            cwd=cwd,
            env={**NO_NETWORK, **env, **marks},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_shut_in,  # noqa: PLW1509 - it takes no lock: three system calls
        )
    except (OSError, subprocess.SubprocessError) as err:
        raise WorkerFailed(f"{what} could not be started: {err}", remedy="see `tools` in the settings") from err
    with child:
        try:
            stdout, stderr = _output(child, time.monotonic() + deadline_s, deadline_s, output_bytes, what)
        finally:
            _end(child, f"{RUN}={run_id}".encode())
    return Ended(child.returncode, stdout, stderr.decode(errors="replace"))


def _shut_in() -> None:
    """Run in the child before the program: tie it to the worker, and leave it without network where that is granted."""
    control(PR_SET_PDEATHSIG, signal.SIGKILL)
    control(PR_SET_NO_NEW_PRIVS, 1)
    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)


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


def _end(child: subprocess.Popen[bytes], mark: bytes) -> None:
    """Kill what is left; mostly nothing is, and the kernel tells so at once: orphans become children of a worker."""
    if child.returncode is None:
        kill_descent(child.pid, mark)
    elif any(children.read_text() for children in PROC.glob("self/task/*/children")):
        kill_descent(None, mark)
