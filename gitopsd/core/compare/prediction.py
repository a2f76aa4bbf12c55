"""What a dry run says of a doubtful object (decision 5): in sync, or what differs, why, and who wrote what is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from gitopsd.core.compare.diff import MAX_DIFFERENCES, MORE, Change, changes, each_change, shown
from gitopsd.core.compare.ignore_rules import (
    NO_EXPRESSION_PATHS,
    ExpressionPaths,
    Rules,
    without_ignored,
)
from gitopsd.core.compare.verdict import Doubtful
from gitopsd.core.objects.field_path import ABSENT, at, keys_of, named_below
from gitopsd.core.objects.managed_fields import (
    MANAGER,
    Entry,
    Fields,
    entries_of,
    fields_of,
    is_readable,
    our_entry,
    written_s,
)
from gitopsd.core.objects.mask import masked, without_values
from gitopsd.core.target.tracking import INSTALLATION_ID, TRACKING_ID, Tracking, tracking_of
from gitopsd.model.command import Answer, Inapplicable, Predicted
from gitopsd.model.comparison import (
    Compared,
    Difference,
    Explanation,
    FieldPath,
    Remembered,
    SyncStatus,
    Writer,
)
from gitopsd.model.manifest import Manifest, annotations_of

UNTRACED = ("managedFields", "resourceVersion", "generation")  # in metadata: not what anybody asked for
MAX_REASON = 2000  # characters of a server's words
CAUSES = frozenset(
    {Explanation.DRIFT, Explanation.NOT_APPLIED, Explanation.REMOVED, Explanation.TAKEN_OVER}
)  # what other differences follow from


def settle(
    doubt: Doubtful, answer: Answer, body: Manifest | None, places: ExpressionPaths = NO_EXPRESSION_PATHS
) -> Compared:
    """Return the verdict on a doubtful object.

    Args:
        doubt: of `verdict`.
        answer: to a dry-run apply of `doubt.target`.
        body: the live object as just read; None where it is gone.
        places: what the jq expressions of the object's rules name in the prediction and in `body`.

    The answer counts only if mirror, body and prediction are of one resourceVersion: else the object has moved
    meanwhile, the verdict is Unknown, and the watch will ask for another pass.
    """
    match answer:
        case Inapplicable():
            return _refused(doubt, answer)
        case Predicted(live=predicted):
            versions = {_version(predicted), _version(body)}
            if body is None or versions != {doubt.live.resource_version}:
                return _settled(doubt, SyncStatus.UNKNOWN, reason="it changed while it was compared")
            return _compared(doubt, answer, body, places)
        case _:
            assert_never(answer)


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


def concerns_git(
    predicted: Manifest, live: Manifest, after: Manifest, before: Manifest, takes: Sequence[FieldPath] = ()
) -> bool:
    """Tell whether the two differ in anything that our Apply entry owns.

    What a webhook or a policy adds on its way in is nobody's: Git does not say it, so its coming, going or changing at
    every write (a time, a counter) puts nothing out of sync. What Git says is ours after the apply, and what Git said
    before is ours until then.

    Args:
        predicted: what an apply would make of the object, without what does not count.
        live: the object as it is, likewise.
        after: all of the prediction, with its managedFields.
        before: all of the live object, likewise.
        takes: what is taken away beside, whoever owns it.
    """
    ours = our_entry(after)
    if ours is None or not is_readable(ours, after):
        return True
    had = our_entry(before)
    if had is not None and not is_readable(had, before):
        return True
    named = fields_of(ours), fields_of(had or {})
    changes = each_change(predicted, live, lambda steps: keys_of(before, live, steps))
    return any(
        _names(named[0], predicted, change.steps)
        or _names(named[1], live, change.steps)
        or is_within(change.steps, takes)
        for change in changes
    )


def is_within(steps: FieldPath, wholes: Sequence[FieldPath]) -> bool:
    """Tell whether what is at `steps` is one of `wholes`, or in one, or has one in it."""
    return any(steps[: len(whole)] == whole[: len(steps)] for whole in wholes)


def _settled(doubt: Doubtful, status: SyncStatus, **fields: Any) -> Compared:
    return Compared(doubt.pair, status, health=doubt.live.health, **fields)


def _refused(doubt: Doubtful, answer: Inapplicable) -> Compared:
    words = without_values(answer.message, doubt.target)[:MAX_REASON]
    if doubt.kept:
        # A policy that came later, or a webhook that takes no dry runs, makes nothing of what is there differ from Git.
        reason = f"as it was when last shown in sync; the API server would not take it again: {words}"
        return _settled(doubt, SyncStatus.SYNCED, reason=reason)
    if answer.kind == "invalid":
        return _settled(doubt, SyncStatus.OUT_OF_SYNC, reason=f"the API server refuses it: {words}", refused=True)
    return _settled(doubt, SyncStatus.OUT_OF_SYNC, reason=f"a dry run is not possible: {words}", unconfirmed=True)


def _compared(doubt: Doubtful, answer: Predicted, body: Manifest, places: ExpressionPaths) -> Compared:
    basis, live, predicted = doubt.basis, doubt.live, answer.live
    if _is_untracked(doubt, body):
        predicted = _without_tracking(predicted, body, basis.tracking)
    try:
        ours, theirs = counted(predicted, body, basis.rules, places)
        same = ours == theirs and _typed_equal(ours, theirs)
        counts = answer.blocked or doubt.mutations  # whoever owns what differs
        same = same or not (counts or concerns_git(ours, theirs, predicted, body, answer.takes))
    except RecursionError:
        return _settled(doubt, SyncStatus.UNKNOWN, reason="it is nested too deeply to be compared")
    if not same:
        # Masked before anything is ignored: a rule that drops `/kind` would make a Secret look like none.
        hidden_predicted, hidden_body, hidden_target = masked(predicted, body, doubt.target)
        cause = Cause(hidden_target, hidden_body, doubt.proven, answer.takes)
        explained = differences(*counted(hidden_predicted, hidden_body, basis.rules, places), cause)
        adopted = sum(difference.explanation is Explanation.TAKEN_OVER for difference in explained)
        return _settled(
            doubt,
            SyncStatus.OUT_OF_SYNC,
            differences=explained,
            reason=_in_words(len(explained), adopted),
            adopt=bool(adopted),
        )
    if our_entry(predicted) is None:
        reason = "in sync by value: its API server does not keep whose a field is"
        return _settled(doubt, SyncStatus.SYNCED, reason=reason)
    # With rules, an ignored field that somebody else took from us would be "adopted" back at every sync.
    owned = live.view is not None and (bool(basis.rules) or _ownership(predicted) == _ownership(body))
    if live.view is None or not owned:
        return _settled(doubt, SyncStatus.SYNCED, adopt=True, reason="in sync by value, owned by another field manager")
    proof = Remembered(basis.target, live.view, basis.rules.hash, basis.admission)
    return _settled(doubt, SyncStatus.SYNCED, remember=proof)


def _is_untracked(doubt: Doubtful, body: Manifest) -> bool:
    """Tell whether the object has never been ours, and is nobody else's: then its lack of a tracking id is no drift.

    So what kubectl or Argo CD applied from the same Git is Synced and to adopt.
    """
    ours, _ = tracking_of(doubt.target)
    theirs, _ = tracking_of(body, doubt.basis.tracking)
    nobodys = TRACKING_ID not in annotations_of(body) and (theirs is None or ours is None or theirs.app == ours.app)
    return doubt.live.view is None and nobodys


def _without_tracking(predicted: Manifest, body: Manifest, tracking: Tracking) -> Manifest:
    ours = {"annotations": {TRACKING_ID, INSTALLATION_ID}, "labels": {tracking.label}}
    meta = dict(predicted["metadata"])
    for field, names in ours.items():
        texts, live = meta.get(field) or {}, body["metadata"].get(field) or {}
        remaining = {name: text for name, text in texts.items() if name not in names or name in live}
        if remaining or field in body["metadata"]:
            meta[field] = remaining
        else:
            meta.pop(field, None)
    return {**predicted, "metadata": meta}


def _in_words(count: int, adopted: int) -> str:
    text = f"{count} field{'s' if count > 1 else ''} would change"
    if not adopted:
        return text
    return f"{text}, {adopted} of them as it is taken over: another field manager set what Git does not"


def _version(manifest: Manifest | None) -> Any:
    return None if manifest is None else manifest["metadata"].get("resourceVersion")


def _values(manifest: Manifest) -> Manifest:
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in UNTRACED}
    return {**manifest, "metadata": metadata}


def counted(predicted: Manifest, body: Manifest, rules: Rules, places: ExpressionPaths) -> tuple[Manifest, Manifest]:
    """Return both sides without what does not count: what the rules ignore, and what nobody asks for."""
    return (
        without_ignored(_values(predicted), rules, body, places.predicted),
        without_ignored(_values(body), rules, body, places.live),
    )


def _typed_equal(one: Any, other: Any) -> bool:
    """Tell equal values apart that Python takes for equal and JSON does not: true and 1."""
    if isinstance(one, dict):
        return all(_typed_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(_typed_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool)


def _ownership(manifest: Manifest) -> list[Any]:
    entries = manifest["metadata"].get("managedFields") or []
    return [
        [entry.get("apiVersion"), entry.get("fieldsV1")]
        for entry in entries
        if entry.get("manager") == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]


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


def _names(fields: Fields, manifest: Manifest, steps: FieldPath) -> bool:
    return named_below(fields, manifest, steps) is not None
