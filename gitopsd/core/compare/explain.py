"""Why live differs from what an apply would make of it, and who wrote what is live: out of managedFields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitopsd.core.compare.diff import MAX_DIFFERENCES, MORE, Change, changes, shown
from gitopsd.core.compare.relevant import is_within
from gitopsd.core.objects.field_path import ABSENT, at, keys_of, named_below
from gitopsd.core.objects.managed_fields import MANAGER, Entry, entries_of, fields_of, our_entry, written_s
from gitopsd.model.comparison import Difference, Explanation, FieldPath, Writer
from gitopsd.model.manifest import Manifest

CAUSES = frozenset(
    {Explanation.DRIFT, Explanation.NOT_APPLIED, Explanation.REMOVED, Explanation.TAKEN_OVER}
)  # what other differences follow from


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known of an object beside what differs."""

    target: Manifest  # as Git has it, in apply form
    live: Manifest  # with its managedFields
    unchanged: bool  # the server has shown this very target in sync before: whatever differs has come since
    takes: tuple[FieldPath, ...] = ()  # what is taken away beside what Git says


def differences(predicted: Manifest, live: Manifest, cause: Cause) -> tuple[Difference, ...]:
    """Return the paths on which the two differ, in the order of `predicted`, each with its reason and its writers.

    At most `MAX_DIFFERENCES`; where there are more, the last one says so.

    Args:
        predicted: what an apply would make of the object, without what does not count.
        live: the object as it is, likewise.
        cause: the target and the whole live object. Secrets are masked in all of them.
    """
    changed = changes(predicted, live, lambda steps: keys_of(cause.live, live, steps))
    explained = [_told(change, live, cause) for change in changed]
    follows = any(difference.explanation in CAUSES for difference in explained)
    # A default that is read is filled in already, so one that is new follows from another field; a webhook's need not.
    explained = [
        replace(difference, explanation=Explanation.MUTATED)
        if difference.explanation is Explanation.DEFAULTED and not follows
        else difference
        for difference in explained
    ]
    return (*explained[: MAX_DIFFERENCES - 1], MORE) if len(explained) > MAX_DIFFERENCES else tuple(explained)


def writers_of(manifest: Manifest, live: Any, steps: FieldPath) -> tuple[Writer, ...]:
    """Return who owns what is at `steps` of `live`, the latest first; `manifest` is the object with managedFields."""
    writers = [
        _writer(entry) for entry in entries_of(manifest) if named_below(fields_of(entry), live, steps) is not None
    ]
    return tuple(sorted(writers, key=_latest_first))


def _told(change: Change, live: Manifest, cause: Cause) -> Difference:
    target = at(cause.target, change.steps)
    writers = writers_of(cause.live, live, change.steps)
    explanation = _why(change, target, writers, cause)
    if explanation is Explanation.DRIFT and (change.live is ABSENT or change.order):
        writers = _suspects(cause.live)
    return replace(shown(change, target), explanation=explanation, writers=writers)


def _why(change: Change, target: Any, writers: Sequence[Writer], cause: Cause) -> Explanation:
    ours = any(_is_ours(writer) for writer in writers)
    others = [writer for writer in writers if not _is_ours(writer)]
    if change.order:
        return Explanation.DRIFT if cause.unchanged else Explanation.NOT_APPLIED
    if target is ABSENT:
        if is_within(change.steps, cause.takes):
            return _taken(others, cause)
        return _unset(change, ours=ours, drifted=bool(others) and _since(others, cause))
    if cause.unchanged:
        # Ours, and neither it nor its prediction is what Git says: so it was changed on its way in, and would be again.
        return Explanation.MUTATED if ours and not others and target != change.predicted else Explanation.DRIFT
    if others and not ours and _applied_s(cause.live) is not None and _since(others, cause):
        return Explanation.DRIFT
    return Explanation.MUTATED if target == change.live else Explanation.NOT_APPLIED


def _taken(others: Sequence[Writer], cause: Cause) -> Explanation:
    """Return why a path goes that is in the way, or of who is taken over."""
    if our_entry(cause.live) is None:
        return Explanation.TAKEN_OVER
    return Explanation.DRIFT if others else Explanation.DEFAULTED  # what nobody owns the server has filled in


def _unset(change: Change, *, ours: bool, drifted: bool) -> Explanation:
    """Return why a path differs that Git does not set."""
    if ours:
        return Explanation.REMOVED
    if change.predicted is not ABSENT:
        return Explanation.DEFAULTED
    # An apply removes it though it is not ours: it is within a list or a map that is ours as a whole.
    return Explanation.DRIFT if drifted else Explanation.UNKNOWN


def _since(others: Sequence[Writer], cause: Cause) -> bool:
    """Tell whether somebody else wrote since our last apply, or must have since the target was last seen in sync."""
    applied_s = _applied_s(cause.live)
    late = any(writer.at_s is not None and applied_s is not None and writer.at_s >= applied_s for writer in others)
    return cause.unchanged or late


def _suspects(live: Manifest) -> tuple[Writer, ...]:
    """Return who wrote last, if that was after us: of a value that is gone nothing tells who removed it."""
    applied_s = _applied_s(live)
    writers = [_writer(entry) for entry in entries_of(live) if entry.get("subresource") != "status"]
    late = [
        writer
        for writer in sorted(writers, key=_latest_first)
        if not _is_ours(writer) and (applied_s is None or (writer.at_s or 0.0) >= applied_s)
    ]
    return tuple(replace(writer, certain=False) for writer in late[:1])


def _applied_s(live: Manifest) -> float | None:
    return next((writer.at_s for writer in map(_writer, entries_of(live)) if _is_ours(writer)), None)


def _is_ours(writer: Writer) -> bool:
    return writer.manager == MANAGER and writer.operation == "Apply" and not writer.subresource


def _writer(entry: Entry) -> Writer:
    manager, operation = str(entry.get("manager") or ""), str(entry.get("operation") or "")
    return Writer(manager, operation, written_s(entry), str(entry.get("subresource") or ""))


def _latest_first(writer: Writer) -> tuple[float, str, str, str]:
    return -(writer.at_s or 0.0), writer.manager, writer.operation, writer.subresource
