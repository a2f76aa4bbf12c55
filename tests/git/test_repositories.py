"""Repositories: epochs, fetches that are shared and bounded, polls, webhooks, and what is not fetched at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from gitopsd.errors import InvalidDeclaration, RepositoryUnreachable, RevisionNotFound
from gitopsd.model.ids import RepoUrl
from tests.git.conftest import World, polling, until, url_of
from tests.gitserver import http_server


async def test_repository_that_was_never_fetched_is_unreachable_yet(world: World) -> None:
    with pytest.raises(RepositoryUnreachable, match="not been fetched yet"):
        world.repositories().resolve(url_of(world.repo()), "main")


async def test_empty_repository_has_an_epoch_without_refs(world: World) -> None:
    repo = world.repo()
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))

    with pytest.raises(RevisionNotFound):
        repositories.resolve(url_of(repo), "HEAD")


async def test_epoch_counts_changes_and_is_confirmed_by_fetches(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))
    world.now_s += 60
    await repositories.fetch(url_of(repo))
    same = repositories.resolve(url_of(repo), "main")
    repo.commit({"a": "2"})
    await repositories.fetch(url_of(repo))

    assert (0, 1_700_000_060.0) == (same.epoch, same.taken_s)
    assert 1 == repositories.resolve(url_of(repo), "main").epoch
    assert [(None, 0), (0, 1)] == [(old and old.number, new.number) for _, old, new in world.epochs]
    assert [(f"fetch {repo.url}", True)] * 3 == world.requests
    world.now_s += 7
    assert 7.0 == repositories.age_s(url_of(repo))


async def test_failed_fetch_keeps_the_epoch_and_its_age_and_says_why(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))
    repo.path.rename(repo.path.with_suffix(".away"))
    world.now_s += 100
    with pytest.raises(RepositoryUnreachable):
        await repositories.fetch(url_of(repo))

    assert (first, 1_700_000_000.0) == (
        repositories.resolve(url_of(repo), "main").revision,
        repositories.resolve(url_of(repo), "main").taken_s,
    )
    assert isinstance(repositories.last_error(url_of(repo)), RepositoryUnreachable)
    repo.path.with_suffix(".away").rename(repo.path)
    await repositories.fetch(url_of(repo))
    assert repositories.last_error(url_of(repo)) is None


async def test_restart_without_the_network_serves_the_last_whole_epoch_as_stale(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    await world.repositories().fetch(url_of(repo))
    repo.path.rename(repo.path.with_suffix(".away"))
    world.now_s += 3600
    restarted = world.repositories()
    with pytest.raises(RepositoryUnreachable):
        await restarted.fetch(url_of(repo))

    assert (first, 3600.0) == (restarted.resolve(url_of(repo), "main").revision, restarted.age_s(url_of(repo)))


async def test_restart_never_serves_refs_of_half_a_fetch(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    before = world.repositories()
    await before.fetch(url_of(repo))
    (Path(before.mirror(url_of(repo))) / "refs/heads/half").write_text(first + "\n")
    repo.path.rename(repo.path.with_suffix(".away"))
    restarted = world.repositories()
    with pytest.raises(RepositoryUnreachable):
        await restarted.fetch(url_of(repo))

    with pytest.raises(RepositoryUnreachable, match="no repository"):
        restarted.resolve(url_of(repo), "main")


async def test_callers_during_a_fetch_share_the_next_one(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    async with asyncio.TaskGroup() as group:
        for caller in range(10):
            group.create_task(repositories.fetch(url_of(repo)), name=f"early {caller}")
        await until(lambda: repositories._known(url_of(repo)).begun == 1)  # noqa: SLF001 - no other way to be inside one
        for caller in range(10):
            group.create_task(repositories.fetch(url_of(repo)), name=f"late {caller}")

    assert 2 == len(world.requests)


async def test_caller_that_gives_up_leaves_the_fetch_to_the_next(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(repositories.fetch(url_of(repo)), name="gives up")
        await until(lambda: repositories._known(url_of(repo)).begun == 1)  # noqa: SLF001 - as above
        group.create_task(repositories.fetch(url_of(repo)), name="waits")
        first.cancel()

    assert repositories.resolve(url_of(repo), "main").revision


async def test_no_more_repositories_are_fetched_at_once_than_allowed(world: World) -> None:
    repos = [world.repo(f"r{n}.git") for n in range(6)]
    for repo in repos:
        repo.commit({"a": "1"})
    repositories = world.repositories(fetches_at_once=2)
    running: list[int] = []

    async def count() -> None:
        while True:
            running.append(sum(known.begun > known.ended for known in repositories._repos.values()))  # noqa: SLF001
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        counter = group.create_task(count(), name="count")
        async with asyncio.TaskGroup() as fetches:
            for repo in repos:
                fetches.create_task(repositories.fetch(url_of(repo)), name=repo.url)
        counter.cancel()

    assert 2 == max(running)


async def test_polled_repositories_move_by_themselves(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories(poll_s=0.02)
    async with polling(repositories):
        with contextlib.suppress(RepositoryUnreachable):
            repositories.resolve(url_of(repo), "main")
        await until(lambda: repositories.epoch(url_of(repo)))
        second = repo.commit({"a": "2"})
        await until(lambda: repositories.resolve(url_of(repo), "main").revision == second)
        repositories.watch([])
        assert () == repositories.repositories()


async def test_watch_replaces_the_set_and_passes_over_what_cannot_be_fetched(world: World) -> None:
    one, two = world.repo("one.git"), world.repo("two.git")
    one.commit({"a": "1"})
    repositories = world.repositories(poll_s=3600.0)
    async with polling(repositories):
        repositories.watch([url_of(one), RepoUrl("ext::sh -c id")])
        await until(lambda: repositories.epoch(url_of(one)))
        repositories.watch([url_of(two)])
        await until(lambda: repositories.epoch(url_of(two)))

    assert (url_of(two),) == repositories.repositories()


async def test_own_data_directory_is_no_repository(world: World) -> None:
    """Else anybody who may name a file could read what another project's credentials have fetched."""
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))
    mirror = repositories.mirror(url_of(repo))
    world.folder.joinpath("link").symlink_to(world.folder / "data")

    for url in (mirror, f"file://{mirror}", f"{world.folder}/served/../data/git/x", f"{world.folder}/link/git/x"):
        with pytest.raises(InvalidDeclaration):
            repositories.resolve(RepoUrl(url), "main")
    assert repositories.mirror(RepoUrl(f"{world.folder}/data-of-others"))


async def test_webhook_fetches_what_its_urls_may_name(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    async with http_server(world.served) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        repositories = world.repositories(poll_s=3600.0)
        async with polling(repositories):
            repositories.use(url)
            await until(lambda: repositories.epoch(url))
            second = repo.commit({"a": "2"})
            assert 0 == repositories.pushed(["https://elsewhere.org/shop", "nonsense", ""])
            assert 1 == repositories.pushed([f"ssh://git@127.0.0.1:{2222}/Shop", url])
            await until(lambda: repositories.resolve(url, "main").revision == second)


async def test_repository_that_fails_is_tried_later_each_time(world: World) -> None:
    repositories = world.repositories(poll_s=120.0)
    missing = RepoUrl(f"file://{world.folder}/missing.git")
    waits = []
    for _ in range(10):
        with pytest.raises(RepositoryUnreachable):
            await repositories.fetch(missing)
        waits.append(repositories._wait_s(repositories._known(missing)))  # noqa: SLF001 - two hours otherwise

    assert [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0, 600.0] == waits


def aged(world: World, name: str, *, days: int) -> Path:
    mirror = world.folder / "data/git" / name
    mirror.mkdir(parents=True)
    stamp = mirror / "gitopsd-epoch"
    stamp.touch()
    os.utime(stamp, (0, world.now_s - days * 86400))
    return mirror


async def test_start_removes_keys_of_a_killed_daemon_and_mirrors_that_nobody_used_for_long(world: World) -> None:
    key = world.folder / "run/git/key-0123"
    key.parent.mkdir(parents=True)
    key.touch()
    old, recent = aged(world, "old", days=31), aged(world, "recent", days=29)
    async with polling(world.repositories()):
        await until(lambda: not key.exists() and not old.exists())

    assert recent.exists()
