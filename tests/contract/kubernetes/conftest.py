from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from tests.clusters import Cluster, call
from tests.contract.kubernetes.api import DEADLINE_S, Api, connect
from tests.contract.kubernetes.objects import CRDS, GROUP, crd


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    """A cluster administrator's session."""
    async with connect(cluster) as session:
        yield session


@pytest.fixture(scope="session")
def widgets(cluster: Cluster) -> str:
    """The plural of a namespaced kind Widget, served at v1 (stored) and v2 while the tests run."""
    status, answer = call(cluster, "POST", CRDS, crd("widgets", "Widget", versions=("v1", "v2")))
    assert 201 == status, answer
    deadline = time.monotonic() + DEADLINE_S
    while call(cluster, "GET", f"/apis/{GROUP}/v2/widgets")[0] != 200:
        assert time.monotonic() < deadline, "the kind Widget is not served"
        time.sleep(0.05)
    return "widgets"
