"""Starts a program that dies with the process that asked for it.

Called as `python -m gitopsd.runtime.die_with_parent PPID PROGRAM …`.

The parent-death signal survives exec, and is set here and not between fork and exec of the daemon, where Python
code may not run while other threads hold locks.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4  # 0: other processes of this user cannot read its memory and environment
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


def tie(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends, however it ends; leave at once if it already has."""
    control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended between our start and the line above
        os._exit(1)


def control(option: int, value: int) -> None:
    """Call prctl(2).

    Raises:
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    tie(parent)
    control(PR_SET_NO_NEW_PRIVS, 1)
    os.execvp(program[0], program)  # noqa: S606 - a program of ours, by its arguments, without a shell


if __name__ == "__main__":
    main()
