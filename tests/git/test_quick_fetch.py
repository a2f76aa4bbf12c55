"""A fetch inside the process leaves what git would have left, or leaves it to git."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gitopsd.errors import RepositoryUnreachable, RevisionNotFound
from gitopsd.git import quick_fetch
from gitopsd.git.mirror import mirror_path
from gitopsd.git.repositories import Repositories
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import RepoCredentials, Secret
from tests.certificates import certificate
from tests.git.conftest import World, polling, until
from tests.git.faults import left_overs
from tests.git.histories import RandomHistory, git, held
from tests.gitserver import HttpServer, Repo, http_server

STEPS = 14  # of a random history
OURS = "git/gitopsd"  # the User-Agent of fetches inside the process


@dataclass
class Served:
    """A repository that is served, and a daemon's part that has fetched it once by git and goes on inside."""

    repo: Repo
    url: RepoUrl
    server: HttpServer
    repositories: Repositories
    world: World

    async def fetch(self) -> dict[str, str]:
        await self.repositories.fetch(self.url)
        epoch = self.repositories.epoch(self.url)
        assert epoch is not None
        return dict(epoch.refs)

    async def push_event(self, *commits: str) -> None:
        """Say that `commits` were pushed, and wait until the fetch that this asks for is over."""
        fetches = len(self.world.requests)
        assert 1 == self.repositories.pushed([self.url], commits)
        await until(lambda: len(self.world.requests) > fetches)

    @property
    def mirror(self) -> Path:
        return mirror_path(self.world.folder / "data", self.url)


@asynccontextmanager
async def served(world: World, *middleware: Middleware, users: dict[str, str] | None = None) -> AsyncIterator[Served]:
    repo = world.repo()
    repo.commit({f"apps/{number}/values.yaml": f"{number}\n" * 20 for number in range(20)})
    async with http_server(world.served, users=users, inner=middleware) as server:
        repositories = world.repositories(poll_s=3600.0)
        url = RepoUrl(f"{server.url}/shop.git")
        async with polling(repositories):
            await repositories.fetch(url)
            yield Served(repo, url, server, repositories, world)


@pytest.mark.parametrize("seed", range(6))
async def test_random_history_leaves_what_git_leaves(world: World, seed: int) -> None:
    async with served(world) as inside:
        by_git = world.repositories("other", poll_s=3600.0)
        await by_git.fetch(inside.url)
        history = RandomHistory(inside.repo, seed)
        for number in range(STEPS):
            did = [history.step() for _ in range(history.random.randrange(1, 4))]
            if number % 3 == 0:
                tip = inside.repo.git.references[f"refs/heads/{history.any_branch()}"].target
                await inside.push_event(str(tip), "0" * 40, "1" * 40)
            if number == STEPS // 2:
                for repositories in (inside.repositories, by_git):
                    with pytest.raises(RevisionNotFound):
                        repositories.resolve(inside.url, "refs/pull/1/head")
            refs = await inside.fetch()
            await by_git.fetch(inside.url)
            epoch = by_git.epoch(inside.url)
            assert epoch is not None
            assert epoch.refs == refs, did
            assert held(mirror_path(world.folder / "other", inside.url)) == held(inside.mirror), did

        assert STEPS * 0.6 <= world.quick.count("done"), Counter(world.quick)


async def test_named_commit_costs_one_trip_and_counts_for_nothing_without_a_ref(world: World) -> None:
    async with served(world) as here:
        await here.fetch()
        revision = here.repo.commit({"apps/3/values.yaml": "new\n"})
        before = len(here.server.requests)
        await here.push_event(revision)

        assert ["POST /shop.git/git-upload-pack"] * 2 == here.server.requests[before:]
        assert revision == here.repositories.resolve(here.url, "main").revision
        stray = here.repo.commit({"apps/4/values.yaml": "stray\n"}, branch="stray")
        here.repo.set_ref("refs/heads/stray", None)
        await here.push_event(stray, "f" * 40)
        assert "refs/heads/stray" not in await here.fetch()
        assert pygit2.Oid(hex=stray) not in pygit2.Repository(str(here.mirror)).odb
        assert {"done"} == set(world.quick)


async def test_nothing_new_is_one_question_and_starts_no_program(world: World) -> None:
    agents: list[str] = []

    @web.middleware
    async def listen(request: web.Request, handler: Handler) -> web.StreamResponse:
        agents.append(request.headers.get("User-Agent", ""))
        return await handler(request)

    async with served(world, listen) as here:
        await here.fetch()
        agents.clear()
        for _ in range(5):
            await here.fetch()

        assert [OURS] * 5 == agents


async def test_connections_are_kept_and_the_login_goes_when_it_is_asked_for(world: World, tmp_path: Path) -> None:
    connections: set[int] = set()
    logins: list[bool] = []

    @web.middleware
    async def listen(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("User-Agent") == OURS:
            connections.add(id(request.transport))
            logins.append("Authorization" in request.headers)
        return await handler(request)

    (tmp_path / "password").write_text("open")
    repo = world.repo()
    repo.commit({"a": "1"})
    context, ca_file = certificate(tmp_path)
    async with http_server(world.served, users={"ann": "open"}, tls=context, middleware=(listen,)) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        login = RepoCredentials(
            server.url, username="ann", password=Secret(file=tmp_path / "password"), ca_file=ca_file
        )
        repositories = world.repositories(poll_s=3600.0, credentials=(login,))
        async with polling(repositories):
            await repositories.fetch(url)
            for number in range(6):
                revision = repo.commit({"a": str(number)})
                await repositories.fetch(url)
                assert revision == repositories.resolve(url, "main").revision

    assert [False] + [True] * (len(logins) - 1) == logins
    assert 1 == len(connections)
    assert ["done"] * len(world.quick) == world.quick


Fault = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


async def dies(request: web.Request, _: Handler) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": quick_fetch.ANSWER, "Content-Length": "9000"})
    await response.prepare(request)
    await response.write(b"000dpackfile\n0400\x01PACK")
    assert request.transport is not None
    request.transport.abort()
    return response


async def is_slow(request: web.Request, _: Handler) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": quick_fetch.ANSWER})
    await response.prepare(request)
    for _second in range(100):
        await response.write(b"0")
        await asyncio.sleep(0.05)
    return response


def answers(body: bytes, *, status: int = 200, kind: str = quick_fetch.ANSWER, **headers: str) -> Fault:
    async def answer(_: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Content-Type": kind, **headers})

    return answer


FAULTS = {
    "dies in the middle": (dies, "unanswered"),
    "is slow": (is_slow, "slow"),
    "is not there": (answers(b"", status=500), "status"),
    "asks who we are": (answers(b"", status=401), "status"),
    "sends elsewhere": (answers(b"", status=302, Location="/elsewhere.git"), "status"),
    "talks of something else": (answers(b"<html>", kind="text/html"), "type"),
    "talks nonsense": (answers(b"nonsense"), "garbled"),
    "is cut off": (answers(b"000dpackfile\n"), "cut off"),
    "ends in a line": (answers(b"000dpack"), "cut off"),
    "does not want": (answers(b"0016ERR not our ref\n000"), "refused"),
    "sends no pack": (answers(b"000dpackfile\n000a\x01PACK!0000"), "pack"),
    "sends without an end": (answers(b"x" * (5 << 20)), "large"),
}


FOR_REFS = {"sends no pack": "refs", "is cut off": "refs"}


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("fault", FAULTS)
async def test_server_that_fails_us_is_left_to_git(
    world: World, fault: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails, reason = FAULTS[fault]
    failing, questions = False, 0
    monkeypatch.setattr(quick_fetch, "DEADLINE_S", 1.0)

    @web.middleware
    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal questions
        if request.headers.get("User-Agent") != OURS or request.method != "POST":
            return await handler(request)
        questions += 1  # for refs, then for a pack
        return await (fails(request, handler) if failing and questions == at else handler(request))

    async with served(world, meddle) as here:
        await here.fetch()
        failing, questions = True, 0
        revision = here.repo.commit({"apps/3/values.yaml": "new\n"})
        refs = await here.fetch()

        assert revision == refs["refs/heads/main"]
        assert (reason if at == 2 else FOR_REFS.get(fault, reason)) == world.quick[-1]
        assert [] == left_overs(here.mirror)[0]
        failing = False
        later = here.repo.commit({"apps/3/values.yaml": "newer\n"})
        assert later == (await here.fetch())["refs/heads/main"]
        assert "done" == world.quick[-1]


async def test_who_speaks_an_older_protocol_or_has_no_repository_is_left_to_git(world: World) -> None:
    old = False

    @web.middleware
    async def aged(request: web.Request, handler: Handler) -> web.StreamResponse:
        if old:
            headers = {name: value for name, value in request.headers.items() if name != "Git-Protocol"}
            return await handler(request.clone(headers=headers))
        return await handler(request)

    async with served(world, aged) as here:
        old = True
        revisions = []
        for number in range(8):
            revisions.append(here.repo.commit({"a": str(number)}))
            assert revisions[-1] == (await here.fetch())["refs/heads/main"]
        assert ["protocol"] * 4 == world.quick  # ever more seldom
        (here.repo.path / "HEAD").rename(here.repo.path / "HEAD.away")
        with pytest.raises(RepositoryUnreachable):
            await here.fetch()
        assert revisions[-1] == here.repositories.resolve(here.url, "main").revision


async def test_large_push_is_left_to_git(world: World) -> None:
    async with served(world) as here:
        revision = here.repo.commit({f"many/{number}": f"{number}" for number in range(1200)})

        assert revision == (await here.fetch())["refs/heads/main"]
        assert "large" == world.quick[-1]


async def test_mirror_in_use_by_another_git_is_left_alone(world: World) -> None:
    async with served(world) as here:
        await here.fetch()
        for name in ("gc.pid", "shallow"):
            (here.mirror / name).touch()
            revision = here.repo.commit({"a": name})
            assert revision == (await here.fetch())["refs/heads/main"]
            assert "mirror" == world.quick[-1]
            (here.mirror / name).unlink()
            await here.fetch()


async def test_locked_ref_is_left_to_git_which_says_so(world: World) -> None:
    async with served(world) as here:
        before = await here.fetch()
        lock = here.mirror / "refs/heads/main.lock"
        lock.touch()
        here.repo.commit({"a": "1"})
        with pytest.raises(RepositoryUnreachable):
            await here.fetch()
        assert "mirror" == world.quick[-1]
        lock.unlink(missing_ok=True)
        assert before != await here.fetch()
        git("fsck", "--strict", mirror=here.mirror)


async def test_many_refs_at_once_are_left_to_git(world: World) -> None:
    async with served(world) as here:
        before = await here.fetch()
        for number in range(quick_fetch.MAX_MOVED + 1):
            here.repo.set_ref(f"refs/heads/many/{number}", before["refs/heads/main"])

        assert quick_fetch.MAX_MOVED < len(await here.fetch())
        assert "large" == world.quick[-1]
