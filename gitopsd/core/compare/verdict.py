"""Pairs and what the server says of them → a verdict (decision 5). Unreadable is Unknown, never OutOfSync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from gitopsd.core.compare.explain import Cause, differences
from gitopsd.core.compare.ignore_rules import (
    NO_EXPRESSION_PATHS,
    NO_RULES,
    ExpressionPaths,
    Rules,
    rules_for,
    without_ignored,
)
from gitopsd.core.compare.pairing import is_extraneous
from gitopsd.core.compare.relevant import concerns_git
from gitopsd.core.health import worst
from gitopsd.core.objects.managed_fields import MANAGER, our_entry
from gitopsd.core.objects.mask import masked, without_values
from gitopsd.core.ownership.takeover import takes_over
from gitopsd.core.target.sync_options import DEFAULTS, SyncOptions, options_of_target
from gitopsd.core.target.target import Target
from gitopsd.core.target.tracking import ANNOTATION, INSTALLATION_ID, TRACKING_ID, Tracking, tracking_of
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Answer, Inapplicable, Predicted
from gitopsd.model.comparison import (
    Absent,
    Compared,
    Comparison,
    Explanation,
    Found,
    Pair,
    Remembered,
    SyncStatus,
    Unreadable,
    Unserved,
)
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, annotations_of, gvk_of

MISSING = Health(HealthStatus.MISSING)
UNTRACED = ("managedFields", "resourceVersion", "generation")  # in metadata: not what anybody asked for
MAX_REASON = 2000  # characters of a server's words


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verdict on one object rests on beside target and live: three of D5's four hashes."""

    target: TargetHash
    rules: Rules = NO_RULES
    admission: str = ""
    tracking: Tracking = ANNOTATION


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The hashes do not show it in sync: only a dry run of the target tells."""

    pair: Pair
    target: Manifest
    live: LiveObject
    basis: Basis
    proven: bool = False  # the server has shown this target in sync before
    kept: bool = False  # … and nobody has touched since what is ours: only what admits it may be different
    takeover: bool = False  # an apply takes over what legacy managers set
    mutations: bool = False  # what webhooks and policies make of it counts as well (IncludeMutationWebhook)

    @property
    def question(self) -> tuple[str, ...]:
        """What the answer depends on: with an equal question the last answer still holds."""
        basis, live = self.basis, self.live
        hashes = basis.target, basis.rules.hash, basis.admission
        return (
            str(self.pair.key),
            *hashes,
            live.uid,
            live.resource_version,
            str(self.proven),
            str(self.kept),
            str(self.takeover),
            str(self.mutations),
        )


def verdicts(  # noqa: PLR0913 - by name
    paired: Iterable[Pair],
    target: Target,
    remembered: Mapping[ResourceKey, Remembered],
    ignored: Sequence[IgnoreDifference],
    admission: Callable[[GVK], str],
    *,
    options: SyncOptions = DEFAULTS,
    mutations: bool = False,
) -> tuple[tuple[Compared, ...], tuple[Doubtful, ...]]:
    """Return the verdicts that need no question, and the doubtful objects; both sorted by key.

    With `mutations` an object whose state is asked for is out of sync by what admission would make of it, too.
    """
    settled: list[Compared] = []
    doubtful: list[Doubtful] = []
    for pair in paired:
        if pair.target is None:
            settled.append(extra(pair))
            continue
        rules = rules_for(ignored, pair.key)
        basis = Basis(target.hashes[pair.key], rules, admission(gvk_of(pair.target)), target.tracking)
        ruling = verdict(pair, pair.target, basis, remembered.get(pair.key))
        if isinstance(ruling, Doubtful):
            takeover = takes_over(pair.live, pair.target, options_of_target(pair.target, options))
            doubtful.append(replace(ruling, takeover=takeover, mutations=mutations))
        else:
            settled.append(ruling)
    return tuple(settled), tuple(doubtful)


def verdict(pair: Pair, target: Manifest, basis: Basis, remembered: Remembered | None) -> Compared | Doubtful:
    """Return what is known of a target object without asking the server.

    In sync without asking is only what the server has shown in sync before, with the same four hashes.
    """
    match pair.live:
        case Absent():
            explanation = Explanation.NOT_APPLIED if remembered is None else Explanation.DRIFT
            return _missing(pair, "it is missing in the cluster", explanation)
        case Unserved():
            kind = gvk_of(target)
            return _missing(pair, f"the cluster does not serve {kind}", Explanation.NOT_APPLIED)
        case Unreadable(cause=cause):
            return Compared(
                pair, SyncStatus.UNKNOWN, reason=f"cannot be read: {cause}", health=Health(HealthStatus.UNKNOWN, cause)
            )
        case Found(live=live):
            proof = live.view and Remembered(basis.target, live.view, basis.rules.hash, basis.admission)
            if remembered is None:
                return Doubtful(pair, target, live, basis)
            if remembered == proof:
                return Compared(pair, SyncStatus.SYNCED, health=live.health)
            untouched = replace(remembered, admission=basis.admission) == proof
            return Doubtful(pair, target, live, basis, remembered.target == basis.target, untouched)
        case _:
            assert_never(pair.live)


def extra(pair: Pair) -> Compared:
    """Return the verdict on a live object of the application that Git does not hold: it requires pruning."""
    live = pair.live.live if isinstance(pair.live, Found) else None
    reason = "Git does not hold it: it is being deleted" if live and live.deleting else "Git does not hold it"
    return Compared(
        pair,
        SyncStatus.OUT_OF_SYNC,
        reason=reason,
        health=live.health if live else None,
        explanation=Explanation.REMOVED,
    )


def _missing(pair: Pair, reason: str, explanation: Explanation) -> Compared:
    return Compared(pair, SyncStatus.OUT_OF_SYNC, reason=reason, health=MISSING, explanation=explanation)


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


def comparison(
    resources: Iterable[Compared],
    target: TargetHash | None,
    warnings: Iterable[str] = (),
    *,
    differs: bool = False,
    partial: bool = False,
) -> Comparison:
    """Return the verdict on the application: Unknown before OutOfSync before Synced; the worst health.

    An object that Git does not hold does not count where its annotation says `IgnoreExtraneous`. With `differs`
    something is out of sync beside the objects: what is kept on the namespace. A `partial` target makes it Unknown.
    """
    ordered = tuple(sorted(resources, key=lambda compared: compared.pair.key))
    statuses = {compared.status for compared in ordered if not is_extraneous(compared)}
    statuses |= {SyncStatus.OUT_OF_SYNC} if differs else set()
    statuses |= {SyncStatus.UNKNOWN} if partial else set()
    status = next(
        (status for status in (SyncStatus.UNKNOWN, SyncStatus.OUT_OF_SYNC) if status in statuses), SyncStatus.SYNCED
    )
    return Comparison(status, worst(compared.health for compared in ordered), ordered, target, tuple(warnings))


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
