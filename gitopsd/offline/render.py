"""`gitopsd render`: what applications' sources render to, without a daemon, a cluster or a cache."""

from __future__ import annotations

import asyncio
import logging
import os
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from gitopsd.core.source.build_environment import build_environment
from gitopsd.core.source.ref_source import parted
from gitopsd.core.source.remote_base import named
from gitopsd.core.target.apply_order import apply_order
from gitopsd.core.target.target import nameless_refused
from gitopsd.daemon.sandbox_policy import confinement
from gitopsd.errors import GitopsError, InvalidDeclaration, PartNotFetched
from gitopsd.git.tree import open_tree
from gitopsd.manifests import plugins
from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.missing_parts import MissingPartsRenderer
from gitopsd.manifests.remote_bases import KINDS, RemoteBaseRenderer
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.sops_keys import Keyring
from gitopsd.manifests.variables import KIND, value_of
from gitopsd.model.application import Application, Destination, Origin, Source
from gitopsd.model.ids import AppName, ProjectName, RepoUrl
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from gitopsd.offline.declared import applications
from gitopsd.offline.source_locator import SourceLocation, SourceLocator
from gitopsd.ports import Lent, Resolved
from gitopsd.runtime.memory import best_place, kept
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import Settings, load
from gitopsd.words import without_credentials

ANY: Mapping[RepoUrl, None] = {}  # the repositories of a base: none is the only one


@dataclass(frozen=True, slots=True)
class RenderQuery:
    """What the command line says."""

    targets: tuple[str, ...]  # files, directories or names; none: the directory `path` itself
    repos: tuple[str, ...] = ()  # where sources are read, as `SourceLocator` takes them
    revision: str = ""  # instead of every target revision
    path: str = ""  # instead of the source's
    declarations: Path | None = None  # where names are looked up
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look-up of a render: what at which place, and whether it was there."""

    kind: str  # "file" | "list" | "link" | "env"
    path: str
    seen: str  # "" for what was not there


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One source, rendered."""

    source: Source
    where: str
    tool: str
    key: str
    took_s: float
    looks: tuple[Look, ...]


@dataclass(slots=True)
class RenderReport:
    """One application, or a declaration that could not be read."""

    name: str
    manifests: list[Manifest] = field(default_factory=list)  # in apply order
    parts: list[RenderedPart] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: GitopsError | None = None


def rendered(query: RenderQuery) -> list[RenderReport]:
    """Return what each application asked for renders to; one that fails has its error, and the others go on.

    Raises:
        NotFound: nobody has the name of a target.
        InvalidSettings: the settings file cannot be used.
    """
    settings = load(query.config, os.environ) if query.config else Settings()
    # What happens on the way is told by the errors.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with TemporaryDirectory(prefix="gitopsd-render-") as scratch:
        work = best_place(Path(scratch) / "work")
        with kept(work):
            return asyncio.run(_rendered(query, settings, Path(scratch), work))


async def _rendered(query: RenderQuery, settings: Settings, scratch: Path, work: Path) -> list[RenderReport]:
    declared = applications(query.targets, _directories(query, settings))
    reports = [RenderReport("", error=fault) for fault in declared.faults]
    bounds = settings.workers
    limits = JobLimits(
        bounds.deadline_s, data_bytes=bounds.data_bytes, output_bytes=bounds.output_bytes, file_bytes=bounds.file_bytes
    )
    # Not strict: who types the command says what is run here, and where.
    confined = confinement(settings, work, os.environ, strict=False)
    async with WorkerPool(1, limits, confinement=confined) as workers:
        renderer = _OfflineRenderer(query, settings, workers, scratch, work)
        apps = declared.applications or ([] if query.targets else [await renderer.undeclared()])
        reports += [await renderer.report(app) for app in apps]
    if reports:
        reports[0].warnings[:0] = declared.warnings
    return reports


def _directories(query: RenderQuery, settings: Settings) -> list[Path]:
    if query.declarations is not None:
        return [query.declarations]
    return [declaration.directory for declaration in settings.declarations if declaration.directory is not None] or [
        Path()
    ]


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Where bases in other repositories are read: as sources, where --repo says so."""

    find: Callable[[RepoUrl, str], Awaitable[SourceLocation]]
    places: dict[tuple[str, str], SourceLocation] = field(default_factory=dict)

    async def want(self, repo: RepoUrl, name: str) -> Resolved:
        resolved = self.places[repo, name] = await self.find(repo, name)
        return Resolved(resolved.revision, 0, 0.0)


class _OfflineRenderer:
    def __init__(self, query: RenderQuery, settings: Settings, workers: WorkerPool, scratch: Path, work: Path) -> None:
        self._asked = query
        self._scratch = scratch
        self._settings = settings
        self._mirrors: dict[RepoUrl, str] = {}
        self._places: dict[Path, SourceLocator] = {}
        self._elsewhere = _Elsewhere(self._base)
        renderer = ClosureRenderer(
            workers,
            NoEntries(),
            self._mirrors.__getitem__,
            work_dir=work,
            limits=settings.render,
            tools=settings.tools,
            plugins=plugins.load(settings.plugins),
            keyring=Keyring(settings.sops.keys, settings.sops.program),
        )
        self._renderer = RemoteBaseRenderer(
            MissingPartsRenderer(renderer, self), self._elsewhere, lambda _url, _other: True, settings=settings.charts
        )

    async def _base(self, repo: RepoUrl, ref: str) -> SourceLocation:
        location = await self._near(Path()).find(Source(repo, ref), ANY, "")
        self._mirrors[repo] = location.mirror
        return location

    async def undeclared(self) -> Application:
        """Return an application of the directory that the command line names."""
        path = posixpath.normpath(self._asked.path or ".")
        url = await self._near(Path()).url()
        name = posixpath.basename(path).strip(".") or "app"
        source = Source(url, path=path)
        return Application(AppName(name), ProjectName("default"), (source,), Destination(name="in-cluster"))

    async def fetch(self, err: PartNotFetched, _permits: Callable[[RepoUrl], bool]) -> None:
        """Fetch what a render misses of a repository that was fetched itself (`ports.Parts`)."""
        for places in self._places.values():
            if await places.completed(err):
                return
        raise err

    async def report(self, app: Application) -> RenderReport:
        report = RenderReport(app.name)
        try:
            sources = self._sources(app)
            repositories = dict.fromkeys(source.repository for source in sources)
            places = [await self._place(app.origin, source, repositories) for source in sources]
            lent = {
                source.ref: (source, location) for source, location in zip(sources, places, strict=True) if source.ref
            }
            for source, location in zip(sources, places, strict=True):
                if source.gives_manifests:
                    await self._add(app, source, location, lent, report)
            report.manifests = _ordered(report.manifests, report.warnings)
        except GitopsError as err:
            report.error = err
        return report

    def _sources(self, app: Application) -> Sequence[Source]:
        query = self._asked
        if len(app.sources) == 1:
            (source,) = app.sources
            return [_at_path(source, query.path)] if query.path else [source]
        if query.path or query.revision:
            raise InvalidDeclaration(
                f"{app.name} has {len(app.sources)} sources, and one path or revision was given for all",
                remedy="leave out --path and --revision",
            )
        return app.sources

    async def _place(self, origin: Origin, source: Source, repositories: Mapping[RepoUrl, None]) -> SourceLocation:
        near = Path(origin.file).parent if origin.file not in ("", "-") else Path()
        location = await self._near(near).find(source, repositories, self._asked.revision)
        self._mirrors[source.repository] = location.mirror
        return location

    def _near(self, directory: Path) -> SourceLocator:
        scratch = self._scratch / f"near-{len(self._places)}"
        return self._places.setdefault(directory, SourceLocator(self._asked.repos, directory, self._settings, scratch))

    async def _add(
        self,
        app: Application,
        source: Source,
        location: SourceLocation,
        lent: Mapping[str, tuple[Source, SourceLocation]],
        report: RenderReport,
    ) -> None:
        variables = build_environment(app, source, location.revision)
        variables |= {"KUBE_VERSION": self._asked.kube_version, "KUBE_API_VERSIONS": ",".join(self._asked.api_versions)}
        began_s = time.perf_counter()
        lending = [Lent(other, at.revision) for other, at in lent.values()]
        rendered = await self._renderer.render(app.name, source, location.revision, variables, lending)
        took_s = time.perf_counter() - began_s
        places = {"": location} | {ref: at for ref, (_, at) in lent.items()}
        for name in (name for name in parted(rendered.looked_up) if name.startswith(KINDS)):
            places[name] = self._elsewhere.places[named(name)]
        looks = await asyncio.to_thread(_looks, places, rendered.looked_up, variables)
        report.manifests += rendered.manifests
        report.warnings += rendered.warnings
        if rendered.nameless:
            report.error = nameless_refused(rendered.nameless)
        report.parts.append(
            RenderedPart(source, location.description, rendered.source_type, rendered.key, took_s, looks)
        )


def _at_path(source: Source, path: str) -> Source:
    return replace(source, path=posixpath.normpath(path))


def _looks(
    places: Mapping[str, SourceLocation], looked_up: Sequence[str], variables: Mapping[str, str]
) -> tuple[Look, ...]:
    """Return what a render saw: in its own source, then in those that lend to it, named by their refs."""
    variables_asked = sorted(key for key in looked_up if key.startswith(KIND))
    looks = [
        Look("env", name, value_of(name, variables)) for name in (key.removeprefix(KIND) for key in variables_asked)
    ]
    for ref, keys in sorted(parted(key for key in looked_up if not key.startswith(KIND)).items()):
        tree = open_tree(places[ref].mirror, places[ref].revision)
        for key, state in sorted(tree.seen(keys).items()):
            kind, _, path = key.partition(":")
            looks.append(Look(kind, f"{_lender(ref)}/{path}" if ref else path, state))
    return tuple(looks)


def _lender(ref: str) -> str:
    """Return what lends files by the name `ref`: a source of the application, or what it takes from elsewhere."""
    return f"{without_credentials(named(ref)[0])} {named(ref)[1]}" if ref.startswith(KINDS) else f"${ref}"


def _ordered(manifests: Sequence[Manifest], warnings: list[str]) -> list[Manifest]:
    last: dict[ResourceKey, Manifest] = {}
    for manifest in manifests:
        key = key_of(manifest)
        if key in last:
            warnings.append(f"{key} is rendered more than once; the last one counts")
        last[key] = manifest
    return sorted(last.values(), key=apply_order)
