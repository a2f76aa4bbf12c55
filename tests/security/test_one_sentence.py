"""Nobody looks around by what errors tell apart: docs/security.md, "Network"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gitopsd.errors import GitopsError, NotFetchedYet, PartNotFetched, RepositoryUnreachable
from gitopsd.git.for_applications import PartsForApplications, SourcesForApplications
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import Held, RepoCredentials
from tests.certificates import certificate
from tests.git.conftest import World
from tests.git.parts import Reading, mount
from tests.gitserver import http_server
from tests.security.strangers import silent_server

CLOSED = "http://127.0.0.1:1"  # nothing listens there


@pytest.fixture
async def servers(world: World, tmp_path: Path) -> AsyncIterator[list[str]]:
    """Have one that is closed, one without that repository, one that wants a login, one of TLS, and one that hangs."""
    context, _ = certificate(tmp_path / "tls")
    async with AsyncExitStack() as stack:
        empty = await stack.enter_async_context(http_server(world.served))
        login = await stack.enter_async_context(http_server(world.served, users={"bot": "pw"}))
        tls = await stack.enter_async_context(http_server(world.served, tls=context))
        port = await stack.enter_async_context(silent_server())
        yield [CLOSED, empty.url, login.url, tls.url, f"http://127.0.0.1:{port}", "http://no.such.host.invalid"]


async def told(tried: Callable[[], Awaitable[object]], url: str) -> str:
    with pytest.raises(RepositoryUnreachable) as refused:
        await tried()
    assert None is refused.value.__cause__
    return str(refused.value).replace(url, "URL")


@pytest.mark.parametrize("kind", ["{}/none.git", "helm+{}", "file+{}/none.yaml"])
async def test_what_cannot_be_reached_is_one_sentence(world: World, servers: list[str], kind: str) -> None:
    repositories = world.repositories(fetch_deadline_s=0.5)
    found = SourcesForApplications(repositories)
    words: set[str] = set()
    for server in servers[: 4 if kind.startswith(("helm", "file")) else None]:
        repo = RepoUrl(kind.format(server))
        words.add(await told(lambda repo=repo: found.want(repo, "web@*"), server))  # type: ignore[misc]
        words.add(await told(lambda repo=repo: found.fetch(repo), server))  # type: ignore[misc]
        with pytest.raises(RepositoryUnreachable) as refused:
            found.resolve(repo, "web@*")
        words.add(str(refused.value).replace(server, "URL"))
        assert str(repositories.last_error(repo)) not in words  # which is the operator's

    assert 1 == len(words), words


async def test_so_is_what_a_submodule_or_lfs_needs(world: World) -> None:
    async with http_server(world.served, users={"bot": "pw"}) as server:
        words: set[str] = set()
        for name, url in (("a", f"{CLOSED}/x.git"), ("b", "../none.git")):
            top = world.repo(f"{name}.git")
            mount(top, "sub", top.commit({"x": "1"}), url)
            given = RepoCredentials(server.url, "bot", Held(text="pw"))
            reading = Reading(world.repositories(credentials=(given,)), RepoUrl(f"{server.url}/{name}.git"))
            reading.repositories.parts = PartsForApplications(reading.repositories.parts)  # type: ignore[assignment]
            words.add(str(await reading.refusal("sub/x")))

    assert 1 == len(words), words


async def test_what_says_nothing_of_a_server_stays_as_it_is(world: World) -> None:
    with pytest.raises(NotFetchedYet):
        SourcesForApplications(world.repositories()).resolve(RepoUrl(f"{CLOSED}/x.git"), "main")
    with pytest.raises(PartNotFetched) as refused:
        await PartsForApplications(world.repositories().parts).fetch(PartNotFetched("x", remedy=""), lambda _: True)
    assert isinstance(refused.value, GitopsError)
