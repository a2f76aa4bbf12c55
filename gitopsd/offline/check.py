"""`gitopsd check`: everything that is wrong with settings and declarations, without a daemon."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.core.declaration import resolve_destination
from gitopsd.core.declaration.changes import DeclarationKey, Declared, Documents, read_source, twice
from gitopsd.declarations.directory import Parse, content, read_files
from gitopsd.declarations.files import scan
from gitopsd.errors import GitopsError, InvalidSettings, UnknownCluster
from gitopsd.model.application import Application
from gitopsd.model.ids import ClusterId
from gitopsd.model.project import DEFAULT
from gitopsd.settings import DeclarationSource, Settings, load, problems, unsafe
from gitopsd.trust.secrets import read


@dataclass(slots=True)
class Report:
    """What a check found; every line begins with file and line, and ends with the remedy."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # what works, and has less effect than it says
    applications: int = 0
    projects: int = 0
    credentials: int = 0  # Secrets of repositories and templates
    clusters: dict[ClusterId, str] = field(default_factory=dict)  # of Secrets: name → server


async def check(path: Path, environ: Mapping[str, str], parse: Parse) -> Report:
    """Read the settings of `path` and the declarations in the directories they name; nothing is written.

    Declarations in Git repositories are left to the daemon: reading them is traffic.
    """
    report = Report(errors=[str(problem) for problem in problems(path, environ)])
    try:
        settings = load(path, environ)
    except InvalidSettings:
        return report
    report.warnings += map(str, unsafe(path, environ))
    declared: dict[DeclarationKey, Declared] = {}
    for source in settings.declarations:
        if source.directory is not None:
            await _directory(source.directory, source, parse, declared, report)
        else:
            report.warnings.append(f"{path}: declarations in {source.repo_url} are not read by this check")
    _together(declared, settings, report)
    return report


async def _directory(
    directory: Path, source: DeclarationSource, parse: Parse, declared: dict[DeclarationKey, Declared], report: Report
) -> None:
    scanned = await asyncio.to_thread(scan, directory, recurse=source.recurse)
    read_content = content(scanned, await read_files(scanned, parse, {}, 0.0))
    reading = read_source(
        Documents(f"dir:{directory}", read_content.manifests, read_content.origins, complete=True, prune=False), {}
    )
    secrets = read(read_content.secrets)
    report.errors += [*read_content.faults, *reading.warnings, *secrets.errors]
    report.warnings += secrets.warnings
    report.credentials += len(secrets.declared.repositories) + len(secrets.declared.templates)
    report.clusters |= {ClusterId(cluster.name): cluster.server for cluster in secrets.clusters}
    for key, value in reading.declared.items():
        if key in declared:
            report.errors.append(twice(key, value.origin, declared[key]))
        declared.setdefault(key, value)
        report.warnings += [f"{value.origin}: {warning}" for warning in value.warnings]


def _together(declared: Mapping[DeclarationKey, Declared], settings: Settings, report: Report) -> None:
    applications = [value for value in declared.values() if isinstance(value, Application)]
    projects = {DEFAULT.name, *(value.name for value in declared.values() if not isinstance(value, Application))}
    report.applications = len(applications)
    report.projects = len(declared) - len(applications)
    clusters = report.clusters | {ClusterId(cluster.name): cluster.server for cluster in settings.clusters}
    for app in applications:
        report.errors += [f"{app.origin}: {fault}" for fault in _faults(app, clusters)]
        if app.project not in projects:
            report.errors.append(f"{app.origin}: .spec.project {app.project} is not declared; declare an AppProject")


def _faults(app: Application, clusters: Mapping[ClusterId, str]) -> Iterable[str]:
    # A kubeconfig's server is known once it is read, so a destination by server may still be one of those.
    if app.destination.server and "" in clusters.values():
        return
    try:
        resolve_destination(app.destination, clusters)
    except UnknownCluster as err:
        yield str(err)


def faults(config: Path) -> Sequence[str]:
    """Return everything that is wrong with the settings of `config` and the declarations they name, a line each."""
    from gitopsd.manifests.jobs import documents

    async def parse(name: str, text: str) -> list[tuple[int, object]]:
        return [(line, value) for line, value in documents(name, text)]

    report = asyncio.run(check(config, os.environ, parse))
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)  # noqa: T201 - it is no error, so not among what is returned
    return [*report.errors, *_faults_of_files(config)]


def _faults_of_files(config: Path) -> Sequence[str]:
    """Return what is wrong with health checks, actions and plugins, of each the first."""
    from gitopsd.manifests import plugins
    from gitopsd.scripts import actions, health_checks

    try:
        settings = load(config, os.environ)
    except GitopsError:
        return ()  # told already, setting by setting
    faults = []
    for load_one in (
        lambda: health_checks.load(settings.health),
        lambda: actions.load(settings.customizations),
        lambda: plugins.load(settings.plugins),
    ):
        try:
            load_one()
        except GitopsError as err:
            faults.append(str(err))
    return faults
