"""Made-up SHAs and refs fill no limit for good: docs/security.md, "Starving"."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitopsd.errors import RevisionNotFound
from gitopsd.git.repositories import Repositories
from gitopsd.git.repository import MAX_WANTED, WANTED_S
from gitopsd.model.ids import RepoUrl
from tests.git.conftest import World
from tests.gitserver import http_server


def made_up(number: int) -> Iterator[str]:
    """Give names that no repository has: SHAs, and refs beside branches and tags."""
    for each in range(number):
        yield f"{each:040x}" if each % 2 else f"refs/pull/{each}/head"


def asked(repositories: Repositories, url: RepoUrl, name: str) -> bool:
    """Tell whether the next fetch asks for `name`, which is not there, because of this look."""
    with pytest.raises(RevisionNotFound) as told:
        repositories.resolve(url, name)
    return "the server is asked for it" in told.value.what


async def test_what_is_not_there_makes_room_for_what_is(world: World) -> None:
    repo = world.repo()
    lost = repo.commit({"a": "lost"})
    repo.rewrite({"a": "1"})
    repo.set_ref("refs/pull/7777/head", lost)
    async with http_server(world.served) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        repositories = world.repositories()
        await repositories.fetch(url)
        for name in made_up(2 * MAX_WANTED):
            assert asked(repositories, url, name)

        assert lost == (await repositories.want(url, lost)).revision
        assert lost == (await repositories.want(url, "refs/pull/7777/head")).revision
        for name in made_up(2 * MAX_WANTED):
            asked(repositories, url, name)
        await repositories.fetch(url)

        assert lost == repositories.resolve(url, "refs/pull/7777/head").revision
        assert lost == repositories.resolve(url, lost).revision


async def test_what_nobody_asks_for_any_more_is_not_asked_for(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    url = RepoUrl(repo.url)
    repositories = world.repositories()
    await repositories.fetch(url)

    assert asked(repositories, url, "a" * 40)
    assert not asked(repositories, url, "a" * 40)
    world.now_s += WANTED_S / 2
    assert not asked(repositories, url, "a" * 40)
    world.now_s += WANTED_S - 1
    assert asked(repositories, url, "b" * 40)
    assert not asked(repositories, url, "a" * 40)
    world.now_s += WANTED_S + 1
    assert asked(repositories, url, "c" * 40)
    assert asked(repositories, url, "a" * 40)
