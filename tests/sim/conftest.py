from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from tests import clusters
from tests.clusters import Cluster
from tests.contract.kubernetes.api import Api, connect


@pytest.fixture(scope="module")
def fast() -> Iterator[Cluster]:
    """A simulated cluster where a second is twenty."""
    with clusters.sim_cluster("fast", "--speed", "20") as cluster:
        yield cluster


@pytest.fixture
async def api(fast: Cluster) -> AsyncIterator[Api]:
    """Its administrator's session."""
    async with connect(fast) as session:
        yield session


@pytest.fixture
async def space(api: Api) -> str:
    """A fresh namespace in it."""
    name = f"space-{secrets.token_hex(4)}"
    (await api.post("/api/v1/namespaces", {"metadata": {"name": name}})).ok()
    return name
