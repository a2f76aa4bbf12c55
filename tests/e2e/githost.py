"""A Git server over HTTP that outlives the event loops of single tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.gitserver import HttpServer, Repo, http_server


@dataclass
class GitHost:
    """Repositories in a directory, and the server that gives them out."""

    root: Path
    server: HttpServer

    def repo(self, name: str) -> Repo:
        """Make a repository; its first commit is the test's."""
        return Repo(self.root / f"{name}.git")

    def url(self, repo: Repo) -> str:
        return f"{self.server.url}/{repo.path.name}"

    def fetches(self, repo: Repo) -> int:
        """Return how often a client has asked what the repository holds."""
        return sum(f"/{repo.path.name}/info/refs" in request for request in self.server.requests)


@contextmanager
def git_host(root: Path, *, users: Mapping[str, str] | None = None) -> Iterator[GitHost]:
    """Serve `root` from a thread of its own while the block runs; `users` is name → password."""
    up: list[GitHost] = []
    started = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with http_server(root, users=users) as server:
            ending = asyncio.Event()
            stop.append((asyncio.get_running_loop(), ending))
            up.append(GitHost(root, server))
            started.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="git server")
    thread.start()
    assert started.wait(30)
    try:
        yield up[0]
    finally:
        loop, ending = stop[0]
        loop.call_soon_threadsafe(ending.set)
        thread.join(30)
