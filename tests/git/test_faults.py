"""What servers, networks, disks and kills do to a fetch."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pygit2
import pytest

from gitopsd.errors import GitopsError, RepositoryTooLarge, RepositoryUnreachable, TooSlow
from gitopsd.git import repositories as repositories_module
from gitopsd.git.repositories import Repositories
from gitopsd.git.tree import open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import GitSettings, RepoCredentials
from tests.git.conftest import World, polling, secret, until
from tests.git.faults import left_overs
from tests.gitserver import http_server, trickling_server
from tests.processes import mentioning


async def test_trickling_server_is_left_at_the_deadline_with_all_that_git_started(world: World) -> None:
    async with trickling_server() as url:
        repositories = world.repositories(fetch_deadline_s=1.0)
        with pytest.raises(TooSlow, match="fetching http"):
            await repositories.fetch(RepoUrl(url))

        await until(lambda: not mentioning(url))
        assert [(f"fetch {url}", False)] == world.requests


async def test_cancelled_fetch_leaves_no_process(world: World) -> None:
    async with trickling_server() as url:
        repositories = world.repositories()
        async with polling(repositories):
            repositories.use(RepoUrl(url))
            await until(lambda: any("remote-http" in line for line in mentioning(url)))

        await until(lambda: not mentioning(url))


async def test_killed_daemon_leaves_no_process(world: World) -> None:
    async with trickling_server() as url:
        script = textwrap.dedent(f"""
            import asyncio
            from pathlib import Path
            from gitopsd.git.repositories import Repositories
            from gitopsd.settings import GitSettings

            folder = Path({str(world.folder)!r})
            asyncio.run(Repositories(
                GitSettings(), data_dir=folder, run_dir=folder, now_s=lambda: 0.0
            ).fetch({url!r}))
        """)
        daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
        await until(lambda: any("remote-http" in line for line in mentioning(url)))
        daemon.send_signal(signal.SIGKILL)
        await daemon.wait()

        await until(lambda: not mentioning(url))


async def test_unreachable_server_is_retryable_with_a_remedy(world: World) -> None:
    async with http_server(world.served) as server:
        url = RepoUrl(f"{server.url}/shop.git")

    with pytest.raises(RepositoryUnreachable, match="does not answer") as caught:
        await world.repositories().fetch(url)
    assert "network" in caught.value.remedy


async def test_missing_repository_is_said_to_be_missing(world: World) -> None:
    async with http_server(world.served) as server:
        with pytest.raises(RepositoryUnreachable, match="no repository"):
            await world.repositories().fetch(RepoUrl(f"{server.url}/nowhere.git"))


async def test_repository_above_the_limit_is_refused_and_nothing_of_it_stays(world: World) -> None:
    repo = world.repo()
    repo.commit({"big": os.urandom(3_000_000)})
    repositories = world.repositories(max_repo_bytes=1_000_000)

    with pytest.raises(RepositoryTooLarge, match="more to come"):
        await repositories.fetch(RepoUrl(repo.url))
    assert [] == list((world.folder / "data/git").iterdir())


async def test_repository_that_grows_above_the_limit_is_refused_until_it_shrinks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories_module, "TIDY_AFTER_S", 0.0)
    repo = world.repo()
    repo.commit({"a": "1"})
    url = RepoUrl(repo.url)
    repositories = world.repositories(max_repo_bytes=1_000_000, poll_s=0.05)
    async with polling(repositories):
        repositories.use(url)
        await until(lambda: repositories.epoch(url))
        repo.commit({"big": os.urandom(3_000_000)})
        await until(lambda: isinstance(repositories.last_error(url), RepositoryTooLarge))
        last = repositories.epoch(url)
        repo.commit({"a": "2"})
        with pytest.raises(RepositoryTooLarge):
            await repositories.fetch(url)
        assert last == repositories.epoch(url)
        small = repo.rewrite({"a": "3"})
        await repositories.fetch(url)

    assert small == repositories.resolve(url, "main").revision


def damage_nothing(_: Path) -> None:
    """A healthy mirror."""


def damage_refs(mirror: Path) -> None:
    (mirror / "refs/heads/main").write_text("")


def damage_objects(mirror: Path) -> None:
    for loose in mirror.glob("objects/??/*"):
        loose.chmod(0o644)
        loose.write_bytes(b"")


def remove_head(mirror: Path) -> None:
    (mirror / "HEAD").unlink()


def mark(mirror: Path) -> None:
    (mirror / "gitopsd-damaged").touch()


@pytest.mark.parametrize("damage", [damage_nothing, damage_refs, damage_objects, remove_head, mark])
async def test_mirror_as_a_crash_or_a_bad_disk_leaves_it_is_mended_by_the_next_fetch(
    world: World, damage: object
) -> None:
    assert callable(damage)
    repo = world.repo()
    repo.commit({"a": "1"})
    before = world.repositories()
    await before.fetch(RepoUrl(repo.url))
    damage(Path(before.mirror(RepoUrl(repo.url))))
    second = repo.commit({"a": "2"})
    restarted = world.repositories()
    await restarted.fetch(RepoUrl(repo.url))
    mirror = restarted.mirror(RepoUrl(repo.url))

    assert second == restarted.resolve(RepoUrl(repo.url), "main").revision
    assert b"2" == open_tree(mirror, second).read("a", max_bytes=9)
    assert ([], [Path(mirror)]) == left_overs(Path(mirror))


async def test_damage_that_a_reader_meets_is_mended_and_the_epoch_stays(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(RepoUrl(repo.url))
    mirror = repositories.mirror(RepoUrl(repo.url))
    damage_objects(Path(mirror))
    with pytest.raises(RepositoryUnreachable):
        open_tree(mirror, first).read("a", max_bytes=9)
    await repositories.fetch(RepoUrl(repo.url))

    assert b"1" == open_tree(mirror, first).read("a", max_bytes=9)
    assert 1 == len(world.epochs)


async def test_kill_in_the_middle_of_a_fetch_leaves_a_usable_mirror(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(RepoUrl(repo.url))
    for attempt in range(6):
        latest = repo.commit({f"f{n}": os.urandom(2000) for n in range(200)})
        with contextlib.suppress(GitopsError, TimeoutError):
            async with asyncio.timeout(0.004 * (attempt + 1)):
                await world.repositories().fetch(RepoUrl(repo.url))
        await repositories.fetch(RepoUrl(repo.url))

        assert latest == repositories.resolve(RepoUrl(repo.url), "main").revision
        checked = subprocess.run(  # noqa: ASYNC221, S603 - short, and nothing else runs in this test
            ["git", "-C", repositories.mirror(RepoUrl(repo.url)), "fsck", "--connectivity-only"],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
        )
        assert 0 == checked.returncode, checked.stderr


async def test_data_directory_that_cannot_be_written_is_said(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    (world.folder / "data").write_text("a file where the directory should be")

    with pytest.raises(RepositoryUnreachable, match="cannot be written"):
        await world.repositories().fetch(RepoUrl(repo.url))


async def test_pushes_over_http_arrive(world: World) -> None:
    bare = world.repo()
    bare.commit({"a": "1"})
    work = world.folder / "work"
    async with http_server(world.served) as server:
        for arguments in (
            ["clone", "--quiet", f"{server.url}/shop.git", str(work)],
            ["-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty"],
            ["-C", str(work), "push", "--quiet", "origin", "HEAD"],
        ):
            child = await asyncio.create_subprocess_exec("git", *arguments)
            assert 0 == await child.wait()

        assert "x\n" == bare.git.references["refs/heads/main"].peel(pygit2.Commit).message


def test_uvloop_fetches_and_kills_alike(world: World) -> None:
    uvloop = pytest.importorskip("uvloop")
    repo = world.repo()
    first = repo.commit({"a": "1"})

    async def scenario() -> None:
        repositories = Repositories(
            GitSettings(),
            data_dir=world.folder / "data",
            run_dir=world.folder / "run",
            now_s=lambda: 0.0,
        )
        async with http_server(world.served, users={"u": "p"}) as server, trickling_server() as trickling:
            here = RepoCredentials(server.url, "u", secret(world, "p"))
            repositories.configure(GitSettings(credentials=(here,)))
            await repositories.fetch(RepoUrl(f"{server.url}/shop.git"))
            assert first == repositories.resolve(RepoUrl(f"{server.url}/shop.git"), "main").revision
            repositories.configure(GitSettings(fetch_deadline_s=1.0))
            with pytest.raises(TooSlow):
                await repositories.fetch(RepoUrl(trickling))
            await until(lambda: not mentioning(trickling))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
