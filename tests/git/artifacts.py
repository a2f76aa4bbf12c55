"""What tests of artifacts and their neighbours share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gitopsd.git.repositories import Repositories
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import GitSettings, Held, OciSettings, RepoCredentials
from tests.git.conftest import World
from tests.registry import Registry, own_registry


@dataclass
class Place:
    world: World
    registry: Registry

    @property
    def url(self) -> RepoUrl:
        return RepoUrl(f"{self.registry.url}/org/app")

    def repositories(self, limits: OciSettings | None = None, *, password: str = "pw") -> Repositories:  # noqa: S107 - made up
        given = RepoCredentials(self.registry.url, "bot", Held(text=password), plain_http=True)
        return Repositories(
            GitSettings(credentials=(given,)),
            data_dir=self.world.folder / "data",
            run_dir=self.world.folder / "run",
            now_s=lambda: self.world.now_s,
            oci=limits or OciSettings(deadline_s=20.0),
        )

    async def tree(self, repositories: Repositories, ref: str) -> GitTree:
        at = await repositories.want(self.url, ref)
        return open_tree(repositories.mirror(self.url), at.revision)


@pytest.fixture
async def place(world: World) -> AsyncIterator[Place]:
    async with own_registry(login="bot:pw") as registry:
        yield Place(world, registry)
