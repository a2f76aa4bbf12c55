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
from aiohttp import web
from aiohttp.typedefs import Handler

from gitopsd.errors import GitopsError, InvalidSettings, RepositoryTooLarge, RepositoryUnreachable, TooSlow
from gitopsd.git import repositories as repositories_module
from gitopsd.git.repositories import Repositories
from gitopsd.git.tree import open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import GitSettings, RepoCredentials, Secret
from tests.certificates import certificate
from tests.git.conftest import World, polling, until
from tests.gitserver import SSH_CLIENT, http_server, ssh_server, trickling_server
from tests.processes import environment, mentioning, processes

needs_ssh = pytest.mark.skipif(SSH_CLIENT is None, reason="no ssh client here")


def secret(world: World, text: str) -> Secret:
    file = world.folder / "secret"
    file.write_text(text)
    return Secret(file=file)


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


async def test_redirect_is_not_followed_with_credentials(world: World) -> None:
    world.repo().commit({"a": "1"})
    asked: list[str | None] = []

    @web.middleware
    async def elsewhere(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked.append(request.headers.get("Authorization"))
        if request.path.startswith("/moved"):
            raise web.HTTPMovedPermanently(str(request.url).replace("/moved", ""))
        return await handler(request)

    async with http_server(world.served, middleware=[elsewhere]) as server:
        with pytest.raises(RepositoryUnreachable) as caught:
            await world.repositories().fetch(RepoUrl(f"{server.url}/moved/shop.git"))

    assert "redirects" in str(caught.value)
    assert 1 == len(asked)


async def test_right_password_opens_and_is_nowhere_to_be_seen(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    seen: list[str] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Authorization" in request.headers:
            seen.extend(f"{pid} {line}" for pid, line in processes())
            seen.extend(
                text.decode(errors="replace")
                for pid, line in processes()
                if "git" in line
                for text in [environment(pid)]
            )
        return await handler(request)

    async with http_server(world.served, users={"bot": "s3cret/ wörd"}, middleware=[look]) as server:
        credentials = (RepoCredentials(server.url, "bot", secret(world, "s3cret/ wörd\n")),)
        repositories = world.repositories(credentials=credentials)
        await repositories.fetch(RepoUrl(f"{server.url}/shop.git"))

    assert first == repositories.resolve(RepoUrl(f"{server.url}/shop.git"), "main").revision
    assert seen
    assert [] == [line for line in seen if "s3cret" in line]
    on_disk = [file.read_bytes() for file in (world.folder / "data").rglob("*") if file.is_file()]
    on_disk += [file.read_bytes() for file in (world.folder / "run").rglob("*") if file.is_file()]
    assert not any(b"s3cret" in content for content in on_disk)


async def test_password_in_the_url_works_and_is_masked(world: World, caplog: pytest.LogCaptureFixture) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    lines: list[str] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        lines.extend(line for _, line in processes() if "shop.git" in line)
        return await handler(request)

    async with http_server(world.served, users={"bot": "s3cret"}, middleware=[look]) as server:
        good = RepoUrl(server.url.replace("//", "//bot:s3cret@") + "/shop.git")
        await world.repositories().fetch(good)
        assert lines
        bad = RepoUrl(server.url.replace("//", "//bot:s3cret@") + "/nowhere.git")
        with pytest.raises(RepositoryUnreachable) as caught:
            await world.repositories().fetch(bad)

    told = [*lines, str(caught.value), repr(caught.value), caplog.text, *(request for request, _ in world.requests)]
    assert not any("s3cret" in text for text in told)


@pytest.mark.parametrize("given", ["wrong", None])
async def test_wrong_or_missing_password_is_said_without_telling_it(world: World, given: str | None) -> None:
    world.repo().commit({"a": "1"})
    async with http_server(world.served, users={"bot": "s3cret"}) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        credentials = (RepoCredentials(server.url, "bot", secret(world, given)),) if given else ()
        with pytest.raises(RepositoryUnreachable, match="credentials") as caught:
            await world.repositories(credentials=credentials).fetch(url)

    assert "wrong" not in str(caught.value)


async def test_password_of_two_lines_is_refused(world: World) -> None:
    async with http_server(world.served) as server:
        credentials = (RepoCredentials(server.url, "bot", secret(world, "one\ntwo")),)
        with pytest.raises(InvalidSettings):
            await world.repositories(credentials=credentials).fetch(RepoUrl(f"{server.url}/shop.git"))


async def test_credentials_of_a_sibling_prefix_are_not_sent(world: World) -> None:
    sent: list[str | None] = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent.append(request.headers.get("Authorization"))
        return await handler(request)

    async with http_server(world.served, users={"bot": "s3cret"}, middleware=[note]) as server:
        credentials = (RepoCredentials(f"{server.url}/org", "bot", secret(world, "s3cret")),)
        with pytest.raises(RepositoryUnreachable):
            await world.repositories(credentials=credentials).fetch(RepoUrl(f"{server.url}/org-evil/shop.git"))

    assert [None] == sent


async def test_tls_certificate_is_checked_against_the_authority_given(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    tls, authority = certificate(world.folder / "right")
    _, other = certificate(world.folder / "wrong")
    async with http_server(world.served, tls=tls) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        for credentials in ((), (RepoCredentials(server.url, ca_file=other),)):
            with pytest.raises(RepositoryUnreachable, match="certificate is not trusted") as caught:
                await world.repositories(credentials=credentials).fetch(url)
            assert "ca_file" in caught.value.remedy
        for right in (RepoCredentials(server.url, ca_file=authority), RepoCredentials(server.url, insecure=True)):
            repositories = world.repositories(credentials=(right,))
            await repositories.fetch(url)
            assert first == repositories.resolve(url, "main").revision


@needs_ssh
async def test_ssh_with_the_right_key_and_host_key(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    async with ssh_server(world.served) as server:
        known_hosts = world.folder / "known hosts"
        known_hosts.write_text(server.known_hosts)
        credentials = RepoCredentials(server.url, ssh_key=secret(world, server.key), known_hosts=known_hosts)
        repositories = world.repositories(credentials=(credentials,))
        url = RepoUrl(f"{server.url}/shop.git")
        await repositories.fetch(url)
        assert first == repositories.resolve(url, "main").revision
        second = repo.commit({"a": "2"})
        await repositories.fetch(url)

    assert second == repositories.resolve(url, "main").revision
    assert [] == list((world.folder / "run/git").glob("key-*"))


@needs_ssh
async def test_ssh_host_key_is_checked_and_so_is_ours(world: World) -> None:
    world.repo().commit({"a": "1"})
    async with ssh_server(world.served) as server, ssh_server(world.served) as other:
        known_hosts, wrong_hosts = world.folder / "known_hosts", world.folder / "wrong_hosts"
        known_hosts.write_text(server.known_hosts)
        port = server.url.rpartition(":")[2]
        wrong_hosts.write_text(f"[127.0.0.1]:{port} {other.known_hosts.partition(' ')[2]}")
        url = RepoUrl(f"{server.url}/shop.git")
        key, wrong_key = Secret(file=world.folder / "key"), Secret(file=world.folder / "wrong_key")
        (world.folder / "key").write_text(server.key)
        (world.folder / "wrong_key").write_text(other.key)
        for credentials, what in (
            (RepoCredentials(server.url, ssh_key=key, known_hosts=wrong_hosts), "host key"),
            (RepoCredentials(server.url, ssh_key=key), "host key"),
            (RepoCredentials(server.url, ssh_key=wrong_key, known_hosts=known_hosts), "does not take the SSH key"),
            (RepoCredentials(server.url, known_hosts=known_hosts), "does not take the SSH key"),
        ):
            with pytest.raises(RepositoryUnreachable, match=what):
                await world.repositories(credentials=(credentials,)).fetch(url)


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


def left_overs(mirror: Path) -> tuple[list[Path], list[Path]]:
    """Locks and half packs in a mirror, and what is beside it."""
    return [left for left in mirror.rglob("*") if left.match("*.lock") or left.match("tmp_*")], list(
        mirror.parent.iterdir()
    )


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
