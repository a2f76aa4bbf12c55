"""Passwords, keys and certificates of a fetch: what opens, what does not, and that nothing of them is told."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from gitopsd.errors import InvalidSettings, RepositoryUnreachable
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import RepoCredentials, Secret
from tests.certificates import certificate
from tests.git.conftest import World, secret
from tests.gitserver import SSH_CLIENT, http_server, ssh_server
from tests.processes import environment, processes

needs_ssh = pytest.mark.skipif(SSH_CLIENT is None, reason="no ssh client here")


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
