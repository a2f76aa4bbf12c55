"""SIGTERM and SIGINT → stop, a second one forces the exit; SIGHUP → reload."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Signals:
    """What the process was told; `reload` is cleared by who does the reloading."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


@contextmanager
def listening(force: Callable[[int], object] = os._exit) -> Iterator[Signals]:
    """Turn the process's signals into events while the block runs.

    The second SIGTERM or SIGINT calls `force` with 128 + its number, the shell's exit status for a signal:
    whoever sends it has waited long enough for an orderly stop.
    """
    loop = asyncio.get_running_loop()
    signals = Signals()

    def stop(number: signal.Signals) -> None:
        if signals.stop.is_set():
            log.warning("daemon.forced", signal=number.name)
            force(128 + number)
        log.info("daemon.stopping", signal=number.name)
        signals.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
    try:
        yield signals
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
