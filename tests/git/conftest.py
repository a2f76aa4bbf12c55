"""A set of repositories on a temporary disk, its clock, and what it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitopsd.git.epoch import Epoch
from gitopsd.git.repositories import Repositories
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import GitSettings, Secret
from tests.gitserver import Repo


@dataclass
class World:
    folder: Path
    now_s: float = 1_700_000_000.0
    epochs: list[tuple[RepoUrl, Epoch | None, Epoch]] = field(default_factory=list)
    requests: list[tuple[str, bool]] = field(default_factory=list)
    quick: list[str] = field(default_factory=list)  # how fetches inside the process went

    def repositories(self, data: str = "data", **settings: Any) -> Repositories:
        return Repositories(
            GitSettings(**settings),
            data_dir=self.folder / data,
            run_dir=self.folder / "run",
            now_s=lambda: self.now_s,
            on_epoch=lambda repo, old, new: self.epochs.append((repo, old, new)),
            on_request=lambda kind, repo, seconds, ok: self.requests.append((f"{kind} {repo}", ok and seconds >= 0)),
            on_quick=self.quick.append,
            spread=lambda: 0.5,
        )

    def repo(self, name: str = "shop.git") -> Repo:
        return Repo(self.folder / "served" / name)

    @property
    def served(self) -> Path:
        return self.folder / "served"


def url_of(repo: Repo) -> RepoUrl:
    return RepoUrl(repo.url)


def secret(world: World, text: str) -> Secret:
    file = world.folder / "secret"
    file.write_text(text)
    return Secret(file=file)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "served").mkdir()
    return World(tmp_path)


async def until(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    """Wait until `condition` holds; fail after `within_s`."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is often another process's doing
            await asyncio.sleep(0.01)


@asynccontextmanager
async def polling(repositories: Repositories) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(repositories.run(), name="git")
        yield
        task.cancel()
