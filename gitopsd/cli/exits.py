"""What an exit code of `gitopsd` means; documented in docs/cli.md."""

from __future__ import annotations

import enum

from gitopsd.errors import GitopsError, InvalidSettings, NotFound, Retryable


class Exit(enum.IntEnum):
    OK = 0
    NO = 1  # the answer is no: out of sync, differences found, the wait or the sync failed
    USAGE = 2  # the command line, the settings or a declaration is wrong
    UNREACHABLE = 3  # the daemon, or what it needs, does not answer
    NOT_FOUND = 4
    REFUSED = 5  # not authenticated, not permitted, or not possible now
    INTERRUPTED = 130  # Ctrl-C


def exit_of(error: GitopsError) -> Exit:
    """Return the exit code for an error raised on purpose."""
    match error:
        case Retryable():
            return Exit.UNREACHABLE
        case NotFound():
            return Exit.NOT_FOUND
        case InvalidSettings():
            return Exit.USAGE
        case _:
            return Exit.REFUSED


HELP = """\b
Exit codes:
  0    done, or the answer is yes
  1    the answer is no: out of sync, differences found, the wait or the sync failed
  2    the command line, the settings or a declaration is wrong
  3    the daemon does not answer
  4    what was asked for does not exist
  5    not authenticated, not permitted, or refused
  130  interrupted
"""
