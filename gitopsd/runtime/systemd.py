"""Talks to systemd over $NOTIFY_SOCKET: ready, reloading, stopping, status, and the watchdog.

Source: sd_notify(3), sd_watchdog_enabled(3). A datagram to a socket needs no file of ours, so this works
with a read-only root.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from typing import Protocol

import structlog

log = structlog.get_logger()

PINGS_PER_DEADLINE = 3  # systemd asks for two; the third forgives one late beat


class Systemd:
    """The service manager that started us; where there is none, every message goes nowhere."""

    def __init__(self, address: str = "", *, watchdog_s: float | None = None) -> None:
        """Take the socket's address ("@" begins an abstract one) and how often a ping is wanted, None: never."""
        self.watchdog_s = watchdog_s
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._heard = True

    @classmethod
    def of_environment(cls, environ: Mapping[str, str], pid: int) -> Systemd:
        """Return the service manager that `environ` names; its watchdog counts only if it is meant for `pid`."""
        address = environ.get("NOTIFY_SOCKET", "")
        if address and address[0] not in "/@":
            log.warning("systemd.unknown_address", address=address, remedy="use a path or an abstract unix socket")
            address = ""
        usec = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watched = address and meant and usec.isascii() and usec.isdigit() and int(usec) > 0
        return cls(address, watchdog_s=int(usec) / 1e6 if watched else None)

    def ready(self, status: str = "") -> None:
        """Say that start-up, or the reload, is over."""
        self._tell("READY=1", *_status(status))

    def reloading(self) -> None:
        """Say that settings are being read again; `ready` ends it."""
        usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={usec}")

    def stopping(self, status: str = "") -> None:
        self._tell("STOPPING=1", *_status(status))

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._tell(*_status(text))

    def ping(self) -> None:
        """Tell the watchdog that we live."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address or not lines:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.settimeout(0)
                speaker.sendto("\n".join(lines).encode(), self._address)
            self._heard = True
        except OSError as err:
            if self._heard:  # once: the watchdog would repeat it for ever
                log.warning("systemd.deaf", error=str(err), remedy="see that $NOTIFY_SOCKET is there and writable")
            self._heard = False


def _status(text: str) -> tuple[str, ...]:
    return (f"STATUS={' '.join(text.split())}",) if text else ()  # a newline would begin another variable


class WatchdogLag(Protocol):
    def worst_s(self, within_s: float) -> float: ...


class Watchdog:
    """Pings systemd from the loop itself, and only while the loop keeps up: a daemon that hangs is restarted."""

    name = "watchdog"

    def __init__(self, systemd: Systemd, lag: WatchdogLag, *, bound_s: float = 5.0) -> None:
        self._systemd = systemd
        self._lag = lag
        self._bound_s = bound_s

    async def run(self) -> None:
        """Ping three times in a deadline, but not while the loop lagged more than the bound since the last time."""
        if self._systemd.watchdog_s is None:
            await asyncio.Event().wait()  # nobody asked for pings
            return
        every_s = self._systemd.watchdog_s / PINGS_PER_DEADLINE
        while True:
            worst_s = self._lag.worst_s(every_s)
            if worst_s <= self._bound_s:
                self._systemd.ping()
            else:
                log.error("watchdog.withheld", lag_s=round(worst_s, 3), bound_s=self._bound_s)
            await asyncio.sleep(every_s)
