"""The charts that a chart depends on: in its `charts/`, or in the same repository; one that is missing is an error.

Without it the chart would render to less, and what is not rendered is pruned.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitopsd.errors import InvalidManifest, PathNotFound
from gitopsd.manifests.chart_files import CHART, Files, chart_files, mapping, unpacked
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings

OLD = "requirements.yaml"  # of charts of apiVersion v1
LOCAL = "file://"
OWN = re.compile(r"charts/[^/]+/Chart\.yaml")


def with_dependencies(tree: Tree, path: str, files: Files, limits: RenderSettings) -> dict[str, bytes]:
    """Return `files` of the chart in `path`, with the charts of the same repository that it depends on.

    Raises:
        InvalidManifest: a dependency is neither in `charts/` nor in the repository.
        PathNotFound: the path of one leads out of the repository.
    """
    complete = dict(files)
    declared = list(_declared(path, files, limits))
    there = set(_names(path, files, limits)) if declared else set()
    for each in declared:
        name, repository = str(each.get("name")), str(each.get("repository") or "")
        if name in there:
            continue
        if not repository.startswith(LOCAL):
            raise _missing(path, name, repository)
        found = _local(tree, path, name, repository, limits)
        complete |= {f"charts/{name}/{below}": data for below, data in found.items()}
    return complete


def _declared(path: str, files: Files, limits: RenderSettings) -> Iterator[Mapping[str, Any]]:
    for file in (CHART, OLD):
        found = mapping(f"{path}/{file}", files[file], limits).get("dependencies") if file in files else None
        yield from (each for each in found or () if isinstance(each, Mapping))


def _names(path: str, files: Files, limits: RenderSettings) -> Iterator[str]:
    for name, data in unpacked(files, path).items():
        if OWN.fullmatch(name):
            yield str(mapping(f"{path}/{name}", data, limits).get("name"))


def _local(tree: Tree, path: str, name: str, repository: str, limits: RenderSettings) -> dict[str, bytes]:
    place = posixpath.normpath(posixpath.join(path, repository.removeprefix(LOCAL)))
    if place.startswith(("/", "../")) or place == "..":
        raise PathNotFound(f"{path}: the dependency {name} is outside of the repository", remedy="copy it to charts/")
    try:
        return chart_files(tree, place, limits)
    except PathNotFound as err:
        raise _missing(path, name, repository) from err


def _missing(path: str, name: str, repository: str) -> InvalidManifest:
    of = f" of {repository[:100]}" if repository else ""
    return InvalidManifest(
        f"{path} depends on the chart {name}{of}, which is not in its charts directory",
        remedy="run `helm dependency update` there, and commit what it puts in charts/",
    )
