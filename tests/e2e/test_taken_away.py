"""What an application's green rests on is taken away under a daemon that runs: it does not stay green for that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clusters import Cluster, call
from tests.e2e.conftest import Own
from tests.e2e.daemon import Json, conditions, resource, sync_status, until
from tests.e2e.in_whose_name import RBAC, deployer, project
from tests.e2e.world import HERE, World, config_map, text

NO_HEAL: Json = {"automated": {"prune": True}}
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
READ_S = 10.0  # a server goes on with a watch that it has taken up, so a right that is gone shows with the next one


def some(*resources: str) -> list[Json]:
    """Return the rules of who may read and write these kinds of the core group, and Namespaces."""
    return [
        {"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/version"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["namespaces", *resources], "verbs": ["*"]},
    ]


@pytest.fixture
def limited(cluster: Cluster) -> Iterator[str]:
    """Let the user `nobody` read and write ConfigMaps and Secrets; give the path of the role that says so."""
    group, name = {"apiGroup": "rbac.authorization.k8s.io"}, "e2e-taken"
    binding = {
        "metadata": {"name": name},
        "roleRef": {**group, "kind": "ClusterRole", "name": name},
        "subjects": [{**group, "kind": "User", "name": "nobody"}],
    }
    role = {"metadata": {"name": name}, "rules": some("configmaps", "secrets")}
    assert 201 == call(cluster, "POST", f"{RBAC}/clusterroles", role)[0]
    assert 201 == call(cluster, "POST", f"{RBAC}/clusterrolebindings", binding)[0]
    yield f"{RBAC}/clusterroles/{name}"
    call(cluster, "DELETE", f"{RBAC}/clusterrolebindings/{name}")
    call(cluster, "DELETE", f"{RBAC}/clusterroles/{name}")


async def test_kind_that_may_not_be_read_any_more_is_unknown(own: Own, cluster: Cluster, limited: str) -> None:
    server = {"name": HERE, "server": cluster.server, "ca_file": str(cluster.ca_file), "token": {"env": "E2E_CLUSTER"}}
    settings: Json = {**server, "watch_timeout_s": READ_S}
    async with own(changes={"clusters": [settings]}, environ={"E2E_CLUSTER": cluster.tokens["nobody"]}) as shop:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "eA=="}}
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), secret)})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))

        (await shop.here.patch(limited, {"rules": some("configmaps")})).ok()

        seen = await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "Unknown")
        assert "cannot be read" in resource(seen, "Secret", "key")["reason"]
        assert "Synced" == resource(seen, "ConfigMap", "a")["status"]


async def test_right_of_a_projects_account_that_is_gone_is_told_by_the_next_sync(shop: World) -> None:
    await deployer(shop)
    await shop.declare(project(shop))
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo, project=shop.name("team")))
    await shop.daemon.until_synced(shop.name("web"))
    role = shop.path("deployer", "roles", RBAC)
    rules = (await shop.here.get(role)).ok()["rules"]

    (await shop.here.patch(role, {"rules": []})).ok()
    await until("the right is gone", lambda: _is_refused(shop))
    commit = await shop.push(repo, {"a.yaml": text(config_map("a", v="2"))})

    def told(app: Json) -> bool:
        return sync_status(app) != "Synced" and any("cannot patch resource" in one for one in conditions(app))

    await shop.daemon.until_app(shop.name("web"), told, what="the right that it lacks is told")
    await shop.edit("a", {"v": "by hand"})
    assert "Synced" != sync_status(await shop.daemon.refreshed(shop.name("web")))
    (await shop.here.patch(role, {"rules": rules})).ok()
    await shop.daemon.until_synced(shop.name("web"), commit)
    await shop.until_live("a", {"v": "2"})


async def _is_refused(shop: World) -> bool:
    if shop.simulated:
        return True  # there a change of rights counts at once
    account = f"system:serviceaccount:{shop.namespace}:deployer"
    attributes = {"namespace": shop.namespace, "verb": "patch", "resource": "configmaps"}
    review = {"spec": {"user": account, "resourceAttributes": attributes}}
    answer = await shop.here.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return not answer.ok()["status"]["allowed"]


@pytest.mark.parametrize("cluster", ["real"], indirect=True)  # the simulated one has no admission policies
async def test_what_a_policy_made_of_git_is_out_of_sync_once_the_policy_is_gone(shop: World) -> None:
    name = f"gold-{shop.id}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
    inside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": shop.namespace}}}
    patch = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": 'Object{data: {"tier": "gold"}}'}}
    spec = {
        "matchConstraints": {"resourceRules": [rule], **inside},
        "mutations": [patch],
        "reinvocationPolicy": "Never",
        "failurePolicy": "Fail",
    }
    made = {"mutatingadmissionpolicies": spec, "mutatingadmissionpolicybindings": {"policyName": name}}
    for plural, body in made.items():
        (await shop.here.post(f"{ADMISSION}/{plural}", {"metadata": {"name": name}, "spec": body})).ok()
    await until("the policy is in force", lambda: _made(shop, "gold"))
    repo = shop.repo(files={"a.yaml": text(config_map("a", tier="silver"))})
    await shop.declare(shop.application("web", repo, policy=NO_HEAL))
    await shop.daemon.until_synced(shop.name("web"))
    await shop.until_live("a", {"tier": "gold"})

    for plural in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        (await shop.here.delete(f"{ADMISSION}/{plural}/{name}")).ok()

    seen = await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")
    assert "OutOfSync" == resource(seen, "ConfigMap", "a")["status"]


async def _made(shop: World, tier: str) -> bool:
    """Tell what would become of a new object that asks for silver."""
    probe = {"apiVersion": "v1", "kind": "ConfigMap", **config_map("probe", tier="silver")}
    made = (await shop.here.apply(shop.path("probe"), probe, dryRun="All")).ok()
    return bool(made["data"]["tier"] == tier)


async def test_what_a_rule_ignored_is_drift_once_the_rule_is_gone(shop: World) -> None:
    ignored = [{"group": "", "kind": "ConfigMap", "jsonPointers": ["/data/a"]}]
    repo = shop.repo(files={"a.yaml": text(config_map("web", a="1", b="1"))})
    await shop.declare(shop.application("web", repo, policy=NO_HEAL, ignoreDifferences=ignored))
    await shop.daemon.until_synced(shop.name("web"))
    await shop.edit("web", {"a": "2"})

    async def ignores() -> bool:
        app = await shop.daemon.refreshed(shop.name("web"))
        return sync_status(app) == "Synced"

    await until("it is Synced beside the edit", ignores)
    await shop.declare(shop.application("web", repo, policy=NO_HEAL))
    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")


@pytest.mark.parametrize("change", ["destination", "source", "kind", "project"])
async def test_what_a_project_does_not_permit_any_more_is_not_green(shop: World, change: str) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    spec: Json = {"sourceRepos": ["*"], "destinations": [{"name": "*", "namespace": "*"}]}
    team = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": shop.name("team")}}
    await shop.declare({**team, "spec": spec})
    await shop.declare(shop.application("web", repo, project=shop.name("team")))
    await shop.daemon.until_synced(shop.name("web"))
    narrower: dict[str, Json] = {
        "destination": {**spec, "destinations": [{"name": "*", "namespace": "elsewhere"}]},
        "source": {**spec, "sourceRepos": ["https://example.com/*"]},
        "kind": {**spec, "namespaceResourceBlacklist": [{"group": "", "kind": "ConfigMap"}]},
    }

    if change == "project":
        await shop.undeclare({**team, "spec": spec})
    else:
        await shop.declare({**team, "spec": narrower[change]})

    await shop.daemon.until_app(
        shop.name("web"), lambda app: sync_status(app) != "Synced" and conditions(app), what="it is not green, and why"
    )
    assert {"v": "1"} == (await shop.live("a") or {})["data"]
    await shop.declare({**team, "spec": spec})
    seen = await shop.daemon.until_synced(shop.name("web"))
    assert [] == conditions(seen)
