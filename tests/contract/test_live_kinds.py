"""What a mirror makes of owners, definitions and rights: the same of a real API server and of the simulated one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gitopsd.kube.client import JSON_PATCH, KubeClient
from gitopsd.live import metadata_scans as module
from gitopsd.model.cluster import ApiResource
from gitopsd.model.comparison import Absent, Unreadable, Unserved
from gitopsd.model.health import HealthStatus
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import GVK, GroupKind
from tests.clusters import Cluster
from tests.contract.config_maps import CONFIG_MAP, apply, config_map
from tests.kube.kit import client_as, client_of
from tests.live.kit import HERE, SHOP, ref, running, until


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened


async def test_owners_have_children(client: KubeClient, namespace: str) -> None:
    parent = await apply(client, config_map(namespace, "parent"))
    child = config_map(namespace, "child", app="shop")
    child["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "parent",
            "uid": parent["metadata"]["uid"],
            "controller": True,
        }
    ]
    await apply(client, child)

    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        live = mirror.found(ref("ConfigMap", namespace, "child"))
        own = mirror.mirrors.readings(HERE, SHOP, [])

        assert [live] == [child for _, child in mirror.mirrors.children(HERE, parent["metadata"]["uid"])]
    assert live.controlled
    assert live.key not in own  # a controller's object is nobody's to prune


async def test_what_a_tracked_object_owns_is_found_whatever_its_kind(client: KubeClient, namespace: str) -> None:
    owner = await with_endpoints(client, namespace)

    async with running(client, [CONFIG_MAP]) as mirror:
        await until(lambda: mirror.mirrors.children(HERE, owner), "what it owns is there")
        ((gvk, live),) = mirror.mirrors.children(HERE, owner)

    assert ("Endpoints", "grown") == (gvk.kind, live.key.name)


async def test_what_a_kind_owns_is_looked_for_when_somebody_asks_for_the_kind(
    client: KubeClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.2)
    async with running(client) as mirror:
        await until(lambda: mirror.mirrors.mirrors[HERE].surveys.done, "the first survey is over")
        owner = await with_endpoints(client, namespace)
        await mirror.until_found(ref("ConfigMap", namespace, "owner"))

        await until(lambda: mirror.mirrors.children(HERE, owner), "what it owns is there")


async def with_endpoints(client: KubeClient, namespace: str) -> Uid:
    """Make a tracked ConfigMap that owns Endpoints, and return its uid."""
    made = await apply(client, config_map(namespace, "owner", app="shop"))
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": made["metadata"]["uid"]}
    meta = {"name": "grown", "namespace": namespace, "ownerReferences": [owner]}
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
    assert (await client.request("POST", f"/api/v1/namespaces/{namespace}/endpoints", body=endpoints)).ok
    return Uid(owner["uid"])


def definition(group: str, **schema: Any) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", **schema}}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boats.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


async def test_a_definition_serves_its_kind_changes_its_admission_and_takes_it_away(
    client: KubeClient, namespace: str
) -> None:
    group = f"g{secrets.token_hex(4)}.example.com"
    here, gvk = ref("Boat", namespace, "one", group=group), GVK(group, "v1", "Boat")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    async with running(client) as mirror:
        await mirror.until_synced()
        assert Unserved() == mirror.reading(here)

        body = definition(group, **{"x-kubernetes-preserve-unknown-fields": True})
        assert (await client.request("POST", path, body=body)).ok
        await until(lambda: mirror.reading(here) == Absent(), "served and listed")
        assert SHOP in mirror.told
        established = ref("CustomResourceDefinition", "", f"boats.{group}", group="apiextensions.k8s.io")
        assert mirror.found(established).established

        boat = {"apiVersion": gvk.api_version, "kind": "Boat", "metadata": {"name": "one"}, "spec": {"x": 1}}
        assert (await client.request("POST", f"/apis/{group}/v1/namespaces/{namespace}/boats", body=boat)).ok
        await mirror.until_found(here)

        before, elsewhere = mirror.mirrors.admission(HERE, gvk), mirror.mirrors.admission(HERE, GVK("", "v1", "Pod"))
        change = [{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/description", "value": "a boat"}]
        patched = await client.request(
            "PATCH", f"{path}/boats.{group}", body=change, content_type="application/json-patch+json"
        )
        assert patched.ok, patched
        await until(lambda: mirror.mirrors.admission(HERE, gvk) != before, "another admission hash")
        assert elsewhere == mirror.mirrors.admission(HERE, GVK("", "v1", "Pod"))

        mirror.told.clear()
        assert (await client.request("DELETE", f"{path}/boats.{group}")).ok
        await until(lambda: mirror.reading(here) == Unserved(), "not served any more")
        assert SHOP in mirror.told


async def test_every_version_that_is_asked_for_is_followed_after_its_definition_changes(
    client: KubeClient, namespace: str
) -> None:
    group = f"g{secrets.token_hex(4)}.example.com"
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    body = definition(group)
    (version,) = body["spec"]["versions"]
    body["spec"]["versions"] = [version, {**version, "name": "v2", "storage": False}]
    # The stored kind is followed at the version that the server prefers, v2, before anybody asks for it.
    async with running(client, [GroupKind(group, "Boat")]) as mirror:
        await mirror.until_synced()
        assert (await client.request("POST", path, body=body)).ok
        old, new = (ref("Boat", namespace, "one", group=group, version=name) for name in ("v1", "v2"))
        await until(lambda: mirror.reading(new) == Absent(), "v2 listed")
        await until(lambda: mirror.reading(old) == Absent(), "v1 listed")

        more = [{"op": "add", "path": "/spec/versions/-", "value": {**version, "name": "v3", "storage": False}}]
        patched = await client.request("PATCH", f"{path}/boats.{group}", body=more, content_type=JSON_PATCH)
        assert patched.ok, patched
        third = GVK(group, "v3", "Boat")
        await until(lambda: isinstance(mirror.mirrors.resource(HERE, third), ApiResource), "another version served")
        boat = {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "one"}}
        assert (await client.request("POST", f"/apis/{group}/v1/namespaces/{namespace}/boats", body=boat)).ok

        await mirror.until_found(old)
        await mirror.until_found(new)
        assert (await client.request("DELETE", f"{path}/boats.{group}")).ok


async def test_a_webhook_configuration_changes_every_kinds_admission(client: KubeClient) -> None:
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    name = f"hook-{secrets.token_hex(4)}"
    clock_s = 0.0

    def same_later() -> bool:
        nonlocal clock_s
        clock_s += 1.0  # a change of policies takes its time
        return mirror.mirrors.admission(HERE, GVK("", "v1", "Pod")) == before

    async with running(client, now_s=lambda: clock_s) as mirror:
        await mirror.until_synced()
        before = mirror.mirrors.admission(HERE, GVK("", "v1", "Pod"))
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
        }
        assert (await client.request("POST", path, body=body)).ok
        await until(lambda: mirror.mirrors.admission(HERE, GVK("", "v1", "Pod")) != before, "another hash")
        assert (await client.request("DELETE", f"{path}/{name}")).ok
        await until(same_later, "the hash of before")


async def test_namespaces_tell_their_health_and_that_they_are_active(client: KubeClient, namespace: str) -> None:
    async with running(client) as mirror:
        await mirror.until_synced()
        live = mirror.found(ref("Namespace", "", namespace))

    assert live.established
    assert live.health is not None
    assert HealthStatus.HEALTHY == live.health.status


async def test_without_rights_everything_is_unreadable_and_nothing_absent(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["nobody"])
    async with client_as(cluster, "TEST_TOKEN") as client, running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        age = mirror.mirrors.age(HERE)
        reading = mirror.reading(ref("ConfigMap", "default", "x"))

    assert isinstance(reading, Unreadable)
    assert not reading.pending
    assert "403" in reading.cause
    assert GVK("", "v1", "ConfigMap") in dict(age.failing)
    assert "403" in age.error


async def test_a_reader_sees_what_the_administrator_does(
    cluster: Cluster, client: KubeClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(client, config_map(namespace, app="shop"))
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["reader"])
    async with client_as(cluster, "TEST_TOKEN") as reader, running(reader, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()

        mirror.found(ref("ConfigMap", namespace, "settings"))
        assert ((), "") == (mirror.mirrors.age(HERE).failing, mirror.mirrors.age(HERE).error)
