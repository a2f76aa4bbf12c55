from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any
from urllib.parse import quote

from gitopsd.core.text.times import rfc3339
from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.cluster import Network, PodFacts, WatchAge, WatchState
from gitopsd.model.comparison import Absent, Compared, Difference, Explanation, Pair, SyncStatus, Writer
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.usecases.backend import ClusterState, ManagedResource, Manifests, RepositoryState, SourceDetails
from tests.api.serving import NOW_S, serving
from tests.core.lives import live_of
from tests.fakes.backend import REPO, FakeBackend, app_view

SHOP = "/api/v1/applications/shop"
SECRET = "aHVudGVyMg=="  # noqa: S105 - this is what must not appear


def secret(data: Any, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "resourceVersion": "7"}, **more} | (
        {"data": data} if data is not None else {}
    )


async def test_manifests_are_json_texts_with_secrets_masked() -> None:
    backend = FakeBackend(app_view("shop"))
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"token": "kept"}}
    backend.rendered = Manifests([secret({"p": SECRET}, stringData={"q": "hunter2"}), configmap])
    async with serving(backend) as api:
        answer = await api.get(f"{SHOP}/manifests", revision="v1")

    assert "v1" == answer["revision"]
    assert {"p": "++++++++"} == json.loads(answer["manifests"][0])["data"]
    assert configmap == json.loads(answer["manifests"][1])
    assert SECRET not in str(answer)
    assert "hunter2" not in str(answer)


async def test_states_of_a_secret_show_that_they_differ_and_not_how() -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data": {{"p": "{SECRET}"}}}}'}
    live = secret({"p": SECRET, "same": "eA=="})
    live["metadata"]["annotations"] = applied
    target = secret({"p": "bmV3", "same": "eA=="})
    backend = FakeBackend(app_view("shop"))
    backend.managed = [ManagedResource(GVK("", "v1", "Secret"), "shop", "login", target, live, None, target)]
    async with serving(backend) as api:
        [item] = (await api.get(f"{SHOP}/managed-resources"))["items"]
    states = {name: json.loads(item[f"{name}State"])["data"] for name in ("target", "live", "predictedLive")}

    assert states["target"] == states["predictedLive"]
    assert states["target"]["p"] != states["live"]["p"]
    assert states["target"]["same"] == states["live"]["same"]
    assert "7" == item["resourceVersion"]
    for value in (SECRET, "bmV3", base64.b64decode(SECRET).decode()):
        assert value not in str(item)


async def test_secret_of_the_wrong_type_is_masked_whole() -> None:
    backend = FakeBackend(app_view("shop"))
    backend.rendered = Manifests([secret(SECRET), secret([SECRET]), secret({"p": {"deep": SECRET}}), secret(None)])
    async with serving(backend) as api:
        answer = await api.get(f"{SHOP}/manifests")

    assert SECRET not in str(answer)


async def test_managed_resource_tells_the_verdict_of_the_last_pass() -> None:
    key = ResourceKey("apps", "Deployment", "shop", "web")
    compared = Compared(
        Pair(key, None, Absent()),
        SyncStatus.OUT_OF_SYNC,
        (Difference(".spec.replicas", 3, 2, 1, Explanation.DRIFT, (Writer("hpa", "Update", NOW_S, "scale"),)),),
        reason="replicas differ",
        explanation=Explanation.NOT_APPLIED,
    )
    backend = FakeBackend(app_view("shop"))
    backend.managed = [ManagedResource(GVK("apps", "v1", "Deployment"), "shop", "web", compared=compared)]
    async with serving(backend) as api:
        [item] = (await api.get(f"{SHOP}/managed-resources"))["items"]

    assert ("null", "null", True, "OutOfSync") == (
        item["targetState"],
        item["liveState"],
        item["modified"],
        item["status"],
    )
    (told,) = item["differences"]
    (writer,) = told.pop("writers")
    assert {"path": ".spec.replicas", "target": 1, "live": 3, "predicted": 2, "why": "Drift"} == told
    assert ("hpa", "Update", "scale", True, rfc3339(NOW_S)) == tuple(
        writer[name] for name in ("manager", "operation", "subresource", "certain", "time")
    )
    assert "NotApplied" == item["why"]


async def test_tree_holds_owners_and_what_they_own() -> None:
    deployment = GVK("apps", "v1", "Deployment"), live_of(ResourceKey("apps", "Deployment", "shop", "web"), uid="u1")
    facts = PodFacts(("nginx:1",), "node-1", 2, ready=1, containers=3)
    key = ResourceKey("", "Pod", "shop", "web-1")
    pod = live_of(key, uid="u2", pod=facts, created_s=1_700_000_000.0)
    health = Health(HealthStatus.DEGRADED, "it crashes")
    backend = FakeBackend(app_view("shop"))
    backend.nodes = [TreeNode(*deployment, None), TreeNode(GVK("", "v1", "Pod"), pod, health, (deployment,))]
    backend.orphan_nodes = [
        TreeNode(GVK("", "v1", "ConfigMap"), live_of(ResourceKey("", "ConfigMap", "shop", "x")), None)
    ]
    async with serving(backend) as api:
        tree = await api.get(f"{SHOP}/resource-tree")

    owner, owned = tree["nodes"]
    place = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": "u1"}
    assert place.items() <= owner.items()
    assert not {"parentRefs", "images", "info", "health", "networkingInfo"} & owner.keys()
    assert [place] == owned["parentRefs"]
    assert ["nginx:1"] == owned["images"]
    info = {"Node": "node-1", "Containers": "1/3", "Restart Count": "2"}
    assert [{"name": name, "value": value} for name, value in info.items()] == owned["info"]
    assert {"status": "Degraded", "message": "it crashes"} == owned["health"]
    assert "2023-11-14T22:13:20Z" == owned["createdAt"]
    assert [{"name": "node-1"}] == tree["hosts"]
    assert ["x"] == [each["name"] for each in tree["orphanedNodes"]]


async def test_tree_tells_where_traffic_goes_in_argo_cds_shape() -> None:
    labels = (("app", "web"),)
    pod_key, service_key = ResourceKey("", "Pod", "shop", "web-1"), ResourceKey("", "Service", "shop", "web")
    reached = Network(targets=(service_key,), addresses=(("ip", "192.0.2.1"),), urls=("https://shop.example/",))
    backend = FakeBackend(app_view("shop"))
    backend.nodes = [
        TreeNode(GVK("", "v1", "Pod"), live_of(pod_key, network=Network(labels=labels)), None),
        TreeNode(GVK("", "v1", "Service"), live_of(service_key, network=Network(selects=labels)), None),
        TreeNode(
            GVK("networking.k8s.io", "v1", "Ingress"),
            live_of(ResourceKey("networking.k8s.io", "Ingress", "shop", "web"), network=reached),
            None,
        ),
    ]
    async with serving(backend) as api:
        pod, service, ingress = (await api.get(f"{SHOP}/resource-tree"))["nodes"]

    assert {"labels": {"app": "web"}} == pod["networkingInfo"]
    to_pod = {"group": "", "kind": "Pod", "namespace": "shop", "name": "web-1"}
    assert {"targetLabels": {"app": "web"}, "targetRefs": [to_pod]} == service["networkingInfo"]
    assert {
        "targetRefs": [{"group": "", "kind": "Service", "namespace": "shop", "name": "web"}],
        "ingress": [{"ip": "192.0.2.1"}],
        "externalURLs": ["https://shop.example/"],
    } == ingress["networkingInfo"]


async def test_tree_and_managed_resources_tell_how_old_they_are_and_why_that_is_too_old() -> None:
    view = app_view("shop")
    assert view.status is not None
    old = dataclasses.replace(view.status, epoch_s=NOW_S - 700.0, stale=("repository x could not be fetched",))
    backend = FakeBackend(dataclasses.replace(view, status=old, watch_age_s=3.0))
    async with serving(backend) as api:
        found = [(await api.get(f"{SHOP}/{below}"))["gitopsd"] for below in ("resource-tree", "managed-resources")]

    stale = {"epochAgeSeconds": 700.0, "watchAgeSeconds": 3.0, "stale": ["repository x could not be fetched"]}
    assert [stale, stale] == found


async def test_application_before_its_first_pass_has_an_empty_tree() -> None:
    backend = FakeBackend(dataclasses.replace(app_view("shop"), status=None))
    async with serving(backend) as api:
        assert {"nodes": [], "orphanedNodes": [], "hosts": [], "gitopsd": {}} == await api.get(f"{SHOP}/resource-tree")
        assert "Unknown" == (await api.get(SHOP))["status"]["sync"]["status"]


async def test_clusters_tell_how_they_are_connected() -> None:
    age = WatchAge(synced=True, oldest_s=10.0, failing=((GVK("", "v1", "Pod"), "403 Forbidden"),))
    pods = WatchState(GVK("", "v1", "Pod"), "web", 0, 90.0, "403", "403 Forbidden", 30.0)
    jobs = WatchState(GVK("batch", "v1", "Job"), "", 12, 10.0)
    backend = FakeBackend()
    backend.cluster_states = (
        ClusterState(
            ClusterId("c2"), "https://c2", age=WatchAge(synced=True, oldest_s=9, failing=(), error="no route")
        ),
        ClusterState(ClusterId("c1"), "https://c1", "1.36", age, 60, 2000, 7, watches=(pods, jobs)),
        ClusterState(ClusterId("c3"), "https://c3"),
    )
    async with serving(backend) as api:
        first, second, third = (await api.get("/api/v1/clusters"))["items"]

    assert ("c1", "Successful", "1.36") == (first["name"], first["connectionState"]["status"], first["serverVersion"])
    assert [{"kind": "v1/Pod", "message": "403 Forbidden"}] == first["info"]["cacheInfo"]["failing"]
    lost, fine = first["info"]["cacheInfo"]["watches"]
    assert {"kind": "batch/v1/Job", "resourcesCount": 12, "lastHeardAt": rfc3339(NOW_S - 10)} == fine
    told = {"namespace": "web", "lastError": "403 Forbidden", "lastErrorAt": rfc3339(NOW_S - 30)}
    assert {"kind": "v1/Pod", "resourcesCount": 0, "lastHeardAt": rfc3339(NOW_S - 90)} | told == lost
    assert ("Failed", "no route") == (second["connectionState"]["status"], second["connectionState"]["message"])
    assert "Unknown" == third["connectionState"]["status"]


async def test_repositories_tell_their_age_and_their_last_error() -> None:
    backend = FakeBackend()
    url = RepoUrl("https://bot:hunter2@git.example/a.git")
    backend.repository_states = (RepositoryState(url, NOW_S - 30, f"{url} does not answer", epoch=4, size_bytes=9),)
    async with serving(backend) as api:
        [item] = (await api.get("/api/v1/repositories"))["items"]

    assert {"epoch": 4, "epochAgeSeconds": 30.0, "sizeBytes": 9} == item["gitopsd"]
    assert ("Failed", "https://***@git.example/a.git does not answer") == (
        item["connectionState"]["status"],
        item["connectionState"]["message"],
    )
    assert "hunter2" not in str(item)


async def test_projects_and_version_are_told() -> None:
    async with serving(FakeBackend()) as api:
        [project] = (await api.get("/api/v1/projects"))["items"]
        assert project == await api.get("/api/v1/projects/default")
        assert 404 == (await api.status("GET", "/api/v1/projects/nobody"))[0]
        assert "0.1.0" == (await api.get("/api/version"))["Version"]

    assert ("default", ["*"]) == (project["metadata"]["name"], project["spec"]["sourceRepos"])


async def test_what_does_not_exist_has_no_resources() -> None:
    async with serving(FakeBackend()) as api:
        for below in ("manifests", "managed-resources", "resource-tree"):
            status, _ = await api.status("GET", f"/api/v1/applications/{AppName('nobody')}/{below}")
            assert 404 == status


async def test_details_of_a_source_are_those_of_a_declared_one() -> None:
    backend = FakeBackend(app_view("shop"))
    parameter = {"name": "size", "required": True}
    backend.details = [SourceDetails(REPO, "Helm"), SourceDetails(REPO, "Plugin", [parameter])]
    place = f"/api/v1/repositories/{quote(REPO, safe='')}/appdetails"
    elsewhere = f"/api/v1/repositories/{quote('https://git.example/other', safe='')}/appdetails"
    async with serving(backend) as api:
        plugin = {"type": "Plugin", "plugin": {"parametersAnnouncement": [parameter]}}
        assert (200, {"type": "Helm"}) == await api.status("POST", place, json={"appName": "shop"})
        assert (200, plugin) == await api.status("POST", place, json={"appName": "shop", "sourceIndex": 1})
        for status, where, body in (
            (404, elsewhere, {"appName": "shop"}),
            (404, place, {"appName": "shop", "sourceIndex": 2}),
            (404, place, {"appName": "nobody"}),
            (400, place, {"source": {"repoURL": REPO, "path": "../.."}}),
            (400, place, {"appName": "shop", "sourceIndex": "1"}),
        ):
            assert status == (await api.status("POST", where, json=body))[0], body
