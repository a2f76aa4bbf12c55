"""A verdict with what is live beside Git: counted where that is only to be seen, OutOfSync where it is to go."""

from __future__ import annotations

from dataclasses import replace

from gitopsd.core.compare.diff import MAX_DIFFERENCES, Change, shown
from gitopsd.core.compare.ignore_rules import ExpressionPaths, Rules, without_ignored
from gitopsd.core.compare.prediction import writers_of
from gitopsd.core.objects.field_path import ABSENT, at
from gitopsd.core.objects.mask import masked
from gitopsd.core.ownership.extra import extra_fields
from gitopsd.core.ownership.removed import without
from gitopsd.core.text.lists import first_of
from gitopsd.model.application import ExtraFields
from gitopsd.model.comparison import Compared, Difference, Explanation, FieldPath, Found, SyncStatus
from gitopsd.model.manifest import Manifest

MAX_NAMED = 3  # writers in one line


def is_asked_about(compared: Compared) -> bool:
    """Tell whether a verdict is of an object that may have extra fields: one that was applied, and stays.

    Before the first apply, what others have set is what the takeover tells of.
    """
    if compared.pair.target is None or compared.status is SyncStatus.UNKNOWN:
        return False
    live = compared.pair.live
    return isinstance(live, Found) and live.live.view is not None and not live.live.deleting


def extra_of(target: Manifest, live: Manifest, rules: Rules, places: ExpressionPaths) -> tuple[Difference, ...]:
    """Return what people and tools have set on `live` and Git has not, values of Secrets masked.

    What `rules` ignore, or ignore a part of, does not count. At most `MAX_DIFFERENCES`.
    """
    counted = without_ignored(live, rules, live, places.live) if rules else live
    extra_paths = [steps for steps in extra_fields(target, live) if at(counted, steps) == at(live, steps)]
    (hidden,) = masked(live) if extra_paths else (live,)
    return tuple(_told(steps, hidden) for steps in extra_paths[:MAX_DIFFERENCES])


def with_extra(compared: Compared, extra: tuple[Difference, ...], wish: ExtraFields) -> Compared:
    """Return the verdict with `extra`; OutOfSync by it where it is to be healed.

    An object that the API server refuses, or would not say anything of, has no differences: it is judged anew when
    that is over.
    """
    with_fields = replace(compared, extra=extra)
    open_ = compared.status is SyncStatus.SYNCED or bool(compared.differences)
    if not extra or wish is not ExtraFields.HEAL or not open_:
        return with_fields
    reason = "; ".join(filter(None, (compared.reason, _in_words(extra))))
    return replace(
        with_fields, status=SyncStatus.OUT_OF_SYNC, differences=(*compared.differences, *extra), reason=reason
    )


def fields_to_heal(compared: Compared) -> tuple[FieldPath, ...]:
    """Return what a sync of an object takes away as extra."""
    return tuple(difference.steps for difference in compared.differences if difference.explanation is Explanation.ADDED)


def after_heal(predicted: Manifest, compared: Compared) -> Manifest:
    """Return `predicted`, what an apply would make of an object, without what a sync takes away beside."""
    return without(predicted, [steps for steps in fields_to_heal(compared) if at(predicted, steps) is not ABSENT])


def _told(steps: FieldPath, live: Manifest) -> Difference:
    difference = shown(Change(steps, ABSENT, at(live, steps)), ABSENT)
    return replace(difference, explanation=Explanation.ADDED, writers=writers_of(live, live, steps))


def _in_words(extra: tuple[Difference, ...]) -> str:
    names = dict.fromkeys(writer.manager for difference in extra for writer in difference.writers)
    count = f"{len(extra)} field{'s' if len(extra) > 1 else ''} that Git does not have"
    return f"{count}, added by {first_of(list(names), MAX_NAMED)}"
