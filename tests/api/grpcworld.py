"""A daemon in memory behind gRPC, asked by somebody whose rights the test lists."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from grpc import aio

from gitopsd.model.cluster import WatchAge
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.health import HealthStatus
from gitopsd.model.ids import ClusterId
from gitopsd.usecases.backend import ClusterState, RepositoryState
from tests.api.grpcclient import GrpcClient, client
from tests.api.serving import NOW_S, TOKEN, serving
from tests.fakes.accounts import PASSWORD, account_world
from tests.fakes.backend import REPO, FakeBackend, app_view
from tests.fakes.rights import ListedRights

APP = "application.ApplicationService"
HELD = {"token": TOKEN}
Refused = pytest.raises(aio.AioRpcError)


@contextlib.asynccontextmanager
async def ann(backend: FakeBackend, *rules: tuple[str, str, str]) -> AsyncIterator[GrpcClient]:
    """Give a client that has logged in as Ann, who may do what the rules say."""
    with account_world() as accounts:
        await accounts.put_password("ann")
        policy = ListedRights(*(("ann", *rule) for rule in rules))
        async with serving(backend, accounts=accounts, policy=policy) as api:
            async with client(api.port) as stranger:
                session = await stranger.ask("session.SessionService/Create", username="ann", password=PASSWORD)
            async with client(api.port, metadata={"token": session.token}) as caller:
                yield caller


def world() -> FakeBackend:
    backend = FakeBackend(
        app_view("shop", labels={"team": "a"}, sync=SyncStatus.OUT_OF_SYNC, health=HealthStatus.DEGRADED),
        app_view("cart", project="retail"),
    )
    backend.cluster_states = [
        ClusterState(
            ClusterId("c1"), "https://c1.example", version="1.36", age=WatchAge(synced=True, oldest_s=1.0, failing=())
        )
    ]
    backend.repository_states = [RepositoryState(REPO, fetched_s=NOW_S)]
    return backend
