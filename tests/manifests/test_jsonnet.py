"""Jsonnet in directory sources: what files evaluate to, and that imports stay in the tree and in the closure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitopsd.errors import GitopsError, InvalidManifest, PathNotFound, WorkerFailed
from gitopsd.manifests.directory import Loaded
from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import JsonnetOptions, JsonnetVariable, Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo
from tests.manifests import jsonnet as shared
from tests.manifests.jsonnet import CONFIG, load

repo = shared.repo  # the fixture


def names(loaded: Loaded) -> list[str]:
    return [json.loads(one)["metadata"]["name"] for one in loaded.manifests]


def test_objects_and_lists_of_them_become_manifests(repo: Repo) -> None:
    files = {
        "app/a.jsonnet": f"({CONFIG})('a')",
        "app/b.jsonnet": f"local c = {CONFIG}; [c('b'), {{apiVersion: 'v1', kind: 'List', items: [c('c'), c('d')]}}]",
        "app/c.jsonnet": "[null]",
        "app/d.jsonnet": "null",
        "app/d0.jsonnet": f"local c = {CONFIG}; [null, c('d0'), null]",
        "app/d1.jsonnet": "std.parseYaml('# on top\\n---\\n{apiVersion: v1, kind: Pod, metadata: {name: d1}}\\n')",
        "app/e.libsonnet": "no",
        "app/f.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: f}}",
    }

    loaded, _ = load(repo, files)

    assert ["a", "b", "c", "d", "d0", "d1", "f"] == names(loaded)
    assert ["app/a.jsonnet:1", "app/b.jsonnet:1"] == loaded.origins[:2]


def test_imports_are_found_beside_the_file_then_in_libraries_from_the_last(repo: Repo) -> None:
    files = {
        "app/a.jsonnet": "[import 'own.libsonnet', (import 'lib.libsonnet')('x'), (import 'deep/it.libsonnet')]",
        "app/own.libsonnet": f"({CONFIG})('own')",
        "vendor/own.libsonnet": "error 'not this one'",
        "first/lib.libsonnet": "error 'nor this'",
        "vendor/lib.libsonnet": "function(name) (import 'sub/c.libsonnet')(name)",
        "vendor/sub/c.libsonnet": CONFIG,
        "app/deep/it.libsonnet": "local c = import 'up.libsonnet'; c(importstr '../name.txt')",  # up: in the path
        "app/up.libsonnet": CONFIG,
        "app/name.txt": "deep",
    }

    loaded, tree = load(repo, files, JsonnetOptions(libs=("first", "/vendor")))

    assert ["own", "x", "deep"] == names(loaded)
    seen = tree.closure()
    assert "" == seen["file:app/lib.libsonnet"] == seen["file:vendor/up.libsonnet"]
    assert seen["file:vendor/sub/c.libsonnet"]
    assert "file:first/lib.libsonnet" not in seen


def test_variables_are_texts_or_code_and_may_name_the_build_environment(repo: Repo) -> None:
    fields = "metadata: {name: name}, v: std.extVar('v'), c: std.extVar('c') + n"
    file = f"function(name, n) {{apiVersion: 'v1', kind: 'X', {fields}}}"
    options = JsonnetOptions(
        ext_vars=(JsonnetVariable("v", "$ARGOCD_APP_NAME"), JsonnetVariable("c", "1 + 1", code=True)),
        tlas=(JsonnetVariable("name", "a"), JsonnetVariable("n", "3", code=True)),
    )
    variables = Variables({"ARGOCD_APP_NAME": "shop"})

    loaded, _ = load(repo, {"app/a.jsonnet": file}, options, variables=variables)

    (found,) = (json.loads(one) for one in loaded.manifests)
    assert ("a", "shop", 5) == (found["metadata"]["name"], found["v"], found["c"])
    assert {"env:ARGOCD_APP_NAME": "shop"} == variables.closure()


REFUSED: dict[str, tuple[str, type[GitopsError], str]] = {
    "an import above the root": ("import '../../x'", PathNotFound, "leads above the repository's root"),
    "an absolute import": ("importstr '/etc/passwd'", PathNotFound, "it is absolute"),
    "an import of nothing": ("import 'gone'", InvalidManifest, r"app/: the import 'gone' is neither there nor in app"),
    "an import as text of nothing": ("importstr 'gone'", InvalidManifest, "the import 'gone' is neither there"),
    "a link out of the repository": ("importstr 'out/passwd'", PathNotFound, "app/out"),
    "a missing variable": ("std.extVar('x')", InvalidManifest, "external variable: x"),
    "a mistake": ("{a: }", InvalidManifest, r"app/a\.jsonnet:1:5"),
    "endless recursion": ("local f(x) = f(x + 1) + 1; f(1)", InvalidManifest, "max stack frames exceeded"),
    "a text": ("'x'", InvalidManifest, r"app/a\.jsonnet: not a manifest but a text"),
    "a list of texts": ("['x']", InvalidManifest, r"app/a\.jsonnet \[0\]: not a manifest"),
    "an object without a kind": ("{a: 1}", InvalidManifest, "kind is missing"),
    "deep nesting": ("std.foldl(function(a, _) [a], std.range(1, 300), 1)", InvalidManifest, "nested more than"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_evaluated_or_read_is_refused(repo: Repo, case: str) -> None:
    text, kind, says = REFUSED[case]

    with pytest.raises(kind, match=says) as refused:
        load(repo, {"app/a.jsonnet": text}, links={"app/out": "/etc"})
    assert refused.value.remedy


def test_imports_count_towards_the_limit_once_each(repo: Repo) -> None:
    files = {"app/a.jsonnet": "[import 'b', import './b']", "app/b": f"/* {'x' * 500} */ ({CONFIG})('b')"}

    assert ["b", "b"] == names(load(repo, files, limits=RenderSettings(max_bytes=800))[0])
    with pytest.raises(InvalidManifest, match=r"app/b and what is imported besides have more than 600 bytes"):
        load(repo, files, limits=RenderSettings(max_bytes=600))


def test_a_file_at_the_root_of_the_repository_imports_its_neighbours(repo: Repo) -> None:
    files = {"a.jsonnet": "(import 'lib/c.libsonnet')('a')", "lib/c.libsonnet": CONFIG}

    assert ["a"] == names(load(repo, files, path=".")[0])


ENDLESS = {
    "a loop": "local f(n) = f(n + 1) tailstrict; f(0)",
    "a text that doubles": "std.foldl(function(a, _) a + a, std.range(1, 60), 'x')",
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_what_would_never_end_is_killed(repo: Repo, tmp_path: Path, case: str) -> None:
    revision = Revision(repo.commit({"app/a.jsonnet": ENDLESS[case]}))

    async with WorkerPool(1, JobLimits(deadline_s=2, data_bytes=256 << 20)) as pool:
        renderer = ClosureRenderer(pool, NoEntries(), lambda _: str(repo.path), work_dir=tmp_path)
        with pytest.raises(WorkerFailed, match=r"memory|crashed its worker|took more than 2"):
            await renderer.render(AppName("a"), Source(RepoUrl("https://git.example/x"), path="app"), revision)
