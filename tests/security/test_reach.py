"""What is not public is asked only where an operator named it: docs/security.md, "Network"."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gitopsd.errors import InvalidDeclaration, PartNotFetched, RepositoryUnreachable
from gitopsd.git.credentials import access
from gitopsd.git.pins import pinned
from gitopsd.git.repositories import Repositories
from gitopsd.git.tree import open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import (
    ChartSettings,
    DeclarationSource,
    GitSettings,
    Held,
    NetworkSettings,
    OciSettings,
    RepoCredentials,
    Settings,
)
from gitopsd.trust.credentials import CredentialStore
from gitopsd.trust.fetch import FetchFailed, HttpRequest, Why
from gitopsd.trust.http import session
from gitopsd.trust.reach import EVERYWHERE, OutOfReach, Reach, is_public, reach_of
from tests.chartserver import chart_server
from tests.git.conftest import World
from tests.gitserver import http_server
from tests.lfsserver import lfs_server

CLOSED = Reach()
METADATA = "169.254.169.254"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        METADATA,
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)
def test_an_address_that_is_not_public_is_not(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not CLOSED.allows("git.example", 443, ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "140.82.121.3", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_a_public_address_is_one(address: str) -> None:
    assert CLOSED.allows("git.example", 443, ip_address(address))


def test_what_settings_name_is_that_host_and_port_alone() -> None:
    settings = Settings(
        declarations=(DeclarationSource(repo_url="http://127.0.0.1:3000/fleet.git"),),
        charts=ChartSettings(value_files=("https://values.corp/prod",)),
        network=NetworkSettings(("10.1.0.0/16", "*.lab.corp", "192.168.7.7")),
    )
    trust = CredentialStore(GitSettings(credentials=(RepoCredentials("https://git.corp/"),)), lambda: 0.0)
    reach = reach_of(settings, trust.urls)
    inside = ip_address("10.9.9.9")

    assert reach.allows("127.0.0.1", 3000, ip_address("127.0.0.1"))
    assert not reach.allows("127.0.0.1", 6379, ip_address("127.0.0.1"))
    assert reach.allows("GIT.corp.", 443, inside)
    assert not reach.allows("git.corp", 8080, inside)
    assert reach.allows("values.corp", 443, inside)
    assert reach.allows("a.lab.corp", 1, inside)
    assert reach.allows("x", 1, ip_address("10.1.2.3"))
    assert reach.allows("x", 1, ip_address("192.168.7.7"))
    assert not reach.allows("lab.corp.evil", 1, inside)


@dataclass
class Server:
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and Authorization
    moved: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    made = Server()

    async def answer(request: web.Request) -> web.Response:
        made.asked.append((request.path, request.headers.get("Authorization", "")))
        if request.path in made.moved:
            return web.Response(status=302, headers={"Location": made.moved[request.path]})
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.url = f"http://127.0.0.1:{port}"
    try:
        yield made
    finally:
        await runner.cleanup()


def named(*urls: str) -> Reach:
    return reach_of(Settings(), lambda: urls)


async def fetched(request: HttpRequest, reach: Reach) -> bytes:
    async with session(None, request.url, deadline_s=20.0, reach=reach) as http:
        return (await http.fetch(request)).body


async def why(request: HttpRequest, reach: Reach) -> Why:
    with pytest.raises(FetchFailed) as failed:
        await fetched(request, reach)
    return failed.value.reason


async def test_an_address_or_a_name_of_one_is_not_asked_unless_it_is_named() -> None:
    async with server() as inside:
        port = inside.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            assert Why.OUT_OF_REACH is await why(HttpRequest(f"http://{host}:{port}/x", 99), CLOSED), host
        for host in ("127.1", "2130706433", "0x7f.1"):  # some of them the client takes for no URL
            assert (await why(HttpRequest(f"http://{host}:{port}/x", 99), CLOSED)) in (Why.OUT_OF_REACH, Why.NO_URL)
        assert [] == inside.asked

        assert b"hello" == await fetched(HttpRequest(f"{inside.url}/x", 99), named(inside.url))
        private = Reach(private=("127.0.0.0/8",))
        assert b"hello" == await fetched(HttpRequest(f"http://localhost:{port}/x", 99), private)


async def test_no_redirect_leads_where_the_url_itself_may_not() -> None:
    async with server() as outside, server() as inside:
        outside.moved["/x"] = f"{inside.url}/secret"

        assert Why.OUT_OF_REACH is await why(HttpRequest(f"{outside.url}/x", 99), named(outside.url))
        assert [] == inside.asked


async def test_a_redirect_keeps_to_the_allow_list_and_leaves_the_login_behind() -> None:
    login = {"Authorization": "Basic x"}
    async with server() as ours, server() as other:
        reach = named(ours.url, other.url)
        ours.moved["/x"] = f"{other.url}/y"
        assert b"hello" == await fetched(HttpRequest(f"{ours.url}/x", 99, login=login), reach)
        assert ([("/x", "Basic x")], [("/y", "")]) == (ours.asked, other.asked)

        refused = HttpRequest(f"{ours.url}/x", 99, may_go=lambda url: url.startswith(ours.url))
        assert Why.NOT_ALLOWED is await why(refused, reach)
        ours.moved["/x"] = f"{ours.url}/x"
        assert Why.MOVED_ON is await why(HttpRequest(f"{ours.url}/x", 99), reach)
        assert Why.TOO_LARGE is await why(HttpRequest(f"{other.url}/y", 3), reach)
        assert 1 == len(other.asked) - 1


async def test_a_name_is_resolved_once_for_all_of_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one whose answers change is where it was found to be."""
    answers: list[str] = []

    class Changing:
        async def resolve(self, host: str, port: int, _family: int) -> list[dict[str, Any]]:
            answers.append(host)
            found = "127.0.0.1" if len(answers) == 1 else METADATA
            return [{"hostname": host, "host": found, "port": port, "family": 2, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            """There is nothing to close."""

    monkeypatch.setattr("gitopsd.trust.reach.ThreadedResolver", Changing)
    async with server() as inside:
        url = inside.url.replace("127.0.0.1", "changes.example")
        reach = named(url)
        async with session(None, url, deadline_s=20.0, reach=reach) as http:
            for _ in range(3):
                await http.fetch(HttpRequest(f"{url}/x", 99))

    assert (["changes.example"], 3) == (answers, len(inside.asked))


async def test_git_and_ssh_are_kept_to_the_addresses_that_were_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    reach = Reach(private=("127.0.0.0/8", "::1"))
    pins = await pinned("https://LOCALHOST.:0443/x", None, reach)
    assert pins.config[0].startswith("http.curloptResolve=localhost:443:")
    with access("https://bot:pw@LOCALHOST.:0443/x", None, Path("/nowhere"), pins) as granted:
        assert ("https://localhost/x", True) == (granted.url, pins.config[0] in granted.config)

    pins = await pinned("ssh://git@localhost:2222/x", None, reach)
    with access("ssh://git@localhost:2222/x", None, Path("/nowhere"), pins) as granted:
        words = shlex.split(granted.env["GIT_SSH_COMMAND"])
    assert {"-oHostKeyAlias=[localhost]:2222", "-oCheckHostIP=no"} <= set(words)
    assert any(word in ("-oHostName=127.0.0.1", "-oHostName=::1") for word in words)

    for url in ("https://localhost/x", "ssh://git@localhost/x", "git@127.0.0.1:x", f"http://{METADATA}/latest"):
        with pytest.raises(RepositoryUnreachable):
            await pinned(url, None, CLOSED)
    behind = RepoCredentials("https://h", proxy="http://proxy.example:3128")
    assert () == (await pinned("https://inside.corp/x", behind, CLOSED)).config  # the proxy resolves it
    with pytest.raises(RepositoryUnreachable):
        await pinned(f"http://{METADATA}/x", replace(behind, url="http://h"), CLOSED)


def repositories(world: World, reach: Reach, *credentials: RepoCredentials) -> Repositories:
    settings = GitSettings(credentials=credentials)
    now_s = lambda: world.now_s  # noqa: E731 - a clock
    return Repositories(
        settings,
        data_dir=world.folder / "data",
        run_dir=world.folder / "run",
        now_s=now_s,
        trust=CredentialStore(settings, now_s, reach),
        oci=OciSettings(deadline_s=20.0),
    )


async def test_nothing_is_fetched_from_an_address_that_is_not_named(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    async with http_server(world.served) as git, server() as http:
        closed = repositories(world, CLOSED)
        for url in (
            f"{git.url}/shop.git",
            f"helm+{http.url}",
            f"file+{http.url}/values.yaml",
            f"oci://{http.url.removeprefix('http://')}/org/app",
        ):
            with pytest.raises(RepositoryUnreachable):
                await closed.want(RepoUrl(url), "web@1.0.0" if "helm" in url else "HEAD")
        assert ([], []) == (git.requests, http.asked)

        opened = repositories(world, named(git.url))
        await opened.fetch(RepoUrl(f"{git.url}/shop.git"))
        assert git.requests


async def test_no_file_of_lfs_and_no_archive_is_had_from_an_address_that_is_not_named(world: World) -> None:
    """To which a server that is named sends us."""
    repo = world.repo()
    async with (
        lfs_server(world.served, users={"bot": "pw"}) as lfs,
        chart_server(login="bot:pw") as charts,
        server() as inside,
    ):
        repo.commit({"a": lfs.keep(b"content")})
        lfs.store = inside.url
        digest = charts.add("web", "1.0.0")
        charts.add("web", "1.0.0", urls=[f"{inside.url}/web-1.0.0.tgz"], digest=digest.removeprefix("sha256:"))
        given = [RepoCredentials(each, "bot", Held(text="pw"), lfs=True) for each in (lfs.server.url, charts.url)]
        found = repositories(world, named(lfs.server.url, charts.url), *given)
        url = RepoUrl(f"{lfs.server.url}/shop.git")
        await found.fetch(url)
        tree = open_tree(found.mirror(url), found.resolve(url, "main").revision)
        with pytest.raises(PartNotFetched) as lacks:
            tree.read("a", max_bytes=99)

        with pytest.raises(RepositoryUnreachable):
            await found.parts.fetch(lacks.value, lambda _: True)
        with pytest.raises(RepositoryUnreachable):
            await found.want(RepoUrl(f"helm+{charts.url}"), "web@1.0.0")
        assert [] == inside.asked


async def test_git_asks_a_name_at_the_address_that_it_was_found_at(world: World) -> None:
    world.repo().commit({"a": "1"})
    async with http_server(world.served) as git:
        url = git.url.replace("127.0.0.1", "localhost")
        opened = repositories(world, Reach(private=("127.0.0.0/8", "::1")))
        await opened.fetch(RepoUrl(f"{url}/shop.git"))

        assert git.requests


async def test_a_local_repository_lies_where_settings_say_and_is_what_it_says(world: World) -> None:
    mine, theirs = world.folder / "mine", world.repo("theirs.git")
    theirs.commit({"a": "1"})
    mine.mkdir()
    (mine / "link.git").symlink_to(theirs.path)
    for name, target in (("linked", theirs.path), ("said", f"gitdir: {theirs.path}\n")):
        (mine / name).mkdir()
        if isinstance(target, str):
            (mine / name / ".git").write_text(target)
        else:
            (mine / name / ".git").symlink_to(target)
    own = type(theirs)(mine / "own.git")
    own.commit({"b": "1"})
    borrows = type(theirs)(mine / "borrows.git")
    borrows.commit({"b": "1"})
    (borrows.path / "objects/info").mkdir(exist_ok=True)
    (borrows.path / "objects/info/alternates").write_text(f"{theirs.path}/objects\n")
    found = repositories(world, Reach(local=(mine,)))

    for name in ("link.git", "linked", "said", "borrows.git", "../served/theirs.git"):
        with pytest.raises(InvalidDeclaration):
            await found.fetch(RepoUrl(f"file://{mine}/{name}"))
    for url in (theirs.url, str(theirs.path)):
        with pytest.raises(InvalidDeclaration, match=r"git\.local_repositories"):
            await found.fetch(RepoUrl(url))
    await found.fetch(RepoUrl(own.url))
    assert found.epoch(RepoUrl(own.url)) is not None


def test_a_person_at_the_command_line_names_every_place_himself() -> None:
    EVERYWHERE.check(f"http://{METADATA}/")
    assert EVERYWHERE.holds(Path("/srv/x"))
    with pytest.raises(OutOfReach):
        CLOSED.check(f"http://{METADATA}/")
