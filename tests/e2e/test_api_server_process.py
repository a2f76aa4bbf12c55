"""An API server that is killed, or held, at rest and in mid-sync: no false green, and all goes on after it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests import clusters
from tests.clusters import Cluster
from tests.conftest import CONTROL_PLANE, KINDS_OF_CLUSTER
from tests.e2e.beat import beating
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.world import HERE, THERE, World, config_map, text
from tests.gitserver import Repo
from tests.serverprocess import ServerProcess

pytestmark = ONCE  # `mortal` takes the place of the cluster that all share

BOUND_S = 10.0
HELD = "example.com/held"
WAVES, EACH = 5, 12
APPS = ("rest", "held", "many")


@pytest.fixture(params=KINDS_OF_CLUSTER)
def mortal(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """An API server of the test's own."""
    if request.param == "sim":
        with clusters.sim_cluster("sim", "--speed", "5") as cluster:
            yield cluster
    elif CONTROL_PLANE is None:
        pytest.skip("no kube-apiserver and etcd in $KUBEBUILDER_ASSETS")
    else:
        with clusters.real_cluster(CONTROL_PLANE, controllers=False) as cluster:
            yield cluster


def process(cluster: Cluster) -> ServerProcess:
    assert cluster.process is not None
    return cluster.process


@asynccontextmanager
async def at_work(own: Own, mortal: Cluster, there: Cluster) -> AsyncIterator[tuple[World, Repo]]:
    """Give a daemon with one application at rest, one that waits for a finalizer, and one that is about to write."""
    kubeconfig = {"name": HERE, "kubeconfig": str(mortal.kubeconfig), "request_deadline_s": 3.0}
    servers = [kubeconfig, {"name": THERE, "kubeconfig": str(there.kubeconfig)}]
    changes = {"clusters": servers, "freshness": {"watch_s": BOUND_S}}
    async with own(clusters={HERE: mortal, THERE: there}, changes=changes) as shop, beating(shop, BOUND_S / 30):
        held = config_map("old", v="1")
        held["metadata"]["finalizers"] = [HELD]
        files = {
            "rest/all.yaml": text(config_map("a", v="1"), config_map("lost", v="1")),
            "held/all.yaml": text(config_map("b", v="1")),
            "held/old.yaml": text(held),
            "many/first.yaml": text(config_map("first", v="1")),
        }
        repo = shop.repo(files=files)
        await shop.declare(*(shop.application(name, repo, name) for name in APPS))
        for name in APPS:
            await shop.daemon.until_synced(shop.name(name))
        await shop.push(repo, {"held/old.yaml": None})
        await shop.daemon.until_app(shop.name("held"), lambda app: HELD in message(app), what="the prune waits")
        yield shop, repo


def many() -> Mapping[str, str]:
    """Return the files of a sync in waves."""
    files = {}
    for wave in range(WAVES):
        made = [config_map(f"w-{wave}-{number}", v="1") for number in range(EACH)]
        for one in made:
            one["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": str(wave)}
        files[f"many/wave-{wave}.yaml"] = text(*made)
    return files


def message(app: Json) -> str:
    return str(app["status"].get("operationState", {}).get("message"))


async def until_begun(shop: World, repo: Repo) -> None:
    await shop.push(repo, many())

    async def begun() -> bool:
        return await shop.live("w-0-0") is not None

    await until("the sync has begun to write", begun)


async def until_nothing_is_green(shop: World) -> None:
    for name in APPS:
        await shop.daemon.until_app(
            shop.name(name),
            lambda app: sync_status(app) != "Synced" and app["status"]["health"]["status"] != "Healthy",
            what=f"{name} is not shown as if it were watched",
        )


async def until_all_is_done(shop: World) -> None:
    """Wait until the server is back and everything is as Git has it, with the finalizer taken away."""

    async def let_go() -> bool:
        try:
            answer = await shop.here.patch(shop.path("old"), {"metadata": {"finalizers": None}})
        except aiohttp.ClientError:
            return False
        return answer.status in (200, 404)

    await until("the server answers", let_go)
    for name in APPS:
        await shop.daemon.until_synced(shop.name(name))
    assert await shop.live("old") is None
    listed = (await shop.here.get(shop.path("").rstrip("/"))).ok()["items"]
    made = {one["metadata"]["name"] for one in listed}
    assert {f"w-{wave}-{number}" for wave in range(WAVES) for number in range(EACH)} <= made


async def connected(shop: World, *, wanted: bool) -> None:
    """Wait until the page of clusters and the metrics show whether the server can be read."""
    seen: object = None

    async def probe() -> bool:
        nonlocal seen
        items = (await shop.daemon.ok("GET", "/api/v1/clusters"))["items"]
        status = next(one["connectionState"]["status"] for one in items if one["name"] == HERE)
        server = next(one["server"] for one in items if one["name"] == HERE)
        seen = status, await shop.daemon.metric("argocd_cluster_connection_status", server=server)
        return seen == (("Successful", 1.0) if wanted else ("Failed", 0.0))

    try:
        await until(f"the cluster is shown as connected: {wanted}", probe)
    except AssertionError as err:
        raise AssertionError(f"{err}: {seen}") from None


@pytest.mark.parametrize("mortal", ["real"], indirect=True)  # the simulated one keeps nothing
async def test_killed_server_shows_nothing_green_and_what_was_lost_meanwhile_is_healed(
    own: Own, mortal: Cluster, there: Cluster
) -> None:
    async with at_work(own, mortal, there) as (shop, repo):
        uid = (await shop.live("a") or {})["metadata"]["uid"]
        await connected(shop, wanted=True)
        await until_begun(shop, repo)

        process(mortal).kill()
        await lose(mortal, f"/registry/configmaps/{shop.namespace}/lost")
        await until_nothing_is_green(shop)
        await connected(shop, wanted=False)
        process(mortal).start()

        await until_all_is_done(shop)
        await shop.until_live("lost", {"v": "1"})
        await shop.daemon.until_synced(shop.name("rest"))
        await connected(shop, wanted=True)
        assert uid == (await shop.live("a") or {})["metadata"]["uid"]


async def lose(cluster: Cluster, key: str) -> None:
    """Delete a key of etcd, as nobody can be told of."""
    asked = {"key": base64.b64encode(key.encode()).decode()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{cluster.etcd}/v3/kv/deleterange", json=asked) as told,
    ):
        assert "1" == (await told.json())["deleted"]


async def test_held_server_shows_nothing_green_and_is_gone_on_with(own: Own, mortal: Cluster, there: Cluster) -> None:
    async with at_work(own, mortal, there) as (shop, repo):
        await until_begun(shop, repo)

        process(mortal).hold()
        try:
            await until_nothing_is_green(shop)
        finally:
            process(mortal).go_on()

        await until_all_is_done(shop)
        await connected(shop, wanted=True)
