"""One daemon for most tests, and daemons of their own for those that stop, starve or reconfigure it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import clusters
from tests.clusters import Cluster
from tests.e2e.daemon import Json, Process, settings
from tests.e2e.githost import GitHost, git_host
from tests.e2e.world import FLEET, HERE, THERE, World, world
from tests.gitserver import Repo

# What has nothing to do with the API server is shown once, on the one that every machine has.
ONCE = pytest.mark.parametrize("cluster", ["sim"], indirect=True)
Own = Callable[..., AbstractAsyncContextManager[World]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a daemon of a test's own is to be."""

    changes: Mapping[str, Any] = field(default_factory=dict)  # of settings, section by section
    clusters: Mapping[str, Cluster] = field(default_factory=dict)  # others than usual
    environ: Mapping[str, str] = field(default_factory=dict)
    wrapper: tuple[str, ...] = ()  # a command to run it below


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    with git_host(tmp_path_factory.mktemp("git")) as found:
        yield found


@pytest.fixture(scope="session")
def there() -> Iterator[Cluster]:
    """The second cluster of every pair."""
    with clusters.sim_cluster(THERE, "--speed", "5") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def pair(cluster: Cluster, there: Cluster) -> Mapping[str, Cluster]:
    return {HERE: cluster, THERE: there}


@dataclass(frozen=True, slots=True)
class Shared:
    process: Process
    fleet: Repo


@pytest.fixture(scope="session")
def shared(pair: Mapping[str, Cluster], host: GitHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    fleet = _fleet(host)
    process = _process(tmp_path_factory.mktemp("shared"), host, fleet, pair)
    process.start()
    try:
        yield Shared(process, fleet)
        assert 0 == process.stop(), process.log[-4000:]
    finally:
        process.end()


@pytest.fixture
async def shop(shared: Shared, host: GitHost, pair: Mapping[str, Cluster]) -> AsyncIterator[World]:
    """A test's own part of the daemon and clusters that all tests share."""
    async with world(shared.process, host, shared.fleet, pair) as one:
        yield one


@pytest.fixture
def own(pair: Mapping[str, Cluster], host: GitHost, tmp_path: Path) -> Own:
    """A factory of daemons of the test's own: `async with own(changes={...}) as world`."""

    @asynccontextmanager
    async def start(**plan: Any) -> AsyncIterator[World]:
        wanted = Plan(**plan)
        fleet = _fleet(host)
        pair_ = wanted.clusters or pair
        process = _process(tmp_path / secrets.token_hex(2), host, fleet, pair_)
        process.environ = wanted.environ
        for section, values in wanted.changes.items():
            change(process.settings, section, values)
        try:
            process.start(*wanted.wrapper)
            async with world(process, host, fleet, pair_) as one:
                yield one
        finally:
            process.end()

    return start


def change(settings: Json, section: str, values: Any) -> None:
    """Lay `values` over one section of settings."""
    settings[section] = {**settings.get(section, {}), **values} if isinstance(values, dict) else values


def _fleet(host: GitHost) -> Repo:
    fleet = host.repo(f"fleet-{secrets.token_hex(4)}")
    fleet.commit({"project.yaml": yaml.safe_dump(FLEET)})
    return fleet


def _process(root: Path, host: GitHost, fleet: Repo, pair: Mapping[str, Cluster]) -> Process:
    kubeconfigs = {name: cluster.kubeconfig for name, cluster in pair.items()}
    declarations = [{"repo_url": host.url(fleet), "target_revision": "main", "prune": True}]
    return Process(root, settings(root, kubeconfigs, declarations))
