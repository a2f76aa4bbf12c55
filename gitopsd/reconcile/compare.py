"""Stage 4, comparison: what the hashes prove is proved, and of the rest the API server is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from cachetools import LRUCache

from gitopsd.core.compare.extra import extra_of, is_asked_about, with_extra
from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, ExpressionPaths, Rules, rules_for
from gitopsd.core.compare.pairing import owns, pairs
from gitopsd.core.compare.prediction import settle
from gitopsd.core.compare.respect_ignored import spared
from gitopsd.core.compare.verdict import Basis, Doubtful, comparison, verdicts
from gitopsd.core.target.sync_options import extra_fields_of, parse_options
from gitopsd.errors import GitopsError
from gitopsd.model.application import Application, ExtraFields, IgnoreDifference
from gitopsd.model.command import Answer, Inapplicable, ObjectRef, Predicted
from gitopsd.model.comparison import Compared, Comparison, Difference, Found, Reading, Remembered, SyncStatus
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, annotations_of, gvk_of
from gitopsd.ports import Applier, IgnoredPaths, Inventory, LiveStates
from gitopsd.reconcile.snapshot import Snapshot
from gitopsd.runtime.tasks import at_most

DRY_RUNS_AT_ONCE = 16  # of one application; the client bounds what a cluster gets
MOST_ANSWERS = 20_000  # kept over all applications, without their targets
READS_AT_ONCE = 16  # of one application; the client bounds what a cluster gets
MOST_KNOWN = 100_000  # objects over all applications; of most there is nothing to keep but their version

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Where:
    """Whom is asked, and in whose name."""

    cluster: ClusterId
    applier: Applier
    user: str


@dataclass(slots=True)
class ExtraFieldReader:
    """Reads objects that are asked about for what they have beside Git: each once for every version that it has."""

    applier: Applier
    paths: IgnoredPaths
    _known: LRUCache[tuple[ClusterId, ResourceKey], tuple[tuple[str, ...], tuple[Difference, ...]]] = field(
        default_factory=lambda: LRUCache(MOST_KNOWN)
    )

    async def seen(
        self,
        app: Application,
        cluster: ClusterId,
        comparisons: Sequence[Compared],
        hashes: Mapping[ResourceKey, TargetHash],
        ignored: Sequence[IgnoreDifference],
    ) -> Sequence[Compared]:
        """Return `found` with what is live beside Git, where the application or an object asks for that.

        An object that cannot be read for it is Unknown. Nothing is read of what nobody asks about.
        """
        wishes = [_wish(app, compared) for compared in comparisons]
        questions = [
            (at, compared, wish) for at, (compared, wish) in enumerate(zip(comparisons, wishes, strict=True)) if wish
        ]
        if not questions:
            return comparisons

        async def look(question: tuple[int, Compared, ExtraFields]) -> Compared:
            _, compared, wish = question
            key = compared.pair.key
            return await self._look(cluster, compared, wish, Basis(hashes[key], rules_for(ignored, key)))

        looked = await at_most(READS_AT_ONCE, questions, look, name=f"extra fields {app.name}")
        answers = list(comparisons)
        for (index, _, _), compared in zip(questions, looked, strict=True):
            answers[index] = compared
        return answers

    async def _look(self, cluster: ClusterId, compared: Compared, wish: ExtraFields, basis: Basis) -> Compared:
        key, target, reading = compared.pair.key, compared.pair.target, compared.pair.live
        if target is None or not isinstance(reading, Found):
            return compared
        cached, live = self._known.get((cluster, key)), reading.live
        question = (live.uid, live.resource_version, basis.target, basis.rules.hash)
        if cached is not None and cached[0] == question:
            return with_extra(compared, cached[1], wish)
        try:
            body = await self.applier.read(cluster, ObjectRef(key, gvk_of(target)))
            extra = (
                extra_of(target, body, basis.rules, await self._places(basis.rules, body)) if body is not None else ()
            )
        except GitopsError as err:
            reason = f"whether it has more than Git cannot be read: {err.what}"
            return replace(compared, status=SyncStatus.UNKNOWN, reason=reason)
        # Where it has moved on meanwhile, this is newer than what the mirror holds: the watch brings the next pass.
        if body is not None and body["metadata"].get("resourceVersion") == live.resource_version:
            self._known[cluster, key] = question, extra
        return with_extra(compared, extra, wish)

    async def _places(self, rules: Rules, body: Manifest) -> ExpressionPaths:
        if not rules.expressions:
            return NO_EXPRESSION_PATHS
        (live,) = await self.paths.paths(rules.expressions, (body,))
        return ExpressionPaths(live=tuple(live))


@dataclass(slots=True)
class Comparer:
    """Compares a target with what the mirror says."""

    live: LiveStates
    applier: Applier
    inventory: Inventory
    paths: IgnoredPaths
    ignored: tuple[IgnoreDifference, ...] = ()  # of the settings: in every application
    # An object that stays out of sync, or to adopt, is compared at every pass of its application, and would be asked
    # about each time: the answer is kept while what it depends on is the same.
    _answers: LRUCache[tuple[str, ...], Compared] = field(default_factory=lambda: LRUCache(MOST_ANSWERS))
    _extra: ExtraFieldReader = field(init=False)

    def __post_init__(self) -> None:
        self._extra = ExtraFieldReader(self.applier, self.paths)

    async def compare(self, app: Application, snapshot: Snapshot, warnings: Sequence[str]) -> Comparison:
        """Return the verdict on `app`, and on every object of its target and every live object of it that Git lacks.

        What the API server has just shown to be in sync is stored, what it showed of objects that are no target any
        more is forgotten once they are gone; an object about which it gave no answer is Unknown. `warnings` are of the
        render.
        """
        cluster, target, readings, user = snapshot.cluster, snapshot.target, snapshot.readings, snapshot.user
        where = _Where(cluster, self.applier.acting_as(user), user)

        def admission(gvk: GVK) -> str:
            return self.live.admission(cluster, gvk)

        async def ask(doubt: Doubtful) -> Compared:
            return await self._ask(where, doubt)

        remembered = self.inventory.remembered(app.name, cluster)
        ignored = (*self.ignored, *app.ignore_differences)
        settled, doubtful = verdicts(
            pairs(app.name, target.objects, readings, target.held),
            target,
            remembered,
            ignored,
            admission,
            options=parse_options(app.sync_policy.options, subject="")[0],
            mutations=app.include_mutations,
        )
        answered = await at_most(DRY_RUNS_AT_ONCE, doubtful, ask, name=f"dry run {app.name}")
        gone = (key for key in remembered.keys() - target.objects.keys() if not _is_there(app, readings.get(key)))
        proven: dict[ResourceKey, Remembered | None] = dict.fromkeys(gone)
        proven |= {compared.pair.key: compared.remember for compared in answered if compared.remember}
        if proven:
            self.inventory.remember(app.name, cluster, proven)
        compared = await self._extra.seen(app, cluster, (*settled, *answered), target.hashes, ignored)
        differs, partial = snapshot.namespace_differs, bool(target.nameless)
        return comparison(compared, target.hash, warnings, differs=differs, partial=partial)

    async def _ask(self, where: _Where, doubt: Doubtful) -> Compared:
        question = (where.cluster, where.user, *question_of(doubt))
        cached = self._answers.get(question)
        if cached is not None:
            return replace(cached, pair=doubt.pair, health=doubt.live.health)
        answer, body = await self._predicted(where, doubt)
        if isinstance(answer, GitopsError):
            return _unknown(doubt, f"no answer to a dry run: {answer.what}")
        if isinstance(body, GitopsError):
            return _unknown(doubt, f"no answer to a dry run: {body.what}")
        try:
            places = await self._places(doubt, answer, body)
        except GitopsError as err:
            return _unknown(doubt, err.what)
        compared = settle(doubt, answer, body, places)
        if compared.status is SyncStatus.OUT_OF_SYNC or compared.adopt:
            self._answers[question] = replace(compared, pair=replace(doubt.pair, target=None))  # it may be large
        return compared

    async def _predicted(
        self, where: _Where, doubt: Doubtful
    ) -> tuple[Answer | GitopsError, Manifest | GitopsError | None]:
        """Ask for a prediction, and for the live object beside it: they count only if they are of one version."""
        ref = ObjectRef(doubt.pair.key, gvk_of(doubt.target))
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(
                _or_error(where.applier.dry_run(where.cluster, doubt.target, takeover=doubt.takeover)),
                name=f"dry run {ref.key}",
            )
            body = group.create_task(_or_error(self.applier.read(where.cluster, ref)), name=f"read {ref.key}")
        answered, live = answer.result(), body.result()
        if _is_refused(answered) and doubt.basis.rules and live is not None and not isinstance(live, GitopsError):
            # It may be refused for what is ignored, such as a field that cannot change: that does not count.
            answered = await _or_error(self._without_ignored(where, doubt, live))
        return answered, live if isinstance(answered, Predicted) else None

    async def _without_ignored(self, where: _Where, doubt: Doubtful, live: Manifest) -> Answer:
        """Ask for a prediction of the target with what is ignored as it is live."""
        rules, places = doubt.basis.rules, NO_EXPRESSION_PATHS
        if rules.expressions:
            target, live_paths = await self.paths.paths(rules.expressions, (doubt.target, live))
            places = ExpressionPaths(tuple(target), tuple(live_paths))
        return await where.applier.dry_run(
            where.cluster, spared(doubt.target, rules, live, places), takeover=doubt.takeover
        )

    async def _places(self, doubt: Doubtful, answer: Answer, body: Manifest | None) -> ExpressionPaths:
        expressions = doubt.basis.rules.expressions
        if not expressions or not isinstance(answer, Predicted) or body is None:
            return NO_EXPRESSION_PATHS
        predicted, live = await self.paths.paths(expressions, (answer.live, body))
        return ExpressionPaths(tuple(predicted), tuple(live))


def question_of(doubt: Doubtful) -> tuple[str, ...]:
    """Return what the answer about an object depends on: with an equal question the last answer still holds."""
    basis, live = doubt.basis, doubt.live
    hashes = basis.target, basis.rules.hash, basis.admission
    how = str(doubt.proven), str(doubt.kept), str(doubt.takeover), str(doubt.mutations)
    return (str(doubt.pair.key), *hashes, live.uid, live.resource_version, *how)


def _is_refused(answer: Answer | GitopsError) -> bool:
    return isinstance(answer, Inapplicable) and answer.kind == "invalid"


async def _or_error(asking: Coroutine[Any, Any, T]) -> T | GitopsError:
    try:
        return await asking
    except GitopsError as err:
        return err


def _unknown(doubt: Doubtful, reason: str) -> Compared:
    return Compared(doubt.pair, SyncStatus.UNKNOWN, reason=reason, health=doubt.live.health)


def _is_there(app: Application, reading: Reading | None) -> bool:
    return isinstance(reading, Found) and owns(app.name, reading.live)


def _wish(app: Application, compared: Compared) -> ExtraFields | None:
    """Return what is asked of an object's extra fields; None where nothing is, or it can have none."""
    target = compared.pair.target
    if target is None:
        return None
    wish = extra_fields_of(annotations_of(target)) or app.extra_fields
    return wish if wish is not ExtraFields.IGNORE and is_asked_about(compared) else None
