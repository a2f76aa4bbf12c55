"""Webhook, epoch, watch event, declaration → a key in the queue; what a commit does not touch moves without a pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from gitopsd.control.barrier import Barrier
from gitopsd.core.repo_url import without_credentials
from gitopsd.core.touch_index import Branch, TouchIndex
from gitopsd.errors import GitopsError
from gitopsd.model.application import Application, Source
from gitopsd.model.ids import AppName, ClusterId, RepoUrl, Revision
from gitopsd.ports import Applications
from gitopsd.runtime.queue import KeyQueue

log = structlog.get_logger()


class Epoch(Protocol):
    """One snapshot of a repository's refs."""

    @property
    def taken_s(self) -> float: ...
    def named(self, ref: str) -> str | None: ...


Changes = Mapping[str, Any] | None  # of `git.touched.changes`
LookedUp = tuple[str, ...] | None
Place = tuple[str, ...]  # what tells the sources of one application apart
Walk = Callable[[RepoUrl, str, str], Awaitable[Changes]]  # repository, old and new revision


@dataclass(slots=True)
class Triggers:
    """The service that turns what happens in the world into keys."""

    queue: KeyQueue[AppName]
    apps: Applications
    index: TouchIndex
    barrier: Barrier
    walk: Walk
    cluster_of: Callable[[Application], ClusterId | None]  # None: not known
    poll: Callable[[Iterable[RepoUrl]], None]  # told of all repositories that applications read
    name: str = "triggers"
    _moves: asyncio.Queue[tuple[RepoUrl, Epoch | None, Epoch, frozenset[AppName]]] = field(
        default_factory=asyncio.Queue
    )
    _looked_up: dict[AppName, dict[Place, LookedUp]] = field(default_factory=dict)
    _readers: dict[RepoUrl, set[AppName]] = field(default_factory=dict)

    # What the edges tell; each returns at once.

    def declared(self, names: Iterable[AppName]) -> None:
        """Take note of applications that are new, changed, or gone."""
        for name in names:
            self._forget(name)
            app = self.apps.get(name)
            if app is not None:
                self._learn(app)
            self.queue.add(name)
        self.poll(self._readers)

    def closure(self, app: AppName, source: Source, looked_up: tuple[str, ...] | None) -> None:
        """Take note of where a render of `source` looked (keys of `Tree.closure()`); None: that is not known."""
        found = self.apps.get(app)
        known = self._looked_up.setdefault(app, {}) if found is not None else {}
        if found is None or known.get(_place(source)) == looked_up:
            return
        known[_place(source)] = looked_up
        self.index.put(app, _closures(found, known))

    def epoch(self, repo: RepoUrl, old: Epoch | None, new: Epoch) -> None:
        """Take note of a new epoch; until it is known whom it touches, every reader counts as late."""
        readers = [(app.name, self.cluster_of(app)) for app in self._reading(repo)]
        self._moves.put_nowait((repo, old, new, self.barrier.moved(repo, readers)))

    def live(self, _cluster: ClusterId, app: AppName) -> None:
        """Take note that an object of `app` changed in a cluster."""
        self.queue.add(app)

    async def run(self) -> None:
        """Find out, epoch by epoch, whom each touches."""
        while True:
            repo, old, new, late = await self._moves.get()
            touched, refs = await self._touched(repo, old, new)
            self.barrier.untouched(repo, late - touched)
            for name in sorted(touched):
                self.queue.add(name)
            moved = self._move(repo, refs, new, touched)
            log.info("epoch.walked", repo=without_credentials(repo), touched=len(touched), moved=moved)

    async def _touched(
        self, repo: RepoUrl, old: Epoch | None, new: Epoch
    ) -> tuple[frozenset[AppName], Mapping[str, Revision]]:
        """Return the applications to queue, and the refs that moved with their new revisions."""
        if old is None:
            return frozenset(self._readers.get(repo, ())), {}
        touched: set[AppName] = set()
        moved: dict[str, Revision] = {}
        walked: dict[tuple[str, str], Changes] = {}
        for ref in self.index.branches(repo):
            way = old.named(ref), new.named(ref)
            if way[0] == way[1]:
                continue
            if way[0] is None or way[1] is None:
                touched |= self.index.touched(repo, ref, None)
                continue
            if way not in walked:
                walked[way[0], way[1]] = await self._walk(repo, way[0], way[1])
            touched |= self.index.touched(repo, ref, walked[way[0], way[1]])
            moved[ref] = Revision(way[1])
        return frozenset(touched), moved

    async def _walk(self, repo: RepoUrl, old: str, new: str) -> Changes:
        try:
            return await self.walk(repo, old, new)
        except GitopsError as err:
            log.warning("epoch.not_walked", repo=without_credentials(repo), error=err.what)
            return None  # whom it touches is not known: everybody looks again

    def _move(self, repo: RepoUrl, refs: Mapping[str, Revision], epoch: Epoch, touched: frozenset[AppName]) -> int:
        """Give the revision of the epoch to those whom it does not touch: nothing they read has changed."""
        moved = 0
        for app in self._reading(repo):
            status = self.apps.status(app.name)
            if app.name in touched or status is None or len(status.revisions) != len(app.sources):
                continue
            revisions = tuple(
                refs.get(source.target_revision, at) if source.repo_url == repo else at
                for source, at in zip(app.sources, status.revisions, strict=True)
            )
            if revisions != status.revisions:
                self.apps.publish(app.name, replace(status, revisions=revisions, epoch_s=epoch.taken_s))
                moved += 1
        return moved

    def _reading(self, repo: RepoUrl) -> list[Application]:
        return [app for name in self._readers.get(repo, ()) if (app := self.apps.get(name))]

    def _learn(self, app: Application) -> None:
        self.index.put(app.name, _closures(app, {}))
        for repo in {source.repo_url for source in app.sources}:
            self._readers.setdefault(repo, set()).add(app.name)
            self.barrier.moved(repo, [(app.name, self.cluster_of(app))])

    def _forget(self, name: AppName) -> None:
        self.index.drop(name)
        self.barrier.gone(name)
        self._looked_up.pop(name, None)
        for repo, readers in list(self._readers.items()):
            readers.discard(name)
            if not readers:
                del self._readers[repo]


def _place(source: Source) -> Place:
    return source.repo_url, source.target_revision, source.path, source.ref, source.chart


def _closures(app: Application, looked_up: Mapping[Place, LookedUp]) -> dict[Branch, dict[str, str] | None]:
    """Return where `app` looked, by branch; None for a branch of a source that has not been rendered."""
    found: dict[Branch, dict[str, str] | None] = {}
    for source in app.sources:
        branch = (source.repo_url, source.target_revision)
        seen = looked_up.get(_place(source))
        if seen is None or found.get(branch, {}) is None:
            found[branch] = None
        else:
            found[branch] = {**(found.get(branch) or {}), **dict.fromkeys(seen, "")}
    return found
