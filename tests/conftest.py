"""Fixtures that more than one folder uses: clusters, real and simulated, and namespaces in them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from hypothesis import settings

from tests import clusters
from tests.clusters import Cluster

CONTROL_PLANE = clusters.find_control_plane()
KINDS_OF_CLUSTER = ["real", "sim"] if CONTROL_PLANE else ["sim"]


def pytest_configure() -> None:
    """Have no event loop outside of tests, and no bound on the time of one example of a property.

    looptime asks for a loop before each test, and would be given one that nobody closes. A busy machine takes 200 ms,
    what an example may take by default, for nothing.
    """
    asyncio.set_event_loop(None)
    settings.register_profile("gitopsd", deadline=None)
    settings.load_profile("gitopsd")


def pytest_report_header() -> str:
    """Say in one line which API servers this run has."""
    real = f"real kube-apiserver {CONTROL_PLANE.version()}" if CONTROL_PLANE else "no real kube-apiserver here"
    return f"clusters: {real}"


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Put the ways of logging back that a test sets up in its own process."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.is_configured()
    yield
    if structlog.is_configured() and not configured:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def real_cluster() -> Iterator[Cluster]:
    """A real control plane; only for tests that `cluster` sends here, or that are skipped without one."""
    if CONTROL_PLANE is None:
        pytest.skip("no kube-apiserver and etcd in $KUBEBUILDER_ASSETS")
    with clusters.real_cluster(CONTROL_PLANE) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sim_cluster() -> Iterator[Cluster]:
    """One simulated cluster for all tests."""
    with clusters.sim_cluster("sim", "--speed", "5") as cluster:
        yield cluster


@pytest.fixture
def new_clusters() -> Iterator[Callable[..., list[Cluster]]]:
    """A factory of fresh simulated clusters: `new_clusters(3, "--speed", "10")`; they end with the test."""
    with ExitStack() as stack:
        count = itertools.count(1)

        def start(wanted: int = 1, *options: str) -> list[Cluster]:
            names = [f"sim-{next(count)}" for _ in range(wanted)]
            return [stack.enter_context(clusters.sim_cluster(name, *options)) for name in names]

        yield start


@pytest.fixture(scope="session", params=KINDS_OF_CLUSTER)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each API server in turn: the real one where it is at hand, and the simulated one."""
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace in `cluster`; its deletion is begun, not awaited, when the test ends."""
    name = f"test-{secrets.token_hex(4)}"
    status, answer = clusters.call(cluster, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert 201 == status, answer
    yield name
    clusters.call(cluster, "DELETE", f"/api/v1/namespaces/{name}")
