"""A renderer that has fetched what kustomizations and charts take from elsewhere, and lends it to renders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from cachetools import LRUCache

from gitopsd.core.source import remote_base, remote_chart, remote_file
from gitopsd.core.source.ref_source import parted
from gitopsd.core.source.remote_base import named
from gitopsd.errors import BaseNotLent, GitopsError, NotLent, NotPermitted
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import Lent, RenderedSource, Renderer, Resolved
from gitopsd.settings import ChartSettings
from gitopsd.words import without_credentials

KINDS = (remote_base.KIND, remote_chart.KIND, remote_file.KIND)
KNOWN = 20_000  # sources whose bases are remembered
ROUNDS = 20  # in each, kustomizations of the bases before may name more
NONE: Mapping[str, str] = MappingProxyType({})
_Key = tuple[AppName, RepoUrl, str]


class NamedPlace(Protocol):
    async def want(self, repo: RepoUrl, name: str) -> Resolved: ...


@dataclass(slots=True)
class RemoteBaseRenderer:
    """`ports.Renderer` over another one."""

    renderer: Renderer
    sources: NamedPlace
    may_read: Callable[[RepoUrl, RepoUrl], bool]  # whether a source in one repository may take bases from another
    may_have: Callable[[AppName, RepoUrl], bool] = lambda _app, _repo: True  # whether it might name it as its source
    settings: ChartSettings = field(default_factory=ChartSettings)
    _known: LRUCache[_Key, tuple[str, ...]] = field(default_factory=lambda: LRUCache(KNOWN))

    def repositories(self, is_declared: Callable[[AppName], bool]) -> frozenset[RepoUrl]:
        """Return what bases, charts and files were taken from at the last render of each application's sources.

        Whose application is not declared any more is forgotten; what its project closed meanwhile is left out.
        """
        for key in [key for key in self._known if not is_declared(key[0])]:
            del self._known[key]
        repositories: set[RepoUrl] = set()
        for (app, _, _), names in self._known.items():
            repositories |= {
                repo for name in names if (repo := RepoUrl(named(name)[0])) in repositories or self.may_have(app, repo)
            }
        return frozenset(repositories)

    async def render(
        self,
        app: AppName,
        source: Source,
        revision: Revision,
        variables: Mapping[str, str] = NONE,
        lent: Sequence[Lent] = (),
    ) -> RenderedSource:
        key = app, source.repo_url, f"{source.path} {source.chart}"
        bases: dict[str, Lent] = {}
        for name in self._known.get(key, ()):
            with suppress(GitopsError):  # it may not be needed any more
                bases[name] = await self._lent(app, source, name)
        for _ in range(ROUNDS):
            try:
                rendered = await self.renderer.render(app, source, revision, variables, [*lent, *bases.values()])
            except BaseNotLent as err:
                names = err.details.names if isinstance(err.details, NotLent) else ()
                missing = [name for name in names if name not in bases]
                if not missing:
                    raise
                for name in missing:
                    bases[name] = await self._lent(app, source, name)
            else:
                self._remember(key, parted(rendered.looked_up))
                return rendered
        raise BaseNotLent(
            f"{source.path}: what is taken from other repositories names more of it, {ROUNDS} times over",
            remedy="name what is needed in the source itself",
        )

    async def _lent(self, app: AppName, source: Source, name: str) -> Lent:
        repo, ref = RepoUrl(named(name)[0]), named(name)[1]
        if name.startswith((remote_chart.KIND, remote_file.KIND)):
            self._check(source, repo, is_chart=name.startswith(remote_chart.KIND))
        elif not self.may_read(source.repository, repo):
            raise NotPermitted(
                f"{source.path} takes a base from {without_credentials(repo)}, which is opened by other credentials",
                remedy="copy it into the application's own repository, or open both by the same credentials",
            )
        if not self.may_have(app, repo):
            raise NotPermitted(
                f"{source.chart or source.path} takes from {without_credentials(repo)}, "
                "which its project does not permit",
                remedy="add it to the project's spec.sourceRepos, or commit it to the application's own repository",
            )
        at = await self.sources.want(repo, ref)
        return Lent(Source(repo, ref, path="", ref=name), at.revision)

    def _check(self, source: Source, repo: RepoUrl, *, is_chart: bool) -> None:
        kind, setting, allowed = (
            ("depends on a chart of", "dependencies", self.settings.dependencies)
            if is_chart
            else ("takes the value file", "value_files", self.settings.value_files)
        )
        what = f"{source.chart or source.path} {kind} {without_credentials(repo)}"
        if not remote_chart.allowed(repo, allowed):
            raise NotPermitted(
                f"{what}, which the settings do not allow",
                remedy=f"add it to charts.{setting}, or commit it to the application's own repository",
            )

    def _remember(self, key: _Key, used: Iterable[str]) -> None:
        names = tuple(sorted(name for name in used if name.startswith(KINDS)))
        if not names:
            self._known.pop(key, None)
            return
        self._known[key] = names
