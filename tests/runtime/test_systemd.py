from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsd.runtime.systemd import Systemd, Watchdog
from gitopsd.runtime.tasks import running


class Manager:
    """The receiving end, as systemd has it."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(0)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.environ = {"NOTIFY_SOCKET": address}

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return messages


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@gitopsd-test-{os.getpid()}"
    manager = Manager(address)
    yield manager
    manager.socket.close()


def test_each_state_is_told(manager: Manager) -> None:
    systemd = Systemd.of_environment(manager.environ, pid=1)
    systemd.ready("3 clusters")
    systemd.status("2 of 3 clusters\nREADY=0")
    systemd.stopping()
    systemd.ping()

    expected = ["READY=1\nSTATUS=3 clusters", "STATUS=2 of 3 clusters READY=0", "STOPPING=1", "WATCHDOG=1"]
    assert expected == manager.heard()


def test_reload_carries_the_monotonic_time(manager: Manager) -> None:
    before = time.monotonic_ns() // 1000
    Systemd.of_environment(manager.environ, pid=1).reloading()
    [message] = manager.heard()
    state, _, stamp = message.partition("\nMONOTONIC_USEC=")

    assert "RELOADING=1" == state
    assert before <= int(stamp) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nonexistent/notify"])
def test_manager_that_is_not_there_harms_nobody(address: str) -> None:
    systemd = Systemd.of_environment({"NOTIFY_SOCKET": address}, pid=1)
    systemd.ready()
    systemd.ping()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog_is_for_the_process_it_names(environ: dict[str, str], expected: float | None) -> None:
    assert expected == Systemd.of_environment({"NOTIFY_SOCKET": "@x", **environ}, pid=7).watchdog_s


class GivenLag:
    lag_s = 0.0

    def worst_s(self, within_s: float) -> float:
        assert 10 == within_s
        return self.lag_s


@pytest.mark.looptime
async def test_watchdog_is_pinged_only_while_the_loop_keeps_up(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    lag = GivenLag()
    systemd = Systemd.of_environment({**manager.environ, "WATCHDOG_USEC": "30000000"}, pid=1)
    async with running(Watchdog(systemd, lag, bound_s=5)):
        await asyncio.sleep(25)
        assert ["WATCHDOG=1"] * 3 == manager.heard()
        lag.lag_s = 6
        await asyncio.sleep(30)
        assert [] == manager.heard()
        lag.lag_s = 0
        await asyncio.sleep(10)
        assert ["WATCHDOG=1"] == manager.heard()
    manager.socket.close()


@pytest.mark.looptime
async def test_watchdog_that_nobody_asked_for_stays_silent(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    async with running(Watchdog(Systemd.of_environment(manager.environ, pid=1), GivenLag())):
        await asyncio.sleep(1000)
    assert [] == manager.heard()
    manager.socket.close()
