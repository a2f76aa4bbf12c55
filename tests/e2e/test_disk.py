"""A full disk: told, nothing lost, and over once there is room."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Process, until
from tests.e2e.world import config_map, text

SIZE = "12m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes; for root alone."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:  # noqa: S603 - ours
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607 - as above


@ONCE
async def test_full_disk_is_told_and_over_when_there_is_room(own: Own, small_disk: Path) -> None:
    async with own(changes={"data_dir": str(small_disk / "data")}) as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))
        process = shop.daemon.process

        filler = small_disk / "filler"
        fill(filler)
        await shop.push(repo, {"a.yaml": text(config_map("a", v="2"))})
        await until("the full disk is told", lambda: _complains(process))
        assert await shop.live("a") is not None

        filler.unlink()
        if process.child is not None and process.child.poll() is not None:
            process.start()  # as systemd does
        await shop.daemon.ready()
        await shop.tell(repo)
        await shop.until_live("a", {"v": "2"})
        await shop.daemon.until_synced(shop.name("web"))


def fill(file: Path) -> None:
    """Write until nothing more can be written."""
    opened = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(opened, b"x" * 4096)
    except OSError as err:
        assert errno.ENOSPC == err.errno  # noqa: PT017 - any other error is the test's own
    finally:
        os.close(opened)


async def _complains(process: Process) -> bool:
    words = ("no space left", "disk is full", "full")
    return any(
        event["level"] in ("warning", "error") and any(word in str(event).lower() for word in words)
        for event in process.events()
    )
