"""What is lost of one kind is lost of no other: on a real API server and on the simulated one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gitopsd.kube.client import KubeClient
from gitopsd.live.discovery import discover
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Absent, Unreadable, Unserved
from gitopsd.model.manifest import GVK, GroupKind
from tests.clusters import Cluster, clear_faults, order_fault
from tests.kube.kit import client_of
from tests.live.kit import HERE, SHOP, Running, ref, running, until

CONFIG_MAP = GroupKind("", "ConfigMap")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened


@pytest.fixture
def group() -> str:
    return f"g{secrets.token_hex(4)}.example.com"


def api_service(group: str) -> dict[str, Any]:
    """Return an APIService whose server is not there."""
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 10,
        "insecureSkipTLSVerify": True,
        "service": {"namespace": "default", "name": "nobody"},
    }
    kind = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    return {**kind, "metadata": {"name": f"v1.{group}"}, "spec": spec}


async def settled(mirror: Running, lost: ObjectRef, namespace: str, cause: str) -> Unreadable:
    """Wait until what is lost reads so, and nothing else does; return how it reads."""
    await until(lambda: cause in getattr(mirror.reading(lost), "cause", ""), f"unreadable: {cause}")
    reading = mirror.reading(lost)
    assert isinstance(reading, Unreadable)
    assert not reading.pending
    assert Absent() == mirror.reading(ref("ConfigMap", namespace, "x"))
    assert "" == mirror.mirrors.age(HERE).error
    return reading


async def test_a_server_of_an_api_that_is_down_makes_its_kinds_unreadable_and_no_others(
    client: KubeClient, namespace: str, group: str
) -> None:
    lost = ref("Boat", namespace, "one", group=group)
    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        assert Unserved() == mirror.reading(lost)
        try:
            assert (await client.request("POST", SERVICES, body=api_service(group))).ok
            await settled(mirror, lost, namespace, f"{group}/v1 does not answer discovery")
            assert SHOP in mirror.told
            legacy = await client.request("GET", f"/apis/{group}/v1")
            assert 503 == legacy.code
        finally:
            mirror.told.clear()
            assert (await client.request("DELETE", f"{SERVICES}/v1.{group}")).ok
        await until(lambda: mirror.reading(lost) == Unserved(), "not served any more")
        assert SHOP in mirror.told


def definition(group: str) -> dict[str, Any]:
    """Return the definition of Boats, stored at v1 and served at v2 too, by a webhook that is not there."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": name, "served": True, "storage": name == "v1", "schema": schema} for name in ("v1", "v2")]
    webhook = {"clientConfig": {"url": "https://127.0.0.1:1/convert"}, "conversionReviewVersions": ["v1"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boats.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "scope": "Namespaced",
            "versions": versions,
            "conversion": {"strategy": "Webhook", "webhook": webhook},
        },
    }


@contextmanager
def no_conversion(cluster: Cluster, group: str) -> Iterator[None]:
    """Have a simulated cluster, which calls no webhooks, refuse what a real one cannot convert."""
    if not cluster.simulated:
        yield
        return
    for verb in ("list", "watch"):
        order_fault(cluster, fault="error", path=f"/apis/{group}/v2/", verb=verb, count=0)
    try:
        yield
    finally:
        clear_faults(cluster)


async def test_a_broken_conversion_webhook_makes_one_version_of_one_kind_unreadable(
    cluster: Cluster, client: KubeClient, namespace: str, group: str
) -> None:
    old, new = (ref("Boat", namespace, "one", group=group, version=version) for version in ("v1", "v2"))
    boat = {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "one"}}
    boats = f"/apis/{group}/v1/namespaces/{namespace}/boats"
    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        try:
            assert (await client.request("POST", DEFINITIONS, body=definition(group))).ok
            await until(lambda: mirror.reading(old) == Absent(), "served and listed")
            assert (await client.request("POST", boats, body=boat)).ok
            with no_conversion(cluster, group):
                await settled(mirror, new, namespace, "(50")
                await mirror.until_found(old)
                failing = [gvk for gvk, _ in mirror.mirrors.age(HERE).failing]
                assert [GVK(group, "v2", "Boat")] == [gvk for gvk in failing if gvk.group == group]
        finally:
            assert (await client.request("DELETE", f"{DEFINITIONS}/boats.{group}")).ok
        await until(lambda: mirror.reading(new) == Unserved(), "not served any more")
    assert group not in {gvk.group for gvk in (await discover(client)).resources}
