"""Sessions are kept for who may have them, and for as long as they may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitopsd.settings import RepoCredentials
from gitopsd.trust import kept
from gitopsd.trust.fetch import FetchFailed, HttpRequest, HttpSession, Why
from gitopsd.trust.kept import KeptSessions
from gitopsd.trust.reach import Reach
from tests.gitserver import Repo, http_server


async def test_one_session_for_a_server_and_its_certificates(tmp_path: Path) -> None:
    url = "https://git.example/a.git"
    (tmp_path / "ca.pem").touch()
    sessions, login = KeptSessions(), RepoCredentials("https://git.example/", username="ann")
    reach = Reach(everywhere=True)

    async def used(credentials: RepoCredentials | None = None, at: str = url) -> HttpSession:
        async with sessions.use(credentials, at, deadline_s=5.0, reach=reach) as http:
            return http

    first = await used()
    same = [await used(login), await used(at="https://git.example/b.git"), await used(replace(login, username="bob"))]
    others = [
        await used(at="https://git.example:444/a.git"),
        await used(at="http://git.example/a.git"),
        await used(replace(login, insecure=True)),
        await used(replace(login, proxy="http://proxy.example")),
    ]

    assert all(session is first for session in same)
    assert len(others) + 1 == len({id(session) for session in (first, *others)})
    async with sessions.use(login, url, deadline_s=5.0, reach=reach):
        await sessions.close()
        assert not first.http.closed  # as long as somebody uses it
    assert all(session.http.closed for session in (first, *others))


async def test_no_more_than_a_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    sessions, opened = KeptSessions(), list[HttpSession]()
    for host in "abac":
        async with sessions.use(None, f"http://{host}.example/", deadline_s=5.0, reach=Reach(everywhere=True)) as http:
            opened.append(http)

    assert [False, True, False, False] == [session.http.closed for session in opened]
    await sessions.close()


async def test_address_that_may_no_more_be_asked_is_not_asked(tmp_path: Path) -> None:
    named = {("localhost", "")}
    reach = Reach(named=lambda: named)
    Repo(tmp_path / "shop.git").commit({"a": "1"})
    async with http_server(tmp_path) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        named = {("localhost", url.rpartition(":")[2])}
        sessions = KeptSessions()

        async def ask() -> int:
            async with sessions.use(None, url, deadline_s=5.0, reach=reach) as http:
                return (await http.fetch(HttpRequest(f"{url}/shop.git/HEAD", 100))).status

        assert 200 == await ask()
        named = set()
        with pytest.raises(FetchFailed) as failed:
            await ask()
        await sessions.close()

    assert Why.OUT_OF_REACH is failed.value.reason
