"""Git tree → desired manifests: by closure from the cache, or by a worker. Implements `ports.Renderer`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import orjson
from cachetools import LRUCache

from gitopsd.core.source.remote_base import KIND as BASES
from gitopsd.errors import NotSupported, WorkerFailed, WorkerStopped, error_from_json
from gitopsd.manifests.closure import LookedUp, inputs_hash, personal, with_newest
from gitopsd.manifests.entries import Entries
from gitopsd.manifests.jobs import RENDER, Opened, Place, not_supported
from gitopsd.manifests.lookups import LookUps
from gitopsd.manifests.memory_cache import MemoryCache
from gitopsd.manifests.plugins import Plugin
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.singleflight import SingleFlight
from gitopsd.manifests.sops_keys import Keyring, Keys, identity
from gitopsd.manifests.tools import Tools
from gitopsd.manifests.variables import KIND, asked, value_of
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import Lent, RenderedSource, Workers
from gitopsd.runtime.rests import Rests
from gitopsd.settings import RenderSettings, ToolSettings

KNOWN = 20_000  # renders whose key is remembered; their manifests are not
WITH_EACH_COMMIT = {f"ARGOCD_APP_REVISION{length}" for length in ("", "_SHORT", "_SHORT_8")}

READERS = {BASES.rstrip("/"): ("", "Kustomize")}  # of what is lent by such a name; of all else charts are

# "hit": in the cache for this very revision; "verified": in the cache, since nothing that was read differs at this
# revision; "miss": rendered by a worker; "failed": no answer, not even one of the inputs' mistakes.
Outcome = Literal["hit", "verified", "miss", "failed"]

OnClosure = Callable[[AppName, Source, LookedUp | None], None]
OnRender = Callable[[Outcome, float], None]
NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be rendered, and for whom."""

    inputs: str
    source: Source
    revision: Revision
    variables: Mapping[str, str]  # the build environment
    asked: Mapping[str, str]  # the part of it that renders of these inputs are known to ask for
    mirrors: Place
    keys: Keys | None = field(repr=False)  # that decrypt it

    @property
    def key(self) -> _Key:
        return self.inputs, self.mirrors, tuple(self.asked.items())


_Key = tuple[str, Place, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a source renders to at a revision, as JSON, and the closure it has there."""

    key: str
    outcome: Mapping[str, Any]
    looked_up: LookedUp
    asked: Mapping[str, str]  # of the build environment


class ClosureRenderer:
    """Renders a source once for each content it has ever read, whatever commits and applications ask for it."""

    def __init__(  # noqa: PLR0913 - two ports, two callables that join siblings, limits and two listeners
        self,
        workers: Workers,
        cache: Entries,
        mirror_of: Callable[[RepoUrl], str],
        *,
        work_dir: Path,
        opener: str = "gitopsd.git.tree:open_tree",
        limits: RenderSettings | None = None,
        tools: ToolSettings | None = None,
        plugins: Sequence[Plugin] = (),
        keyring: Keyring | None = None,
        near: MemoryCache | None = None,
        on_closure: OnClosure = lambda _app, _source, _looked_up: None,
        on_render: OnRender = lambda _outcome, _seconds: None,
    ) -> None:
        """Render with `workers`, which open trees by the function that `opener` names.

        `mirror_of` gives the path of a repository's mirror. `work_dir` is where workers lay out files for programs
        that read them by themselves; what is left there by a killed one is removed. `on_closure` is told at every call
        which places the application's source looks at, failed look-ups included (keys of `Tree.closure()`); None: not
        known, so any change may matter. `on_render` is told what each piece of work was, and its seconds; what
        several callers wanted at once is told of once.
        """
        self._workers = workers
        self._cache = cache
        self._mirror_of = mirror_of
        self._opener = opener
        self._limits = limits or RenderSettings()
        self._tools = Tools(tools or ToolSettings(), work_dir, plugins)
        self._keyring = keyring or Keyring()
        self._on_closure = on_closure
        self._on_render = on_render
        self._near = near or MemoryCache(time.monotonic)
        self._look_ups = LookUps(workers)
        self._rests: Rests[str] = Rests()  # by what is to be rendered, and at which revisions
        self._flights: SingleFlight[_Key, _Found] = SingleFlight()
        self._known: LRUCache[_Key, tuple[str, LookedUp]] = LRUCache(KNOWN)
        self._asked: LRUCache[str, tuple[str, ...]] = LRUCache(KNOWN)  # inputs → variables that renders asked for

    async def render(
        self,
        app: AppName,
        source: Source,
        revision: Revision,
        variables: Mapping[str, str] = NONE,
        lent: Sequence[Lent] = (),
    ) -> RenderedSource:
        """Return the desired manifests of `source` at `revision`; `variables` is the build environment.

        Charts may read from what is `lent`.

        Raises:
            PathNotFound, InvalidManifest, InvalidDeclaration, NotSupported, WorkerFailed: Terminal.
            RepositoryUnreachable, TooSlow: Retryable.
        """
        looked_up: LookedUp | None = None
        try:
            if refusal := _refusal(source):
                looked_up = ()
                raise refusal
            result = await self._shared(source, revision, variables, lent)
            looked_up = _places(result.looked_up)
        finally:
            self._on_closure(app, source, looked_up)
        outcome = result.outcome
        if "error" in outcome:
            raise error_from_json(*outcome["error"])
        return RenderedSource(
            manifests=tuple(outcome["manifests"]),
            source_type=outcome["source_type"],
            warnings=tuple(outcome["warnings"]),
            origins=tuple(outcome["origins"]),
            announced=tuple(outcome["announced"]),
            nameless=tuple(outcome["nameless"]),
            key=result.key,
            looked_up=result.looked_up,
        )

    async def _shared(
        self, source: Source, revision: Revision, variables: Mapping[str, str], lent: Sequence[Lent]
    ) -> _Found:
        """Find what equal work of others gives, too; equal is what has the same variables as far as they are read."""
        refs = [loan for loan in lent if source.tool in READERS.get(loan.source.ref.partition("/")[0], ("", "Helm"))]
        keys = self._keyring.given(source, [loan.source for loan in refs])
        tools = await self._tools.identity() + identity(keys)
        inputs = inputs_hash(source, self._limits, tools, refs)
        lending = tuple(sorted((loan.source.ref, self._opened(loan.source, loan.revision)) for loan in refs))
        mirrors = self._opened(source, revision), lending
        while True:
            mine = _values(self._asked.get(inputs, ()), variables)
            task = _Task(inputs, source, revision, variables, mine, mirrors, keys)
            result = await self._flights.join(task.key, lambda task=task: self._found(task))  # type: ignore[misc]
            if all(value_of(name, variables) == value for name, value in result.asked.items()):
                return result
            # Somebody else's: now it is known what makes the difference, so the next turn waits for its own.
            self._ask(inputs, tuple(result.asked))

    def _opened(self, source: Source, revision: Revision) -> Opened:
        return self._opener, self._mirror_of(source.repository), revision

    async def _found(self, task: _Task) -> _Found:
        clock = asyncio.get_running_loop().time
        started_s = clock()
        what: Outcome = "failed"
        try:
            if (result := await self._by_revision(task)) is not None:
                what = "hit"
                return result
            recent = await self._recent(task)
            if (result := await self._by_closure(task, recent)) is not None:
                what = "verified"
                return result
            result = await self._anew(task, recent)
            what = "miss"
            return result
        finally:
            self._on_render(what, clock() - started_s)

    async def _by_revision(self, task: _Task) -> _Found | None:
        """Find by the key that the revision had when somebody asked before: a content never changes its key."""
        cached = self._known.get(task.key)
        if cached is None:
            return None
        (outcome,) = await self._outcomes([cached[0]])
        return None if outcome is None else _found(*cached, outcome, task)

    async def _recent(self, task: _Task) -> tuple[LookedUp, ...]:
        """Return where renders of these inputs looked lately, those with the same variables first."""
        (stored,) = await self._cache.get([task.inputs])
        recent = _sets(stored)
        names = sorted({name for looked_up in recent for name in asked(looked_up)})
        if names:
            self._ask(task.inputs, names)
            (own,) = await self._cache.get([personal(task.inputs, _values(names, task.variables))])
            recent = (*dict.fromkeys((*_sets(own), *recent)),)
        return recent

    async def _by_closure(self, task: _Task, recent: tuple[LookedUp, ...]) -> _Found | None:
        """Find a render that looked where one of `recent` did, and saw what is there now."""
        if not recent:
            return None
        variables = _values({name for looked_up in recent for name in asked(looked_up)}, task.variables)
        keys = await self._look_ups.keys(task.mirrors, task.inputs, recent, variables)
        for key, looked_up, outcome in zip(keys, recent, await self._outcomes(keys), strict=True):
            if outcome is not None:
                self._remember(task, key, looked_up)
                return _found(key, looked_up, outcome, task)
        return None

    async def _outcomes(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what was rendered under each of `keys`: of this process's memory, or else of the cache."""
        outcomes = {key: outcome for key in keys if (outcome := self._near.get(key)) is not None}
        if outcomes:
            return [outcomes.get(key) for key in keys]
        answers = await self._cache.get(keys)
        for key, outcome in zip(keys, answers, strict=True):
            if outcome is not None:
                self._near.put(key, outcome)
        return answers

    async def _anew(self, task: _Task, recent: tuple[LookedUp, ...]) -> _Found:
        source, inputs = task.source, task.inputs
        context = RenderContext.packed(self._limits, self._tools.programs, task.variables)
        what = {"path": source.path, "options": source.options, "keys": task.keys}
        clock = asyncio.get_running_loop().time
        began_s = clock()
        left_s, reason = self._rests.left_s(inputs, began_s, task.mirrors)
        if left_s:
            raise WorkerStopped(
                reason, remedy=f"change it in Git; it rests for {left_s:.0f} s more before it is tried again"
            )
        try:
            answer = await self._workers.call(RENDER, task.mirrors, inputs, what, context)
        except WorkerFailed as err:
            words = f"{source.repo_url} {source.chart or source.path}: {err.what}"
            if isinstance(err, WorkerStopped):
                self._rests.stopped(inputs, clock(), words, took_s=clock() - began_s, content=task.mirrors)
            raise type(err)(words, remedy=err.remedy) from err
        self._rests.went_well(inputs)
        looked_up = tuple(answer["looked_up"])
        self._remember(task, answer["key"], looked_up)
        stored = orjson.dumps(answer["outcome"])
        self._near.put(answer["key"], stored)
        await self._cache.put(answer["key"], stored)
        sets = orjson.dumps(with_newest(looked_up, recent))
        await self._cache.put(inputs, sets)
        if names := asked(looked_up):
            await self._cache.put(personal(inputs, _values(names, task.variables)), sets)
        return _Found(answer["key"], answer["outcome"], looked_up, _values(asked(looked_up), task.variables))

    def _remember(self, task: _Task, key: str, looked_up: LookedUp) -> None:
        self._ask(task.inputs, asked(looked_up))  # so that it is found only where these variables are the same
        mine = _values(self._asked.get(task.inputs, ()), task.variables)
        self._known[replace(task, asked=mine).key] = key, looked_up

    def _ask(self, inputs: str, names: Sequence[str]) -> None:
        if not names:
            return
        self._asked[inputs] = tuple(sorted({*self._asked.get(inputs, ()), *names}))


def _found(key: str, looked_up: LookedUp, outcome: bytes, task: _Task) -> _Found:
    return _Found(key, orjson.loads(outcome), looked_up, _values(asked(looked_up), task.variables))


def _sets(stored: bytes | None) -> tuple[LookedUp, ...]:
    return () if stored is None else tuple(tuple(looked_up) for looked_up in orjson.loads(stored))


def _values(names: Iterable[str], variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value_of(name, variables) for name in sorted(names)}


def _places(looked_up: LookedUp) -> LookedUp | None:
    """Return the places of Git among what was looked up; None where every commit is another answer."""
    names = asked(looked_up)
    if not WITH_EACH_COMMIT.isdisjoint(names):
        return None
    return tuple(key for key in looked_up if not key.startswith(KIND)) if names else looked_up


def _refusal(source: Source) -> NotSupported | None:
    if source.tool in ("", "Directory", "Helm", "Kustomize", "Plugin"):
        return None
    return not_supported(f"spec.source.{source.tool.lower()} asks for {source.tool}")
