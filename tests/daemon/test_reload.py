"""SIGHUP: what holds from then on, what from the next start, and what a bad file changes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gitopsd.daemon.reload import Reloader
from gitopsd.runtime.systemd import Systemd
from gitopsd.settings import load

GOOD = "data_dir: {root}/data\nrun_dir: {root}/run\napi:\n  token:\n    file: {root}/token\n"


@pytest.fixture
def reloader(tmp_path: Path) -> Reloader:
    config = tmp_path / "gitopsd.yaml"
    config.write_text(GOOD.format(root=tmp_path))
    (tmp_path / "token").write_text("first\n")
    return Reloader(config, load(config, os.environ), Systemd(), asyncio.Event())


async def hup(reloader: Reloader) -> list[str]:
    """Ask for a reload, and return the events that were logged."""
    events: list[str] = []
    done = asyncio.Event()

    class Told(Systemd):
        def ready(self, status: str = "") -> None:
            done.set()

    reloader.systemd = Told()
    reloader.reload.set()
    with capture_logs() as logs:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            running = group.create_task(reloader.run(), name="reload")
            await done.wait()
            running.cancel()
    events += [entry["event"] for entry in logs]
    return events


async def test_secret_is_read_anew_at_every_use(reloader: Reloader, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("second\n")

    assert "second" == reloader.token()


async def test_secret_that_cannot_be_read_opens_nothing(reloader: Reloader, tmp_path: Path) -> None:
    (tmp_path / "token").unlink()

    assert "" == reloader.token()


async def test_bad_file_keeps_the_old_settings(reloader: Reloader, tmp_path: Path) -> None:
    before = reloader.settings
    (tmp_path / "gitopsd.yaml").write_text("no_such_setting: 1\n")

    assert ["settings.kept"] == await hup(reloader)
    assert before is reloader.settings


async def test_file_that_is_gone_keeps_the_old_settings(reloader: Reloader, tmp_path: Path) -> None:
    before = reloader.settings
    (tmp_path / "gitopsd.yaml").unlink()

    assert ["settings.kept"] == await hup(reloader)
    assert before is reloader.settings


async def test_good_file_is_taken(reloader: Reloader, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("third\n")
    text = GOOD.format(root=tmp_path).replace("/token\n", "/other\n")
    (tmp_path / "gitopsd.yaml").write_text(f"{text}git:\n  poll_s: 7\nrbac:\n  policy.default: role:a\n")
    polls: list[float] = []
    reloader.on_git = lambda settings: polls.append(settings.poll_s)
    default_roles: list[str] = []
    reloader.on_rbac = lambda settings: default_roles.append(settings.data["policy.default"])
    await hup(reloader)

    assert "third" == reloader.token()
    assert ([7.0], ["role:a"]) == (polls, default_roles)


async def test_secrets_of_webhooks_hold_from_the_signal_on(reloader: Reloader, tmp_path: Path) -> None:
    assert b"" == reloader.webhook_secret("gitlab")

    (tmp_path / "hook").write_text("between us\n")
    secrets = f"  webhook_secret:\n    file: {tmp_path}/token\n  webhooks:\n    gitlab:\n      file: {tmp_path}/hook\n"
    reloader.config.write_text(GOOD.format(root=tmp_path) + secrets)
    await hup(reloader)

    secrets_now = [reloader.webhook_secret(provider) for provider in ("github", "gitlab", "gitea")]
    assert [b"first", b"between us", b""] == secrets_now
