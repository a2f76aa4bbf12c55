"""What is live beside Git, of the objects that are asked about: each is read once for every version that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cachetools import LRUCache

from gitopsd.core.compare.extra import extra_of, is_asked_about, with_extra
from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, ExpressionPaths, Rules, rules_for
from gitopsd.core.compare.verdict import Basis
from gitopsd.core.target.options import extra_fields_of
from gitopsd.errors import GitopsError
from gitopsd.model.application import Application, ExtraFields, IgnoreDifference
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Compared, Difference, Found, SyncStatus
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey, annotations_of, gvk_of
from gitopsd.ports import Applier, IgnoredPaths
from gitopsd.runtime.tasks import at_most

READS_AT_ONCE = 16  # of one application; the client bounds what a cluster gets
MOST_KNOWN = 100_000  # objects over all applications; of most there is nothing to keep but their version


@dataclass(slots=True)
class ExtraFieldReader:
    """Reads objects for what they have beside Git."""

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


def _wish(app: Application, compared: Compared) -> ExtraFields | None:
    """Return what is asked of an object's extra fields; None where nothing is, or it can have none."""
    target = compared.pair.target
    if target is None:
        return None
    wish = extra_fields_of(annotations_of(target)) or app.extra_fields
    return wish if wish is not ExtraFields.IGNORE and is_asked_about(compared) else None
