"""What the mirror makes of a cluster: the same of a real API server and of the simulated one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gitopsd.core.objects.managed_fields import view_hash
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.kube.client import APPLY_PATCH, JSON_PATCH, KubeClient
from gitopsd.live import metadata_scans as module
from gitopsd.live.discovery import discover
from gitopsd.model.cluster import ApiResource
from gitopsd.model.comparison import Absent, Found, Unreadable, Unserved
from gitopsd.model.health import HealthStatus
from gitopsd.model.ids import AppName, TrackingId, Uid
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey
from tests.clusters import Cluster
from tests.kube.kit import client_as, client_of
from tests.live.kit import HERE, SHOP, ref, running, until

CONFIG_MAP = GroupKind("", "ConfigMap")
TRACKING_ID = "gitopsd.io/tracking-id"
ARGOCD_ID = "argocd.argoproj.io/tracking-id"


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened


def config_map(namespace: str, name: str = "settings", app: str = "", **data: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "namespace": namespace}
    if app:
        meta["annotations"] = {TRACKING_ID: f"{app}:/ConfigMap:{namespace}/{name}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {"a": "1"}}


async def apply(client: KubeClient, manifest: dict[str, Any], manager: str = "gitopsd") -> dict[str, Any]:
    meta = manifest["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/configmaps/{meta['name']}"
    query = {"fieldManager": manager, "force": "true"}
    reply = await client.request("PATCH", path, query=query, body=manifest, content_type=APPLY_PATCH)
    assert reply.ok, reply
    found: dict[str, Any] = reply.body
    return found


async def delete(client: KubeClient, namespace: str, name: str) -> None:
    reply = await client.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/{name}")
    assert reply.ok, reply


async def test_mirror_is_synced_and_keeps_what_a_verdict_needs(client: KubeClient, namespace: str) -> None:
    made = await apply(client, config_map(namespace, app="shop"))

    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        live = mirror.found(ref("ConfigMap", namespace, "settings"))

    assert [HERE] == mirror.clusters
    key = ResourceKey("", "ConfigMap", namespace, "settings")
    assert key == live.key
    assert made["metadata"]["uid"] == live.uid
    assert made["metadata"]["resourceVersion"] == live.resource_version
    assert TrackingId(SHOP, key) == live.tracking
    assert view_hash(made) == live.view
    assert not live.by_argocd
    assert not live.controlled
    assert not live.deleting
    assert live.created_s > 0


async def test_create_change_and_delete_are_seen_and_told(client: KubeClient, namespace: str) -> None:
    here = ref("ConfigMap", namespace, "settings")
    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        assert Absent() == mirror.reading(here)

        mirror.told.clear()
        await apply(client, config_map(namespace, app="shop"))
        created = await mirror.until_found(here)
        assert [SHOP] == mirror.told  # asked for and absent, and now there

        mirror.told.clear()
        await apply(client, config_map(namespace, app="shop", a="2"))
        await until(lambda: mirror.found(here).view != created.view, "a new view")
        assert [SHOP] == mirror.told

        mirror.told.clear()
        await delete(client, namespace, "settings")
        await until(lambda: mirror.reading(here) == Absent(), "absent")
        assert [SHOP] == mirror.told


async def test_tracked_objects_are_read_without_being_asked_for(client: KubeClient, namespace: str) -> None:
    await apply(client, config_map(namespace, app="shop"))
    await apply(client, config_map(namespace, "other", app="till"))
    await apply(client, config_map(namespace, "nobody"))
    copied = config_map(namespace, "copied")
    copied["metadata"]["annotations"] = {TRACKING_ID: f"shop:/ConfigMap:{namespace}/settings"}
    await apply(client, copied)

    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        own = mirror.mirrors.readings(HERE, SHOP, [])
        wanted = mirror.reading(ref("ConfigMap", namespace, "copied"))

    assert [f"/ConfigMap:{namespace}/settings"] == [str(key) for key in own if key.namespace == namespace]
    assert isinstance(wanted, Found)


async def test_what_names_no_owner_is_listed_by_namespace(client: KubeClient, namespace: str) -> None:
    owner = await apply(client, config_map(namespace, "owner", app="shop"))
    owned = config_map(namespace, "owned")
    ref_ = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned["metadata"]["ownerReferences"] = [ref_]
    await apply(client, owned)
    await apply(client, config_map(namespace, "stray"))

    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        found = {live.key.name for _, live in mirror.mirrors.unowned(HERE, namespace)}

    assert {"owner", "stray"} <= found
    assert "owned" not in found


async def test_argocds_annotation_is_read(client: KubeClient, namespace: str) -> None:
    manifest = config_map(namespace)
    manifest["metadata"]["annotations"] = {ARGOCD_ID: f"shop:/ConfigMap:{namespace}/settings"}
    await apply(client, manifest, manager="argocd-controller")

    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        live = mirror.found(ref("ConfigMap", namespace, "settings"))

    assert live.by_argocd
    assert live.takeover
    assert live.view is None
    assert live.argocd_wrote_s is not None
    assert live.tracking is not None
    assert SHOP == live.tracking.app


@pytest.mark.parametrize("tracking", [ANNOTATION, Tracking("team", reads_label=True)], ids=["annotation", "label"])
async def test_a_tracked_object_of_a_kind_nobody_named_is_found(
    client: KubeClient, namespace: str, tracking: Tracking
) -> None:
    app = AppName(f"found-{secrets.token_hex(4)}")
    tracking_id = {TRACKING_ID: f"{app}:/ServiceAccount:{namespace}/robot"}
    whose = {"labels": {"team": app}} if tracking.label else {"annotations": tracking_id}
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "robot", "namespace": namespace, **whose},
    }
    assert (await client.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", body=account)).ok

    async with running(client, tracking=tracking) as mirror:
        await until(lambda: app in mirror.told, "the application is told")
        own = mirror.mirrors.readings(HERE, app, [])

    assert [ResourceKey("", "ServiceAccount", namespace, "robot")] == list(own)


async def test_a_kind_asked_for_is_pending_and_then_listed(client: KubeClient, namespace: str) -> None:
    await apply(client, config_map(namespace))
    there, missing = ref("ConfigMap", namespace, "settings"), ref("ConfigMap", namespace, "missing")
    async with running(client) as mirror:
        before = mirror.reading(there)
        await mirror.until_synced()
        await mirror.until_found(there)
        await until(lambda: mirror.reading(missing) == Absent(), "absent")

        assert isinstance(before, Unreadable)
        assert before.pending
        assert SHOP in mirror.told


async def test_a_kind_that_is_not_served_is_unserved(client: KubeClient) -> None:
    async with running(client) as mirror:
        await mirror.until_synced()

        assert Unserved() == mirror.reading(ref("Nothing", "", "x", group="example.com"))
        assert Unserved() == mirror.reading(ref("ConfigMap", "default", "x", version="v9"))


async def test_kinds_are_resolved_with_and_without_version(client: KubeClient) -> None:
    async with running(client) as mirror:
        await mirror.until_synced()
        exact = mirror.mirrors.resource(HERE, GVK("apps", "v1", "Deployment"))
        preferred = mirror.mirrors.resource(HERE, GVK("apps", "", "Deployment"))
        cluster_wide = mirror.mirrors.resource(HERE, GVK("", "v1", "Namespace"))

    assert isinstance(exact, ApiResource)
    assert ("deployments", True, True) == (exact.plural, exact.namespaced, exact.preferred)
    assert exact == preferred
    assert isinstance(cluster_wide, ApiResource)
    assert not cluster_wide.namespaced


async def test_legacy_discovery_tells_what_aggregated_discovery_does(
    client: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    aggregated = await discover(client)
    monkeypatch.setattr("gitopsd.live.discovery.AGGREGATED", "application/json")

    legacy = await discover(client)

    assert set(aggregated.resources) == set(legacy.resources)
    assert aggregated.preferred == legacy.preferred
    assert {} == aggregated.failed == legacy.failed


async def test_pages_and_a_streamed_list_show_the_same(cluster: Cluster, namespace: str) -> None:
    async with client_of(cluster, list_page=3) as client:
        for number in range(8):
            await apply(client, config_map(namespace, f"c{number}", app="shop"))
        found = []
        for streams in (True, False):
            async with running(client, [CONFIG_MAP]) as mirror:
                mirror.mirrors.mirrors[HERE]._server.streams = streams  # noqa: SLF001 - what a server would teach it
                await mirror.until_synced()
                own = mirror.mirrors.readings(HERE, SHOP, [])
                found.append({key: reading for key, reading in own.items() if key.namespace == namespace})

    assert found[0] == found[1]
    assert 8 == len(found[0])


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
