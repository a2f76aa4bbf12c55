"""What the mirror makes of a cluster: the same of a real API server and of the simulated one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from gitopsd.core.objects.managed_fields import view_hash
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.kube.client import KubeClient
from gitopsd.live.discovery import discover
from gitopsd.model.cluster import ApiResource
from gitopsd.model.comparison import Absent, Found, Unreadable, Unserved
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import GVK, ResourceKey
from tests.clusters import Cluster
from tests.contract.config_maps import CONFIG_MAP, TRACKING_ID, apply, config_map, delete
from tests.kube.kit import client_of
from tests.live.kit import HERE, SHOP, ref, running, until

ARGOCD_ID = "argocd.argoproj.io/tracking-id"


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened


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
