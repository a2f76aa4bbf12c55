"""Git tree → desired manifests: by closure from the cache, or by a worker. Implements `ports.Renderer`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import orjson

from gitopsd import errors
from gitopsd.errors import GitopsError, NotSupported, WorkerFailed
from gitopsd.manifests.cache import Cache
from gitopsd.manifests.closure import LookedUp, inputs_hash, with_newest
from gitopsd.manifests.flights import Flights
from gitopsd.manifests.jobs import RENDER
from gitopsd.manifests.lookups import LookUps
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import Rendered, Workers
from gitopsd.settings import RenderSettings

KNOWN = 20_000  # (inputs, revision) pairs whose key is remembered; their manifests are not

OnClosure = Callable[[AppName, Source, LookedUp | None], None]
OnRender = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a source renders to at a revision, as JSON, and the closure it has there."""

    outcome: Mapping[str, Any]
    looked_up: LookedUp


class ClosureRenderer:
    """Renders a source once for each content it has ever read, whatever commits and applications ask for it."""

    def __init__(  # noqa: PLR0913 - two ports, two callables that join siblings, limits and two listeners
        self,
        workers: Workers,
        cache: Cache,
        mirror_of: Callable[[RepoUrl], str],
        *,
        opener: str = "gitopsd.git.tree:open_tree",
        limits: RenderSettings | None = None,
        on_closure: OnClosure = lambda _app, _source, _looked_up: None,
        on_render: OnRender = lambda _outcome, _seconds: None,
    ) -> None:
        """Render with `workers`, which open trees by the function that `opener` names.

        `mirror_of` gives the path of a repository's mirror. `on_closure` is told at every call which places the
        application's source looks at, failed look-ups included (keys of `Tree.closure()`); None: not known, so any
        change may matter. `on_render` is told what each piece of work was: "hit" (from the cache), "miss" (rendered
        by a worker) or "failed", and its seconds; what several callers wanted at once is told of once.
        """
        self._workers = workers
        self._cache = cache
        self._mirror_of = mirror_of
        self._opener = opener
        self._limits = limits or RenderSettings()
        self._on_closure = on_closure
        self._on_render = on_render
        self._look_ups = LookUps(workers, opener)
        self._flights: Flights[tuple[str, Revision], _Found] = Flights()
        self._known: OrderedDict[tuple[str, Revision], tuple[str, LookedUp]] = OrderedDict()

    async def render(self, app: AppName, source: Source, revision: Revision) -> Rendered:
        """Return the desired manifests of `source` at `revision`.

        Raises:
            PathNotFound, InvalidManifest, InvalidDeclaration, NotSupported, WorkerFailed: Terminal.
            RepositoryUnreachable, TooSlow: Retryable.
        """
        looked_up: LookedUp | None = None
        try:
            if refusal := _refusal(source):
                looked_up = ()
                raise refusal
            inputs = inputs_hash(source, self._limits)
            found = await self._flights.join((inputs, revision), lambda: self._found(inputs, source, revision))
            looked_up = found.looked_up
        finally:
            self._on_closure(app, source, looked_up)
        outcome = found.outcome
        if "error" in outcome:
            _raise(*outcome["error"])
        return Rendered(
            manifests=tuple(outcome["manifests"]),
            source_type=outcome["source_type"],
            warnings=tuple(outcome["warnings"]),
            origins=tuple(outcome["origins"]),
        )

    async def _found(self, inputs: str, source: Source, revision: Revision) -> _Found:
        clock = asyncio.get_running_loop().time
        started_s, what = clock(), "failed"
        try:
            recent: tuple[LookedUp, ...] = ()
            found = await self._by_revision(inputs, revision)
            if found is None:
                recent = await self._recent(inputs)
                found = await self._by_closure(inputs, source, revision, recent)
            what = "hit"
            if found is None:
                found = await self._anew(inputs, source, revision, recent)
                what = "miss"
            return found
        finally:
            self._on_render(what, clock() - started_s)

    async def _by_revision(self, inputs: str, revision: Revision) -> _Found | None:
        """Find by the key that the revision had when somebody asked before: a content never changes its key."""
        known = self._known.get((inputs, revision))
        if known is None:
            return None
        (outcome,) = await self._cache.get([known[0]])
        return None if outcome is None else _Found(orjson.loads(outcome), known[1])

    async def _recent(self, inputs: str) -> tuple[LookedUp, ...]:
        (stored,) = await self._cache.get([inputs])
        return () if stored is None else tuple(tuple(looked_up) for looked_up in orjson.loads(stored))

    async def _by_closure(
        self, inputs: str, source: Source, revision: Revision, recent: tuple[LookedUp, ...]
    ) -> _Found | None:
        """Find a render that looked where one of `recent` did, and saw what is there now."""
        if not recent:
            return None
        keys = await self._look_ups.keys(self._mirror_of(source.repo_url), revision, inputs, recent)
        for key, looked_up, outcome in zip(keys, recent, await self._cache.get(keys), strict=True):
            if outcome is not None:
                self._remember(inputs, revision, key, looked_up)
                return _Found(orjson.loads(outcome), looked_up)
        return None

    async def _anew(self, inputs: str, source: Source, revision: Revision, recent: tuple[LookedUp, ...]) -> _Found:
        place = [self._opener, self._mirror_of(source.repo_url), revision]
        given = {"path": source.path, "tool": source.tool, "directory": asdict(source.directory)}
        try:
            answer = await self._workers.call(RENDER, place, inputs, given, asdict(self._limits))
        except WorkerFailed as err:
            raise WorkerFailed(f"{source.repo_url} {source.path}: {err.what}", remedy=err.remedy) from err
        found = _Found(answer["outcome"], tuple(answer["looked_up"]))
        self._remember(inputs, revision, answer["key"], found.looked_up)
        await self._cache.put(answer["key"], orjson.dumps(found.outcome))
        await self._cache.put(inputs, orjson.dumps(with_newest(found.looked_up, recent)))
        return found

    def _remember(self, inputs: str, revision: Revision, key: str, looked_up: LookedUp) -> None:
        self._known[inputs, revision] = key, looked_up
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)


def _refusal(source: Source) -> NotSupported | None:
    if not source.chart and source.tool in ("", "Directory"):
        return None
    asked = "spec.source.chart" if source.chart else f"spec.source.{source.tool.lower()}"
    return NotSupported(
        f"{asked} asks for {source.tool or 'Helm'}, and this version of gitopsd renders plain directories",
        remedy=f"remove {asked} and commit what it renders",
    )


def _raise(name: str, what: str, remedy: str) -> NoReturn:
    kind: type[GitopsError] = getattr(errors, name)
    raise kind(what, remedy=remedy)
