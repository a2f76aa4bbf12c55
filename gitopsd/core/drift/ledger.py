"""What a comparison says of drift → entries of the ledger; and which fields are fought over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitopsd.core.drift.writers import class_of
from gitopsd.core.objects.managed_fields import MANAGER
from gitopsd.model.comparison import Compared, Comparison, Difference, Explanation, FieldPath, SyncStatus, Writer
from gitopsd.model.drift import Drift, DriftEnd
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation, OperationCause, TaskState, TaskVerb
from gitopsd.model.status import Condition

WHOLE = "."
GONE = ("(the object)", "(absent)")  # old and new of an object that somebody deleted
FIGHT = "FightWarning"  # a type of condition
DRIFTED = frozenset({Explanation.DRIFT, Explanation.MUTATED, Explanation.ADDED})  # why a field is written down
MOST_NEW = 1000  # entries of one pass; somebody who changes more changes the rest as well

Place = tuple[ResourceKey, str]  # an object and a path in it
Open = Mapping[Place, Drift]


@dataclass(frozen=True, slots=True)
class DriftContext:
    """What a pass knows beside its comparison."""

    app: AppName
    cluster: ClusterId
    hashes: Mapping[ResourceKey, TargetHash]  # of the target objects
    operation: Operation | None  # the running or the last one
    now_s: float
    held: frozenset[Place] = frozenset()  # what is not healed, as it is fought over


@dataclass(frozen=True, slots=True)
class HealCount:
    """How often a field was healed in a row, of one content."""

    count: int
    target: TargetHash
    ended_s: float  # Unix time of the last heal
    writers: frozenset[str]  # who changed it in between


Turns = Mapping[Place, HealCount]


@dataclass(frozen=True, slots=True)
class ContestedField:
    """A field that others write as often as we do: it is not healed any more."""

    key: ResourceKey
    difference: Difference
    turns: int
    writers: tuple[str, ...]  # beside us


def observed(entries: Open, compared: Comparison, facts: DriftContext, new_id: Callable[[], int]) -> tuple[Drift, ...]:
    """Return the entries that are new, and those that ended, each as it is to be stored.

    Of an object whose state is not known nothing is said. At most `MOST_NEW` are new at once.

    Args:
        entries: the open entries of the application.
        found: what the pass found.
        facts: of the same pass.
        new_id: numbers entries.
    """
    drifted = {(key, difference.path): difference for key, difference in _drifted(compared.resources)}
    unknown = {resource.pair.key for resource in compared.resources if resource.status is SyncStatus.UNKNOWN}
    ended = [
        _ended(entry, end, facts)
        for field, entry in entries.items()
        if entry.key not in unknown and (end := _end(entry, drifted.get(field), facts)) is not None
    ]
    over = {(entry.key, entry.path) for entry in ended}
    new = [(field, difference) for field, difference in drifted.items() if field not in entries or field in over]
    return (*ended, *(_entry(field, difference, facts, new_id()) for field, difference in new[:MOST_NEW]))


def counted(turns: Turns, changed: Iterable[Drift], window_s: float) -> dict[Place, HealCount]:
    """Return how often each field was healed in a row, after the entries `changed`.

    What ends in another way than by self-heal, or after `window_s` of rest, begins anew.
    """
    after = dict(turns)
    for entry in changed:
        field = (entry.key, entry.path)
        last = after.get(field)
        if entry.end is DriftEnd.HEALED and entry.ended_s is not None:
            goes_on = last is not None and last.target == entry.target and entry.began_s - last.ended_s <= window_s
            count, writers = (last.count, last.writers) if last is not None and goes_on else (0, frozenset())
            names = {writer.manager for writer in entry.writers[:1]}
            after[field] = HealCount(count + 1, entry.target, entry.ended_s, writers | names)
        elif entry.end not in (None, DriftEnd.OVERWRITTEN):
            after.pop(field, None)
    return after


def fights(
    compared: Comparison, turns: Turns, hashes: Mapping[ResourceKey, TargetHash], most: int
) -> tuple[ContestedField, ...]:
    """Return the fields that have drifted again after `most` heals in a row; a whole object is none."""
    return tuple(
        ContestedField(
            key,
            difference,
            turn.count,
            tuple(sorted(turn.writers | {writer.manager for writer in difference.writers[:1]})),
        )
        for key, difference in _drifted(compared.resources)
        if difference.path != WHOLE
        and (turn := turns.get((key, difference.path))) is not None
        and turn.count >= most
        and turn.target == hashes.get(key)
    )


def worth_healing(resources: Sequence[Compared], fought: Sequence[ContestedField]) -> tuple[Compared, ...]:
    """Return `resources` without the objects of which nothing but what is fought over differs."""
    paths = {(contested.key, contested.difference.path) for contested in fought}
    return tuple(
        resource
        for resource in resources
        if not resource.differences or any((resource.pair.key, one.path) not in paths for one in resource.differences)
    )


def held_of(fought: Iterable[ContestedField]) -> dict[ResourceKey, tuple[FieldPath, ...]]:
    """Return for each object the fields of it that are fought over."""
    fields: dict[ResourceKey, tuple[FieldPath, ...]] = {}
    for contested in fought:
        fields[contested.key] = (*fields.get(contested.key, ()), contested.difference.steps)
    return fields


def conditions(fought: Iterable[ContestedField]) -> tuple[Condition, ...]:
    """Return what a person should know of each field that is fought over."""
    return tuple(
        Condition(
            FIGHT,
            f"{field.key} {field.difference.path}: gitopsd and {' and '.join(field.writers) or 'somebody'} have"
            f" written it in turns {field.turns} times, so it is not healed any more",
            "stop the other writer, or leave the field to it (take it out of Git, or name it in ignoreDifferences);"
            " a sync by hand tries again",
        )
        for field in fought
    )


def _drifted(resources: Iterable[Compared]) -> Iterator[tuple[ResourceKey, Difference]]:
    for compared in resources:
        if compared.status is not SyncStatus.OUT_OF_SYNC:
            continue
        if compared.explanation is Explanation.DRIFT:
            yield compared.pair.key, Difference(WHOLE, GONE[1], GONE[0], explanation=Explanation.DRIFT)
        for difference in compared.differences:
            if difference.explanation in DRIFTED:
                yield compared.pair.key, replace(difference, writers=_others(difference.writers))


def _others(writers: Iterable[Writer]) -> tuple[Writer, ...]:
    return tuple(writer for writer in writers if (writer.manager, writer.operation) != (MANAGER, "Apply"))


def _entry(field: Place, difference: Difference, facts: DriftContext, number: int) -> Drift:
    key, path = field
    return Drift(
        number,
        facts.app,
        facts.cluster,
        key,
        path,
        difference.predicted,
        difference.live,
        facts.hashes[key],
        facts.now_s,
        class_of(difference.explanation, difference.writers),
        difference.writers,
    )


def _end(entry: Drift, difference: Difference | None, facts: DriftContext) -> DriftEnd | None:
    """Return how an entry ended; None where it goes on."""
    if facts.hashes.get(entry.key) != entry.target:
        return DriftEnd.SUPERSEDED
    if difference is None:
        return _put_right(entry, facts) or DriftEnd.REVERTED
    over = facts.operation is not None and facts.operation.phase.over
    if over and (entry.key, entry.path) not in facts.held and (end := _put_right(entry, facts)) is not None:
        return end  # it was right for a moment: who writes faster than we look is not to escape being counted
    return None if difference.live == entry.new else DriftEnd.OVERWRITTEN


def _put_right(entry: Drift, facts: DriftContext) -> DriftEnd | None:
    """Return how the last operation put an entry right; None where it did not."""
    operation = facts.operation
    if operation is None or operation.started_s < entry.began_s or not _wrote(operation, entry.key):
        return None
    return DriftEnd.HEALED if operation.cause is OperationCause.HEAL else DriftEnd.SYNCED


def _wrote(operation: Operation, key: ResourceKey) -> bool:
    accepted = TaskState.APPLIED, TaskState.DONE
    return any(task.key == key and task.verb is TaskVerb.APPLY and task.state in accepted for task in operation.tasks)


def _ended(entry: Drift, end: DriftEnd, facts: DriftContext) -> Drift:
    ours = end in (DriftEnd.HEALED, DriftEnd.SYNCED) and facts.operation is not None
    ended_s = max(facts.now_s, entry.began_s)  # a clock may step back
    return replace(entry, ended_s=ended_s, end=end, operation=facts.operation.id if ours and facts.operation else "")
