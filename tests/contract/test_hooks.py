"""A hook's object on a real API server and on the simulated one: it stays until it is let go of, whoever deletes it."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.target.hooks import hook_of, run_manifest
from gitopsd.kube.client import KubeClient
from gitopsd.model.command import Accepted, Apply, ObjectRef, Release
from gitopsd.model.ids import AppName, ClusterId, TargetHash, Uid
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from gitopsd.model.operation import SyncPhase
from tests.kube.kit import CONFIG_MAP, served

HERE = ClusterId("here")


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(CONFIG_MAP), ())


def run(namespace: str, *finalizers: str) -> Manifest:
    annotations = {"argocd.argoproj.io/hook": "PreSync"}
    meta: dict[str, Any] = {"name": "note", "namespace": namespace, "annotations": annotations}
    if finalizers:
        meta["finalizers"] = list(finalizers)
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}}
    return run_manifest(hook_of(manifest), AppName("shop"), "op", SyncPhase.PRE_SYNC)


async def begun(applier: ClusterApplier, manifest: Manifest) -> dict[str, Any]:
    answer = await applier.run(HERE, Apply(key_of(manifest), manifest, TargetHash("0")))
    assert isinstance(answer, Accepted), answer
    live = await read(applier, manifest)
    assert live is not None
    return live


async def read(applier: ClusterApplier, manifest: Manifest) -> dict[str, Any] | None:
    found = await applier.read(HERE, ObjectRef(key_of(manifest), gvk_of(manifest)))
    return None if found is None else dict(found)


def path(manifest: Manifest) -> str:
    meta = manifest["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/configmaps/{meta['name']}"


async def release(applier: ClusterApplier, manifest: Manifest, uid: str, *, delete: bool) -> Accepted:
    answer = await applier.run(HERE, Release(key_of(manifest), Uid(uid), delete))
    assert isinstance(answer, Accepted), answer
    return answer


async def test_object_that_somebody_deletes_is_there_until_it_is_let_go_of(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    manifest = run(namespace)
    uid = (await begun(applier, manifest))["metadata"]["uid"]

    assert (await client.request("DELETE", path(manifest))).ok
    kept = await read(applier, manifest)
    answer = await release(applier, manifest, uid, delete=False)

    assert kept is not None
    assert "deletionTimestamp" in kept["metadata"]
    assert answer.resource_version is None
    assert await read(applier, manifest) is None


async def test_object_that_is_let_go_of_stays_with_the_finalizers_of_others(
    applier: ClusterApplier, namespace: str
) -> None:
    manifest = run(namespace, "example.org/other")
    uid = (await begun(applier, manifest))["metadata"]["uid"]

    answer = await release(applier, manifest, uid, delete=False)

    live = await read(applier, manifest)
    assert live is not None
    assert ["example.org/other"] == live["metadata"]["finalizers"]
    assert live["metadata"]["resourceVersion"] == answer.resource_version


async def test_object_that_is_let_go_of_to_be_deleted_is_gone(applier: ClusterApplier, namespace: str) -> None:
    manifest = run(namespace)
    uid = (await begun(applier, manifest))["metadata"]["uid"]

    answer = await release(applier, manifest, uid, delete=True)

    assert answer.resource_version is None
    assert await read(applier, manifest) is None


async def test_letting_go_twice_is_as_good_as_once(applier: ClusterApplier, namespace: str) -> None:
    manifest = run(namespace)
    uid = (await begun(applier, manifest))["metadata"]["uid"]

    await release(applier, manifest, uid, delete=True)

    assert not (await release(applier, manifest, uid, delete=True)).changed


async def test_another_object_of_the_name_is_left_alone(applier: ClusterApplier, namespace: str) -> None:
    manifest = run(namespace)
    await begun(applier, manifest)

    answer = await release(applier, manifest, "another", delete=True)

    live = await read(applier, manifest)
    assert live is not None
    assert (["gitopsd.io/hook"], False) == (live["metadata"]["finalizers"], answer.changed)
