"""What was refused goes on by itself when the cluster is mended."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.live.refused_syncs import KINDS
from tests.e2e.daemon import Json, resource, until
from tests.e2e.in_whose_name import RBAC, deployer, project
from tests.e2e.kinds import boat, definition
from tests.e2e.world import World, config_map, text

ONCE: Json = {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 0}}  # nothing is tried again by time
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def until_refused(shop: World, name: str) -> Json:
    """Wait until the application's sync has failed, and the daemon watches what that may rest on."""
    failed = await shop.daemon.until_app(
        shop.name(name), lambda app: "SyncError" in str(app["status"].get("conditions")), what="it is refused"
    )

    async def watched() -> bool:
        seen = str(await shop.daemon.ok("GET", "/api/v1/clusters"))
        return all(f"{kind.kind}'" in seen for kind in KINDS)

    await until("what it may rest on is watched", watched)
    return failed


async def refused(shop: World, *manifests: Json, **spec: Any) -> Json:
    repo = shop.repo(files={"all.yaml": text(*manifests)})
    await shop.declare(shop.application("web", repo, policy=ONCE, **spec))
    return await until_refused(shop, "web")


async def test_definition_that_another_application_brings(shop: World) -> None:
    group = f"late-{shop.id}.example.com"
    await refused(shop, boat(group, 1))
    other = shop.repo("crd", files={"all.yaml": text(definition(group))})
    await shop.declare(shop.application("crd", other))

    await shop.daemon.until_synced(shop.name("web"))
    assert {"size": 1} == (await shop.live("ann", "boats", f"/apis/{group}/v1") or {})["spec"]


async def test_namespace_that_is_made_later(shop: World) -> None:
    name = f"{shop.namespace}-later"
    failed = await refused(shop, config_map("web", v="1"), namespace=name)
    try:
        (await shop.here.post("/api/v1/namespaces", {"metadata": {"name": name}})).ok()
        await shop.daemon.until_synced(shop.name("web"))
    finally:
        await shop.forget()
        await shop.here.delete(f"/api/v1/namespaces/{name}")

    assert "CreateNamespace" in str(failed["status"]["conditions"])
    assert 1 == failed["status"]["gitopsd"]["failing"]["tries"]


async def test_quota_that_is_raised(shop: World) -> None:
    if shop.simulated:
        pytest.skip("the simulated cluster has no quotas")
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "0"}}}
    (await shop.here.post(shop.path("", "resourcequotas").rstrip("/"), quota)).ok()

    async def in_force() -> bool:
        probe = {"metadata": {"name": "probe"}}
        return (await shop.here.post(shop.path("", "configmaps").rstrip("/"), probe, dryRun="All")).status == 403

    await until("the quota is in force", in_force)
    await refused(shop, config_map("web", v="1"))
    raised = {"spec": {"hard": {"count/configmaps": "9"}}}
    (await shop.here.patch(shop.path("q", "resourcequotas"), raised)).ok()

    await shop.until_live("web", {"v": "1"})


async def test_policy_that_is_lifted(shop: World) -> None:
    if shop.simulated:
        pytest.skip("the simulated cluster has no admission policies")
    name = f"closed-{shop.id}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
    inside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": shop.namespace}}}
    spec = {
        "matchConstraints": {"resourceRules": [rule], **inside},
        "validations": [{"expression": "false", "message": "closed"}],
    }
    await _make(shop, "validatingadmissionpolicies", name, spec)
    binding = {"policyName": name, "validationActions": ["Deny"]}
    await _make(shop, "validatingadmissionpolicybindings", name, binding)

    async def in_force() -> bool:
        probe = {"metadata": {"name": "probe"}}
        return (await shop.here.post(shop.path("", "configmaps").rstrip("/"), probe, dryRun="All")).status == 422

    await until("the policy is in force", in_force)
    await refused(shop, config_map("web", v="1"))
    (await shop.here.delete(f"{ADMISSION}/validatingadmissionpolicybindings/{name}")).ok()
    (await shop.here.delete(f"{ADMISSION}/validatingadmissionpolicies/{name}")).ok()

    await shop.until_live("web", {"v": "1"})


async def _make(shop: World, plural: str, name: str, spec: Json) -> None:
    (await shop.here.post(f"{ADMISSION}/{plural}", {"metadata": {"name": name}, "spec": spec})).ok()


async def test_right_that_is_granted(shop: World) -> None:
    await deployer(shop)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "1"}}
    await shop.declare(project(shop))
    await refused(shop, secret, project=shop.name("team"))
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch", "delete"]}]
    (await shop.here.patch(shop.path("deployer", "roles", RBAC), {"rules": rules})).ok()

    await shop.daemon.until_synced(shop.name("web"))
    assert await shop.live("key", "secrets") is not None


async def test_definition_that_goes_and_is_put_back(shop: World) -> None:
    group = f"back-{shop.id}.example.com"
    (await shop.here.post(DEFINITIONS, definition(group))).ok()
    path = f"{DEFINITIONS}/boats.{group}"
    repo = shop.repo(files={"all.yaml": text(boat(group, 1))})
    try:
        await shop.declare(shop.application("web", repo, policy=ONCE))
        await shop.daemon.until_synced(shop.name("web"))
        (await shop.here.delete(path)).ok()

        async def gone() -> bool:
            return (await shop.here.get(path)).status == 404

        await until("the definition is gone", gone)
        await shop.daemon.until_app(
            shop.name("web"), lambda app: "Missing" == resource(app, "Boat", "ann").get("health", {}).get("status")
        )
        (await shop.here.post(DEFINITIONS, definition(group))).ok()
        await shop.daemon.until_synced(shop.name("web"), deadline_s=120.0)
    finally:
        await shop.forget()
        await shop.here.delete(path)
