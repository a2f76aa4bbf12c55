from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.git.tree import open_tree
from gitopsd.manifests.overrides import merged, overridden
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.variables import Variables
from tests.gitserver import Repo

DECLARED = {"repoURL": "https://a", "path": "app", "kustomize": {"namePrefix": "a-", "images": ["x:1"]}}


def override(place: Path, files: Mapping[str, str], app: str = "shop") -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return the source, and what was asked for beside the tree."""
    repo = Repo(place / "r.git")
    tree = open_tree(str(repo.path), repo.commit({"app/x": "", **files}))
    given = RenderContext(variables=Variables({"ARGOCD_APP_NAME": app}))
    return overridden(tree, "app", tree.list("app") or (), DECLARED, given), given.variables.closure()


def test_without_such_files_the_source_is_as_declared_and_no_name_is_asked_for(tmp_path: Path) -> None:
    assert (DECLARED, {}) == override(tmp_path, {"app/.argocd-source.yaml.bak": "kustomize: {}"})


def test_the_file_for_all_is_merged_before_the_one_for_this_application(tmp_path: Path) -> None:
    files = {
        "app/.argocd-source.yaml": "kustomize: {images: [x:2], nameSuffix: -all}\n",
        "app/.argocd-source-shop.yaml": "kustomize: {nameSuffix: -shop, namePrefix: null}\n",
        "app/.argocd-source-other.yaml": "kustomize: {nameSuffix: -other}\n",
    }

    source, asked = override(tmp_path, files)

    assert {"images": ["x:2"], "nameSuffix": "-shop"} == source["kustomize"]
    assert {"env:ARGOCD_APP_NAME": "shop"} == asked


def test_a_file_of_somebody_else_costs_only_that_the_name_is_asked_for(tmp_path: Path) -> None:
    source, asked = override(tmp_path, {"app/.argocd-source-other.yaml": "kustomize: {nameSuffix: -other}\n"})

    assert (DECLARED, {"env:ARGOCD_APP_NAME": "shop"}) == (source, asked)


def test_no_file_moves_the_source_elsewhere(tmp_path: Path) -> None:
    moving = "{repoURL: https://b, path: ../b, targetRevision: x, chart: y, ref: z, helm: {values: v}}"

    source, _ = override(tmp_path, {"app/.argocd-source.yaml": moving})

    assert {**DECLARED, "helm": {"values": "v"}} == source


@pytest.mark.parametrize("text", ["- a", "a: 1\n---\nb: 2\n", "text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidManifest, match=r"app/\.argocd-source\.yaml is not one mapping"):
        override(tmp_path, {"app/.argocd-source.yaml": text})


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert override(tmp_path, {"app/.argocd-source.yaml": "# nothing\n"})[0] == DECLARED


@pytest.mark.parametrize(
    ("into", "patch", "expected"),
    [  # of RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_is_that_of_json_merge_patches(into: Any, patch: Any, expected: Any) -> None:
    assert expected == merged(into, patch)
