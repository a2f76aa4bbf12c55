"""What the kernel takes from a program on behalf of an ordinary user: all that it is not shown, by bubblewrap.

The program, or a worker that is to be kept in (`boxed`), has user, mount, process, IPC and, unless it is allowed the
network, network namespaces of its own, no capability, no new privileges, and a file system that holds what it needs to
run, its source, and a scratch alone. Where bubblewrap is missing or the kernel refuses, nothing of that holds;
`granted` tells, and the daemon says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc")  # a mount namespace is always made
PACKAGE = Path(__file__).parent.parent  # this one, which need not be where Python's libraries are
PYTHON = Path(sys.executable).resolve().parent.parent  # `sys.base_prefix` may be a link to it
INIT = 1  # the parent of what runs in process namespaces of its own, as it sees it
NOBODY = "65534"  # what root is inside: a program of uid 0 would keep the rights over its namespaces, and undo them
# Where programs, their libraries and what all of them read is; nothing there is a secret.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
COMMON = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "passwd", "group", "nsswitch.conf", "localtime"),
    *("ssl/certs", "ssl/openssl.cnf", "ssl/cert.pem", "pki/tls/certs", "pki/tls/cert.pem", "pki/ca-trust/extracted"),
    *("hosts", "resolv.conf", "gai.conf", "mime.types"),
)
# Best first: without a way to more user namespaces and with a /proc of its own; a machine may refuse either.
LAST = "--disable-userns"  # no sandbox within
OPTIONS = ((LAST, "--proc", "/proc"), ("--proc", "/proc"), ())
MASK_BYTES = "262144"  # of a directory in the place of a hidden one
# A limit that is lower already stays.
LIMITED = '{ ulimit -S -t "$1"; ulimit -H -t "$2"; ulimit -u "$3" || ulimit -p "$3"; } 2>/dev/null; shift 3; exec "$@"'


@dataclass(frozen=True, slots=True)
class Isolation:
    """What programs are kept in on this machine."""

    bubblewrap: str = ""  # its path; "": there is none that works, and programs are not kept from anything
    options: tuple[str, ...] = ()  # of `OPTIONS`
    root: bool = False  # programs run as root, whose files are theirs
    reason: str = ""  # why there is none, or what the kernel refused of the best

    @property
    def full(self) -> bool:
        return bool(self.bubblewrap) and not self.root


@dataclass(frozen=True, slots=True)
class Confinement:
    """What programs may take and see."""

    cpu_s: float = 100.0  # RLIMIT_CPU of each of its processes
    processes: int = 256  # and threads, of one program and all that it starts
    scratch_bytes: int = 256 << 20  # of its temporary files
    visible: tuple[str, ...] = ()  # besides the system's own and this Python's: directories and files
    hidden: tuple[str, ...] = ()  # of what is visible, directories that are to look empty, and files
    strict: bool = False  # run none as root, and none that its source steers where the sandbox is not full


@dataclass(frozen=True, slots=True)
class ProgramView:
    """What one program is shown of its own."""

    programs: tuple[str, ...]  # paths: its own, but for one of its source, and those of what it starts
    cwd: Path
    source: Path
    home: Path | None = None  # becomes a file system in memory
    writes: bool = False  # also to its source
    network: bool = False
    more: tuple[str, ...] = ()  # of bubblewrap's options: what else is shown


@dataclass(frozen=True, slots=True)
class WorkerView:
    """What a worker is shown besides the system's own, this Python and gitopsd; what is not there is left out."""

    visible: tuple[str, ...] = ()  # as in `Confinement`, as are the next two
    hidden: tuple[str, ...] = ()
    scratch_bytes: int = 1 << 20  # of its /tmp
    reads: tuple[str, ...] = ()  # of what is hidden, or anywhere: directories
    writes: tuple[str, ...] = ()  # likewise; made where they are missing
    programs: tuple[str, ...] = ()  # paths
    nests: bool = False  # it starts programs, each in a sandbox of its own
    network: bool = False


@cache
def granted() -> Isolation:
    """Try in a child what this process may have; asked for once in a process."""
    root = os.geteuid() == 0
    program = shutil.which("bwrap")
    if program is None:
        return Isolation(root=root, reason="bubblewrap (bwrap) is not installed")
    return _best(Isolation(program, root=root), lambda command: command)


@cache
def granted_within(view: WorkerView) -> Isolation:
    """Try what programs may have that a worker with `view` starts, where the machine grants it that."""
    outer = granted()
    return _best(outer, lambda command: boxed(command, outer, view)) if outer.bubblewrap else outer


def _best(widest: Isolation, enclosed: Callable[[list[str]], list[str]]) -> Isolation:
    refusals: list[str] = []
    for options in OPTIONS:
        isolation = replace(widest, options=options, reason="; ".join(refusals))
        refusal = _tried(isolation, enclosed)
        if not refusal:
            return isolation
        refusals.append(refusal)
    return Isolation(root=widest.root, reason="; ".join(dict.fromkeys(refusals)))


def _tried(isolation: Isolation, enclosed: Callable[[list[str]], list[str]]) -> str:
    confinement = Confinement()
    command = sealed(
        limited(["true"], confinement), isolation, confinement, ProgramView((), Path("/usr"), Path("/usr"))
    )
    try:
        subprocess.run(enclosed(command), check=True, env={}, capture_output=True, timeout=20)  # noqa: S603 - our own
    except subprocess.CalledProcessError as err:
        message: str = err.stderr[-300:].decode(errors="replace").strip()
        return message or str(err)
    except (OSError, subprocess.SubprocessError) as err:
        return str(err)
    return ""


def sealed(
    command: Sequence[str], isolation: Isolation, confinement: Confinement, view: ProgramView, *more: str
) -> list[str]:
    """Return what runs `command` in the sandbox.

    `more` are more of bubblewrap's options: where it is to tell what.
    """
    as_nobody = ("--uid", NOBODY, "--gid", NOBODY) if isolation.root else ()
    return [
        *(isolation.bubblewrap, *NAMESPACES, *(() if view.network else ("--unshare-net",)), *as_nobody),
        *("--die-with-parent", "--cap-drop", "ALL", *more, "--dev", "/dev", *isolation.options),
        *("--size", str(confinement.scratch_bytes), "--tmpfs", "/tmp"),  # noqa: S108 - of its own
        *_shown(confinement, view),
        *_own(confinement, view),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(view.cwd), "--"),
        *command,
    ]


def boxed(command: Sequence[str], isolation: Isolation, view: WorkerView) -> list[str]:
    """Return what runs a worker by `command` in a sandbox, where the machine grants one; its parent there is `INIT`."""
    if not isolation.bubblewrap:
        return [*command]
    confinement = Confinement(scratch_bytes=view.scratch_bytes, visible=view.visible, hidden=view.hidden)
    if view.nests:
        isolation = replace(isolation, options=tuple(option for option in isolation.options if option != LAST))
    own = (word for path in view.reads for word in ("--ro-bind-try", path, path))
    written = (word for path in view.writes for word in ("--bind-try", path, path))
    return sealed(
        command,
        isolation,
        confinement,
        ProgramView(view.programs, Path("/"), PACKAGE, network=view.network, more=(*own, *written)),
    )


def limited(command: Sequence[str], confinement: Confinement, more: int = 0) -> list[str]:
    """Return what runs `command` with limits that the child sets: those of a user namespace count what is in it.

    Args:
        command: a program and its arguments.
        confinement: says how much of the processor, and how many processes it may take.
        more: processes that count besides its own.
    """
    whole_s = max(1, round(confinement.cpu_s))
    limits = (str(whole_s), str(whole_s + 5), str(confinement.processes + more))
    return ["/bin/sh", "-c", LIMITED, "sh", *limits, *command]


def places(confinement: Confinement) -> tuple[Path, ...]:
    """Return what every program sees, besides `COMMON`."""
    ours = (sys.base_prefix, str(PYTHON), sys.prefix, *confinement.visible)
    return tuple(Path(path) for path in dict.fromkeys((*SYSTEM, *ours)) if os.path.lexists(path))


def _shown(confinement: Confinement, view: ProgramView) -> Iterator[str]:
    visible = places(confinement)
    for path in visible:
        if path.is_symlink() and str(path) in SYSTEM:
            yield from ("--symlink", str(path.readlink()), str(path))
        else:
            yield from ("--ro-bind", str(path), str(path))
    for name in COMMON:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for hidden in (Path(path) for path in confinement.hidden):
        if any(hidden.is_relative_to(path) for path in visible):
            yield from _masked(hidden)
    for program in dict.fromkeys(
        spelled for program_path in view.programs for spelled in (program_path, os.path.realpath(program_path))
    ):
        if not any(Path(program).is_relative_to(prefix) for prefix in (*SYSTEM, sys.prefix, sys.base_prefix)):
            yield from ("--ro-bind-try", program, program)


def _masked(hidden: Path) -> Iterator[str]:
    if hidden.is_dir():
        yield from ("--size", MASK_BYTES, "--tmpfs", str(hidden))
        # It stays writable, for what of it is shown all the same; a program that fills it fills its own memory.
    elif hidden.exists():
        yield from ("--ro-bind", "/dev/null", str(hidden))


def _own(confinement: Confinement, view: ProgramView) -> Iterator[str]:
    yield from ("--bind" if view.writes else "--ro-bind", str(view.source), str(view.source))
    yield from view.more
    if view.home is not None:
        yield from ("--size", str(confinement.scratch_bytes), "--perms", "0700", "--tmpfs", str(view.home))
