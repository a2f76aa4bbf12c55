"""Objects of no application, told of in a pass."""

from __future__ import annotations

from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from tests.reconcile.clusters import C1
from tests.reconcile.shell import Shell, app, config


def project(**orphaned: object) -> Manifest:
    anywhere = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    spec = {**anywhere, "orphanedResources": orphaned}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team"}, "spec": spec}


async def test_orphans_of_the_namespace_are_told_until_they_are_gone() -> None:
    shell = Shell()
    shell.declare(project(), app("a", project="team"), app("b"))
    shell.git.push({"apps/a/x": config("x"), "apps/b/y": config("y")})
    await shell.settle()
    assert () == shell.status("a").conditions
    for namespace in ("prod", "elsewhere"):
        shell.world.put(config("stray", namespace=namespace))
    await shell.pass_over("a")

    (condition,) = shell.status("a").conditions
    assert "1 object of namespace prod of cluster c1 is of no application: /ConfigMap:prod/stray" == condition.message
    found = shell.apps.get(AppName("a"))
    assert found is not None
    assert ["stray"] == [live.key.name for _, live in shell.snapshots.orphans(found, C1)]
    assert (1, 0) == (shell.status("a").orphans, shell.status("b").orphans)
    assert () == shell.status("b").conditions
    shell.declare(project(ignore=[{"name": "str*"}]), app("a", project="team"), app("b"))
    await shell.settle()
    assert () == shell.status("a").conditions
