"""Webhook, epoch, watch event, declaration → a key in the queue; what a commit does not touch moves without a pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from gitopsd.core.source.ref_source import parted
from gitopsd.core.source.touch_index import Branch, TouchIndex
from gitopsd.errors import GitopsError
from gitopsd.model.application import Application, Source
from gitopsd.model.chart import CHARTS
from gitopsd.model.ids import AppName, ClusterId, RepoUrl, Revision
from gitopsd.model.status import AppStatus
from gitopsd.ports import Applications
from gitopsd.reconcile.ownership import Barrier, scopes_of
from gitopsd.runtime.queue import KeyQueue
from gitopsd.words import without_credentials

log = structlog.get_logger()


class EpochView(Protocol):
    """One snapshot of a repository's refs."""

    @property
    def taken_s(self) -> float: ...
    def named(self, ref: str, tag_prefix: str = ...) -> str | None: ...


Changes = Mapping[str, Any] | None  # of `git.touched.changes`
LookedUp = tuple[str, ...] | None
Walk = Callable[[RepoUrl, str, str], Awaitable[Changes]]  # repository, old and new revision
Way = tuple[str, str]  # old and new revision of a ref
Moves = Mapping[RepoUrl, int]  # what has a new epoch, as the barrier knows it → its move

PREFIXED = "\0"  # between a prefix of tags and a ref, neither of which can hold it
AT_ONCE = 20  # statuses moved between two turns of the loop: whom the commit touches goes first


@dataclass(slots=True)
class Triggers:
    """The service that turns what happens in the world into keys."""

    queue: KeyQueue[AppName]
    apps: Applications
    index: TouchIndex
    barrier: Barrier
    walk: Walk
    cluster_of: Callable[[Application], ClusterId | None]  # None: not known, or for gitopsd itself
    poll: Callable[[Iterable[RepoUrl]], None]  # told of all repositories that applications may read
    gone: Callable[[AppName], None]  # told of applications that are no more
    permits: Callable[[Application], bool]  # whether its project lets it read its sources: else nobody polls for it
    name: str = "triggers"
    _moves: asyncio.Queue[tuple[RepoUrl, EpochView | None, EpochView, Moves]] = field(default_factory=asyncio.Queue)
    _looked_up: dict[AppName, dict[int, LookedUp]] = field(default_factory=dict)  # by the source's place
    _readers: dict[RepoUrl, set[AppName]] = field(default_factory=dict)
    _pollers: dict[RepoUrl, set[AppName]] = field(default_factory=dict)  # of the readers: whose projects permit it
    _read: dict[AppName, frozenset[RepoUrl]] = field(default_factory=dict)
    _scopes: dict[AppName, frozenset[RepoUrl]] = field(default_factory=dict)

    # What the edges tell; each returns at once.

    def declared(self, names: Iterable[AppName]) -> None:
        """Take note of applications that are new, changed, or gone."""
        for name in sorted(names):
            self._forget(name)
            app = self.apps.get(name)
            if app is not None:
                self._learn(app)
            else:
                self.gone(name)
            self.queue.add(name)
        self.poll(self._pollers)

    def rights_moved(self) -> None:
        """Take note that credentials are for other projects than before."""
        self._pollers.clear()
        for app in self.apps.all():
            self._poll_for(app)
        self.poll(self._pollers)

    def closure(self, app: AppName, source: Source, looked_up: tuple[str, ...] | None) -> None:
        """Take note of where a render of `source` looked (keys of `Tree.closure()`); None: that is not known.

        A source that the application does not declare, such as one at a revision that a person named, says nothing of
        whom the next commit touches.
        """
        declared = self.apps.get(app)
        if declared is None or source not in declared.sources:
            return
        by_index, index = self._looked_up.setdefault(app, {}), declared.sources.index(source)
        if index not in by_index or by_index[index] != looked_up:
            by_index[index] = looked_up
            self.index.put(app, _closures(declared, by_index))

    def epoch(self, repo: RepoUrl, old: EpochView | None, new: EpochView) -> None:
        """Take note of a new epoch; until it is known whom it touches, every reader counts as late."""
        charts = self._reading(repo) if repo.startswith(CHARTS) else []
        scopes = {source.scope for app in charts for source in app.sources if source.repository == repo}
        moves = {scope: self.barrier.moved(scope) for scope in sorted(scopes or {repo})}
        self._moves.put_nowait((repo, old, new, moves))

    def cluster(self, cluster: ClusterId) -> None:
        """Take note that a cluster was listed for the first time, cannot be, or answers again."""
        for app in self.apps.all():
            if self.cluster_of(app) == cluster:
                self.queue.add(app.name)

    def offered(self, cluster: ClusterId, askers: Iterable[AppName]) -> None:
        """Take note that a cluster offers something else than before: of its applications, `askers` look at that."""
        for name in sorted(askers):
            app = self.apps.get(name)
            if app is not None and self.cluster_of(app) == cluster:
                self.queue.add(name)

    async def run(self) -> None:
        """Find out, epoch by epoch, whom each touches."""
        while True:
            await self._walked(*await self._moves.get())

    async def _walked(self, repo: RepoUrl, old: EpochView | None, new: EpochView, moves: Moves) -> None:
        touched, ways = await self._touched(repo, old, new)
        apps = [app for name in touched if (app := self.apps.get(name))]
        again: dict[AppName, ClusterId | None] = {}
        for scope, move in moves.items():
            mine = {app.name: self.cluster_of(app) for app in apps if scope in self._scopes.get(app.name, ())}
            again |= self.barrier.walked(scope, move, mine)
        for name in sorted(again):
            self.queue.add(name)
        moved = await self._move(repo, ways, new, touched | again.keys())
        log.info("epoch.walked", repo=without_credentials(repo), touched=len(touched), moved=moved)

    async def _touched(
        self, repo: RepoUrl, old: EpochView | None, new: EpochView
    ) -> tuple[frozenset[AppName], dict[str, Way]]:
        """Return whom the epoch touches, and the refs that moved."""
        if old is None:
            return frozenset(self._readers.get(repo, ())), {}
        touched: set[AppName] = set()
        moved: dict[str, Way] = {}
        walked: dict[Way, Changes] = {}
        for ref in self.index.branches(repo):
            before, after = (epoch.named(*reversed(ref.split(PREFIXED))) for epoch in (old, new))
            if before == after:
                continue
            if before is None or after is None:
                touched |= self.index.touched(repo, ref, None)
                continue
            way = moved[ref] = before, after
            if way not in walked:
                walked[way] = await self._walk(repo, *way)
            touched |= self.index.touched(repo, ref, walked[way])
        return frozenset(touched), moved

    async def _walk(self, repo: RepoUrl, old: str, new: str) -> Changes:
        try:
            return await self.walk(repo, old, new)
        except GitopsError as err:
            log.warning("epoch.not_walked", repo=without_credentials(repo), error=err.what)
            return None  # whom it touches is not known: everybody looks again

    async def _move(
        self, repo: RepoUrl, ways: Mapping[str, Way], epoch: EpochView, touched: Collection[AppName]
    ) -> int:
        """Give the revision of the epoch to those whom it does not touch: nothing they read has changed."""
        moved = 0
        for index, app in enumerate(self._reading(repo) if ways else ()):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            status = self.apps.status(app.name)
            if app.name in touched or status is None or len(status.revisions) != len(app.sources):
                continue
            if self.queue.is_running(app.name):
                self.queue.add(app.name)  # its pass may be about to publish the revision from before
            revisions = _moved(repo, ways, app, status)
            if revisions != status.revisions:
                self.apps.publish(app.name, replace(status, revisions=revisions, epoch_s=epoch.taken_s))
                moved += 1
        return moved

    def _reading(self, repo: RepoUrl) -> list[Application]:
        return [app for name in sorted(self._readers.get(repo, ())) if (app := self.apps.get(name))]

    def _learn(self, app: Application) -> None:
        self.index.put(app.name, _closures(app, {}))
        repos = self._read[app.name] = frozenset(source.repository for source in app.sources)
        for repo in repos:
            self._readers.setdefault(repo, set()).add(app.name)
        self._poll_for(app)
        scopes = self._scopes[app.name] = scopes_of(app)
        self.barrier.joined(app.name, self.cluster_of(app), scopes)

    def _poll_for(self, app: Application) -> None:
        if self.permits(app):
            for source in app.sources:
                self._pollers.setdefault(source.repository, set()).add(app.name)

    def _forget(self, name: AppName) -> None:
        self.index.drop(name)
        self._looked_up.pop(name, None)
        repos = self._read.pop(name, frozenset())
        self.barrier.gone(name, self._scopes.pop(name, frozenset()))
        for watchers in (self._readers, self._pollers):
            for repo in repos & watchers.keys():
                watchers[repo].discard(name)
                if not watchers[repo]:
                    del watchers[repo]


def _moved(repo: RepoUrl, ways: Mapping[str, Way], app: Application, status: AppStatus) -> tuple[Revision, ...]:
    """Return the revisions of `status` at the new epoch; one that is not of the epoch before stays as it is."""
    revisions = []
    for source, at in zip(app.sources, status.revisions, strict=True):
        before, after = ways.get(_branch(source)[1], ("", "")) if source.repository == repo else ("", "")
        revisions.append(Revision(after) if at == before else at)
    return tuple(revisions)


def _closures(app: Application, looked_up: Mapping[int, LookedUp]) -> dict[Branch, dict[str, str] | None]:
    """Return where `app` looked, by branch; None for a branch that a source reads which has not been rendered."""
    closures: dict[Branch, dict[str, str] | None] = {_branch(source): {} for source in app.sources}
    lenders = {source.ref: source for source in app.sources if source.ref}
    for index, source in enumerate(app.sources):
        looks = looked_up.get(index) if source.gives_manifests else ()
        if looks is None:
            closures |= dict.fromkeys([_branch(source_of) for source_of in (source, *lenders.values())])
            continue
        for ref, keys in parted(looks).items():
            there = closures[_branch(lenders.get(ref, source))] if not ref or ref in lenders else None
            if there is not None:
                there |= dict.fromkeys(keys, "")
    return closures


def _branch(source: Source) -> Branch:
    ref = source.reference
    return source.repository, f"{source.tag_prefix}{PREFIXED}{ref}" if source.tag_prefix else ref
