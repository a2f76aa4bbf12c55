"""The daemon as a process, spoken to as its users do: its settings file, its REST API, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml

T = TypeVar("T")
TOKEN = "e2e-token-0123456789"  # noqa: S105 - of a test
WEBHOOK_SECRET = "e2e-webhook-0123456789"  # noqa: S105 - of a test


async def until(what: str, probe: Callable[[], Awaitable[T | None]], *, deadline_s: float = 60.0) -> T:
    """Return the first value of `probe` that is neither None nor False; fail naming `what` at the deadline."""
    try:
        async with asyncio.timeout(deadline_s):
            while True:
                value = await probe()
                if value is not None and value is not False:
                    return value
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {deadline_s} s: {what}") from None


@dataclass
class Daemon:
    """One `gitopsd run`; `settings` may be changed between two starts."""

    root: Path
    settings: dict[str, Any]
    environ: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    session: aiohttp.ClientSession | None = None

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.settings['api']['port']}"

    @property
    def probes(self) -> str:
        return f"http://127.0.0.1:{self.settings['api']['probe_port']}"

    @property
    def log(self) -> str:
        return (self.root / "daemon.log").read_text()

    async def start(self) -> None:
        """Start the process; its settings are written anew, its log is appended to."""
        config = self.root / "gitopsd.yaml"
        config.write_text(yaml.safe_dump(self.settings))
        with (self.root / "daemon.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gitopsd",
                "run",
                "--config",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "E2E_TOKEN": TOKEN, "E2E_WEBHOOK": WEBHOOK_SECRET, **self.environ},
            )

    async def ready(self, deadline_s: float = 60.0) -> None:
        async def probe() -> bool | None:
            assert self.process is not None
            assert self.process.returncode is None, f"the daemon ended with {self.process.returncode}:\n{self.log}"
            try:
                async with self.http.get(f"{self.probes}/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return None

        await until("the daemon is ready", probe, deadline_s=deadline_s)

    @property
    def http(self) -> aiohttp.ClientSession:
        if self.session is None:
            self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self.session

    async def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal and return the exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(60):
            return await self.process.wait()

    async def close(self) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.kill()
        if self.session is not None:
            await self.session.close()

    async def call(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and JSON of one API request."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.http.request(verb, self.api + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def app(self, name: str) -> dict[str, Any] | None:
        status, value = await self.call("GET", f"/api/v1/applications/{name}")
        return value if status == 200 else None

    async def until_app(
        self,
        name: str,
        *,
        sync: str = "Synced",
        health: str | None = "Healthy",
        revision: str = "",
        deadline_s: float = 60.0,
    ) -> dict[str, Any]:
        """Wait until the application has this sync status, health and revision; return it."""
        last: dict[str, Any] = {}

        async def probe() -> dict[str, Any] | None:
            nonlocal last
            last = await self.app(name) or {}
            status = last.get("status", {})
            good = (
                status.get("sync", {}).get("status") == sync
                and (health is None or status.get("health", {}).get("status") == health)
                and (not revision or status.get("sync", {}).get("revision") == revision)
            )
            return last if good else None

        try:
            return await until(
                f"{name} is {sync}, {health} at {revision or 'any revision'}", probe, deadline_s=deadline_s
            )
        except AssertionError as err:
            raise AssertionError(
                f"{err}\nlast seen: {yaml.safe_dump(last.get('status'))}\n{self.log[-6000:]}"
            ) from None


def settings(root: Path, *, ports: Sequence[int], clusters: Mapping[str, Path], declarations: Path) -> dict[str, Any]:
    """Return settings with everything below `root`, fast polls, and the clusters by their kubeconfigs."""
    return {
        "data_dir": str(root / "data"),
        "run_dir": str(root / "run"),
        "clusters": [{"name": name, "kubeconfig": str(path)} for name, path in clusters.items()],
        "declarations": [{"directory": str(declarations)}],
        "git": {"poll_s": 3600},
        "redis": {"url": "embedded"},
        "api": {
            "port": ports[0],
            "probe_port": ports[1],
            "token": {"env": "E2E_TOKEN"},
            "webhook_secret": {"env": "E2E_WEBHOOK"},
        },
        "log": {"format": "json", "level": "debug"},
    }


@asynccontextmanager
async def running(daemon: Daemon) -> AsyncIterator[Daemon]:
    """Start `daemon`, wait until it is ready, and end it with the block."""
    await daemon.start()
    try:
        await daemon.ready()
        yield daemon
    finally:
        await daemon.close()
