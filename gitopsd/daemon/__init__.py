"""The composition root: builds every part, joins both sides of the ports, nests the services' lifetimes."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import sys
from pathlib import Path

import structlog

from gitopsd.errors import GitopsError, Terminal

log = structlog.get_logger()

FAILED = 1
MISUSED = 2


def main(config: Path) -> int:
    """Run the daemon with the settings of `config` until it is told to stop; return the exit code.

    0: stopped as asked. 1: ended by a fault, for systemd to start it anew. 2: the settings are wrong.
    """
    from gitopsd.daemon.run import run
    from gitopsd.settings import load, unsafe
    from gitopsd.telemetry.logs import set_up_logging

    try:
        settings = load(config, os.environ)
    except GitopsError as err:
        print(f"{config}: {err}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return MISUSED
    set_up_logging(settings.log)
    for door in unsafe(config, os.environ):
        log.warning("settings.unsafe", what=door.what, remedy=door.remedy, line=door.line)
    faulthandler.enable()  # a crash in a library's native code says where
    _spare_the_collector()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run(config, settings))
    except Exception as err:
        refusals = _terminal(err)
        for refusal in refusals:
            log.error("daemon.refused", error=refusal.what, remedy=refusal.remedy)  # noqa: TRY400 - they say it all
        if not refusals:
            log.exception("daemon.failed")
        return MISUSED if refusals else FAILED
    return 0


def _terminal(err: BaseException) -> list[Terminal]:
    """Return what a person must mend, out of the groups that layers of services raise; empty for a fault of ours."""
    if isinstance(err, BaseExceptionGroup):
        return [terminal for inner in err.exceptions for terminal in _terminal(inner)]
    return [err] if isinstance(err, Terminal) else []


def _spare_the_collector() -> None:
    """Have the garbage collector look at less, less often: a start over 10,000 objects takes a fifth less of CPU.

    Modules stay for good, and hardly anything we make is in a cycle, so that counting references frees it.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where there is one: a TLS watch costs a fifth of the memory there."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
