"""A cluster of which we have some namespaces alone, with Roles in them: real and simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gitopsd.kube.client import KubeClient
from gitopsd.model.comparison import Absent, Unreadable, Unserved
from gitopsd.model.manifest import GVK, GroupKind
from tests.clusters import Cluster
from tests.contract import namespaces as shared
from tests.contract.config_maps import apply, config_map
from tests.contract.namespaces import RBAC, grant
from tests.kube.kit import client_of
from tests.live.kit import HERE, SHOP, Running, ref, running, until

admin = shared.admin  # the fixture

CONFIG_MAP, SECRET = GroupKind("", "ConfigMap"), GroupKind("", "Secret")
ACCOUNT = "watcher"


class Asking(KubeClient):
    """Writes down the paths of what is listed and watched."""

    asked: list[str]

    async def request(self, verb: str, path: str, **how: Any) -> Any:
        self.asked.append(path)
        return await super().request(verb, path, **how)

    def watch(self, path: str, query: Mapping[str, str], **how: Any) -> Any:
        self.asked.append(path)
        return super().watch(path, query, **how)


@pytest.fixture
async def client(cluster: Cluster, admin: KubeClient, namespace: str) -> AsyncIterator[Asking]:
    """A client that may read ConfigMaps and Pods in one namespace, and is told of two."""
    user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
    await grant(admin, namespace, user, "configmaps", "pods")
    base = client_of(cluster, namespaces=(namespace, "default"))
    async with Asking(base.settings) as opened:
        acting = opened.acting_as(user)
        assert isinstance(acting, Asking)
        acting.asked = []
        yield acting


async def settled(mirror: Running) -> None:
    await mirror.until_synced()
    await until(lambda: mirror.mirrors.mirrors[HERE].surveys.done, "all kinds looked through")


async def test_only_the_namespaces_of_the_clusters_entry_are_asked_about(
    admin: KubeClient, client: Asking, namespace: str
) -> None:
    await apply(admin, config_map(namespace, app="shop"))
    async with running(client, [CONFIG_MAP, SECRET]) as mirror:
        await settled(mirror)
        own = mirror.mirrors.readings(HERE, SHOP, [])
        await apply(admin, config_map(namespace, "later", app="shop"))
        await mirror.until_found(ref("ConfigMap", namespace, "later"))

    assert [f"/ConfigMap:{namespace}/settings"] == [str(key) for key in own]
    inside = (f"/namespaces/{namespace}/", "/namespaces/default/")
    discovered = {"/api", "/apis", "/version"}
    assert [] == [path for path in client.asked if path not in discovered and not any(map(path.__contains__, inside))]


async def test_what_may_not_be_read_is_named_and_no_more_than_that_is_unreadable(
    client: Asking, namespace: str
) -> None:
    async with running(client, [CONFIG_MAP, SECRET]) as mirror:
        await settled(mirror)
        age = mirror.mirrors.age(HERE)

        assert Absent() == mirror.reading(ref("ConfigMap", namespace, "x"))
        here, there = mirror.reading(ref("Secret", namespace, "x")), mirror.reading(ref("ConfigMap", "default", "x"))
        for reading, where in ((here, namespace), (there, "default")):
            assert isinstance(reading, Unreadable)
            assert f"in namespace {where}: " in reading.cause
            assert "403" in reading.cause
        assert ("", True) == (age.error, age.synced)
        failing = dict(age.failing)
        assert GVK("", "v1", "Secret") in failing
        assert "in namespace default" in failing[GVK("", "v1", "ConfigMap")]


async def test_what_is_elsewhere_or_in_no_namespace_is_unreadable_and_says_why(client: Asking) -> None:
    async with running(client) as mirror:
        await mirror.until_synced()

        elsewhere = Unreadable("namespace kube-system is not in the cluster's entry")
        assert elsewhere == mirror.reading(ref("ConfigMap", "kube-system", "x"))
        nowhere = Unreadable("it is in no namespace, and the cluster's entry names some alone")
        assert nowhere == mirror.reading(ref("Namespace", "", "default"))
        assert Unserved() == mirror.reading(ref("Nothing", "default", "x", group="example.com"))


async def test_a_right_that_is_granted_later_is_taken_up(
    admin: KubeClient, client: Asking, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitopsd.live.watch.REFUSED_RETRY_S", 0.3)
    async with running(client, [CONFIG_MAP]) as mirror:
        await mirror.until_synced()
        there = ref("ConfigMap", "default", "x")
        assert isinstance(mirror.reading(there), Unreadable)
        try:
            await grant(admin, "default", f"system:serviceaccount:{namespace}:{ACCOUNT}", "configmaps")
            await until(lambda: mirror.reading(there) == Absent(), "read at last")
        finally:
            for plural in ("roles", "rolebindings"):
                await admin.request("DELETE", f"/apis/{RBAC}/v1/namespaces/default/{plural}/watcher")
