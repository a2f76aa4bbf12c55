"""Serves the fleet repository over HTTP on loopback, and tells the daemon of each push by a signed webhook."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gitopsd.demo.fleet import BRANCH, git
from gitopsd.demo.githttp import git_app
from gitopsd.demo.observer import ObservedPush

REPOSITORY = "fleet.git"
NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True)
class DemoWebhook:
    """Where pushes are told, and the secret they are signed with."""

    url: str
    secret: str

    async def send(self, repo_url: str, before: str, after: str) -> str:
        """Tell of a push; return what went wrong, "" where nothing did."""
        payload = {
            "ref": f"refs/heads/{BRANCH}",
            "before": before,
            "after": after,
            "repository": {"full_name": "demo/fleet", "clone_url": repo_url, "default_branch": BRANCH},
        }
        body = json.dumps(payload).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
                session.post(self.url, data=body, headers=headers) as answer,
            ):
                return "" if answer.ok else f"the daemon answered the webhook with {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as err:
            return f"the daemon did not take the webhook: {err}"


class Pushes:
    """Notices a push as it is accepted, sends the webhook, and tells who wants to know."""

    def __init__(
        self, repository: Path, *, pushed: Callable[[ObservedPush], None], failed: Callable[[str], None]
    ) -> None:
        self._repository = repository
        self._pushed = pushed
        self._failed = failed
        self.webhook: DemoWebhook | None = None  # set once the daemon's secret is made

    @web.middleware
    async def watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        before = self._head()
        answer: web.StreamResponse = await handler(request)
        after = self._head()
        if after not in (before, NO_COMMIT) and self.webhook is not None:
            await self._tell(self.webhook, str(request.url.origin()), before, after)
        return answer

    async def _tell(self, webhook: DemoWebhook, origin: str, before: str, after: str) -> None:
        at_s = asyncio.get_running_loop().time()
        # Both at once: the time from push to live should not hold the wait for a git process.
        async with asyncio.TaskGroup() as group:
            sent = group.create_task(webhook.send(f"{origin}/{REPOSITORY}", before, after), name="webhook")
            touched = await _touched(self._repository, before, after)
            self._pushed(ObservedPush(after, touched, at_s))
        if sent.result():
            self._failed(sent.result())

    def _head(self) -> str:
        try:
            return (self._repository / "refs/heads" / BRANCH).read_text().strip()
        except FileNotFoundError:
            return NO_COMMIT


@asynccontextmanager
async def serving(root: Path, pushes: Pushes) -> AsyncIterator[str]:
    """Serve the repositories below `root` while the block runs, on a free loopback port; give the fleet's URL."""
    app = git_app(root)
    app.middlewares.append(pushes.watch)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}/{REPOSITORY}"
    finally:
        await runner.cleanup()


async def _touched(repository: Path, before: str, after: str) -> frozenset[str]:
    """Return the applications whose files differ: `apps/NAME.yaml`, `fleet/NAME/…`."""
    names = await git("-C", str(repository), "diff", "--name-only", "--no-renames", before, after)
    parts = [path.split("/") for path in names.splitlines()]
    return frozenset(part[1].removesuffix(".yaml") for part in parts if len(part) > 1)
