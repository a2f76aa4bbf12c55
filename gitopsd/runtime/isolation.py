"""What the kernel takes from a program on behalf of an ordinary user: the network, and files that are not its business.

By namespaces of the program's own (user, network, mount). Where they are not granted, as under most container engines'
own rules, the program keeps both; `granted` tells, and the daemon says so.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gitopsd.runtime.die_with_parent import PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, control
from gitopsd.runtime.process_tree import PROC

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
NOBODY = 65534  # what root is inside: a program of uid 0 would keep the rights over its namespaces, and undo them
EMPTY = "size=256k,nr_inodes=256,mode=0755"  # room for the directories on the way to what is still shown


@dataclass(frozen=True, slots=True)
class Isolation:
    """What a program is kept from."""

    network: bool = False
    files: bool = False  # what `Confinement.hidden` names
    reason: str = ""  # why one of them is not granted


@dataclass(frozen=True, slots=True)
class Confinement:
    """What programs may take, and what they shall not see."""

    cpu_s: float = 100.0  # RLIMIT_CPU of each of its processes
    processes: int = 256  # and threads, of one program and all that it starts
    scratch_bytes: int = 256 << 20  # of its temporary files, where it can have a file system of its own
    hidden: tuple[str, ...] = ()  # directories that are to look empty, and files


OPEN = Isolation(reason="it was not asked for")


@cache
def granted() -> Isolation:
    """Try in a child what this process may have; asked for once in a process."""
    refusals: list[str] = []
    for wanted in (Isolation(network=True, files=True), Isolation(network=True)):
        refusal = _tried(wanted)
        if not refusal:
            return Isolation(wanted.network, wanted.files, "; ".join(refusals))
        refusals.append(refusal)
    return Isolation(reason="; ".join(dict.fromkeys(refusals)))


def _tried(wanted: Isolation) -> str:
    ours, theirs = os.pipe()

    def attempt() -> None:
        try:
            _enter(wanted, (), None, 0)
            if wanted.files:
                _mount("none", "/proc/self/fdinfo", "tmpfs", MS_NOSUID, EMPTY)
        except OSError as err:
            os.write(theirs, str(err.strerror or err).encode())
            raise

    try:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", ""],
            check=True,
            env={},
            preexec_fn=attempt,
            pass_fds=(theirs,),
        )
    except (OSError, subprocess.SubprocessError) as err:
        os.close(theirs)
        theirs = -1
        return os.read(ours, 200).decode() or str(err)
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    return ""


def confined(  # noqa: PLR0913 - what is granted, what is wanted, and the places that stay in sight
    isolation: Isolation,
    confinement: Confinement,
    *,
    program: str,
    cwd: Path,
    shown: Path,
    scratch: Path | None,
) -> Callable[[], None]:
    """Return what a child runs before it becomes `program`; it raises OSError where what was granted is refused.

    `shown` stays in sight also below what is hidden; `scratch` becomes a small file system of its own. A hidden
    directory that holds the program stays as it is: it could not be started else.
    """
    hidden = tuple(place for place in confinement.hidden if not Path(program).is_relative_to(place))
    below = isolation.files and any(shown.is_relative_to(place) for place in hidden)
    most = confinement.processes + (0 if isolation.network or isolation.files else _tasks())
    cpu_s = max(1, round(confinement.cpu_s))

    def enter() -> None:
        control(PR_SET_PDEATHSIG, signal.SIGKILL)
        control(PR_SET_NO_NEW_PRIVS, 1)
        _enter(isolation, hidden, (shown if below else None), confinement.scratch_bytes, scratch)
        os.chdir(cwd)
        # After the namespace is made: of the processes in it alone, where there is one.
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))

    return enter


def _enter(
    isolation: Isolation,
    hidden: Sequence[str],
    shown: Path | None,
    scratch_bytes: int,
    scratch: Path | None = None,
) -> None:
    if not isolation.network and not isolation.files:
        return
    _unshare(CLONE_NEWUSER | (CLONE_NEWNET if isolation.network else 0) | (CLONE_NEWNS if isolation.files else 0))
    if not isolation.files:
        return
    _mount("none", "/", None, MS_REC | MS_PRIVATE, None)
    held = None if shown is None else os.open(shown, os.O_PATH | os.O_DIRECTORY)
    for place in hidden:
        _hide(place)
    if shown is not None:
        shown.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{held}", str(shown), None, MS_BIND | MS_REC, None)
    if scratch is not None:
        _mount("none", str(scratch), "tmpfs", MS_NOSUID | MS_NODEV, f"size={scratch_bytes},mode=0700")


def _unshare(flags: int) -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"namespaces: {os.strerror(error)}")
    for name, text in (
        ("setgroups", "deny"),
        ("gid_map", f"{gid or NOBODY} {gid} 1"),
        ("uid_map", f"{uid or NOBODY} {uid} 1"),
    ):
        with (PROC / "self" / name).open("w") as file:
            file.write(text)


def _hide(place: str) -> None:
    if Path(place).is_dir():
        _mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, EMPTY)
    elif Path(place).exists():
        _mount("/dev/null", place, None, MS_BIND, None)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    if libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"mount {target}: {os.strerror(error)}")


def _tasks() -> int:
    """Return how many processes and threads this user has: without a namespace the kernel counts them all."""
    count = 0
    for process in PROC.iterdir():
        try:
            if process.name.isdecimal() and process.stat().st_uid == os.geteuid():
                count += sum(1 for _ in (process / "task").iterdir())
        except OSError:
            continue  # it ended meanwhile
    return count
