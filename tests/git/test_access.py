"""Every way to be let in, against real servers; and that nobody else sees how."""

from __future__ import annotations

import logging
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gitopsd.errors import InvalidSettings, RepositoryUnreachable
from gitopsd.git.repositories import Repositories
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import GitHubApp, GitSettings, Held, RepoCredentials
from gitopsd.trust.credentials import CredentialStore, DeclaredCredentials
from gitopsd.trust.http import basic
from tests.certificates import certificate
from tests.git.conftest import World, polling, until
from tests.githubapi import GitHub, github
from tests.gitserver import SSH_CLIENT, HttpServer, http_server, ssh_server
from tests.processes import environment, processes
from tests.proxyserver import proxy_server

needs_ssh = pytest.mark.skipif(SSH_CLIENT is None, reason="no ssh client here")


async def fetched(world: World, url: str, *credentials: RepoCredentials) -> str:
    """Fetch `url` and return its main branch's commit."""
    repositories = world.repositories(credentials=credentials)
    await repositories.fetch(RepoUrl(url))
    return repositories.resolve(RepoUrl(url), "main").revision


def bearers(*accepted: str) -> Middleware:
    """Let in who shows one of `accepted`, as the header's whole value, in the very first request."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") not in accepted:
            raise web.HTTPForbidden
        return await handler(request)

    return guard


async def test_bearer_token_is_sent_as_such(world: World) -> None:
    first = world.repo().commit({"a": "1"})
    async with http_server(world.served, middleware=[bearers(r'Bearer t"o\k')]) as server:
        url = f"{server.url}/shop.git"
        assert first == await fetched(world, url, RepoCredentials(server.url, bearer_token=Held(text=r't"o\k')))
        with pytest.raises(RepositoryUnreachable, match="credentials"):
            await fetched(world, url, RepoCredentials(server.url, bearer_token=Held(text="other")))


async def test_basic_login_is_sent_unasked_where_that_is_wanted(world: World) -> None:
    first = world.repo().commit({"a": "1"})
    async with http_server(world.served, middleware=[bearers("Basic Ym90OnB3")]) as server:
        given = RepoCredentials(server.url, "bot", Held(text="pw"))
        url = f"{server.url}/shop.git"
        with pytest.raises(RepositoryUnreachable):
            await fetched(world, url, given)
        assert first == await fetched(world, url, replace(given, force_basic_auth=True))


async def test_declared_credentials_open_at_once_what_did_not_open_without(world: World) -> None:
    first = world.repo().commit({"a": "1"})
    async with http_server(world.served, users={"bot": "pw"}) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        settings = GitSettings(poll_s=3600.0)
        trust = CredentialStore(settings, lambda: world.now_s)
        repositories = Repositories(
            settings, data_dir=world.folder / "data", run_dir=world.folder, now_s=lambda: world.now_s, trust=trust
        )
        async with polling(repositories):
            repositories.use(url)
            await until(lambda: repositories.last_error(url))
            trust.declare("dir", DeclaredCredentials(templates=(RepoCredentials(server.url, "bot", Held(text="pw")),)))
            repositories.retry()
            await until(lambda: repositories.epoch(url))

    assert first == repositories.resolve(url, "main").revision


async def test_client_certificate_opens(world: World) -> None:
    first = world.repo().commit({"a": "1"})
    tls, authority = certificate(world.folder / "server")
    _, mine = certificate(world.folder / "mine")
    tls.load_verify_locations(mine)
    tls.verify_mode = ssl.CERT_REQUIRED
    key = (world.folder / "mine/key.pem").read_text()
    async with http_server(world.served, tls=tls) as server:
        without = RepoCredentials(server.url, ca_file=authority)
        shown = replace(without, client_cert=Held(text=mine.read_text()), client_key=Held(text=key))
        assert first == await fetched(world, f"{server.url}/shop.git", shown)
        with pytest.raises(RepositoryUnreachable):  # in words that depend on who hangs up first
            await fetched(world, f"{server.url}/shop.git", without)


async def test_proxy_with_a_password_is_used_unless_no_proxy_names_the_host(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.repo().commit({"a": "1"})
    tls, authority = certificate(world.folder / "server")
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # the daemon's own word does not count where a proxy is named
    async with http_server(world.served, tls=tls) as server, proxy_server(login="p:s3cret") as proxy:
        url = f"{server.url}/shop.git"
        given = RepoCredentials(server.url, ca_file=authority, proxy=proxy.url.replace("//", "//p:s3cret@"))
        assert first == await fetched(world, url, given)
        through = list(proxy.asked)
        assert first == await fetched(world, url, replace(given, no_proxy="localhost,127.0.0.1"))
        with pytest.raises(RepositoryUnreachable) as caught:
            await fetched(world, url, replace(given, proxy=proxy.url.replace("//", "//p:wr0ng@")))

    assert through
    assert set(through) == {server.url.removeprefix("https://")}
    assert through == proxy.asked
    assert "wr0ng" not in str(caught.value)


@needs_ssh
async def test_hashed_host_key_is_accepted_and_another_one_is_not(world: World) -> None:
    first = world.repo().commit({"a": "1"})
    async with ssh_server(world.served) as server, ssh_server(world.served) as other:
        hosts = world.folder / "hosts"
        hosts.write_text(server.known_hosts)
        subprocess.run(["ssh-keygen", "-H", "-f", str(hosts)], check=True, capture_output=True)  # noqa: ASYNC221, S603, S607 - short
        assert "127.0.0.1" not in hosts.read_text()
        given = RepoCredentials(server.url, ssh_key=Held(text=server.key), known_hosts=hosts)

        assert first == await fetched(world, f"{server.url}/shop.git", given)
        moved = replace(given, url=other.url, ssh_key=Held(text=other.key))
        with pytest.raises(RepositoryUnreachable, match="host key"):
            await fetched(world, f"{other.url}/shop.git", moved)
        moved = replace(moved, insecure_host_key=True)
        assert first == await fetched(world, f"{other.url}/shop.git", moved)


@asynccontextmanager
async def installed(world: World) -> AsyncIterator[tuple[GitHub, HttpServer, GitHubApp]]:
    """A GitHub whose repositories open to the newest token of its App alone."""
    async with github(lambda: world.now_s) as api:

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not api.tokens or given != basic("x-access-token", api.tokens[-1]):
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
            return await handler(request)

        async with http_server(world.served, middleware=[guard]) as server:
            yield api, server, GitHubApp(api.app_id, Held(text=api.private_key), api_url=api.url)


async def test_github_app_finds_its_installation_and_renews_its_token(world: World) -> None:
    repo = world.repo("org/shop.git")
    repo.commit({"a": "1"})
    world.repo("org/shop2.git").commit({"a": "1"})
    async with installed(world) as (api, server, app):
        repositories = world.repositories(credentials=(RepoCredentials(server.url, github_app=app),))
        url = RepoUrl(f"{server.url}/org/shop.git")
        await repositories.fetch(url)
        await repositories.fetch(url)
        await repositories.fetch(RepoUrl(f"{server.url}/org/shop2.git"))
        asked = list(api.asked)
        world.now_s += 3600 - 500
        latest = repo.commit({"a": "2"})
        await repositories.fetch(url)

    assert ["GET /api/v3/repos/org/shop/installation", "POST /api/v3/app/installations/77/access_tokens"] == asked
    assert 2 == len(api.tokens)
    assert latest == repositories.resolve(url, "main").revision


async def test_token_that_github_took_back_is_asked_for_anew_by_the_next_fetch(world: World) -> None:
    world.repo("org/shop.git").commit({"a": "1"})
    async with installed(world) as (api, server, app):
        given = RepoCredentials(server.url, github_app=replace(app, installation_id=77))
        repositories = world.repositories(credentials=(given,))
        url = RepoUrl(f"{server.url}/org/shop.git")
        await repositories.fetch(url)
        api.tokens.append("another one")
        with pytest.raises(RepositoryUnreachable, match="credentials") as caught:
            await repositories.fetch(url)
        await repositories.fetch(url)

    assert "ghs_secret" not in str(caught.value)
    assert not [path for path in api.asked if path.endswith("/installation")]


async def test_app_that_github_does_not_know_is_said_with_what_to_do(world: World) -> None:
    world.repo("org/shop.git").commit({"a": "1"})
    async with installed(world) as (api, server, app):
        for bad, url, error, says in (
            (replace(app, id=43), "org/shop.git", RepositoryUnreachable, "answers 401"),
            (app, "elsewhere/shop.git", RepositoryUnreachable, "not installed"),
            (replace(app, api_url=server.url), "org/shop.git", RepositoryUnreachable, "no token"),
            (replace(app, private_key=Held(text="no key")), "org/shop.git", InvalidSettings, "no RSA key"),
        ):
            with pytest.raises(error, match=says) as caught:
                await fetched(world, f"{server.url}/{url}", RepoCredentials(server.url, github_app=bad))
            assert "no key" not in caught.value.what
    gone = replace(app, api_url=api.url)
    with pytest.raises(RepositoryUnreachable, match="no token"):
        await fetched(world, f"{server.url}/org/shop.git", RepoCredentials(server.url, github_app=gone))


async def test_no_secret_is_in_a_process_list_an_environment_a_file_an_error_or_the_log(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looked for while git runs, for every kind of secret that git is given over HTTP."""
    caplog.set_level(logging.DEBUG)
    world.repo().commit({"a": "1"})
    tls, authority = certificate(world.folder / "server")
    _, mine = certificate(world.folder / "mine")
    secrets = ["s3cretPassword", "s3cretBearer", "s3cretProxy", mine.with_name("key.pem").read_text().splitlines()[1]]
    seen: list[str] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.extend(line for _, line in processes())
        seen.extend(environment(pid).decode(errors="replace") for pid, _ in processes() if pid != os.getpid())
        return await handler(request)

    async with (
        http_server(world.served, tls=tls, middleware=[look], users={"bot": "s3cretPassword"}) as server,
        proxy_server(login="p:s3cretProxy") as proxy,
    ):
        given = RepoCredentials(
            server.url,
            ca_file=authority,
            client_cert=Held(text=mine.read_text()),
            client_key=Held(text=mine.with_name("key.pem").read_text()),
            proxy=proxy.url.replace("//", "//p:s3cretProxy@"),
        )
        url = f"{server.url}/shop.git"
        await fetched(world, url, replace(given, username="bot", password=Held(text="s3cretPassword")))
        errors = []
        for wrong in (
            replace(given, bearer_token=Held(text="s3cretBearer")),
            replace(given, username="bot", password=Held(text="s3cretPassword2")),
        ):
            with pytest.raises(RepositoryUnreachable) as caught:
                await fetched(world, url, wrong)
            errors.append(f"{caught.value!r} {caught.value}")

    files = [
        file.read_bytes().decode(errors="replace") for file in (world.folder / "data").rglob("*") if file.is_file()
    ]
    told = [*seen, *errors, *files, caplog.text, *capsys.readouterr()]
    assert seen
    assert proxy.asked
    assert [] == [text for text in told if any(secret in text for secret in secrets)]


async def test_damaged_answer_of_a_proxy_names_no_password(world: World) -> None:
    """A proxy that is not there is an error with the proxy's address, and without its login."""
    world.repo().commit({"a": "1"})
    async with http_server(world.served) as server:
        given = RepoCredentials(server.url, proxy="http://p:s3cret@127.0.0.1:9")
        with pytest.raises(RepositoryUnreachable, match="does not answer") as caught:
            await fetched(world, f"{server.url}/shop.git", given)

    assert "s3cret" not in str(caught.value)
    assert isinstance(world.repositories(credentials=(given,)), Repositories)
