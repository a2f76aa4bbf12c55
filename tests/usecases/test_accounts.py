"""Accounts: who sees them, who changes passwords, who makes and deletes tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsd.errors import BadRequest, Conflict, GitopsError, NotAuthenticated, NotFound, NotPermitted
from gitopsd.model.account import Account, AccountRules
from gitopsd.model.caller import Caller, SignIn
from gitopsd.usecases.api_tokens import MOST_TOKENS
from tests.fakes.accounts import BOTH, PASSWORD, AccountWorld, account_world
from tests.fakes.backend import FakeBackend
from tests.usecases.asking import ANN, OPERATOR, uses_of

NEW = "another password"
BY_TOKEN = Caller("ann", (), "", SignIn.API_TOKEN)
STRANGER = Caller("bob", (), "", SignIn.SESSION)
MAY_UPDATE = ("bob", "accounts", "update", "ann")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AccountWorld]:
    with account_world(tmp_path) as found:
        found.rules = AccountRules({name: Account(name, capabilities=BOTH) for name in ("admin", "ann", "bob")})
        yield found


def test_everybody_sees_the_own_account_and_what_the_policy_gives(world: AccountWorld) -> None:
    accounts = uses_of(FakeBackend(), ("bob", "accounts", "get", "*"), accounts=world).accounts

    assert ["ann"] == [view.account.name for view in accounts.list(ANN)]
    assert ["admin", "ann", "bob"] == [view.account.name for view in accounts.list(STRANGER)]
    assert "ann" == accounts.get(ANN, "ann").account.name
    for name in ("bob", "nobody"):  # case 49
        with pytest.raises(NotPermitted, match=f"permission denied: accounts, get, {name}, sub: ann"):
            accounts.get(ANN, name)
    with pytest.raises(NotFound):
        accounts.get(STRANGER, "nobody")


async def test_a_password_is_changed_by_who_knows_it(world: AccountWorld) -> None:
    await world.put_password("ann")
    backend = FakeBackend()
    accounts = uses_of(backend, accounts=world).accounts
    old = await accounts.login("ann", PASSWORD, "")
    world.now_s += 1
    with pytest.raises(NotAuthenticated):
        await accounts.update_password(ANN, "", NEW, NEW)
    await accounts.update_password(ANN, "", PASSWORD, NEW)

    assert accounts.sessions.caller(old, "") is None
    assert accounts.sessions.caller(await accounts.login("ann", NEW, ""), "")
    with pytest.raises(NotAuthenticated):
        await accounts.login("ann", PASSWORD, "")
    assert ["login", "update-password", "login"] == [entry.what for entry in backend.audit_log]


async def test_the_static_token_sets_passwords_without_one(world: AccountWorld) -> None:
    accounts = uses_of(FakeBackend(), accounts=world).accounts
    await accounts.update_password(OPERATOR, "bob", "", NEW)

    assert await accounts.login("bob", NEW, "")


@pytest.mark.parametrize(
    ("caller", "name", "kind"),
    [(STRANGER, "ann", NotPermitted), (STRANGER, "nobody", NotPermitted), (BY_TOKEN, "ann", NotPermitted)],
)
async def test_nobody_else_changes_a_password(
    world: AccountWorld, caller: Caller, name: str, kind: type[GitopsError]
) -> None:
    await world.put_password("ann", "bob")
    accounts = uses_of(FakeBackend(), accounts=world).accounts
    with pytest.raises(kind):
        await accounts.update_password(caller, name, PASSWORD, NEW)

    assert await accounts.login("ann", PASSWORD, "")


@pytest.mark.parametrize("password", ["", "short", "x" * 33, "x" * 100_000])
async def test_a_password_that_is_not_as_the_rules_have_it_is_refused(world: AccountWorld, password: str) -> None:
    with pytest.raises(BadRequest):
        await uses_of(FakeBackend(), accounts=world).accounts.update_password(OPERATOR, "ann", "", password)

    assert world.store.password("ann") is None


def test_tokens_are_made_listed_and_deleted(world: AccountWorld) -> None:
    backend = FakeBackend()
    accounts = uses_of(backend, accounts=world).accounts
    token = accounts.create_token(ANN, "ann", "ci", 60.0)
    caller = accounts.sessions.caller(token, "")

    assert BY_TOKEN == caller
    assert ["ci"] == [each.id for each in accounts.get(ANN, "ann").tokens]
    with pytest.raises(Conflict):
        accounts.create_token(ANN, "ann", "ci", 60.0)
    accounts.delete_token(ANN, "ann", "ci")
    assert accounts.sessions.caller(token, "") is None
    with pytest.raises(NotFound):
        accounts.delete_token(ANN, "ann", "ci")
    assert [("delete-token", "ann ci"), ("create-token", "ann ci")] == [
        (entry.what, entry.detail) for entry in backend.audit_log
    ]


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_nobody_else_makes_or_deletes_tokens(world: AccountWorld, name: str) -> None:
    accounts = uses_of(FakeBackend(), accounts=world).accounts
    for caller in (STRANGER, Caller("", (), "", SignIn.ANONYMOUS), BY_TOKEN):  # a token makes no others
        with pytest.raises(NotPermitted):
            accounts.create_token(caller, name, "", 0)
        with pytest.raises(NotPermitted):
            accounts.delete_token(caller, name, "ci")


def test_whoever_may_update_an_account_makes_its_tokens(world: AccountWorld) -> None:
    accounts = uses_of(FakeBackend(), MAY_UPDATE, accounts=world).accounts
    accounts.create_token(STRANGER, "ann", "ci", 0)
    with pytest.raises(NotFound):  # one of another account
        accounts.delete_token(STRANGER, "ann", "nothing")

    accounts.delete_token(STRANGER, "ann", "ci")
    assert () == tuple(world.store.tokens("ann"))


@pytest.mark.parametrize(("token_id", "expires_s"), [("a b", 0), ("x" * 65, 0), ("../x", 0), ("", -1), ("", 1e12)])
def test_token_out_of_bounds_is_refused(world: AccountWorld, token_id: str, expires_s: float) -> None:
    with pytest.raises(BadRequest):
        uses_of(FakeBackend(), accounts=world).accounts.create_token(ANN, "ann", token_id, expires_s)


def test_account_has_a_bounded_number_of_tokens(world: AccountWorld) -> None:
    accounts = uses_of(FakeBackend(), accounts=world).accounts
    for _ in range(MOST_TOKENS):
        accounts.create_token(ANN, "ann", "", 0)
    with pytest.raises(Conflict):
        accounts.create_token(ANN, "ann", "", 0)


def test_account_without_the_capability_has_no_tokens(world: AccountWorld) -> None:
    world.rules = AccountRules({"ann": Account("ann")})
    with pytest.raises(BadRequest):
        uses_of(FakeBackend(), accounts=world).accounts.create_token(ANN, "ann", "", 0)


def test_can_i_is_what_the_policy_says(world: AccountWorld) -> None:
    accounts = uses_of(FakeBackend(), ("ann", "applications", "sync", "retail/*"), accounts=world).accounts

    assert accounts.can_i(ANN, "applications", "sync", "retail/shop")
    assert not accounts.can_i(ANN, "applications", "sync", "money/bank")
    assert accounts.can_i(OPERATOR, "clusters", "delete", "*")
    with pytest.raises(BadRequest):
        accounts.can_i(ANN, "everything", "sync", "*")


@pytest.mark.parametrize("project", ["retail", "nobody"])
def test_tokens_of_roles_are_for_who_may_update_the_project(world: AccountWorld, project: str) -> None:
    uses = uses_of(FakeBackend(), ("bob", "projects", "update", "retail"), accounts=world)
    with pytest.raises(NotPermitted, match=f"permission denied: projects, update, {project}, sub: ann"):
        uses.role_tokens.create(ANN, project, "ci", "", 0)
    with pytest.raises(NotPermitted):
        uses.role_tokens.delete(ANN, project, "ci", "t1")
    with pytest.raises(NotFound):  # the project has no such role
        uses.role_tokens.create(STRANGER, "retail", "ci", "", 0)


def test_tokens_of_roles_are_made_and_deleted(world: AccountWorld) -> None:
    world.roles = {("retail", "ci")}
    uses = uses_of(FakeBackend(), ("bob", "projects", "update", "retail"), accounts=world)
    one, other = (uses.role_tokens.create(STRANGER, "retail", "ci", token_id, 0) for token_id in ("t1", "t2"))
    uses.role_tokens.delete(STRANGER, "retail", "ci", "t1")

    assert uses.accounts.sessions.caller(one, "") is None
    assert uses.accounts.sessions.caller(other, "")
    uses.role_tokens.delete(STRANGER, "retail", "ci", str(int(world.now_s)))  # by its time, as Argo CD names it
    assert uses.accounts.sessions.caller(other, "") is None
