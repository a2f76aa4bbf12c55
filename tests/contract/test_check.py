"""What a real API server and the simulated one say to a dry run before a sync: the truth, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import KubeClient
from gitopsd.model.command import Accepted, Apply, DryRun, ObjectRef, Refused
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from tests.clusters import Cluster
from tests.kube.kit import CONFIG_MAP, DEPLOYMENT, client_of, served

HERE = ClusterId("here")


@pytest.fixture
async def client(cluster: Cluster) -> Any:
    async with client_of(cluster) as opened:
        yield opened


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(CONFIG_MAP, DEPLOYMENT), ())


def config(namespace: str, **fields: Any) -> Manifest:
    meta = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}, **fields}


async def check(applier: ClusterApplier, manifest: Manifest) -> Accepted | Refused:
    return await applier.run(HERE, DryRun(key_of(manifest), manifest))


async def test_what_would_be_taken_is_accepted_and_not_written(applier: ClusterApplier, namespace: str) -> None:
    manifest = config(namespace)

    assert Accepted(key_of(manifest), changed=False) == await check(applier, manifest)
    assert await applier.read(HERE, ObjectRef(key_of(manifest), gvk_of(manifest))) is None


@pytest.mark.parametrize("fields", [{"data": {"a": 1}}, {"dat": {}}, {"data": {"no/slash": "1"}}])
async def test_what_does_not_fit_is_refused_for_good(applier: ClusterApplier, namespace: str, fields: Any) -> None:
    answer = await check(applier, config(namespace, **fields))

    assert isinstance(answer, Refused)
    assert not answer.retryable


async def test_field_that_cannot_change_is_refused_before_it_is_written(
    applier: ClusterApplier, namespace: str
) -> None:
    first = config(namespace, immutable=True)
    assert isinstance(await applier.run(HERE, Apply(key_of(first), first, TargetHash("0"))), Accepted)

    answer = await check(applier, config(namespace, immutable=True, data={"a": "2"}))

    assert isinstance(answer, Refused)
    assert (422, True) == (answer.code, "Force=true" in answer.remedy)


async def test_namespace_that_is_not_there_is_refused(applier: ClusterApplier) -> None:
    answer = await check(applier, config("nowhere"))

    assert isinstance(answer, Refused)
    assert (404, False) == (answer.code, answer.retryable)
