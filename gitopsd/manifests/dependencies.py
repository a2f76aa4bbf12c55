"""The charts that a chart depends on: in its `charts/`, in the same repository, or lent; a missing one is an error.

Without it the chart would render to less, and what is not rendered is pruned.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitopsd.core.source.ref_source import not_lent
from gitopsd.core.source.remote_chart import RemoteChart, is_fetched_from
from gitopsd.core.source.semver import Version, range_of
from gitopsd.errors import InvalidManifest, PathNotFound
from gitopsd.manifests.chart_files import CHART, Files, chart_files, mapping, unpacked
from gitopsd.manifests.chart_lock import OLD, locked
from gitopsd.manifests.render_context import RenderContext
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings
from gitopsd.words import without_credentials

LOCAL = "file://"
OWN = re.compile(r"charts/[^/]+/Chart\.yaml")


def with_dependencies(tree: Tree, path: str, files: Files, context: RenderContext) -> dict[str, bytes]:
    """Return `files` of the chart in `path`, with the charts that it depends on.

    Raises:
        InvalidManifest: a dependency is nowhere, or the lock is not of these dependencies.
        PathNotFound: the path of one leads out of the repository.
        BaseNotLent: some are of chart repositories or registries, and not among `given.refs`.
    """
    complete, limits = dict(files), context.limits
    declared = list(_declared(path, files, limits))
    there = set(_names(path, files, limits)) if declared else set()
    lacking = [index for index, dependency in enumerate(declared) if str(dependency.get("name")) not in there]
    missing: set[str] = set()
    versions = locked(path, declared, files, limits) if lacking else []
    for index in lacking:
        name, repository = str(declared[index].get("name")), str(declared[index].get("repository") or "")
        if repository.startswith(LOCAL):
            contents = _local(tree, path, RemoteChart(repository, name, versions[index]), limits)
        elif not is_fetched_from(repository):
            raise _missing(path, name, repository)
        elif (chart := RemoteChart(repository, name, versions[index]).name) in context.refs:
            contents = chart_files(context.refs[chart], ".", limits)
        else:
            missing.add(chart)
            continue
        complete |= {f"charts/{name}-{index}/{below}": data for below, data in contents.items()}
    if missing:
        raise not_lent(missing)
    return complete


def _declared(path: str, files: Files, limits: RenderSettings) -> Iterator[Mapping[str, Any]]:
    for file in (CHART, OLD):
        entries = mapping(f"{path}/{file}", files[file], limits).get("dependencies") if file in files else None
        yield from (entry for entry in entries or () if isinstance(entry, Mapping))


def _names(path: str, files: Files, limits: RenderSettings) -> Iterator[str]:
    for name, data in unpacked(files, path).items():
        if OWN.fullmatch(name):
            yield str(mapping(f"{path}/{name}", data, limits).get("name"))


def _local(tree: Tree, path: str, chart: RemoteChart, limits: RenderSettings) -> dict[str, bytes]:
    directory = posixpath.normpath(posixpath.join(path, chart.url.removeprefix(LOCAL)))
    if directory.startswith(("/", "../")) or directory == "..":
        raise PathNotFound(
            f"{path}: the dependency {chart.chart} is outside of the repository", remedy="copy it to charts/"
        )
    try:
        files = chart_files(tree, directory, limits)
    except PathNotFound as err:
        raise _missing(path, chart.chart, chart.url) from err
    _check(path, directory, chart, mapping(f"{directory}/{CHART}", files[CHART], limits))
    return files


def _check(path: str, directory: str, chart: RemoteChart, about: Mapping[str, Any]) -> None:
    """Return if the chart in `directory` is `chart`, the one that is asked for; Helm takes no other one, either."""
    name, version = str(about.get("name")), str(about.get("version"))
    allowed, parsed = range_of(chart.version), Version.parse(version)
    if name != chart.chart or allowed is None or parsed is None or not allowed.allows(parsed):
        raise InvalidManifest(
            f"{path} depends on the chart {chart.chart} {chart.version or 'of no version'}, "
            f"and the one in {directory} is {name[:100]} {version[:100]}",
            remedy="mend name and version of the dependency, and have its lock made anew by `helm dependency update`",
        )


def _missing(path: str, name: str, repository: str) -> InvalidManifest:
    if repository.startswith(("@", "alias:")):
        return InvalidManifest(
            f"{path} depends on the chart {name} of {repository[:100]}, an alias of somebody's own machine",
            remedy="write the URL of the chart repository",
        )
    repository = without_credentials(repository)
    of = f" of {repository[:100]}" if repository else ""
    return InvalidManifest(
        f"{path} depends on the chart {name}{of}, which is not in its charts directory",
        remedy="name an https:// or oci:// repository, or commit what `helm dependency update` puts in charts/",
    )
