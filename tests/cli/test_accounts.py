"""Logging in, contexts and accounts, as a user types them, against the daemon's own API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gitopsd.cli.main import main
from tests.api.serving import Api, serving
from tests.cli.conftest import Ran
from tests.fakes.accounts import PASSWORD, AccountWorld, account_world
from tests.fakes.backend import FakeBackend, app_view
from tests.fakes.rights import ListedRights

RETAIL = ("ann", "applications", "get", "retail/*")
NEW = "another password"
Typed = Callable[..., Awaitable[Ran]]


@pytest.fixture
def world() -> Iterator[AccountWorld]:
    with account_world() as found:
        yield found


@pytest.fixture
async def api(world: AccountWorld) -> AsyncIterator[Api]:
    await world.put_password("ann")
    backend = FakeBackend(app_view("shop", project="retail"), app_view("bank", project="money"))
    async with serving(backend, accounts=world, policy=ListedRights(RETAIL)) as found:
        yield found


@pytest.fixture(autouse=True)
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GITOPSD_CONTEXTS", str(tmp_path / "home" / "contexts.json"))
    monkeypatch.setenv("GITOPSD_PASSWORD", PASSWORD)
    for name in ("GITOPSD_SERVER", "GITOPSD_AUTH_TOKEN", "GITOPSD_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home" / "contexts.json"


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    async def go(*arguments: str) -> Ran:
        code = await asyncio.to_thread(main, arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return go


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def text_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def test_from_login_to_logout(typed: Typed, api: Api, contexts: Path) -> None:
    assert 0 == (await typed("login", api.url, "--username", "ann", "--name", "here")).code
    assert (0o600, 0o700) == (mode(contexts), mode(contexts.parent))
    listed = await typed("app", "list", "-o", "json")
    assert ["shop"] == [item["metadata"]["name"] for item in json.loads(listed.out)["items"]]
    assert "ann" in (await typed("account", "get-user-info")).out
    row = (await typed("context")).out.splitlines()[1]
    assert ["*", "here", api.url, "ann", "yes"] == row.split("\t")
    token = json.loads(text_of(contexts))["contexts"]["here"]["token"]

    assert 0 == (await typed("logout")).code
    assert token not in text_of(contexts)
    assert 5 == (await typed("app", "list")).code
    status, answer = await api.status("GET", "/api/v1/account", headers={"Authorization": f"Bearer {token}"})
    assert (401, 16) == (status, answer["code"])


async def test_wrong_password_makes_no_context(typed: Typed, api: Api, contexts: Path) -> None:
    ran = await typed("login", api.url, "--username", "ann", "--password", "wrong")

    assert (5, True) == (ran.code, "invalid username or password" in ran.err)
    assert "" == text_of(contexts)


async def test_token_of_a_context_goes_to_its_server_alone(typed: Typed, api: Api) -> None:
    await typed("login", api.url, "--username", "ann", "--name", "here")
    async with serving(FakeBackend()) as other:
        await typed("app", "list", "--server", other.url)
        assert ["none"] == other.refused
        await typed("login", api.url, "--username", "ann", "--name", "again")
        assert 0 == (await typed("app", "list", "--context", "here")).code
        assert 4 == (await typed("app", "list", "--context", "nowhere")).code


async def test_contexts_are_chosen_and_forgotten(typed: Typed, api: Api) -> None:
    for name in ("one", "two"):
        await typed("login", api.url, "--username", "ann", "--name", name)
    assert 0 == (await typed("context", "one")).code
    rows = [line.split("\t")[:2] for line in (await typed("context")).out.splitlines()[1:]]
    assert [["*", "one"], ["", "two"]] == rows
    assert 0 == (await typed("context", "one", "--delete")).code
    assert 4 == (await typed("context", "one")).code
    assert 4 == (await typed("logout")).code
    assert 0 == (await typed("logout", "two")).code


async def test_tokens_are_made_listed_and_deleted(typed: Typed, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await typed("login", api.url, "--username", "ann")
    token = (await typed("account", "generate-token", "--id", "ci", "--expires-in", "720h")).out.strip()
    shown = json.loads((await typed("account", "get", "ann", "-o", "json")).out)
    made = shown["tokens"][0]
    assert ("ci", 720 * 3600) == (made["id"], made["expiresAt"] - made["issuedAt"])
    assert "ci" in (await typed("account", "get", "ann")).out
    assert ["ann", "true", "apiKey, login", "1"] == (await typed("account", "list")).out.splitlines()[1].split("\t")
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", token)
    assert 0 == (await typed("app", "get", "shop")).code
    monkeypatch.delenv("GITOPSD_AUTH_TOKEN")
    assert 0 == (await typed("account", "delete-token", "ci")).code
    assert 4 == (await typed("account", "delete-token", "ci")).code
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", token)
    assert 5 == (await typed("app", "get", "shop")).code
    assert 2 == (await typed("account", "generate-token", "--expires-in", "a month")).code


async def test_password_is_changed(
    typed: Typed, api: Api, world: AccountWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await typed("login", api.url, "--username", "ann")
    world.now_s += 1
    ran = await typed("account", "update-password", "--current-password", PASSWORD, "--new-password", NEW)

    assert 0 == ran.code, ran.err
    assert 5 == (await typed("app", "list")).code
    assert 5 == (await typed("login", api.url, "--username", "ann")).code
    monkeypatch.setenv("GITOPSD_PASSWORD", NEW)
    assert 0 == (await typed("login", api.url, "--username", "ann")).code


async def test_can_i_answers_by_its_exit_code(typed: Typed, api: Api) -> None:
    await typed("login", api.url, "--username", "ann")

    for action, expected in (("get", (0, "yes\n")), ("sync", (1, "no\n"))):
        ran = await typed("account", "can-i", action, "applications", "retail/shop")
        assert expected == (ran.code, ran.out)
    assert 5 == (await typed("account", "can-i", "get", "everything")).code


@pytest.mark.parametrize("text", ["{", "[]", '{"current": 1}', '{"current": "", "contexts": {"a": {"server": 1}}}'])
def test_broken_contexts_are_the_users_error(contexts: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    contexts.parent.mkdir()
    contexts.write_text(text)

    assert 2 == main(("app", "list"))
    assert "contexts.json cannot be read" in capsys.readouterr().err
