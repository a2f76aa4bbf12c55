"""Whose an object is: by label as by annotation, and never another installation's."""

from __future__ import annotations

from tests.e2e.conftest import Own
from tests.e2e.daemon import Json, sync_status
from tests.e2e.world import THERE, World, config_map, text

LABEL = "app.kubernetes.io/instance"
INSTALLATION = "gitopsd.io/installation-id"
ANYWHERE = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
BY_LABEL = {"method": "label", "installation_id": "one"}


async def put(shop: World, found: Json, manager: str) -> None:
    (await shop.here.apply(shop.path(found["metadata"]["name"]), found, manager=manager)).ok()


def by_label(name: str, app: str) -> Json:
    """Return an object as Argo CD writes it that tracks by label."""
    found = config_map(name, v="1")
    found["metadata"]["labels"] = {LABEL: app}
    return found


def by_another(shop: World, name: str, app: str) -> Json:
    """Return an object as the same application of another installation has it."""
    found = config_map(name, v="1")
    tracking_id = f"{app}:/ConfigMap:{shop.namespace}/{name}"
    found["metadata"]["annotations"] = {"gitopsd.io/tracking-id": tracking_id, INSTALLATION: "two"}
    return found


async def test_objects_with_a_label_are_adopted_and_pruned_and_those_of_another_installation_are_left(own: Own) -> None:
    async with own(changes={"tracking": BY_LABEL}) as shop:
        app, late = shop.name("web"), shop.name("a" * 60)
        for name in ("a", "old"):
            await put(shop, by_label(name, app), "argocd-controller")
        for name in ("extra", "wanted"):
            await put(shop, by_another(shop, name, app), "another")
        files = {f"{name}.yaml": text(config_map(name, v="2")) for name in ("a", "b", "wanted")}
        repo, other = shop.repo(files=files), shop.repo("late", files={"c.yaml": text(config_map("c", v="2"))})
        declared = shop.application("web", repo)
        declared["metadata"]["annotations"] = {"gitopsd.io/adopt": "true"}

        await shop.declare(declared, shop.application("a" * 60, other))

        live = await shop.until_live("a", {"v": "2"})
        await shop.until_live("b", {"v": "2"})
        await shop.until_gone("old")
        assert (app, "one") == (live["metadata"]["labels"][LABEL], live["metadata"]["annotations"][INSTALLATION])
        told = await shop.daemon.until_condition(app, "SharedResourceWarning", "wanted")
        assert "of the installation two" in told
        await shop.daemon.until_condition(late, "ComparisonError", "does not fit into the label")
        await shop.push(repo, {"a.yaml": None, "wanted.yaml": None})
        await shop.until_gone("a")
        await shop.daemon.until_synced(app)
        assert [{"v": "1"}] * 2 == [(await shop.live(name) or {})["data"] for name in ("extra", "wanted")]
        assert await shop.live("c") is None


async def test_what_an_application_leaves_in_another_cluster_is_told_and_goes_when_it_may(shop: World) -> None:
    repo = shop.repo(files={"x.yaml": text(config_map("x", v="1")), "z.yaml": text(config_map("z", v="1"))})
    name, by_itself = shop.name("web"), {"automated": {"selfHeal": True}}
    await shop.declare(shop.application("web", repo, policy=by_itself))
    await shop.daemon.until_synced(name)

    await shop.declare(shop.application("web", repo, policy=by_itself, cluster=THERE))
    told = await shop.daemon.until_condition(name, "LeftBehindWarning", "it requires pruning")

    assert f"/ConfigMap:{shop.namespace}/x, /ConfigMap:{shop.namespace}/z" in told
    assert {"v": "1"} == (await shop.there.get(shop.path("x"))).ok()["data"]
    assert await shop.live("x") is not None
    await shop.declare(shop.application("web", repo, cluster=THERE))
    await shop.until_gone("x")
    await shop.until_gone("z")
    await shop.daemon.until_app(name, lambda app: not app["status"].get("conditions"))
    assert "Synced" == sync_status(await shop.daemon.until_synced(name))


async def test_what_is_of_no_application_is_told_where_the_project_asks(shop: World) -> None:
    ignored = [{"kind": "ConfigMap", "name": "kept-*"}]
    spec = {**ANYWHERE, "orphanedResources": {"ignore": ignored}}
    name = f"team-{shop.id}"
    team = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name}, "spec": spec}
    repo = shop.repo(files={"x.yaml": text(config_map("x", v="1"))})
    for stray in ("stray", "kept-1"):
        await put(shop, config_map(stray, v="1"), "kubectl")
    await shop.declare(team, shop.application("web", repo, project=name))

    await shop.daemon.until_condition(shop.name("web"), "OrphanedResourceWarning", "/stray")

    tree = await shop.daemon.ok("GET", f"/api/v1/applications/{shop.name('web')}/resource-tree")
    assert ["stray"] == [node["name"] for node in tree["orphanedNodes"]]
    assert ["x"] == [node["name"] for node in tree["nodes"]]
