"""Our deletes, and the namespaces that we create: what was compared, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import JSON_PATCH, KubeClient
from gitopsd.model.command import (
    Accepted,
    CreateNamespace,
    ObjectRef,
    Prune,
    Refused,
)
from gitopsd.model.ids import ResourceVersion, Uid
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, key_of
from tests.clusters import Cluster
from tests.contract.applying import (
    HERE,
    MERGE,
    RESOLVE,
    TAKEOVER,
    accepted,
    config_map,
    live,
    ref,
)
from tests.kube.kit import (
    client_as,
)


async def prune_of(applier: ClusterApplier, manifest: Manifest, **more: Any) -> Prune:
    meta = (await live(applier, manifest))["metadata"]
    return Prune(key_of(manifest), Uid(meta["uid"]), ResourceVersion(meta["resourceVersion"]), **more)


async def test_prune_deletes_what_was_compared(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)

    answer = await applier.run(HERE, await prune_of(applier, manifest, propagation="Background"))

    assert Accepted(key_of(manifest), changed=True) == answer
    assert await applier.read(HERE, ref(manifest)) is None


async def test_prune_of_what_has_changed_since_is_refused(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)
    command = await prune_of(applier, manifest)
    await accepted(applier, config_map(namespace, a="2"))

    answer = await applier.run(HERE, command)

    assert isinstance(answer, Refused)
    assert (409, True) == (answer.code, answer.retryable)
    assert (await live(applier, manifest))["data"] == {"a": "2"}


async def test_prune_of_another_object_of_that_name_is_refused(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)
    command = await prune_of(applier, manifest)
    other = Prune(command.key, Uid("00000000-0000-0000-0000-000000000000"), command.resource_version)

    answer = await applier.run(HERE, other)

    assert isinstance(answer, Refused)
    assert 409 == answer.code
    assert await applier.read(HERE, ref(manifest)) is not None


async def test_prune_of_what_is_gone_is_accepted(applier: ClusterApplier, namespace: str) -> None:
    key = ResourceKey("", "ConfigMap", namespace, "gone")

    answer = await applier.run(HERE, Prune(key, Uid("u"), ResourceVersion("1")))

    assert Accepted(key, changed=False) == answer


@pytest.mark.parametrize(("uid", "version"), [("", "1"), ("u", "")])
async def test_prune_without_what_was_compared_is_refused_unsent(
    applier: ClusterApplier, namespace: str, uid: str, version: str
) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)

    answer = await applier.run(HERE, Prune(key_of(manifest), Uid(uid), ResourceVersion(version)))

    assert isinstance(answer, Refused)
    assert await applier.read(HERE, ref(manifest)) is not None


async def test_prune_of_what_finalizers_hold_tells_that_it_is_still_there(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    manifest = config_map(namespace)
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    await accepted(applier, manifest)

    answer = await applier.run(HERE, await prune_of(applier, manifest, propagation="Background"))

    held = await live(applier, manifest)
    assert Accepted(key_of(manifest), changed=True, resource_version=held["metadata"]["resourceVersion"]) == answer
    assert "deletionTimestamp" in held["metadata"]
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    release = [{"op": "remove", "path": "/metadata/finalizers"}]
    await client.request("PATCH", path, body=release, content_type=JSON_PATCH)
    assert await applier.read(HERE, ref(manifest)) is None


async def test_create_namespace_only_creates(applier: ClusterApplier, client: KubeClient, namespace: str) -> None:
    name = f"{namespace}-made"

    first = await applier.run(HERE, CreateNamespace(name))
    await client.request(
        "PATCH", f"/api/v1/namespaces/{name}", body={"metadata": {"labels": {"x": "y"}}}, content_type=MERGE
    )
    second = await applier.run(HERE, CreateNamespace(name))

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (True, False) == (first.changed, second.changed)
    found = await applier.read(HERE, ObjectRef(ResourceKey("", "Namespace", "", name), GVK("", "v1", "Namespace")))
    assert found is not None
    assert "y" == found["metadata"]["labels"]["x"]
    assert {"gitopsd-namespace"} <= {entry["manager"] for entry in found["metadata"]["managedFields"]}
    await client.request("DELETE", f"/api/v1/namespaces/{name}")


async def test_create_namespace_without_the_right_is_fine_where_it_is_there(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["reader"])
    async with client_as(cluster, "TEST_TOKEN") as client:
        applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER)

        there = await applier.run(HERE, CreateNamespace(namespace))
        missing = await applier.run(HERE, CreateNamespace(f"{namespace}-missing"))

    assert isinstance(there, Accepted)
    assert there.changed is False
    assert isinstance(missing, Refused)
    assert 403 == missing.code
