"""What tests of several ports begin with: a client of each kind of server, what writes by it, each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import KubeClient
from tests.clusters import Cluster
from tests.contract.applying import HERE, RESOLVE, TAKEOVER
from tests.contract.stores import Fake, Real, Subject, application, declare
from tests.kube.kit import client_of


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, RESOLVE, TAKEOVER)


@pytest.fixture(params=["fake", "store"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        yield Fake()
        return
    real = Real(tmp_path / "data")
    yield real
    real.real.close()


@pytest.fixture
def shop(subject: Subject) -> Subject:
    declare(subject, application("shop"))
    subject.told.clear()
    return subject
