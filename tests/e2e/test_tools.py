"""Kustomize, Jsonnet and several sources, from a push to what is live."""

from __future__ import annotations

from tests.e2e.world import World, config_map, text

BASE = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": text(config_map("web", color="red")),
    "overlay/kustomization.yaml": "resources: [../base]\n",
}


async def test_a_push_to_a_base_reaches_the_overlay_as_its_application_changes_it(shop: World) -> None:
    repo = shop.repo(files=BASE)
    app = shop.application("web", repo, "overlay")
    options = {"namePrefix": "my-", "commonAnnotations": {"by": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": True}
    del app["spec"]["source"]["directory"]
    app["spec"]["source"]["kustomize"] = options
    await shop.declare(app)
    await shop.until_live("my-web", {"color": "red"})
    assert shop.name("web") == (await shop.here.get(shop.path("my-web"))).ok()["metadata"]["annotations"]["by"]

    commit = await shop.push(repo, {"base/web.yaml": text(config_map("web", color="blue"))})

    await shop.until_live("my-web", {"color": "blue"})
    seen = await shop.daemon.until_synced(shop.name("web"), commit)
    assert "Kustomize" == seen["status"]["sourceType"]


async def test_of_two_sources_the_later_one_counts_where_both_give_an_object(shop: World) -> None:
    jsonnet = "(import '../lib.libsonnet')('web', 'green')"
    made = "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: name}, data: {color: color}}"
    repo = shop.repo(files={**BASE, "js/a.jsonnet": jsonnet, "lib.libsonnet": f"function(name, color) {made}"})
    app = shop.application("web", repo, "overlay")
    source = {name: app["spec"]["source"][name] for name in ("repoURL", "targetRevision")}
    del app["spec"]["source"]
    app["spec"]["sources"] = [{**source, "path": "overlay"}, {**source, "path": "js"}]
    await shop.declare(app)

    await shop.until_live("web", {"color": "green"})
    seen = await shop.daemon.until_synced(shop.name("web"))
    assert ["Kustomize", "Directory"] == seen["status"]["sourceTypes"]
    assert ["RepeatedResourceWarning"] == [each["type"] for each in seen["status"]["conditions"]]
