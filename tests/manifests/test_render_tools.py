"""Sources that are more than directories, through workers and the cache: what is shared, and what is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import InvalidDeclaration, InvalidManifest, WorkerFailed
from gitopsd.manifests.jobs import RENDER
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.tools import Tools
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, Revision
from gitopsd.ports import Lent
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import RenderSettings, ToolSettings
from tests.gitserver import Repo
from tests.manifests.staging import URL, WEB, Stage, cache_on, config_map

FILES = {
    "base/kustomization.yaml": "resources: [a.yaml]\n",
    "base/a.yaml": config_map("a"),
    "web/kustomization.yaml": "resources: [../base]\nnamePrefix: web-\n",
    "x": "1",
}
ONE, OTHER = AppName("one"), AppName("other")


def changed(**kustomize: Any) -> Any:
    return replace(WEB, options={"kustomize": kustomize})


async def test_a_kustomization_is_known_by_its_file_and_rendered_once_for_all_commits_elsewhere(stage: Stage) -> None:
    rendered = await stage.renderer.render(ONE, WEB, stage.commit(FILES))
    assert ("Kustomize", ("web",)) == (rendered.source_type, rendered.origins)

    assert ["web-a"] == await stage.names(stage.commit({"x": "2", "base/README.md": "new"}))
    assert 1 == stage.jobs[RENDER]

    assert ["web-b"] == await stage.names(stage.commit({"base/a.yaml": config_map("b")}))
    with pytest.raises(InvalidManifest, match="multiple kustomization files"):
        await stage.names(stage.commit({"base/kustomization.yml": "# a second one"}))


async def test_a_file_that_was_looked_for_and_comes_renders_anew(stage: Stage) -> None:
    missing = stage.commit({**FILES, "web/kustomization.yaml": "resources: [../base, b.yaml]\n"})
    with pytest.raises(InvalidManifest, match=r"web/b\.yaml"):
        await stage.names(missing)
    with pytest.raises(InvalidManifest, match=r"web/b\.yaml"):
        await stage.names(stage.commit({"x": "2"}))
    assert 1 == stage.jobs[RENDER]

    assert ["a", "b"] == await stage.names(stage.commit({"web/b.yaml": config_map("b")}))


async def test_applications_with_options_of_their_own_share_nothing(stage: Stage) -> None:
    revision = stage.commit(FILES)

    assert ["one-a"] == await stage.names(revision, changed(namePrefix="one-"))
    assert ["two-a"] == await stage.names(revision, changed(namePrefix="two-"))
    assert ["web-a"] == await stage.names(revision)
    assert ["one-a"] == await stage.names(revision, changed(namePrefix="one-"))
    assert 3 == stage.jobs[RENDER]


async def test_what_asks_for_the_applications_name_is_rendered_for_each(stage: Stage) -> None:
    source = changed(commonAnnotations={"app": "$ARGOCD_APP_NAME"}, commonAnnotationsEnvsubst=True)
    revision = stage.commit(FILES)

    async def annotation(app: AppName) -> str:
        rendered = await stage.renderer.render(app, source, revision, {"ARGOCD_APP_NAME": app})
        return str(rendered.manifests[0]["metadata"]["annotations"]["app"])

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(annotation(app)) for app in (ONE, OTHER, ONE)]
    assert ["one", "other", "one"] == [task.result() for task in tasks]
    assert 2 == stage.jobs[RENDER]

    second = stage.commit({"x": "2"})
    for app in (ONE, OTHER):
        await stage.renderer.render(app, source, second, {"ARGOCD_APP_NAME": app})
    assert 2 == stage.jobs[RENDER]
    assert "file:web/kustomization.yaml" in (stage.closures[ONE] or ())
    assert not any(key.startswith("env:") for key in stage.closures[ONE] or ())


async def test_another_daemon_finds_each_applications_own(stage: Stage, tmp_path: Path) -> None:
    files = {**FILES, **{f"web/.argocd-source-{n}.yaml": f"kustomize: {{namePrefix: p{n}-}}\n" for n in range(12)}}
    first = stage.commit(files)
    for n in range(12):  # more than closures are kept of one source
        assert [f"p{n}-a"] == await stage.names(first, app=AppName(str(n)))
    second = stage.commit({"x": "2"})

    outcomes: list[str] = []
    async with cache_on(stage.server) as cache, WorkerPool(1) as pool:
        other = ClosureRenderer(
            pool,
            cache,
            lambda _url: str(stage.repo.path),
            work_dir=tmp_path / "other",
            on_render=lambda outcome, _: outcomes.append(outcome),
        )
        for n in range(12):
            rendered = await other.render(AppName(str(n)), WEB, second, {"ARGOCD_APP_NAME": str(n)})
            assert f"p{n}-a" == rendered.manifests[0]["metadata"]["name"]

    assert ["verified"] * 12 == outcomes


async def test_what_asks_for_the_revision_is_touched_by_every_commit(stage: Stage) -> None:
    source = changed(commonLabels={"rev": "r-${ARGOCD_APP_REVISION}"}, labelWithoutSelector=True)
    first, second = stage.commit(FILES), stage.commit({"x": "2"})

    for revision in (first, second):
        variables = {"ARGOCD_APP_REVISION": revision}
        (manifest,) = (await stage.renderer.render(ONE, source, revision, variables)).manifests
        assert f"r-{revision}" == manifest["metadata"]["labels"]["rev"]
    assert {ONE: None} == stage.closures


async def test_a_file_for_one_application_changes_that_one_alone(stage: Stage) -> None:
    first = stage.commit(FILES)
    for app in (ONE, OTHER):
        assert ["web-a"] == await stage.names(first, app=app)
    assert 1 == stage.jobs[RENDER]

    second = stage.commit({"web/.argocd-source-one.yaml": "kustomize: {namePrefix: own-}\n"})
    assert (["own-a"], ["web-a"]) == (await stage.names(second, app=ONE), await stage.names(second, app=OTHER))

    third = stage.commit({"web/.argocd-source-one.yaml": "kustomize: {namePrefix: new-}\n"})
    jobs = stage.jobs[RENDER]
    assert (["new-a"], ["web-a"]) == (await stage.names(third, app=ONE), await stage.names(third, app=OTHER))
    assert jobs + 1 == stage.jobs[RENDER]


async def test_a_file_for_all_may_make_a_directory_of_a_kustomization(stage: Stage) -> None:
    files = {**FILES, "web/b.yaml": config_map("b"), "web/.argocd-source.yaml": "directory: {include: b.yaml}\n"}

    assert ["b"] == await stage.names(stage.commit(files))


async def test_a_file_that_says_what_cannot_be_is_that_sources_error_and_remembered(stage: Stage) -> None:
    broken = stage.commit({**FILES, "web/.argocd-source.yaml": "kustomize: {images: 3}\n"})
    for revision in (broken, stage.commit({"x": "2"})):
        with pytest.raises(InvalidDeclaration, match=r"\.spec\.source\.kustomize\.images is a whole number"):
            await stage.names(revision)
    assert 1 == stage.jobs[RENDER]

    odd = stage.commit({"web/.argocd-source.yaml": "kustomize: {nameprefix: x}\n"})
    rendered = await stage.renderer.render(ONE, WEB, odd)
    assert (".spec.source.kustomize.nameprefix is unknown and has no effect; did you mean namePrefix?",) == (
        rendered.warnings
    )


async def test_kustomize_goes_before_helm_as_in_argo_cd(stage: Stage) -> None:
    assert ["web-a"] == await stage.names(stage.commit({**FILES, "web/Chart.yaml": "name: x\n"}))


async def test_what_jsonnet_imports_is_in_the_closure(stage: Stage) -> None:
    first = stage.commit({"web/a.jsonnet": "(import '../lib/c.libsonnet')", "lib/c.libsonnet": "[]", "x": "1"})
    assert [] == await stage.names(first)
    assert [] == await stage.names(stage.commit({"x": "2"}))
    assert 1 == stage.jobs[RENDER]

    changed_lib = "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'made'}}"
    assert ["made"] == await stage.names(stage.commit({"lib/c.libsonnet": changed_lib}))
    assert ("file:lib/c.libsonnet", "file:web/a.jsonnet", "list:web") == stage.closures[AppName("shop")]


async def test_another_program_renders_anew(tmp_path: Path) -> None:
    usual = Tools(ToolSettings(), tmp_path).programs.kustomize
    program = tmp_path / "kubectl-mine"
    program.write_text(f'#!/bin/sh\nexec {usual} "$@"\n')
    program.chmod(0o755)
    tools = Tools(ToolSettings(kustomize=program), tmp_path)
    before = await tools.identity()
    assert before == await tools.identity()

    program.write_text(f'#!/bin/sh\nexec {usual} "$@"  # newer\n')

    assert before != await tools.identity()
    program.unlink()
    assert "" == (await tools.identity()).strip("= ")


async def test_a_kustomization_that_outgrows_its_worker_fails_alone(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "fleet.git")
    files = {"0/kustomization.yaml": "resources: [a.yaml]\n", "0/a.yaml": config_map("a")}
    for n in range(1, 30):  # each doubles what the one before it gives
        files[f"{n}/kustomization.yaml"] = f"resources: [../{n}l, ../{n}r]\n"
        files |= {
            f"{n}{side}/kustomization.yaml": f"resources: [../{n - 1}]\nnamePrefix: {side}{n}-\n" for side in "lr"
        }
    revision = repo.commit(files)
    async with WorkerPool(1, JobLimits(deadline_s=20)) as pool:
        place = [["gitopsd.git.tree:open_tree", str(repo.path), revision], []]
        programs = Tools(ToolSettings(deadline_s=1), tmp_path / "work").programs
        given = RenderContext.packed(RenderSettings(), programs, {})
        with pytest.raises(WorkerFailed, match=r"kustomize of 29 took more than 1 s"):
            await pool.call(RENDER, place, "inputs", {"path": "29", "options": {}}, given)
        answer = await pool.call(RENDER, place, "inputs", {"path": "3", "options": {}}, given)

    assert 8 == len(answer["outcome"]["manifests"])
    assert [] == list((tmp_path / "work").iterdir())


CHART = {
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "web/templates/a.yaml": config_map("{{ .Values.name }}"),
    "env/one.yaml": "name: of-one\n",
    "env/other.yaml": "name: of-other\n",
    "x": "1",
}
VALUES = Source(URL, "env", path="", ref="values")
USES = replace(WEB, options={"helm": {"valueFiles": ["$values/env/$ARGOCD_APP_NAME.yaml"]}})


async def test_a_chart_reads_what_another_source_lends_and_is_rendered_for_what_changes_there(stage: Stage) -> None:
    chart, values = stage.commit(CHART), stage.commit({"x": "2"})

    async def name(app: AppName, revision: Revision, lent: Revision) -> str:
        lending = [Lent(VALUES, lent)]
        rendered = await stage.renderer.render(app, USES, revision, {"ARGOCD_APP_NAME": app}, lending)
        return str(rendered.manifests[0]["metadata"]["name"])

    assert ["of-one", "of-other"] == [await name(app, chart, values) for app in (ONE, OTHER)]
    assert "ref:values:file:env/one.yaml" in (stage.closures[ONE] or ())

    elsewhere, changed = stage.commit({"x": "3"}), stage.commit({"env/one.yaml": "name: changed"})
    assert ["of-one", "of-other"] == [await name(app, chart, elsewhere) for app in (ONE, OTHER)]
    assert 2 == stage.jobs[RENDER]
    assert ["changed", "of-other"] == [await name(app, chart, changed) for app in (ONE, OTHER)]
    assert 3 == stage.jobs[RENDER]
    assert "of-one" == await name(ONE, changed, values)  # of the chart's own revision nothing but the chart counts
    assert 3 == stage.jobs[RENDER]
