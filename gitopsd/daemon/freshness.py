"""How old what is known of Git and of clusters may be before a status is stale; and who is told when that turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from gitopsd.core.drift.staleness import FRESH, Stale, aged
from gitopsd.model.application import Application
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.manifest import GroupKind
from gitopsd.model.status import AppStatus
from gitopsd.settings import Settings
from gitopsd.words import without_credentials

LOOK_S = 5.0  # between two looks at most; a handful of repositories and clusters each

log = structlog.get_logger()


class Ages(Protocol):
    """Repositories, as far as their age goes."""

    def repositories(self) -> Iterable[RepoUrl]: ...
    def age_s(self, repo: RepoUrl) -> float | None:
        """Return the seconds since the repository was last confirmed; None where it never was."""
        ...


class Silences(Protocol):
    """Clusters, as far as their watches go."""

    def silent(self, cluster: ClusterId, after_s: float) -> frozenset[GroupKind]:
        """Return the kinds of which nothing was heard for longer; those that fail are not among them."""
        ...


@dataclass(frozen=True, slots=True)
class StaleSnapshot:
    """What is stale at one moment."""

    repos: Mapping[RepoUrl, str] = field(default_factory=dict)  # → why
    kinds: Mapping[ClusterId, frozenset[GroupKind]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.repos or self.kinds)

    def of(self, app: Application, status: AppStatus | None) -> Stale:
        """Return what of an application's status is too old to go by."""
        if status is None or not self:
            return FRESH
        repos = dict.fromkeys(source.repository for source in app.sources)
        epoch = tuple(self.repos[repo] for repo in repos if repo in self.repos)
        silent = self.kinds.get(status.cluster, frozenset()) if status.cluster else frozenset()
        mine = {compared.pair.key.group_kind for compared in status.comparison.resources} & silent if silent else ()
        watch = tuple(f"cluster {status.cluster} has not been heard of {kind} for too long" for kind in sorted(mine))
        return Stale(epoch, watch)


class Freshness:
    """A service: looks now and then, and tells of the applications whose status turned stale, or fresh again."""

    def __init__(
        self,
        settings: Settings,
        repos: Ages,
        clusters: Silences,
        names: Iterable[ClusterId],
        changed: Callable[[StaleSnapshot, StaleSnapshot], None],
    ) -> None:
        """`changed` is told what was stale before, and what is now."""
        self.name = "freshness"
        # A bound below the poll would never be met.
        self.epoch_s = max(settings.freshness.epoch_s, 3 * settings.git.poll_s)
        self.watch_s = settings.freshness.watch_s
        self.look_s = min(LOOK_S, self.epoch_s / 4, self.watch_s / 4)
        self.now = StaleSnapshot()
        self._repos, self._clusters, self._names = repos, clusters, tuple(names)
        self._changed = changed
        self._aged: dict[AppName, tuple[AppStatus, Stale, AppStatus]] = {}

    def shown(self, app: Application, status: AppStatus) -> AppStatus:
        """Return the status as it is to be shown; the same object while nothing changes."""
        stale = self.now.of(app, status)
        if not stale:
            self._aged.pop(app.name, None)
            return status
        cached = self._aged.get(app.name)
        if cached is None or cached[0] is not status or cached[1] != stale:
            cached = self._aged[app.name] = status, stale, aged(status, stale)
        return cached[2]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.look_s)
            self.look()

    def look(self) -> None:
        """Look now."""
        before, self.now = self.now, StaleSnapshot(self._old_repos(), self._silent_kinds())
        if before != self.now:
            clusters = {str(cluster): sorted(map(str, kinds)) for cluster, kinds in self.now.kinds.items()}
            log.info("freshness.changed", repositories=sorted(self.now.repos), clusters=clusters)
            self._changed(before, self.now)

    def _old_repos(self) -> dict[RepoUrl, str]:
        old = {}
        for repo in self._repos.repositories():
            age_s = self._repos.age_s(repo)
            if age_s is not None and age_s > self.epoch_s:
                old[repo] = (
                    f"repository {without_credentials(repo)} could not be fetched for more than {self.epoch_s:g} s"
                )
        return old

    def _silent_kinds(self) -> dict[ClusterId, frozenset[GroupKind]]:
        silent = {name: self._clusters.silent(name, self.watch_s) for name in self._names}
        return {name: kinds for name, kinds in silent.items() if kinds}


def turned(
    apps: Iterable[Application],
    status_of: Callable[[AppName], AppStatus | None],
    before: StaleSnapshot,
    after: StaleSnapshot,
) -> list[AppName]:
    """Return the applications that are stale in another way than before."""
    names = []
    for app in apps:
        status = status_of(app.name)
        if before.of(app, status) != after.of(app, status):
            names.append(app.name)
    return names
