"""Programs that jobs run: what they get, what they may take, and that nothing of them stays."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import WorkerFailed
from gitopsd.runtime import sandbox
from gitopsd.runtime.isolation import Confinement, granted
from gitopsd.runtime.sandbox import ProgramResult, run

UNSHARE = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000))"
needs_files = pytest.mark.skipif(not granted().files, reason=f"not granted here: {granted().reason}")
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


def shell(place: Path, script: str, **limits: Any) -> ProgramResult:
    given = {"deadline_s": 20.0, "output_bytes": 1000, **limits}
    return run(["/bin/sh", "-c", script], cwd=place, env={"PATH": "/usr/bin:/bin"}, what="the script", **given)


def test_output_and_code_are_told(tmp_path: Path) -> None:
    assert ProgramResult(3, b"out\n", "err\n") == shell(tmp_path, "echo out; echo err >&2; exit 3")
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
    stray = tmp_path / "stray"

    for deadline_s in (0.7, 5, 30):  # the later ones are for a busy machine
        with pytest.raises(WorkerFailed, match=f"the script took more than {deadline_s} s and was killed"):
            shell(tmp_path, script, deadline_s=deadline_s)
        if stray.exists() and stray.read_text():
            break
    assert not alive(stray)


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


BOMB = """
import os, sys
from pathlib import Path
from gitopsd.errors import WorkerFailed
from gitopsd.runtime import sandbox
from gitopsd.runtime.isolation import Confinement, granted
from gitopsd.runtime.tether import PR_SET_CHILD_SUBREAPER, control

control(PR_SET_CHILD_SUBREAPER, 1)
granted()
if os.geteuid() == 0:  # root has no bound on its processes
    os.setgid(65534)
    os.setuid(65534)
    control(4, 1)  # PR_SET_DUMPABLE, which a change of user takes away
sandbox.adopt(Confinement(processes=40))
bomb = "bomb() { (bomb &); (setsid sh -c 'sleep 99' &); (bomb &); echo; sleep 99; }; bomb 2>/dev/null"
try:
    sandbox.run(["/bin/sh", "-c", bomb], cwd=Path("/"), env={}, deadline_s=1.5, output_bytes=9999, what="it")
except WorkerFailed as err:
    print(err.what)
print("left:", Path(f"/proc/self/task/{os.getpid()}/children").read_text())
"""


def test_a_bomb_of_forks_reaches_its_bound_and_is_killed_whole() -> None:
    ended = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", BOMB], capture_output=True, text=True, check=False, timeout=60
    )

    assert ["it took more than 1.5 s and was killed", "left: "] == ended.stdout.splitlines(), ended.stderr


@pytest.mark.usefixtures("confined")
def test_it_has_a_bound_on_the_processor(tmp_path: Path) -> None:
    sandbox.adopt(Confinement(cpu_s=1))

    with pytest.raises(WorkerFailed, match="took more of the processor than tools"):
        run([sys.executable, "-c", "while True: pass"], cwd=tmp_path, env={}, deadline_s=60, output_bytes=9, what="it")


@needs_files
@pytest.mark.usefixtures("confined")
def test_what_is_hidden_cannot_be_read_and_its_own_place_can(tmp_path: Path) -> None:
    ours, key = tmp_path / "data", tmp_path / "key"
    place = ours / "work" / "one"
    (ours / "work" / "two").mkdir(parents=True)
    place.mkdir()
    (ours / "token").write_text("hush")
    (place / "mine").write_text("mine\n")
    key.write_text("hush")
    sandbox.adopt(Confinement(hidden=(str(ours), str(key), str(tmp_path / "absent"))))

    ended = shell(place, f"cat mine; ls {ours} {ours}/work; cat {key}; umount {key} {ours} 2>/dev/null; cat {key}")

    assert f"mine\n{ours}:\nwork\n\n{ours}/work:\none\n" == ended.stdout.decode()
    assert ("hush", "hush") == ((ours / "token").read_text(), key.read_text())


@needs_files
@pytest.mark.usefixtures("confined")
def test_its_home_is_in_memory_of_a_bound_size_and_gone_afterwards(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    sandbox.adopt(Confinement(scratch_bytes=1 << 20))
    script = (
        "cd $HOME; echo x > $TMPDIR/small; stat -f -c %T .; for n in 1 2 3 4; do head -c 400000 /dev/zero > $n; done"
    )

    ended = run(
        ["/bin/sh", "-c", script],
        cwd=source,
        env={"PATH": "/usr/bin:/bin"},
        deadline_s=20,
        output_bytes=99,
        what="it",
        home=home,
    )

    assert "tmpfs\n" == ended.stdout.decode()
    assert "No space left" in ended.stderr
    assert [] == list(home.iterdir())


@pytest.fixture
def confined() -> Iterator[None]:
    """Let a test say what holds for programs of this process, and forget it afterwards."""
    before = sandbox._Policy.confinement, sandbox._Policy.reaper  # noqa: SLF001 - put back as it was
    yield
    sandbox._Policy.confinement, sandbox._Policy.reaper = before  # noqa: SLF001 - as above


def alive(file: Path) -> bool:
    status = Path("/proc", file.read_text().strip(), "status")
    return status.exists() and "\nState:\tZ" not in status.read_text()
