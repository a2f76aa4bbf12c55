"""What lives in a namespace, of a definition, in a volume: the same of a real API server and of the simulated one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.residents import Leaver, stays
from gitopsd.kube.client import KubeClient
from gitopsd.model.comparison import Found
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.residents import Residents
from tests.contract.config_maps import apply, config_map
from tests.contract.kubernetes.objects import CRDS, GROUP, crd, deployment, deployments, widget, widgets_at
from tests.contract.namespaces import grant
from tests.live.kit import DEADLINE_S, HERE, SHOP, Running, ref, running, until

CONFIG_MAP, DEPLOYMENT = GroupKind("", "ConfigMap"), GroupKind("apps", "Deployment")
MERGE = "application/merge-patch+json"
VOLUMES = "/api/v1/persistentvolumes"


@pytest.fixture
async def fresh(client: KubeClient) -> AsyncIterator[str]:
    """A namespace that was made a moment ago, with whatever the cluster puts into one."""
    name = f"residents-{secrets.token_hex(4)}"
    await post(client, "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    await client.request("DELETE", f"/api/v1/namespaces/{name}")


async def post(client: KubeClient, path: str, body: Any) -> Any:
    reply = await client.request("POST", path, body=body)
    assert reply.ok, reply
    return reply.body


async def inside(
    mirror: Running, key: ResourceKey, version: str = "v1", *roots: Uid, keep: Collection[Any] = ()
) -> Any:
    await mirror.until_synced()
    live = await mirror.until_found(ref(key.kind, key.namespace, key.name, key.group, version))
    leaver = Leaver(SHOP, stays=keep)
    return await mirror.mirrors.look(HERE, live, roots, lambda resident: stays(resident, leaver))


async def eventually(mirror: Running, key: ResourceKey, wanted: Residents) -> None:
    """Wait until a definition that was made just now is served."""
    async with asyncio.timeout(DEADLINE_S):
        while await inside(mirror, key) != wanted:  # noqa: ASYNC110 - there is no event: the cluster is asked
            await asyncio.sleep(0.05)


def namespace_key(name: str) -> ResourceKey:
    return ResourceKey("", "Namespace", "", name)


def lease(name: str) -> Any:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": {}}


async def test_nobody_lives_in_a_namespace_but_what_the_cluster_puts_there(client: KubeClient, fresh: str) -> None:
    await post(client, f"/apis/coordination.k8s.io/v1/namespaces/{fresh}/leases", lease("leader"))
    event = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": fresh}}
    await post(client, f"/api/v1/namespaces/{fresh}/events", event)
    root = config_map(fresh, "kube-root-ca.crt")
    await client.request("POST", f"/api/v1/namespaces/{fresh}/configmaps", body=root)  # the real one has it by itself

    async with running(client) as mirror:
        assert Residents() == await inside(mirror, namespace_key(fresh))


async def test_ours_and_what_it_owns_go_and_others_stay(client: KubeClient, fresh: str) -> None:
    await apply(client, config_map(fresh, "ours", app="shop"))
    owner = await apply(client, config_map(fresh, "owner", app="shop"))
    child = config_map(fresh, "child")
    names = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    child["metadata"]["ownerReferences"] = [names]
    await apply(client, child, "kubectl")
    async with running(client, [CONFIG_MAP]) as mirror:
        assert Residents() == await inside(mirror, namespace_key(fresh))

        await apply(client, config_map(fresh, "theirs", app="other"))
        theirs = ResourceKey("", "ConfigMap", fresh, "theirs")
        assert Residents((theirs,)) == await inside(mirror, namespace_key(fresh))
        await apply(client, config_map(fresh, "theirs", app="shop"), "somebody")
        assert Residents((theirs,)) == await inside(mirror, namespace_key(fresh), keep={theirs})


async def test_kind_that_nobody_watches_is_seen_too(client: KubeClient, fresh: str) -> None:
    await post(client, f"/api/v1/namespaces/{fresh}/secrets", {"metadata": {"name": "theirs"}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    path = f"/api/v1/namespaces/{fresh}/persistentvolumeclaims"
    await post(client, path, {"metadata": {"name": "data"}, "spec": claim})

    async with running(client) as mirror:
        found = await inside(mirror, namespace_key(fresh))

    kinds = ("PersistentVolumeClaim", "data"), ("Secret", "theirs")
    assert Residents(tuple(ResourceKey("", kind, fresh, name) for kind, name in kinds)) == found


async def test_what_an_owner_in_no_namespace_has_put_there_goes_with_that(client: KubeClient, fresh: str) -> None:
    name = f"reader-{secrets.token_hex(4)}"
    role = await post(client, "/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": name}})
    child = config_map(fresh, "child")
    group = "rbac.authorization.k8s.io/v1"
    names = {"apiVersion": group, "kind": "ClusterRole", "name": name, "uid": role["metadata"]["uid"]}
    child["metadata"]["ownerReferences"] = [names]
    await apply(client, child, "somebody")
    try:
        async with running(client) as mirror:
            stranger = await inside(mirror, namespace_key(fresh))
            ours = await inside(mirror, namespace_key(fresh), "v1", Uid(role["metadata"]["uid"]))
    finally:
        await client.request("DELETE", f"/apis/{group}/clusterroles/{name}")

    assert Residents((ResourceKey("", "ConfigMap", fresh, "child"),)) == stranger
    assert Residents() == ours


async def test_what_may_not_be_read_may_live_there(client: KubeClient, fresh: str) -> None:
    user = f"system:serviceaccount:{fresh}:looker"
    await grant(client, fresh, user, "configmaps")
    async with running(client) as mirror:
        live = await mirror.until_found(ref("Namespace", "", fresh))
    acting = client.acting_as(user)
    async with running(acting) as mirror:
        await until(lambda: mirror.mirrors.mirrors[HERE].discovered is not None, "discovered")
        found = await mirror.mirrors.look(HERE, live, (), lambda _: False)

    assert () == found.residing
    assert any(each.startswith("/Secret: ") and each.endswith("(403)") for each in found.unread)
    assert not [each for each in found.unread if each.startswith(("/ConfigMap", "/Event", "coordination.k8s.io/Lease"))]


async def test_objects_of_a_definition_are_looked_for_everywhere(client: KubeClient, fresh: str) -> None:
    mark = secrets.token_hex(4)  # of its own: another definition of one kind is not served
    plural, kind = f"widgets{mark}", f"Widget{mark}"
    definition = crd(plural, kind)
    await post(client, CRDS, definition)
    key = ResourceKey("apiextensions.k8s.io", "CustomResourceDefinition", "", definition["metadata"]["name"])
    try:
        async with running(client) as mirror:
            await mirror.until_synced()
            nothing = Residents(defines=GroupKind(GROUP, kind))
            await eventually(mirror, key, nothing)

            at = widgets_at(fresh).replace("widgets", plural)
            await post(client, at, {**widget("theirs", size=1), "kind": kind})
            found = await inside(mirror, key)
    finally:
        await client.request("DELETE", f"{CRDS}/{key.name}")

    assert replace(nothing, residing=(ResourceKey(GROUP, kind, fresh, "theirs"),)) == found


async def test_claim_that_is_bound_to_a_volume_lives_in_it(client: KubeClient, fresh: str) -> None:
    name = f"disk-{secrets.token_hex(4)}"
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": name}
    claim["storageClassName"] = ""
    path = f"/api/v1/namespaces/{fresh}/persistentvolumeclaims"
    made = await post(client, path, {"metadata": {"name": "data"}, "spec": claim})
    of = {"namespace": fresh, "name": "data", "uid": made["metadata"]["uid"]}
    spec: dict[str, Any] = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/nowhere"},
        "claimRef": of,
    }
    await post(client, VOLUMES, {"metadata": {"name": name}, "spec": spec})
    key = ResourceKey("", "PersistentVolume", "", name)
    try:
        async with running(client, [GroupKind("", "PersistentVolume")]) as mirror:
            found = await inside(mirror, key)
            await client.request("DELETE", f"{path}/data")
            await client.request("PATCH", f"{path}/data", body={"metadata": {"finalizers": None}}, content_type=MERGE)
            after = await inside(mirror, key)
    finally:
        await client.request("DELETE", f"{VOLUMES}/{name}")

    assert Residents((ResourceKey("", "PersistentVolumeClaim", fresh, "data"),)) == found
    assert Residents() == after


async def test_pods_of_our_own_workloads_go_with_them(client: KubeClient, fresh: str) -> None:
    body = deployment("web")
    body["metadata"]["annotations"] = {"gitopsd.io/tracking-id": f"shop:apps/Deployment:{fresh}/web"}
    await post(client, deployments(fresh), body)
    async with running(client, [DEPLOYMENT]) as mirror:
        await mirror.until_synced()
        live = await mirror.until_found(ref("Deployment", fresh, "web", "apps"))
        await until(lambda: list(mirror.mirrors.children(HERE, live.uid)), "its ReplicaSet is there")

        assert isinstance(mirror.reading(ref("Deployment", fresh, "web", "apps")), Found)
        assert Residents() == await inside(mirror, namespace_key(fresh))
