"""Logging in and out over gRPC, and accounts with their tokens."""

from __future__ import annotations

import grpc
import pytest

from tests.api.grpcclient import client
from tests.api.grpcworld import APP, HELD, Refused, ann, world
from tests.api.serving import serving
from tests.fakes.accounts import PASSWORD, account_world


async def test_login_and_logout() -> None:
    async with ann(world(), ("applications", "get", "*/*")) as caller:
        assert ["cart", "shop"] == [app.metadata.name for app in (await caller.ask(f"{APP}/List")).items]
        info = await caller.ask("session.SessionService/GetUserInfo")
        assert (True, "ann") == (info.loggedIn, info.username)
        await caller.ask("session.SessionService/Delete")
        assert not (await caller.ask("session.SessionService/GetUserInfo")).loggedIn
        with Refused as error:
            await caller.ask(f"{APP}/List")

    assert grpc.StatusCode.UNAUTHENTICATED == error.value.code()


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_failed_login_says_nothing_of_why(name: str) -> None:
    async with serving(world()) as api, client(api.port) as stranger:
        with Refused as error:
            await stranger.ask("session.SessionService/Create", username=name, password="wrong")  # noqa: S106

    assert (grpc.StatusCode.UNAUTHENTICATED, ["wrong"]) == (error.value.code(), api.refused)
    assert "invalid username or password; log in with another one" == error.value.details()


async def test_accounts_passwords_and_tokens() -> None:
    service = "account.AccountService"
    async with ann(world(), ("applications", "get", "*/*")) as caller:
        answers = [
            (await caller.ask(f"{service}/CanI", resource="applications", action=action, subresource="*/*")).value
            for action in ("get", "sync")
        ]
        token = (await caller.ask(f"{service}/CreateToken", name="ann", id="ci", expiresIn=3600)).token
        [account] = (await caller.ask(f"{service}/ListAccounts")).items
        assert account == await caller.ask(f"{service}/GetAccount", name="ann")
        await caller.ask(f"{service}/DeleteToken", name="ann", id="ci")
        with Refused as error:
            await caller.ask(f"{service}/UpdatePassword", currentPassword="wrong", newPassword="another one")
        await caller.ask(f"{service}/UpdatePassword", currentPassword=PASSWORD, newPassword="another one")

    assert ["yes", "no"] == answers
    assert ("ann", ["ci"], 3) == (account.name, [each.id for each in account.tokens], len(token.split(".")))
    assert grpc.StatusCode.UNAUTHENTICATED == error.value.code()


async def test_tokens_of_roles() -> None:
    service = "project.ProjectService"
    with account_world() as accounts:
        accounts.roles.add(("default", "ci"))
        async with serving(world(), accounts=accounts) as api, client(api.port, metadata=HELD) as caller:
            made = await caller.ask(f"{service}/CreateToken", project="default", role="ci", id="one")
            await caller.ask(f"{service}/DeleteToken", project="default", role="ci", id="one")
            with Refused as error:
                await caller.ask(f"{service}/CreateToken", project="default", role="other")

    assert (3, grpc.StatusCode.NOT_FOUND) == (len(made.token.split(".")), error.value.code())
