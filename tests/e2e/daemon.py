"""The daemon as a process, spoken to as its users do: its settings file, its REST API, its probes, signals."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.clusters import free_ports
from tests.serverprocess import DIES_WITH_PARENT

T = TypeVar("T")
Json = dict[str, Any]
TOKEN = "e2e-token-0123456789"  # noqa: S105 - of a test
WEBHOOK_SECRET = "e2e-webhook-0123456789"  # noqa: S105 - of a test
DEADLINE_S = 120.0  # what takes 3 s alone takes ten times as long on a slow machine, and longer beside other work
LOOK_S = 0.05
LOG_TAIL = 2500
LAST_WORDS_S = 5.0


async def until(what: str, probe: Callable[[], Awaitable[T | None]], *, deadline_s: float = DEADLINE_S) -> T:
    """Return the first value of `probe` that is neither None nor False; fail naming `what` at the deadline."""
    try:
        async with asyncio.timeout(deadline_s):
            while True:
                value = await probe()
                if value is not None and value is not False:
                    return value
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise AssertionError(f"not within {deadline_s} s: {what}") from None


@dataclass
class Process:
    """One `gitopsd run`; `settings` may be changed between two starts. It needs no event loop."""

    root: Path
    settings: Json
    environ: Mapping[str, str] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    instance: str = field(default_factory=lambda: f"test-{secrets.token_hex(8)}")

    @property
    def config(self) -> Path:
        return self.root / "gitopsd.yaml"

    @property
    def log(self) -> str:
        file = self.root / "daemon.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def events(self, name: str = "") -> list[Json]:
        """Return the log's lines of one event, or all of them."""
        lines = [line for line in self.log.splitlines() if line.startswith("{")]
        found = []
        for line in lines:
            with suppress(ValueError):  # the last line may be half written
                found.append(json.loads(line))
        return [event for event in found if not name or event.get("event") == name]

    def write_settings(self) -> None:
        # Daemons of one name take turns at a cluster, and tests share clusters.
        self.config.write_text(yaml.safe_dump({"instance": self.instance, **self.settings}))

    def start(self, *wrapper: str) -> None:
        """Start the process below `wrapper`, a command; settings are written anew, the log is appended to.

        It ends with this process, however that ends.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        self.write_settings()
        given = {"E2E_TOKEN": TOKEN, "E2E_WEBHOOK": WEBHOOK_SECRET, **self.environ}
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"}
        with (self.root / "daemon.log").open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603 - our own program
                [*DIES_WITH_PARENT, *wrapper, sys.executable, "-m", "gitopsd", "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**inherited, **given},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def send(self, number: int) -> None:
        assert self.child is not None
        self.child.send_signal(number)

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Return the exit status; negative for a signal."""
        assert self.child is not None
        return self.child.wait(deadline_s)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit status."""
        assert self.child is not None
        if self.child.poll() is None:
            self.send(number)
        return self.wait()

    def last_words(self) -> str:
        """Return how it ended, given a moment to end, and the end of its log."""
        assert self.child is not None
        try:
            ended = f"it ended with {self.child.wait(LAST_WORDS_S)}"
        except subprocess.TimeoutExpired:
            ended = "it runs on"
        return f"{ended}:\n{self.log[-LOG_TAIL:]}"

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()


@dataclass
class Daemon:
    """The API and the probes of one process, spoken to from one event loop."""

    process: Process
    session: aiohttp.ClientSession

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.process.settings['api']['port']}"

    @property
    def probes(self) -> str:
        return f"http://127.0.0.1:{self.process.settings['api']['probe_port']}"

    async def ready(self) -> None:
        """Wait until the daemon says that it serves."""
        last = ""

        async def probe() -> bool:
            nonlocal last
            child = self.process.child
            assert child is not None
            assert child.poll() is None, self.process.last_words()
            try:
                async with self.session.get(f"{self.probes}/readyz") as answer:
                    last = await answer.text()
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        try:
            await until("the daemon is ready", probe)
        except AssertionError as err:
            raise AssertionError(f"{err}\n{last}\n{self.process.log[-LOG_TAIL:]}") from None

    async def call(self, verb: str, path: str, body: Any = None, *, token: str = TOKEN) -> tuple[int, Any]:
        """Return the status and JSON of one API request."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with self.session.request(verb, self.api + path, json=body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)
        except aiohttp.ClientConnectionError as err:
            raise AssertionError(f"{err}\n{self.process.last_words()}") from None

    async def ok(self, verb: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a request that must succeed."""
        status, answer = await self.call(verb, path, body)
        assert 200 == status, answer
        return answer

    async def app(self, name: str) -> Json | None:
        """Return one application; None where there is none."""
        status, value = await self.call("GET", f"/api/v1/applications/{name}")
        return value if status == 200 else None

    async def refreshed(self, name: str) -> Json:
        """Return the application after a fetch and a pass."""
        found: Json = await self.ok("GET", f"/api/v1/applications/{name}?refresh=normal")
        return found

    async def metric(self, name: str, /, **labels: str) -> float:
        """Return the sum of all samples of one metric that have these labels."""
        async with self.session.get(f"{self.probes}/metrics") as answer:
            text = await answer.text()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def pushed(self, url: str, ref: str = "refs/heads/main") -> int:
        """Send GitHub's signed webhook for a push; return the status of the answer."""
        body = json.dumps({"ref": ref, "repository": {"clone_url": url}}).encode()
        return await self.hook(body, "sha256=" + hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest())

    async def hook(self, body: bytes, signature: str | None, event: str = "push") -> int:
        """Send a webhook as it is; return the status of the answer."""
        headers = {"X-GitHub-Event": event, "Content-Type": "application/json"}
        headers |= {"X-Hub-Signature-256": signature} if signature is not None else {}
        async with self.session.post(f"{self.api}/api/webhook", data=body, headers=headers) as answer:
            return answer.status

    async def until_app(
        self, name: str, good: Callable[[Json], Any], *, what: str = "", deadline_s: float = DEADLINE_S
    ) -> Json:
        """Wait until the application is as `good` has it; return it."""
        last: Json = {}

        async def probe() -> Json | None:
            nonlocal last
            last = await self.app(name) or {}
            return last if last and good(last) else None

        try:
            return await until(what or f"{name} is as wanted", probe, deadline_s=deadline_s)
        except AssertionError as err:
            seen = yaml.safe_dump(last.get("status"))
            raise AssertionError(f"{err}\nlast seen: {seen}\n{self.process.log[-LOG_TAIL:]}") from None

    async def until_synced(self, name: str, revision: str = "", *, deadline_s: float = DEADLINE_S) -> Json:
        """Wait until the application is Synced, at `revision` if one is given, with no operation under way."""
        what = f"{name} is Synced at {revision[:12] or 'any revision'}"
        return await self.until_app(name, lambda app: synced(app, revision), what=what, deadline_s=deadline_s)

    async def until_condition(self, name: str, *words: str, deadline_s: float = DEADLINE_S) -> str:
        """Wait until one condition of the application holds all `words`; return its message."""
        what = f"{name} has a condition with {words}"
        app = await self.until_app(name, lambda app: _condition(app, words), what=what, deadline_s=deadline_s)
        return _condition(app, words)

    async def until_gone(self, name: str) -> None:
        """Wait until there is no such application any more."""
        last: Json | None = None

        async def gone() -> bool:
            nonlocal last
            last = await self.app(name)
            return last is None

        try:
            await until(f"application {name} is gone", gone)
        except AssertionError as err:
            raise AssertionError(f"{err}\n{yaml.safe_dump(last)}\n{self.process.log[-LOG_TAIL:]}") from None


def synced(app: Json, revision: str = "") -> bool:
    """Tell whether `app` is Synced, at `revision` if one is given, and nothing is under way."""
    status = app.get("status", {})
    sync = status.get("sync", {})
    idle = status.get("operationState", {}).get("phase", "Succeeded") not in ("Running", "Terminating")
    return sync.get("status") == "Synced" and (not revision or sync.get("revision") == revision) and idle


def sync_status(app: Json) -> str:
    return str(app.get("status", {}).get("sync", {}).get("status"))


def conditions(app: Json) -> list[str]:
    """Return the conditions of `app`, each as its type and message."""
    return [f"{one['type']}: {one['message']}" for one in app.get("status", {}).get("conditions", [])]


def resource(app: Json, kind: str, name: str) -> Json:
    """Return what the status of `app` says of one object; empty where it says nothing."""
    found = app.get("status", {}).get("resources", [])
    return next((each for each in found if (each["kind"], each["name"]) == (kind, name)), {})


def _condition(app: Json, words: tuple[str, ...]) -> str:
    return next((text for text in conditions(app) if all(word in text for word in words)), "")


def settings(root: Path, clusters: Mapping[str, Path], declarations: list[Json]) -> Json:
    """Return settings with everything below `root`, no polls, and the clusters by their kubeconfigs."""
    api, probes = free_ports(2)
    return {
        "data_dir": str(root / "data"),
        "run_dir": str(root / "run"),
        "clusters": [{"name": name, "kubeconfig": str(path)} for name, path in clusters.items()],
        "declarations": declarations,
        "git": {"poll_s": 3600},
        "network": {"private": ["127.0.0.1", "localhost"]},
        "redis": {"url": "embedded", "deadline_s": 10},  # a busy machine is no lost Redis
        "workers": {"count": 1},  # a second one costs half a second of each start
        "tools": {"unconfined": os.geteuid() == 0},
        "sync": {"heal_wait_s": 0.2},
        "api": {
            "port": api,
            "probe_port": probes,
            "token": {"env": "E2E_TOKEN"},
            "webhook_secret": {"env": "E2E_WEBHOOK"},
        },
        "log": {"format": "json", "level": "debug"},
    }
