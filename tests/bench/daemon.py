"""The daemon under measurement: a process with a settings file, spoken to over HTTP; and what it costs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.clusters import free_ports
from tests.serverprocess import running

TOKEN = "bench-token-0123456789"  # noqa: S105 - of a bench
SECRET = "bench-webhook-0123456789"  # noqa: S105 - of a bench
LOOK_S = 0.02
SAMPLE = re.compile(r"^(\w+)(\{.*\})? (\S+)$", re.MULTILINE)
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")  # a second


async def until(what: str, probe: Callable[[], Awaitable[bool]], *, deadline_s: float = 120.0) -> None:
    """Wait until `probe` is true. Raises TimeoutError naming `what`."""
    try:
        async with asyncio.timeout(deadline_s):
            while not await probe():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise TimeoutError(f"not within {deadline_s:g} s: {what}") from None


@dataclass
class Daemon:
    """Settings below `root`, and the process while it runs."""

    root: Path
    settings: dict[str, Any]
    http: aiohttp.ClientSession
    checkout: Path | None = None  # of the gitopsd that is run, with its own .venv; None: this one
    _child: subprocess.Popen[bytes] | None = None

    @property
    def declarations(self) -> Path:
        return self.root / "declarations"

    @property
    def log(self) -> Path:
        return self.root / "daemon.log"

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Run the process for the block; it need not be ready in it at once."""
        config = self.root / "gitopsd.yaml"
        config.write_text(yaml.safe_dump(self.settings))
        os.environ.update(BENCH_TOKEN=TOKEN, BENCH_WEBHOOK=SECRET)
        python = str(self.checkout / ".venv/bin/python") if self.checkout else sys.executable
        command = [python, "-P", "-m", "gitopsd", "run", "--config", str(config)]  # not what lies where we are
        with running(command, self.log) as process:
            self._child = process.child
            yield

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    @property
    def cpu_s(self) -> float:
        """Return the CPU seconds of the daemon's own process since its start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def ready(self) -> None:
        said = ""

        async def probe() -> bool:
            nonlocal said
            self._check()
            try:
                async with self.http.get(f"{self._probes}/readyz") as answer:
                    said = await answer.text()
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        try:
            await until("the daemon is ready", probe)
        except TimeoutError as err:
            raise TimeoutError(f"{err}: {said} {self._last_words()}") from None

    async def get(self, path: str) -> Any:
        """Return the JSON at a path of the API."""
        return json.loads(await self.read(path))

    async def read(self, path: str) -> bytes:
        """Return what is at a path of the API, as it comes."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.http.get(self._api + path, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def post(self, path: str, body: Any) -> None:
        """Send JSON to a path of the API."""
        async with self.http.post(self._api + path, json=body, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            answer.raise_for_status()

    async def stream(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """Yield one application each time that the event stream tells of it."""
        headers, life = {"Authorization": f"Bearer {TOKEN}"}, aiohttp.ClientTimeout(total=None)
        path = f"{self._api}/api/v1/stream/applications?name={name}"
        async with self.http.get(path, headers=headers, timeout=life) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                if line.strip():
                    yield json.loads(line)["result"]["application"]

    async def webhook(self, url: str, after: str) -> None:
        """Send a signed push event; return when it is answered."""
        body = json.dumps({"ref": "refs/heads/main", "after": after, "repository": {"clone_url": url}}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        async with self.http.post(f"{self._api}/api/webhook", data=body, headers=headers) as answer:
            answer.raise_for_status()

    async def metrics(self) -> dict[str, float]:
        """Return every sample: `name{labels}` → value, and the sum over all labels as `name`."""
        async with self.http.get(f"{self._probes}/metrics") as answer:
            text = await answer.text()
        found: dict[str, float] = {}
        for name, labels, value in SAMPLE.findall(text):
            found[name] = found.get(name, 0.0) + float(value)
            if labels:
                found[name + labels] = float(value)
        return found

    async def until_synced(self, apps: int, *, deadline_s: float = 300.0, look_s: float = 0.2) -> None:
        """Wait until so many applications are Synced; looks seldom, since a look costs the daemon some milliseconds."""
        count = -1

        async def enough() -> bool:
            nonlocal count
            await asyncio.sleep(look_s)
            self._check()
            try:
                count = await self._count("Synced")
            except aiohttp.ClientError:
                return False
            return count >= apps

        try:
            await until(f"{apps} applications are synced", enough, deadline_s=deadline_s)
        except TimeoutError as err:
            raise TimeoutError(f"{err}; {count} are; {self._last_words()}") from None

    async def _count(self, sync: str) -> int:
        value = await self.get(f"/api/v1/applications?sync={sync}&limit=1")
        return len(value["items"] or ()) + int(value["metadata"].get("remainingItemCount") or 0)

    def _check(self) -> None:
        if self._child is None or self._child.poll() is not None:
            raise RuntimeError(f"the daemon has ended: {self._last_words()}")

    def _last_words(self) -> str:
        return self.log.read_text()[-3000:]

    @property
    def address(self) -> str:
        """Return where the API listens, as "HOST:PORT"."""
        return self._api.removeprefix("http://")

    @property
    def _api(self) -> str:
        return f"http://127.0.0.1:{self.settings['api']['port']}"

    @property
    def _probes(self) -> str:
        return f"http://127.0.0.1:{self.settings['api']['probe_port']}"


@asynccontextmanager
async def daemon(root: Path, clusters: Mapping[str, Path], *, redis: str = "embedded") -> AsyncIterator[Daemon]:
    """A daemon with settings below `root`, not started: clusters by kubeconfig, declarations in a directory."""
    (root / "declarations").mkdir(parents=True)
    api, probes = free_ports(2)
    settings = {
        "data_dir": str(root / "data"),
        "run_dir": str(root / "run"),
        "clusters": [{"name": name, "kubeconfig": str(path)} for name, path in clusters.items()],
        "declarations": [{"directory": str(root / "declarations")}],
        "network": {"private": ["127.0.0.1"]},
        "redis": {"url": redis},
        "api": {
            "port": api,
            "probe_port": probes,
            "token": {"env": "BENCH_TOKEN"},
            "webhook_secret": {"env": "BENCH_WEBHOOK"},
        },
    }
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        yield Daemon(root, settings, http)


def rss_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def descent(pid: int) -> list[int]:
    """Return the process and all it started."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that one process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
