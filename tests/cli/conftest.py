"""A fake daemon, and the command line run against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitopsd.cli.main import main
from tests.cli.daemon import TOKEN, FakeDaemon, application, running


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Coroutine[Any, Any, Ran]]


@pytest.fixture
async def daemon() -> AsyncIterator[FakeDaemon]:
    """A daemon that holds `shop`, Synced and Healthy."""
    async with running(FakeDaemon({"shop": application("shop")})) as fake:
        yield fake


@pytest.fixture
def run(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run one command line against the fake daemon, in a thread: the CLI blocks."""
    monkeypatch.setenv("GITOPSD_SERVER", daemon.url)
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("GITOPSD_CONTEXTS", str(tmp_path / "contexts.json"))

    async def go(*arguments: str) -> Ran:
        code = await asyncio.to_thread(main, arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return go
