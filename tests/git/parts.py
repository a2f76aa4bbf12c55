"""What tests of parts and their neighbours share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson
import pygit2
import pytest

from gitopsd.errors import (
    GitopsError,
    PartNotFetched,
    error_from_json,
    error_to_json,
)
from gitopsd.git.repositories import Repositories
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import Held, RepoCredentials
from tests.git.conftest import World
from tests.gitserver import Repo
from tests.lfsserver import Lfs


def mount(repo: Repo, path: str, commit: str, url: str) -> str:
    """Commit a submodule on top of the main branch; return the commit."""
    head = repo.git.references["refs/heads/main"].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(head.tree)
    known = repo.git.read(head.tree[".gitmodules"].id)[1] if ".gitmodules" in head.tree else b""
    text = known + f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'.encode()
    index.add(pygit2.IndexEntry(".gitmodules", repo.git.create_blob(text), pygit2.enums.FileMode.BLOB))
    index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=commit), pygit2.enums.FileMode.COMMIT))
    author = pygit2.Signature("Ann", "a@b", 1_700_000_000, 0)
    tree = index.write_tree(repo.git)
    return str(repo.git.create_commit("refs/heads/main", author, author, "mount", tree, [head.id]))


@dataclass
class Reading:
    """A repository that is polled, read as a render reads it."""

    repositories: Repositories
    url: RepoUrl
    fetched: int = 0  # parts
    permits: Callable[[RepoUrl], bool] = lambda _repo: True

    async def tree(self, *paths: str) -> GitTree:
        """Return the tree of the main branch once all `paths` can be read in it."""
        await self.repositories.fetch(self.url)
        revision = self.repositories.resolve(self.url, "main").revision
        while True:
            tree = open_tree(self.repositories.mirror(self.url), revision)
            try:
                for path in paths:
                    tree.read(path, max_bytes=10_000)
            except PartNotFetched as err:
                self.fetched += 1
                from_worker = error_from_json(*orjson.loads(orjson.dumps(error_to_json(err))))
                assert isinstance(from_worker, PartNotFetched)
                await self.repositories.parts.fetch(from_worker, self.permits)
            else:
                return tree

    async def refusal(self, path: str) -> GitopsError:
        with pytest.raises(GitopsError) as caught:
            await self.tree(path)
        return caught.value


async def lfs_reading(world: World, lfs: Lfs, **given: object) -> Reading:
    credentials = RepoCredentials(lfs.server.url, "bot", Held(text="pw"), lfs=True, **given)  # type: ignore[arg-type]
    repositories = world.repositories(credentials=(credentials,), max_repo_bytes=5_000_000)
    return Reading(repositories, RepoUrl(f"{lfs.server.url}/shop.git"))
