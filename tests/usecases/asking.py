"""Use cases over a daemon in memory, asked by somebody whose rights the test lists."""

from __future__ import annotations

from typing import cast

from gitopsd.model.caller import Caller, SignIn
from gitopsd.store.accounts import AccountsPart
from gitopsd.store.database import Database
from gitopsd.usecases.authentication import StaticToken
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.sessions import Sessions
from gitopsd.usecases.watching import ChangeFeed
from gitopsd.usecases.wiring import UseCases, UseCaseWiring, use_cases
from tests.fakes.accounts import AccountWorld
from tests.fakes.backend import FakeBackend
from tests.fakes.rights import ListedRights

NOW_S = 1_800_000_000.0
ANN = Caller("ann", ("team-retail",), "192.0.2.1", SignIn.SESSION)
OPERATOR = Caller("admin")
TOKEN = "a-token-for-tests"  # noqa: S105 - guards nothing


def uses_of(
    backend: FakeBackend,
    *rules: tuple[str, str, str, str],
    changes: ChangeFeed | None = None,
    accounts: AccountWorld | None = None,
) -> UseCases:
    """Return the use cases of `backend` under a policy of `rules`; who logs in is of `accounts`."""
    world = accounts or AccountWorld(AccountsPart(cast(Database, None)))  # nothing is written
    sessions = Sessions(world.base, StaticToken(lambda: TOKEN))
    return use_cases(
        UseCaseWiring(backend, Rights(ListedRights(*rules)), sessions, changes or ChangeFeed(), lambda: NOW_S)
    )
