"""Programs that jobs run: what they get, what they may take, and that nothing of them stays."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import WorkerFailed
from gitopsd.runtime.sandbox import Ended, run

UNSHARE = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000))"
WORKER = """
from pathlib import Path
from gitopsd.runtime.sandbox import run
from gitopsd.runtime.tether import PR_SET_CHILD_SUBREAPER, control

control(PR_SET_CHILD_SUBREAPER, 1)
run(["/bin/sh", "-c", {script!r}], cwd=Path({place!r}), env={{}}, deadline_s=20, output_bytes=99, what="it")
"""
NETWORK = """
import socket
with socket.socket() as peer:
    peer.settimeout(5)
    try:
        peer.connect(("127.0.0.1", {port}))
        print("reached")
    except OSError as err:
        print(err)
"""


def shell(place: Path, script: str, **limits: Any) -> Ended:
    given = {"deadline_s": 20.0, "output_bytes": 1000, **limits}
    return run(["/bin/sh", "-c", script], cwd=place, env={"PATH": "/usr/bin:/bin"}, what="the script", **given)


def test_output_and_code_are_told(tmp_path: Path) -> None:
    assert Ended(3, b"out\n", "err\n") == shell(tmp_path, "echo out; echo err >&2; exit 3")
    assert -9 == shell(tmp_path, "kill -9 $$").code


def test_it_gets_nothing_of_ours(tmp_path: Path) -> None:
    environment = shell(tmp_path, "exec env -0 | tr '\\0' '\\n'; pwd; readlink /proc/self/fd/0").stdout.decode()
    names = {line.partition("=")[0] for line in environment.splitlines()}

    assert not names & {"HOME", "USER", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"}
    assert {"PATH", "https_proxy", "GITOPSD_RUN"} <= names
    assert [str(tmp_path), "/dev/null"] == environment.splitlines()[-2:]
    assert "NoNewPrivs:\t1" in shell(tmp_path, "cat /proc/self/status", output_bytes=9000).stdout.decode()


def test_it_is_killed_at_the_deadline_with_all_it_started(tmp_path: Path) -> None:
    script = "(setsid sh -c 'echo $$ > stray; exec sleep 99') & while [ ! -s stray ]; do sleep 0.01; done; sleep 99"

    with pytest.raises(WorkerFailed, match=r"the script took more than 0\.7 s and was killed"):
        shell(tmp_path, script, deadline_s=0.7)
    assert not alive(tmp_path / "stray")


def test_what_it_leaves_behind_in_a_worker_is_killed(tmp_path: Path) -> None:
    script = "setsid sh -c 'echo $$ > stray; exec sleep 99' >/dev/null 2>&1 & while [ ! -s stray ]; do sleep 0.01; done"
    worker = WORKER.format(place=str(tmp_path), script=script)

    subprocess.run([sys.executable, "-c", worker], check=True, timeout=30)  # noqa: S603 - ourselves

    assert not alive(tmp_path / "stray")


def test_output_has_a_bound_and_the_end_of_stderr_is_kept(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="the script prints more than 1000 bytes"):
        shell(tmp_path, "yes")

    ended = shell(tmp_path, "yes x | head -c 200000 >&2; echo last >&2")
    assert (64 << 10, True) == (len(ended.stderr), ended.stderr.endswith("last\n"))


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="could not be started"):
        run(["/nowhere/x"], cwd=tmp_path, env={}, deadline_s=1, output_bytes=1, what="it")


def test_it_has_no_network_where_the_kernel_grants_that(tmp_path: Path) -> None:
    granted = subprocess.run([sys.executable, "-c", UNSHARE], check=False, timeout=30).returncode == 0  # noqa: S603
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = NETWORK.format(port=listener.getsockname()[1])
        ended = run([sys.executable, "-c", script], cwd=tmp_path, env={}, deadline_s=20, output_bytes=1000, what="it")

    assert (b"unreachable" if granted else b"reached") in ended.stdout


def alive(file: Path) -> bool:
    status = Path("/proc", file.read_text().strip(), "status")
    return status.exists() and "\nState:\tZ" not in status.read_text()
