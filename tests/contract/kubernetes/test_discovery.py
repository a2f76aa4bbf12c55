"""What the server serves, and to whom."""

from __future__ import annotations

from typing import Any

from tests.clusters import Cluster
from tests.contract.kubernetes.api import AGGREGATED, Api, connect, until
from tests.contract.kubernetes.objects import config_map, config_maps

CORE = {
    "configmaps": ("ConfigMap", "Namespaced"),
    "namespaces": ("Namespace", "Cluster"),
    "pods": ("Pod", "Namespaced"),
    "secrets": ("Secret", "Namespaced"),
    "serviceaccounts": ("ServiceAccount", "Namespaced"),
    "services": ("Service", "Namespaced"),
    "persistentvolumeclaims": ("PersistentVolumeClaim", "Namespaced"),
}
KINDS = {
    "apps": {"deployments", "replicasets", "statefulsets", "daemonsets"},
    "batch": {"jobs", "cronjobs"},
    "networking.k8s.io": {"ingresses", "networkpolicies", "ingressclasses"},
    "policy": {"poddisruptionbudgets"},
    "autoscaling": {"horizontalpodautoscalers"},
    "rbac.authorization.k8s.io": {"roles", "rolebindings", "clusterroles", "clusterrolebindings"},
    "apiextensions.k8s.io": {"customresourcedefinitions"},
    "admissionregistration.k8s.io": {
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    },
    "storage.k8s.io": {"storageclasses"},
    "scheduling.k8s.io": {"priorityclasses"},
    "apiregistration.k8s.io": {"apiservices"},
}


async def test_version_is_a_kubernetes_version_and_tells_of_simulation(api: Api, cluster: Cluster) -> None:
    found = (await api.get("/version")).ok()

    assert found["gitVersion"].startswith(f"v{found['major']}.{found['minor']}.")
    assert cluster.simulated == found["gitVersion"].endswith("+sim")


async def test_readyz_answers_ok(api: Api) -> None:
    assert "ok" == (await api.get("/readyz")).ok()


async def test_aggregated_discovery_lists_core_kinds(api: Api) -> None:
    answer = await api.get("/api", accept=AGGREGATED)

    assert "as=APIGroupDiscoveryList" in answer.headers["Content-Type"]
    assert ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2") == (answer.body["kind"], answer.body["apiVersion"])
    (version,) = answer.body["items"][0]["versions"]
    found = {r["resource"]: (r["responseKind"]["kind"], r["scope"]) for r in version["resources"]}
    assert "v1" == version["version"]
    assert CORE.items() <= found.items()


async def test_aggregated_discovery_tells_verbs_names_and_subresources(api: Api) -> None:
    groups = (await api.get("/apis", accept=AGGREGATED)).ok()["items"]

    apps = next(group for group in groups if group["metadata"]["name"] == "apps")
    found = next(r for r in apps["versions"][0]["resources"] if r["resource"] == "deployments")
    assert "Current" == apps["versions"][0]["freshness"]
    assert {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"} == set(found["verbs"])
    assert ("deployment", ["deploy"], ["all"]) == (found["singularResource"], found["shortNames"], found["categories"])
    assert {"group": "", "version": "", "kind": "Deployment"} == found["responseKind"] | {"group": "", "version": ""}
    assert "status" in [sub["subresource"] for sub in found["subresources"]]


async def test_aggregated_discovery_lists_every_group_that_gitopsd_meets(api: Api) -> None:
    groups = (await api.get("/apis", accept=AGGREGATED)).ok()["items"]

    found = {g["metadata"]["name"]: {r["resource"] for v in g["versions"] for r in v["resources"]} for g in groups}
    assert {} == {
        group: kinds - found.get(group, set()) for group, kinds in KINDS.items() if kinds - found.get(group, set())
    }


async def test_legacy_discovery_lists_groups_versions_and_resources(api: Api) -> None:
    groups = (await api.get("/apis")).ok()
    core = (await api.get("/api")).ok()
    apps = (await api.get("/apis/apps/v1")).ok()

    assert ("APIGroupList", "v1") == (groups["kind"], groups["apiVersion"])
    found: dict[str, Any] = {group["name"]: group for group in groups["groups"]}
    assert {"groupVersion": "apps/v1", "version": "v1"} == found["apps"]["preferredVersion"]
    assert ("APIVersions", ["v1"]) == (core["kind"], core["versions"])
    assert ("APIResourceList", "apps/v1") == (apps["kind"], apps["groupVersion"])
    by_name = {r["name"]: r for r in apps["resources"]}
    assert ("Deployment", True) == (by_name["deployments"]["kind"], by_name["deployments"]["namespaced"])
    assert "Deployment" == by_name["deployments/status"]["kind"]


async def test_legacy_discovery_of_the_core_group(api: Api) -> None:
    found = {r["name"]: (r["kind"], r["namespaced"]) for r in (await api.get("/api/v1")).ok()["resources"]}

    assert ("Namespace", False) == found["namespaces"]
    assert ("ConfigMap", True) == found["configmaps"]


async def test_unknown_paths_are_not_found(api: Api) -> None:
    for path in (
        "/apis/nothing.example.com/v1/things",
        "/apis/apps/v1/things",
        "/apis/apps/v9/deployments",
        "/nowhere",
    ):
        assert 404 == (await api.get(path)).status, path


async def test_bad_token_is_unauthorized(api: Api) -> None:
    answer = await api.get("/api/v1/namespaces", token="forged")  # noqa: S106 - that is the point

    assert (401, "Unauthorized") == (answer.status, answer.reason)
    assert ("Status", "Failure", 401) == (answer.body["kind"], answer.body["status"], answer.body["code"])


async def test_reader_reads_and_may_not_write_nor_dry_run(cluster: Cluster, namespace: str) -> None:
    async with connect(cluster, "reader") as reader:
        listed = await reader.get(config_maps(namespace))
        created = await reader.post(config_maps(namespace), config_map("a"))
        tried = await reader.apply(config_maps(namespace, "a"), config_map("a"), dryRun="All")

    assert 200 == listed.status
    assert (403, "Forbidden") == (created.status, created.reason)
    assert (403, "Forbidden") == (tried.status, tried.reason)
    assert created.body["message"].startswith(
        'configmaps is forbidden: User "reader" cannot create resource "configmaps"'
    )


async def test_user_without_rights_is_forbidden_to_list_and_watch(cluster: Cluster, namespace: str) -> None:
    async with connect(cluster, "nobody") as nobody:
        listed = await nobody.get(config_maps(namespace))
        watched = await nobody.get(config_maps(namespace), watch="1")
        discovered = await nobody.get("/apis", accept=AGGREGATED)

    assert (403, "Forbidden") == (listed.status, listed.reason)
    assert 403 == watched.status
    assert 200 == discovered.status


async def test_role_binding_grants_in_its_namespace_only(api: Api, cluster: Cluster, namespace: str) -> None:
    rbac, group = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}", "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"], "resourceNames": []}]
    (await api.post(f"{rbac}/roles", {"metadata": {"name": "lister"}, "rules": rules})).ok()
    binding = {
        "metadata": {"name": "lister"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "lister"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "nobody"}],
    }
    (await api.post(f"{rbac}/rolebindings", binding)).ok()

    async with connect(cluster, "nobody") as nobody:
        path = config_maps(namespace)
        await until(lambda: nobody.get(path), lambda answer: answer.status == 200)  # once the authorizer knows
        assert 403 == (await nobody.get("/api/v1/configmaps")).status
        assert 403 == (await nobody.get(f"/api/v1/namespaces/{namespace}/secrets")).status
