"""Sessions, API tokens, and what ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsd.core.accounts.throttle import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, WINDOW_S
from gitopsd.errors import NotAuthenticated, Overloaded
from gitopsd.model.account import Account, AccountRules, Capability
from gitopsd.model.caller import Caller, SignIn
from gitopsd.trust.session_tokens import SessionClaims, SessionTokens
from gitopsd.usecases.api_tokens import new_token
from gitopsd.usecases.authentication import StaticToken
from gitopsd.usecases.sessions import Sessions
from tests.fakes.accounts import PASSWORD, AccountWorld, account_world

HOME = "192.0.2.1"
WRONG = "another password"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AccountWorld]:
    with account_world(tmp_path) as found:
        yield found


def sessions_of(world: AccountWorld) -> Sessions:
    return Sessions(world.base, StaticToken(lambda: "static"))


async def refused(sessions: Sessions, name: str, password: str = WRONG, address: str = HOME) -> tuple[type, str]:
    with pytest.raises((NotAuthenticated, Overloaded)) as raised:
        await sessions.login(name, password, address)
    return type(raised.value), raised.value.what


async def test_whoever_logs_in_is_who_it_is(world: AccountWorld) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    token = await sessions.login("ann", PASSWORD, HOME)

    assert Caller("ann", (), HOME, SignIn.SESSION) == sessions.caller(token, HOME)


async def test_a_session_ends_after_its_time(world: AccountWorld) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    token = await sessions.login("ann", PASSWORD, HOME)
    world.now_s += world.rules.session_s - 1
    assert sessions.caller(token, HOME)
    world.now_s += 1
    assert sessions.caller(token, HOME) is None


async def test_case_41_logging_out_ends_the_session_also_after_a_restart(world: AccountWorld, tmp_path: Path) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    one, other = await sessions.login("ann", PASSWORD, HOME), await sessions.login("ann", PASSWORD, HOME)
    sessions.logout(one)
    sessions.logout("no.such.token")

    assert sessions.caller(one, HOME) is None
    assert sessions.caller(other, HOME)
    world.store._database.close()  # noqa: SLF001 - a restart
    with account_world(tmp_path) as again:
        assert sessions_of(again).caller(one, HOME) is None
        assert sessions_of(again).caller(other, HOME)


@pytest.mark.parametrize("change", ["disabled", "gone", "no login", "new password"])
async def test_what_takes_an_account_its_login_ends_its_sessions(world: AccountWorld, change: str) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    token = await sessions.login("ann", PASSWORD, HOME)
    world.now_s += 1
    match change:
        case "disabled":
            world.rules = AccountRules({"ann": Account("ann", enabled=False)})
        case "gone":
            world.rules = AccountRules({})
        case "no login":
            world.rules = AccountRules({"ann": Account("ann", capabilities=frozenset({Capability.API_KEY}))})
        case _:
            await world.put_password("ann")

    assert sessions.caller(token, HOME) is None


@pytest.mark.parametrize("change", ["disabled", "no apiKey", "deleted", "over", "of a role that is gone"])
async def test_what_takes_an_account_its_tokens_takes_them_at_once(world: AccountWorld, change: str) -> None:
    sessions = sessions_of(world)
    _, token = new_token(world.base, "ann", "ann:apiKey", "t1", 60.0)
    assert Caller("ann", (), HOME, SignIn.API_TOKEN) == sessions.caller(token, HOME)
    match change:
        case "disabled":
            world.rules = AccountRules({"ann": Account("ann", enabled=False, capabilities=frozenset(Capability))})
        case "no apiKey":
            world.rules = AccountRules({"ann": Account("ann")})
        case "deleted":
            world.store.delete_token("t1")
        case "over":
            world.now_s += 60.0
        case _:
            _, token = new_token(world.base, "proj:retail:ci", "proj:retail:ci", "t2", 0.0)

    assert sessions.caller(token, HOME) is None


def test_a_role_has_tokens_while_its_project_has_it(world: AccountWorld) -> None:
    world.roles = {("retail", "ci")}
    sessions = sessions_of(world)
    _, token = new_token(world.base, "proj:retail:ci", "proj:retail:ci", "", 0.0)

    assert Caller("proj:retail:ci", (), HOME, SignIn.API_TOKEN) == sessions.caller(token, HOME)
    world.roles.clear()
    assert sessions.caller(token, HOME) is None


def test_last_use_of_a_token_is_kept_to_the_minute(world: AccountWorld) -> None:
    sessions, began_s = sessions_of(world), world.now_s
    _, token = new_token(world.base, "ann", "ann:apiKey", "t1", 0.0)
    for after_s in (0, 59, 61):
        world.now_s = began_s + after_s
        sessions.caller(token, HOME)
        kept = world.store.token("t1")
        assert began_s + (61 if after_s == 61 else 0) == (kept and kept.used_s)


async def test_case_43_whatever_is_wrong_gets_one_answer(world: AccountWorld) -> None:
    await world.put_password("ann")
    world.rules = AccountRules({**world.rules.accounts, "off": Account("off", enabled=False)})
    await world.put_password("off")
    sessions = sessions_of(world)
    answers = {
        await refused(sessions, "ann"),
        await refused(sessions, "nobody"),
        await refused(sessions, "nobody", PASSWORD),
        await refused(sessions, "off", PASSWORD),
        await refused(sessions, "admin", ""),
        await refused(sessions, "ann", PASSWORD + "x" * 10_000),
    }

    assert {(NotAuthenticated, "invalid username or password")} == answers


async def test_case_40_guesses_at_one_account_are_stopped_from_wherever_they_come(world: AccountWorld) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    for number in range(MOST_OF_ACCOUNT):
        assert NotAuthenticated is (await refused(sessions, "ann", address=f"192.0.2.{number}"))[0]

    assert Overloaded is (await refused(sessions, "ann", PASSWORD, "198.51.100.1"))[0]
    world.now_s += WINDOW_S
    assert await sessions.login("ann", PASSWORD, "198.51.100.1")


async def test_case_40_guesses_of_one_address_are_stopped_whatever_names_they_try(world: AccountWorld) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    for number in range(MOST_OF_ADDRESS):
        await refused(sessions, f"name-{number}")
        if number == MOST_OF_ADDRESS // 2:
            await sessions.login("ann", PASSWORD, HOME)  # an account of one's own opens no more guesses

    assert Overloaded is (await refused(sessions, "ann", PASSWORD))[0]
    assert await sessions.login("ann", PASSWORD, "198.51.100.1")


async def test_case_43_guesses_at_a_name_are_stopped_whether_it_is_an_account_or_not(world: AccountWorld) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    for name in ("ann", "nobody"):
        for number in range(MOST_OF_ACCOUNT):
            await refused(sessions, name, address=f"10.{number}.0.1")

    assert await refused(sessions, "ann", address="198.51.100.1") == await refused(
        sessions, "nobody", address="198.51.100.1"
    )


async def test_case_40_counts_outlast_a_restart_and_guesses_at_once_are_counted(
    world: AccountWorld, tmp_path: Path
) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    async with asyncio.TaskGroup() as group:
        for number in range(MOST_OF_ACCOUNT):
            group.create_task(refused(sessions, "ann", address=f"10.{number}.0.1"))
    world.store._database.close()  # noqa: SLF001 - a restart
    with account_world(tmp_path) as again:
        assert Overloaded is (await refused(sessions_of(again), "ann", PASSWORD, "198.51.100.1"))[0]


async def test_a_login_that_succeeds_forgets_the_failures_of_its_account(world: AccountWorld) -> None:
    await world.put_password("ann")
    sessions = sessions_of(world)
    for number in range(3 * MOST_OF_ACCOUNT):
        if number % 5 == 4:
            await sessions.login("ann", PASSWORD, f"10.{number}.0.1")
        else:
            await refused(sessions, "ann", address=f"10.{number}.0.1")


@pytest.mark.parametrize("token", ["", "wrong", "a.b.c", "Bearer", "é\ud800", "x" * 100_000])
def test_case_37_nobody_is_somebody_by_a_wrong_token_also_where_anonymous_access_is_on(
    world: AccountWorld, token: str
) -> None:
    assert sessions_of(world).caller(token, HOME) is None
    world.rules = replace(world.rules, anonymous=True)
    anonymous = Caller("", (), HOME, SignIn.ANONYMOUS)

    assert (anonymous if token == "" else None) == sessions_of(world).caller(token, HOME)
    assert () == anonymous.subjects


async def test_case_41_a_session_without_an_end_is_none(world: AccountWorld) -> None:
    await world.put_password("ann")
    tokens = world.base.tokens
    endless = tokens.sign(SessionClaims("s1", "ann:login", world.now_s, None))
    early = tokens.sign(SessionClaims("s2", "ann:login", world.now_s + 3600, world.now_s + 7200))
    right = tokens.sign(SessionClaims("s3", "ann:login", world.now_s, world.now_s + 60))

    assert [None, None, "ann"] == [
        caller and caller.account
        for token in (endless, early, right)
        for caller in [sessions_of(world).caller(token, HOME)]
    ]


@pytest.mark.parametrize("subject", ["ann", "ann:", ":login", "ann:admin", "login", "proj:", "proj:a:b:login", ""])
def test_a_subject_that_is_nobodys_is_nobody(world: AccountWorld, subject: str) -> None:
    token = world.base.tokens.sign(SessionClaims("s1", subject, world.now_s, world.now_s + 60))

    assert sessions_of(world).caller(token, HOME) is None


def test_another_key_signs_for_nobody(world: AccountWorld) -> None:
    stranger = SessionTokens("c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vyc3RyYW5nZXI=")
    token = stranger.sign(SessionClaims("s1", "admin:login", world.now_s, world.now_s + 60))

    assert sessions_of(world).caller(token, HOME) is None
