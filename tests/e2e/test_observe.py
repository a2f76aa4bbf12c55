"""What may not write does not: observe mode with a reader's rights, and applications that Argo CD still writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clusters import Cluster, call
from tests.e2e.conftest import Own
from tests.e2e.daemon import Json, resource, sync_status
from tests.e2e.world import HERE, World, config_map, text

RBAC = Path(__file__).parents[2] / "config/rbac.yaml"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


@pytest.fixture(scope="module")
def nobody_reads(cluster: Cluster) -> Iterator[Cluster]:
    """Give the user `nobody` what config/rbac.yaml gives a reader, and nothing else."""
    documents = yaml.safe_load_all(RBAC.read_text())
    role = next(
        each for each in documents if (each["kind"], each["metadata"]["name"]) == ("ClusterRole", "gitopsd-reader")
    )
    role["metadata"]["name"] = "e2e-reader"
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "e2e-reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "e2e-reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}],
    }
    assert 201 == call(cluster, "POST", ROLES, role)[0]
    assert 201 == call(cluster, "POST", BINDINGS, binding)[0]
    yield cluster
    call(cluster, "DELETE", f"{BINDINGS}/e2e-reader")
    call(cluster, "DELETE", f"{ROLES}/e2e-reader")


def as_nobody(cluster: Cluster, **changes: Any) -> dict[str, Any]:
    """Return how a daemon is to be that knows the cluster by the token of `nobody`."""
    server = {
        "name": HERE,
        "server": cluster.server,
        "ca_file": str(cluster.ca_file),
        "token": {"env": "E2E_CLUSTER"},
    }
    return {
        "changes": {"clusters": [server], **changes},
        "environ": {"E2E_CLUSTER": cluster.tokens["nobody"]},
    }


async def test_observe_mode_writes_nothing_and_needs_no_right_to(own: Own, nobody_reads: Cluster) -> None:
    async with own(**as_nobody(nobody_reads, mode="observe")) as shop:
        (await shop.here.post(shop.path(""), config_map("drifted", v="other"))).ok()
        files = {"a.yaml": text(config_map("drifted", v="1"), config_map("missing", v="1"))}
        repo = shop.repo(files=files)
        await shop.declare(shop.application("web", repo))

        def compared(app: Json) -> bool:
            return bool(resource(app, "ConfigMap", "drifted").get("unconfirmed"))

        seen = await shop.daemon.until_app(shop.name("web"), compared)
        assert "OutOfSync" == sync_status(seen)
        assert "Missing" == resource(seen, "ConfigMap", "missing")["health"]["status"]
        assert "observe" in seen["status"]["gitopsd"]["waiting"]
        status, answer = await shop.daemon.call("POST", f"/api/v1/applications/{shop.name('web')}/sync", {})
        assert status in (200, 400), answer
        await shop.daemon.refreshed(shop.name("web"))

        assert {"v": "other"} == (await shop.live("drifted") or {})["data"]
        assert await shop.live("missing") is None
        assert 0 < await shop.daemon.metric("gitopsd_api_requests_total", verb="PATCH", code="403")  # dry runs
        for verb, code in {"PATCH": "200", "POST": "201", "DELETE": "200"}.items():
            assert 0 == await shop.daemon.metric("gitopsd_api_requests_total", verb=verb, code=code)


async def test_observe_mode_of_one_application_with_a_writers_rights(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    app = shop.application("web", repo)
    app["metadata"]["annotations"] = {"gitopsd.io/mode": "observe"}
    await shop.declare(app)

    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")
    await shop.daemon.refreshed(shop.name("web"))
    assert await shop.live("a") is None
    del app["metadata"]["annotations"]
    await shop.declare(app)

    await shop.until_live("a", {"v": "1"})


async def test_missing_rights_are_told_and_end_with_the_right(own: Own, nobody_reads: Cluster) -> None:
    async with own(**as_nobody(nobody_reads)) as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        policy = {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": -1, "backoff": {"duration": "1s"}}}
        await shop.declare(shop.application("web", repo, policy=policy))

        def refused(app: Json) -> bool:
            return "forbidden" in app["status"].get("operationState", {}).get("message", "")

        await shop.daemon.until_app(shop.name("web"), refused)
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{shop.namespace}"
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "patch"]}
        role = {"metadata": {"name": "writer"}, "rules": [rule]}
        binding = {
            "metadata": {"name": "writer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "writer"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}],
        }
        (await shop.here.post(f"{path}/roles", role)).ok()
        (await shop.here.post(f"{path}/rolebindings", binding)).ok()

        await shop.until_live("a", {"v": "1"})
        await shop.daemon.until_synced(shop.name("web"))


async def test_what_argo_cd_wrote_lately_is_left_until_it_is_adopted(shop: World) -> None:
    name = shop.name("web")
    argos = config_map("a", v="1")
    argos["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": f"{name}:/ConfigMap:{shop.namespace}/a"}
    (await shop.here.apply(shop.path("a"), argos, manager="argocd-controller")).ok()
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="2"))})
    app = shop.application("web", repo)
    await shop.declare(app)

    seen = await shop.daemon.until_app(name, lambda app: "Argo CD" in app["status"]["gitopsd"].get("waiting", ""))
    assert "OutOfSync" == sync_status(seen)
    await shop.daemon.refreshed(name)
    assert {"v": "1"} == (await shop.live("a") or {})["data"]

    app["metadata"]["annotations"] = {"gitopsd.io/adopt": "true"}
    await shop.declare(app)

    live = await shop.until_live("a", {"v": "2"})
    await shop.daemon.until_synced(name)
    assert "gitopsd.io/tracking-id" in live["metadata"]["annotations"]
