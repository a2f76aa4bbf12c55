"""Every sync option that changes how an object is written, on a real API server and on the simulated one."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.target.namespace_metadata import differences, manager_of
from gitopsd.kube.client import KubeClient
from gitopsd.live.decode import Decoder
from gitopsd.model.command import Accepted, Applied, Apply, CreateNamespace, ObjectRef, Refused, Write
from gitopsd.model.comparison import Found, Item
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from tests.contract.kubernetes.api import owners_of
from tests.core.lives import SHOP
from tests.kube.kit import CONFIG_MAP, DEPLOYMENT, NAMESPACE, served

HERE = ClusterId("here")
MERGE = "application/merge-patch+json"
LABELS = {"app": "web"}


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(CONFIG_MAP, NAMESPACE, DEPLOYMENT), ())


def config(namespace: str, *, immutable: bool = False, **data: str) -> dict[str, Any]:
    meta = {"name": "settings", "namespace": namespace}
    fixed = {"immutable": True} if immutable else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data, **fixed}


def deployment(namespace: str, replicas: int, app: str = "web") -> dict[str, Any]:
    labels = {"app": app}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    meta = {"name": "web", "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


async def write(applier: ClusterApplier, manifest: Manifest, **how: Any) -> Applied:
    return await applier.run(HERE, Apply(key_of(manifest), manifest, TargetHash("0"), how=Write(**how)))


async def written(applier: ClusterApplier, manifest: Manifest, **how: Any) -> dict[str, Any]:
    answer = await write(applier, manifest, **how)
    assert isinstance(answer, Accepted), answer
    assert answer.view is not None
    found = await applier.read(HERE, ObjectRef(key_of(manifest), gvk_of(manifest)))
    assert found is not None
    assert found["metadata"]["resourceVersion"] == answer.resource_version or found["kind"] == "Deployment"
    return dict(found)


def path(manifest: Manifest) -> str:
    kinds = {"ConfigMap": "/api/v1/{}/configmaps/{}", "Deployment": "/apis/apps/v1/{}/deployments/{}"}
    meta = manifest["metadata"]
    return kinds[manifest["kind"]].format(f"namespaces/{meta['namespace']}", meta["name"])


async def edit(client: KubeClient, manifest: Manifest, change: Any) -> None:
    reply = await client.request(
        "PATCH", path(manifest), query={"fieldManager": "kubectl-edit"}, body=change, content_type=MERGE
    )
    assert reply.ok, reply.message


async def test_apply_leaves_what_others_added(client: KubeClient, applier: ClusterApplier, namespace: str) -> None:
    manifest = config(namespace, a="1")
    await written(applier, manifest)
    await edit(client, manifest, {"data": {"b": "2"}})

    assert {"a": "1", "b": "2"} == (await written(applier, manifest))["data"]


async def test_replace_takes_away_what_others_added(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    manifest = config(namespace, a="1")
    await written(applier, manifest, replace=True)
    await edit(client, manifest, {"data": {"b": "2"}})

    assert {"a": "1"} == (await written(applier, manifest, replace=True))["data"]


async def test_replace_makes_what_is_missing(applier: ClusterApplier, namespace: str) -> None:
    assert {"a": "1"} == (await written(applier, config(namespace, a="1"), replace=True))["data"]


@pytest.mark.parametrize("how", [{}, {"replace": True}])
async def test_field_that_cannot_change_is_named_with_the_remedy(
    applier: ClusterApplier, namespace: str, how: Any
) -> None:
    await written(applier, deployment(namespace, 1))

    answer = await write(applier, deployment(namespace, 1, "other"), **how)

    assert isinstance(answer, Refused)
    assert (422, False) == (answer.code, answer.retryable)
    assert "spec.selector" in answer.remedy
    assert "Force=true" in answer.remedy


@pytest.mark.parametrize("how", [{}, {"replace": True}])
async def test_force_makes_anew_what_cannot_change(applier: ClusterApplier, namespace: str, how: Any) -> None:
    first = await written(applier, config(namespace, immutable=True, a="1"))

    second = await written(applier, config(namespace, immutable=True, a="2"), recreate=True, **how)

    assert {"a": "2"} == second["data"]
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_force_keeps_what_can_change(applier: ClusterApplier, namespace: str) -> None:
    first = await written(applier, config(namespace, a="1"))

    second = await written(applier, config(namespace, a="2"), recreate=True)

    assert first["metadata"]["uid"] == second["metadata"]["uid"]


async def test_force_waits_until_a_finalizer_lets_the_old_one_go(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    await written(applier, config(namespace, immutable=True, a="1"))
    await edit(client, config(namespace), {"metadata": {"finalizers": ["example.org/hold"]}})

    waits = [await write(applier, config(namespace, immutable=True, a="2"), recreate=True) for _ in range(2)]
    await edit(client, config(namespace), {"metadata": {"finalizers": None}})
    live = await written(applier, config(namespace, immutable=True, a="2"), recreate=True)

    assert [(409, True)] * 2 == [(each.code, each.retryable) for each in waits if isinstance(each, Refused)]
    assert {"a": "2"} == live["data"]


async def test_ignored_fields_are_written_as_they_are_live(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    await written(applier, deployment(namespace, 1))
    await edit(client, deployment(namespace, 1), {"spec": {"replicas": 5}})

    live = await written(applier, deployment(namespace, 2), spare=(("spec", "replicas"),))

    assert 5 == live["spec"]["replicas"]


async def test_ignored_field_that_only_we_own_is_kept(applier: ClusterApplier, namespace: str) -> None:
    await written(applier, deployment(namespace, 3))

    assert 3 == (await written(applier, deployment(namespace, 2), spare=(("spec", "replicas"),)))["spec"]["replicas"]


async def test_ignored_fields_of_a_new_object_are_those_of_git(applier: ClusterApplier, namespace: str) -> None:
    live = await written(applier, deployment(namespace, 2), spare=(("spec", "replicas"),))

    assert 2 == live["spec"]["replicas"]


async def test_what_a_spared_manager_owns_stays_its_own(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    await written(applier, deployment(namespace, 1))
    await edit(client, deployment(namespace, 1), {"spec": {"replicas": 5}})

    live = await written(applier, deployment(namespace, 2), spare_managers=("kubectl-edit",))

    assert 5 == live["spec"]["replicas"]
    assert ["kubectl-edit"] == owners_of(live, "f:spec", "f:replicas")


async def test_unvalidated_object_is_written(applier: ClusterApplier, namespace: str) -> None:
    assert {"a": "1"} == (await written(applier, config(namespace, a="1"), validate=False, replace=True))["data"]


async def test_manager_that_an_object_names_is_taken_over(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    manifest = config(namespace, a="1", b="2")
    query = {"fieldManager": "our-old-script"}
    where = path(manifest).rpartition("/")[0]
    assert (await client.request("POST", where, query=query, body=manifest)).ok
    command = Apply(
        key_of(manifest), config(namespace, a="1"), TargetHash("0"), takeover=True, how=Write(legacy="our-old-script")
    )

    await applier.run(HERE, command)

    live = await applier.read(HERE, ObjectRef(key_of(manifest), gvk_of(manifest)))
    assert live is not None
    assert {"a": "1"} == live["data"]


async def test_namespace_gets_its_labels_and_keeps_those_of_others(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    where = f"/api/v1/namespaces/{namespace}"
    reply = await client.request("PATCH", where, body={"metadata": {"labels": {"theirs": "1"}}}, content_type=MERGE)
    assert reply.ok

    kept = {"labels": {"ours": "1"}, "annotations": {"note": "x"}}
    answer = await applier.run(HERE, CreateNamespace(namespace, kept, manager_of(SHOP)))
    await applier.run(HERE, CreateNamespace(namespace, {"labels": {"another": "1"}}, manager_of(AppName("till"))))

    live = (await client.request("GET", where)).body
    assert isinstance(answer, Accepted)
    assert {"ours": "1", "theirs": "1"}.items() <= live["metadata"]["labels"].items()
    assert "x" == live["metadata"]["annotations"]["note"]
    assert ["gitopsd-namespace-shop"] == owners_of(live, "f:metadata", "f:labels", "f:ours")
    assert () == differences(SHOP, kept, Found(Decoder(()).live(key_of(live), live))), "whatever others keep there"


async def test_what_jq_names_is_written_as_it_is_live(client: KubeClient, namespace: str) -> None:
    async def named(_expressions: Any, documents: Any) -> Any:
        return [
            (("spec", "template", "spec", "containers", str(len(_containers(each)) - 1), "image"),)
            for each in documents
        ]

    applier = ClusterApplier({HERE: client}, served(CONFIG_MAP, DEPLOYMENT, NAMESPACE), (), named=named)
    first = await written(applier, deployment(namespace, 1))
    injected = [{"name": "first", "image": "proxy:1"}, {**_containers(first)[0], "image": "other:9"}]
    await edit(client, deployment(namespace, 1), {"spec": {"template": {"spec": {"containers": injected}}}})

    live = await written(applier, deployment(namespace, 2), spare_expressions=("x",))

    images = {each["name"]: each["image"] for each in _containers(live)}
    assert (2, "other:9", "proxy:1") == (
        live["spec"]["replicas"],
        images.pop(_containers(first)[0]["name"]),
        images["first"],
    )


async def test_held_field_is_left_to_its_other_writer(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    await written(applier, deployment(namespace, 1))
    await edit(client, deployment(namespace, 1), {"spec": {"replicas": 5}})

    live = await written(applier, deployment(namespace, 2, "web"), held=(("spec", "replicas"),))

    assert 5 == live["spec"]["replicas"]
    assert ["kubectl-edit"] == owners_of(live, "f:spec", "f:replicas")


async def test_held_part_of_a_list_that_is_owned_whole_stays(
    client: KubeClient, applier: ClusterApplier, namespace: str
) -> None:
    target = deployment(namespace, 1)
    _containers(target)[0]["args"] = ["a", "b"]
    first = _containers(await written(applier, target))[0]
    theirs = [{**first, "args": ["x", "b", "c"]}]
    await edit(client, target, {"spec": {"template": {"spec": {"containers": theirs}}}})
    way = ("spec", "template", "spec", "containers", Item((("name", first["name"]),)), "args")

    live = await written(applier, target, held=((*way, 0), (*way, 2)))

    assert ["x", "b", "c"] == _containers(live)[0]["args"]


def _containers(manifest: Any) -> Any:
    return manifest["spec"]["template"]["spec"]["containers"]
