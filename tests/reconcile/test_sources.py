"""Applications of several sources: which are rendered, with what they may ask for, and whom a commit touches."""

from __future__ import annotations

from typing import Any

from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, Revision
from gitopsd.model.manifest import Manifest
from tests.reconcile.git import REPO, sha
from tests.reconcile.shell import Shell, app, config

SHOP = AppName("shop")


def of(*sources: dict[str, Any]) -> Manifest:
    declared = app("shop")
    spec = {name: value for name, value in declared["spec"].items() if name != "source"}
    return {
        **declared,
        "spec": {**spec, "sources": [{"repoURL": REPO, "targetRevision": "main", **each} for each in sources]},
    }


async def test_a_render_may_ask_for_what_the_application_is() -> None:
    shell = Shell()
    shell.declare(of({"path": "apps/a"}))
    shell.git.push({"apps/a/x": config("x")})
    await shell.settle(for_s=1.0)

    told = shell.git.variables[SHOP]
    assert ("shop", "default", sha(0), sha(0)[:7], sha(0)[:8]) == tuple(
        told[f"ARGOCD_APP_{name}"]
        for name in ("NAME", "PROJECT_NAME", "REVISION", "REVISION_SHORT", "REVISION_SHORT_8")
    )
    assert ("apps/a", REPO, "main") == tuple(
        told[f"ARGOCD_APP_SOURCE_{name}"] for name in ("PATH", "REPO_URL", "TARGET_REVISION")
    )


async def test_a_source_that_only_lends_files_is_resolved_and_not_rendered() -> None:
    shell = Shell()
    shell.declare(of({"ref": "values"}, {"path": "apps/a"}, {"path": "apps/b", "ref": "both"}))
    shell.git.push({"apps/a/x": config("x"), "apps/b/y": config("y"), "z": config("z")})
    await shell.settle(for_s=1.0)

    assert (sha(0),) * 3 == shell.status("shop").revisions
    assert ("Directory", "Directory") == shell.status("shop").source_types


async def test_each_of_two_sources_at_one_place_is_remembered_for_what_it_read() -> None:
    shell = Shell()
    shell.declare(of({"path": "apps/a", "kustomize": {"namePrefix": "x-"}}, {"path": "apps/a"}))
    shell.git.push({"apps/a/x": config("x")})
    await shell.settle(for_s=1.0)
    one, other = (shell.apps.get(SHOP) or _none()).sources
    for source, read in ((one, "base/of-one"), (other, "base/of-other")):
        shell.triggers.closure(SHOP, source, (f"file:{read}",))

    for read in ("base/of-one", "base/of-other"):
        assert {SHOP} == shell.triggers.index.touched(REPO, "main", {"files": [read], "dirs": []})
    elsewhere = Source(REPO, "main", "apps/a", options={"kustomize": {}})
    shell.triggers.closure(SHOP, elsewhere, ())
    assert {SHOP} == shell.triggers.index.touched(REPO, "main", {"files": ["base/of-one"], "dirs": []})
    assert Revision(sha(0)) == shell.status("shop").revisions[0]


def _none() -> Any:
    raise AssertionError("it is not declared")
