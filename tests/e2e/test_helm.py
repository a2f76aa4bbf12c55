"""A chart through the daemon: its values from Git, its hook before it, and what the cluster is to it."""

from __future__ import annotations

from tests.e2e.daemon import until
from tests.e2e.world import World

CHART = {
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "web/values.yaml": "text: chart\n",
    "web/templates/map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\ndata:\n  text: {{ .Values.text }}\n"
        "  apps: {{ .Capabilities.APIVersions.Has `apps/v1/Deployment` | quote }}\n"
        "  none: {{ .Capabilities.APIVersions.Has `none.example/v1` | quote }}\n"
        "  minor: {{ .Capabilities.KubeVersion.Minor | quote }}\n"
    ),
    "web/templates/job.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: migrate\n  annotations:\n"
        "    helm.sh/hook: pre-install,pre-upgrade\n    helm.sh/hook-weight: '-5'\n"
        "    helm.sh/hook-delete-policy: hook-succeeded\n"
        "spec:\n  restartPolicy: Never\n  containers: [{name: main, image: 'migrate:1'}]\n"
    ),
    "env/prod.yaml": "text: prod\n",
}


async def test_chart_is_rendered_for_its_cluster_and_its_hook_runs_before_it(shop: World) -> None:
    repo = shop.repo(files=CHART)
    source = {
        "repoURL": shop.host.url(repo),
        "targetRevision": "main",
        "path": "web",
        "helm": {"valueFiles": ["$env/env/prod.yaml"], "parameters": [{"name": "name", "value": "of-chart"}]},
    }
    lends = {"repoURL": source["repoURL"], "targetRevision": "main", "ref": "env"}
    declared = shop.application("web", repo)
    del declared["spec"]["source"]
    declared["spec"]["sources"] = [source, lends]
    await shop.declare(declared)

    async def hook() -> object:
        return await shop.live("migrate", "pods")

    await until("the chart's hook runs", hook)
    assert await shop.live("of-chart") is None
    (await shop.here.patch(shop.path("migrate/status", "pods"), {"status": {"phase": "Succeeded"}})).ok()

    seen = await shop.daemon.until_synced(shop.name("web"))
    found = await shop.live("of-chart")
    assert found is not None
    data = found["data"]
    assert ("prod", "true", "false") == (data["text"], data["apps"], data["none"])
    assert data["minor"].isdecimal()
    assert "Helm" in str(seen["status"])
    await shop.until_gone("migrate", "pods")
