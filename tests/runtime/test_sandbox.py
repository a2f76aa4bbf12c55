"""Programs that jobs run: what they get, what they may take, and that nothing of them stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import NotConfined, WorkerFailed
from gitopsd.runtime import sandbox
from gitopsd.runtime.isolation import Confinement, Isolation, granted
from gitopsd.runtime.sandbox import Program, ProgramResult, run

BARE = Isolation(root=granted().root, reason="as on a machine without bubblewrap")
STRAY = f"99.{os.getpid():07}"  # seconds that nobody else sleeps
WORKER = """
from pathlib import Path
from gitopsd.runtime import sandbox
from gitopsd.runtime.isolation import Confinement, Isolation
from gitopsd.runtime.sandbox import Program, run
from gitopsd.runtime.die_with_parent import PR_SET_CHILD_SUBREAPER, control

control(PR_SET_CHILD_SUBREAPER, 1)
sandbox.adopt(Confinement(), Isolation(**{isolation}))
run(Program(["/bin/sh", "-c", {script!r}], Path({place!r}), {{}}, "it", 20, 99, writes=True))
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


@pytest.fixture(autouse=True)
def policy() -> Iterator[type[sandbox._Policy]]:
    """Let a test say what holds for programs of this process, and forget it afterwards."""
    policy = sandbox._Policy  # noqa: SLF001 - put back as it was
    before = policy.confinement, policy.isolation, policy.reaper
    yield policy
    policy.confinement, policy.isolation, policy.reaper = before


@pytest.fixture
def sandboxed(policy: type[sandbox._Policy]) -> Isolation:
    if not granted().bubblewrap:
        pytest.skip(f"no sandbox on this machine: {granted().reason}")
    policy.isolation = granted()
    return policy.isolation


@pytest.fixture(params=["sandboxed", "bare"])
def isolation(request: pytest.FixtureRequest, policy: type[sandbox._Policy]) -> Isolation:
    """Have a test twice: as on this machine, and as on one without bubblewrap."""
    if request.param == "sandboxed":
        found: Isolation = request.getfixturevalue("sandboxed")
        return found
    policy.isolation = BARE
    return BARE


def program(command: list[str], place: Path, **given: Any) -> Program:
    limits = {"deadline_s": 20.0, "output_bytes": 1000, "writes": True}
    return Program(command, place, {"PATH": "/usr/bin:/bin"}, "the script", **{**limits, **given})


def shell(place: Path, script: str, **given: Any) -> ProgramResult:
    return run(program(["/bin/sh", "-c", script], place, **given))


@pytest.mark.usefixtures("isolation")
def test_output_and_code_are_told(tmp_path: Path) -> None:
    assert ProgramResult(3, b"out\n", "err\n") == shell(tmp_path, "echo out; echo err >&2; exit 3")
    assert -9 == shell(tmp_path, "kill -9 $$").code


@pytest.mark.usefixtures("isolation")
def test_it_gets_nothing_of_ours(tmp_path: Path) -> None:
    environment = shell(tmp_path, "exec env -0 | tr '\\0' '\\n'; pwd; readlink /proc/self/fd/0").stdout.decode()
    names = {line.partition("=")[0] for line in environment.splitlines()}

    assert not names & {"HOME", "USER", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"}
    assert {"PATH", "https_proxy", "GITOPSD_RUN"} <= names
    assert [str(tmp_path), "/dev/null"] == environment.splitlines()[-2:]
    assert "NoNewPrivs:\t1" in shell(tmp_path, "cat /proc/self/status", output_bytes=9000).stdout.decode()


@pytest.mark.usefixtures("isolation")
def test_it_is_killed_at_the_deadline_with_all_it_started(tmp_path: Path) -> None:
    script = f"(setsid sh -c 'echo > stray; exec sleep {STRAY}') & while [ ! -s stray ]; do sleep 0.01; done; sleep 99"
    stray = tmp_path / "stray"

    for deadline_s in (0.7, 5, 30):  # the later ones are for a busy machine
        with pytest.raises(WorkerFailed, match=f"the script took more than {deadline_s} s and was killed"):
            shell(tmp_path, script, deadline_s=deadline_s)
        if stray.exists() and stray.read_text():
            break
    assert stray.exists()
    assert not strays()


def test_what_it_leaves_behind_in_a_worker_is_killed(tmp_path: Path, isolation: Isolation) -> None:
    script = (
        f"setsid sh -c 'echo > stray; exec sleep {STRAY}' >/dev/null 2>&1 & while [ ! -s stray ]; do sleep 0.01; done"
    )
    worker = WORKER.format(place=str(tmp_path), script=script, isolation=asdict(isolation))

    subprocess.run([sys.executable, "-c", worker], check=True, timeout=30)  # noqa: S603 - ourselves

    assert (tmp_path / "stray").exists()
    assert not strays()


@pytest.mark.usefixtures("isolation")
def test_output_has_a_bound_and_the_end_of_stderr_is_kept(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="the script prints more than 1000 bytes"):
        shell(tmp_path, "yes")

    ended = shell(tmp_path, "yes x | head -c 200000 >&2; echo last >&2")
    assert (64 << 10, True) == (len(ended.stderr), ended.stderr.endswith("last\n"))


@pytest.mark.usefixtures("isolation")
def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="could not be started: /nowhere/x: No such file"):
        run(program(["/nowhere/x"], tmp_path))


def test_it_has_no_network_but_where_it_is_allowed(tmp_path: Path, isolation: Isolation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = NETWORK.format(port=listener.getsockname()[1])
        ended = run(program([sys.executable, "-c", script], tmp_path))
        allowed = run(program([sys.executable, "-c", script], tmp_path, network=True))

    assert bool(isolation.bubblewrap) == (ended.stdout != b"reached\n")
    assert b"reached\n" == allowed.stdout


BOMB = """
import os, sys
from pathlib import Path
from gitopsd.errors import WorkerFailed
from gitopsd.runtime import sandbox
from gitopsd.runtime.isolation import Confinement, Isolation
from gitopsd.runtime.die_with_parent import PR_SET_CHILD_SUBREAPER, control

control(PR_SET_CHILD_SUBREAPER, 1)
if os.geteuid() == 0:  # root has no bound on its processes
    os.setgid(65534)
    os.setuid(65534)
    control(4, 1)  # PR_SET_DUMPABLE, which a change of user takes away
sandbox.adopt(Confinement(processes=40), Isolation(**ISOLATION))
bomb = "bomb() { (bomb &); (setsid sh -c 'sleep 99' &); (bomb &); echo; sleep 99; }; bomb 2>/dev/null"
try:
    sandbox.run(sandbox.Program(["/bin/sh", "-c", bomb], Path("/usr"), {}, "it", 1.5, 9999))
except WorkerFailed as err:
    print(err.what)
print("left:", Path(f"/proc/self/task/{os.getpid()}/children").read_text())
"""


def test_a_bomb_of_forks_reaches_its_bound_and_is_killed_whole(isolation: Isolation) -> None:
    bomb = f"ISOLATION = {asdict(replace(isolation, root=False))}\n{BOMB}"
    ended = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", bomb], capture_output=True, text=True, check=False, timeout=60
    )

    assert ["it took more than 1.5 s and was killed", "left: "] == ended.stdout.splitlines(), ended.stderr


def test_it_has_a_bound_on_the_processor(tmp_path: Path, isolation: Isolation) -> None:
    sandbox.adopt(Confinement(cpu_s=1), isolation)

    with pytest.raises(WorkerFailed, match="took more of the processor than tools"):
        run(program([sys.executable, "-c", "while True: pass"], tmp_path, deadline_s=60.0))


LOOK = "for place in {}; do [ -e $place ] && echo $place; done; exit 0"


def test_it_sees_its_source_and_what_programs_need_and_nothing_else(tmp_path: Path, sandboxed: Isolation) -> None:
    source, beside, tools = tmp_path / "work" / "one", tmp_path / "work" / "two", tmp_path / "tools"
    for place in (source, beside, tools / "data"):
        place.mkdir(parents=True)
        (place / "text").write_text("hush")
    key = tools / "key"
    key.write_text("hush")
    sandbox.adopt(Confinement(visible=(str(tools),), hidden=(str(tools / "data"), str(key))), sandboxed)

    ended = shell(
        source, LOOK.format(f"text /usr/bin {beside} {tools} {tools}/data/text /var/log /root/.ssh /etc/shadow")
    )
    masked = shell(source, f"cat {key}; umount {key}; umount {tools}/data; cat {key} {tools}/data/text")

    assert ["text", "/usr/bin", str(tools)] == ended.stdout.decode().split()
    assert b"" == masked.stdout
    assert ("hush", "hush") == (key.read_text(), (tools / "data" / "text").read_text())


@pytest.mark.usefixtures("sandboxed")
def test_it_writes_to_its_scratch_alone(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    script = "for place in . $HOME /tmp / /dev /usr /etc; do touch $place/new && echo $place; done"

    reading = shell(source, script, home=home, writes=False)
    writing = shell(source, script, home=home)

    assert [str(home), "/tmp"] == reading.stdout.decode().split()  # noqa: S108 - as it is inside
    assert [".", str(home), "/tmp"] == writing.stdout.decode().split()  # noqa: S108 - as above
    assert ([source / "new"], []) == (list(source.iterdir()), list(home.iterdir()))


@pytest.mark.usefixtures("sandboxed")
def test_it_neither_sees_nor_signals_our_processes(tmp_path: Path) -> None:
    ended = shell(tmp_path, f"kill -0 {os.getpid()}; echo $?; kill -0 {os.getppid()}; echo $?; echo $$")

    assert "0" not in ended.stdout.decode().split()[:2]
    assert int(ended.stdout.decode().split()[2]) < 10


def test_its_home_is_in_memory_of_a_bound_size_and_gone_afterwards(tmp_path: Path, sandboxed: Isolation) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    sandbox.adopt(Confinement(scratch_bytes=1 << 20), sandboxed)
    script = (
        "cd $HOME; echo x > $TMPDIR/small; stat -f -c %T .; for n in 1 2 3 4; do head -c 400000 /dev/zero > $n; done"
    )

    ended = shell(source, script, home=home)

    assert "tmpfs\n" == ended.stdout.decode()
    assert "No space left" in ended.stderr
    assert [] == list(home.iterdir())


def test_a_sandbox_that_cannot_be_made_is_not_the_programs_fault(tmp_path: Path, sandboxed: Isolation) -> None:
    sandbox.adopt(Confinement(), replace(sandboxed, options=("--ro-bind", "/nowhere", "/nowhere")))

    with pytest.raises(WorkerFailed, match="the script could not be started"):
        shell(tmp_path, "exit 0")


def test_what_a_strict_daemon_refuses(tmp_path: Path, isolation: Isolation) -> None:
    def refused(*, root: bool, **given: Any) -> bool:
        sandbox.adopt(Confinement(strict=True), replace(isolation, root=root))
        try:
            return bool(shell(tmp_path, "exit 0", **given).code)
        except NotConfined:
            return True

    assert [True, True] == [refused(root=True), refused(root=True, steered=True)]
    assert [False, not isolation.bubblewrap] == [refused(root=False), refused(root=False, steered=True)]


def strays() -> list[str]:
    """Return which of the programs that sleep so long are alive, whatever numbers they have where they run."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # ended meanwhile
            if process.name.isdecimal() and STRAY in (process / "cmdline").read_text():
                found.append(process.name)
    return found
