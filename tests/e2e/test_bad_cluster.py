"""Clusters that go away, stall, refuse or lie: their applications are Unknown, nothing is lost, the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.clusters import Cluster, call, order_fault
from tests.e2e.bad_cluster import behind_a_proxy
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Json, resource, sync_status, until
from tests.e2e.proxy import proxy, settings_behind
from tests.e2e.world import HERE, THERE, World, config_map, text

ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_cluster_goes_away_and_returns(own: Own, pair: Mapping[str, Cluster], how: str) -> None:
    async with behind_a_proxy(own, pair) as (shop, between):
        files = {
            "a/a.yaml": text(config_map("a", v="1"), config_map("c", v="1")),
            "b/b.yaml": text(config_map("b", v="1")),
        }
        repo = shop.repo(files=files)
        a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b", cluster=THERE)
        await shop.declare(a, b)
        await shop.daemon.until_synced(shop.name("a"))
        await shop.daemon.until_synced(shop.name("b"))
        uid = (await shop.live("a") or {})["metadata"]["uid"]

        if how == "cut":
            await between.cut()
        else:
            between.stall()
        await shop.push(repo, {"a/a.yaml": text(config_map("a", v="2")), "b/b.yaml": text(config_map("b", v="2"))})

        await shop.daemon.until_app(shop.name("a"), lambda app: sync_status(app) == "Unknown", what="a is Unknown")

        async def live_there() -> bool:
            return (await shop.there.get(shop.path("b"))).ok()["data"] == {"v": "2"}  # type: ignore[no-any-return]

        await until("the other cluster has the commit", live_there)
        assert {"v": "1"} == (await shop.live("a") or {})["data"]
        await shop.daemon.ready()

        await between.restore()

        assert uid == (await shop.until_live("a", {"v": "2"}))["metadata"]["uid"]
        await shop.daemon.until_synced(shop.name("a"))
        await shop.until_gone("c")


async def test_cluster_that_is_away_at_the_start_holds_up_nobody(own: Own, pair: Mapping[str, Cluster]) -> None:
    async with proxy(pair[HERE]) as between:
        await between.cut()
        clusters = [
            settings_behind(between, pair[HERE], HERE),
            {"name": THERE, "kubeconfig": str(pair[THERE].kubeconfig)},
        ]
        environ = {"E2E_CLUSTER": pair[HERE].tokens["admin"]}
        async with own(changes={"clusters": clusters}, environ=environ) as shop:
            repo = shop.repo(files={"a/a.yaml": text(config_map("a", v="1")), "b/b.yaml": text(config_map("b", v="1"))})
            await shop.declare(shop.application("a", repo, "a"), shop.application("b", repo, "b", cluster=THERE))

            await shop.daemon.until_synced(shop.name("b"))
            told = await shop.daemon.until_condition(shop.name("a"), "here")
            assert "; " in told

            await between.restore()
            await shop.daemon.until_synced(shop.name("a"))


@pytest.fixture
def some_rights(cluster: Cluster) -> Iterator[Cluster]:
    """Let the user `nobody` read and write ConfigMaps and Namespaces, and nothing else."""
    rules = [
        {"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/version"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": ["*"]},
    ]
    group = {"apiGroup": "rbac.authorization.k8s.io"}
    binding = {
        "metadata": {"name": "e2e-some"},
        "roleRef": {**group, "kind": "ClusterRole", "name": "e2e-some"},
        "subjects": [{**group, "kind": "User", "name": "nobody"}],
    }
    assert 201 == call(cluster, "POST", ROLES, {"metadata": {"name": "e2e-some"}, "rules": rules})[0]
    assert 201 == call(cluster, "POST", BINDINGS, binding)[0]
    yield cluster
    call(cluster, "DELETE", f"{BINDINGS}/e2e-some")
    call(cluster, "DELETE", f"{ROLES}/e2e-some")


async def test_kind_that_may_not_be_read_is_unknown_and_its_neighbours_are_synced(
    own: Own, some_rights: Cluster
) -> None:
    cluster = some_rights
    server = {"name": HERE, "server": cluster.server, "ca_file": str(cluster.ca_file), "token": {"env": "E2E_CLUSTER"}}
    async with own(changes={"clusters": [server]}, environ={"E2E_CLUSTER": cluster.tokens["nobody"]}) as shop:
        await reads_some(shop)


async def reads_some(shop: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "eA=="}}
    repo = shop.repo(files={"a/a.yaml": text(config_map("a", v="1"), secret), "b/b.yaml": text(config_map("b", v="1"))})
    await shop.declare(shop.application("a", repo, "a"), shop.application("b", repo, "b"))
    await shop.daemon.until_synced(shop.name("b"))

    def told(app: Json) -> bool:
        return resource(app, "Secret", "key").get("status") == "Unknown"

    seen = await shop.daemon.until_app(shop.name("a"), told)
    assert "cannot be read" in resource(seen, "Secret", "key")["reason"]
    await shop.until_live("a", {"v": "1"})
    assert await shop.live("key", "secrets") is None
    assert 0 < await shop.daemon.metric("gitopsd_kinds_unreadable", cluster=HERE)


FAULTS: dict[str, Json] = {
    "one 500": {"fault": "error", "verb": "patch", "count": 1},
    "many 500s": {"fault": "error", "verb": "patch", "count": 3},
    "429 with Retry-After": {"fault": "throttle", "verb": "patch", "count": 2, "seconds": 1},
    "a slow answer": {"fault": "delay", "verb": "patch", "count": 1, "seconds": 1},
    "a watch that ends": {"fault": "cut", "verb": "watch", "count": 1},
    "watches that expire": {"fault": "expire", "verb": "watch", "count": 3},
}


@ONCE
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_an_api_server_does_at_times_is_got_over(shop: World, fault: str) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo, cluster=THERE))
    await shop.daemon.until_synced(shop.name("web"))

    order_fault(shop.clusters[THERE], path=f"namespaces/{shop.namespace}/|/configmaps$", **FAULTS[fault])
    commit = await shop.push(repo, {"a.yaml": text(config_map("a", v="2")), "b.yaml": text(config_map("b", v="2"))})

    await shop.daemon.until_synced(shop.name("web"), commit)
    assert {"v": "2"} == (await shop.there.get(shop.path("a"))).ok()["data"]
    (await shop.there.patch(shop.path("b"), {"data": {"v": "3"}}, fieldManager="other")).ok()

    async def healed() -> bool:
        return (await shop.there.get(shop.path("b"))).ok()["data"] == {"v": "2"}  # type: ignore[no-any-return]

    await until("drift is healed after the fault", healed)
