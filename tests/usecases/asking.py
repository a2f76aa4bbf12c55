"""Use cases over a daemon in memory, asked by somebody whose rights the test lists."""

from __future__ import annotations

from gitopsd.model.caller import Caller, SignIn
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.watching import ChangeFeed
from gitopsd.usecases.wiring import UseCases, use_cases
from tests.fakes.backend import FakeBackend
from tests.fakes.rights import ListedRights

NOW_S = 1_800_000_000.0
ANN = Caller("ann", ("team-retail",), "192.0.2.1", SignIn.SESSION)
OPERATOR = Caller("admin")


def uses_of(backend: FakeBackend, *rules: tuple[str, str, str, str], changes: ChangeFeed | None = None) -> UseCases:
    """Return the use cases of `backend` under a policy of `rules`."""
    return use_cases(backend, Rights(ListedRights(*rules)), changes or ChangeFeed(), lambda: NOW_S)
