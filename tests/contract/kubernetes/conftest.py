from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests import clusters
from tests.clusters import Cluster, call
from tests.contract.kubernetes.api import DEADLINE_S, Api, connect
from tests.contract.kubernetes.objects import CRDS, GROUP, crd
from tests.contract.kubernetes.twins import Twins, twins


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    """A cluster administrator's session."""
    async with connect(cluster) as session:
        yield session


@pytest.fixture(scope="module")
def stores() -> Iterator[tuple[Cluster, Cluster]]:
    """A real and a simulated API server without controllers: what they answer follows from the requests alone."""
    binaries = clusters.find_control_plane()
    if binaries is None:
        pytest.skip("no kube-apiserver to compare with")
    with (
        clusters.real_cluster(binaries, controllers=False) as real,
        clusters.sim_cluster("sim", "--no-controllers") as sim,
    ):
        yield real, sim


@pytest.fixture
async def both(stores: tuple[Cluster, Cluster]) -> AsyncIterator[Twins]:
    """A session with each of `stores`."""
    async with twins(*stores) as sessions:
        yield sessions


@pytest.fixture(scope="session")
def widgets(cluster: Cluster) -> str:
    """The plural of a namespaced kind Widget, served at v1 (stored) and v2 while the tests run."""
    serve_widgets(cluster)
    return "widgets"


def serve_widgets(cluster: Cluster) -> None:
    """Define the kind Widget, and wait until it is served."""
    status, answer = call(cluster, "POST", CRDS, crd("widgets", "Widget", versions=("v1", "v2")))
    assert 201 == status, answer
    deadline = time.monotonic() + DEADLINE_S
    while call(cluster, "GET", f"/apis/{GROUP}/v2/widgets")[0] != 200:
        assert time.monotonic() < deadline, "the kind Widget is not served"
        time.sleep(0.05)
