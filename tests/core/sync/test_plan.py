"""What a sync would do."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.deletion import deletion
from gitopsd.core.sync.plan import PlanScope, work
from gitopsd.core.sync.prune import Guard
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.comparison import Absent, Compared, Pair, SyncStatus, Unreadable
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.operation import PlannedWork, TaskState, TaskVerb
from tests.core.lives import SHOP, config_key, found, manifest_of

ONE, TWO, OLD = config_key("one"), config_key("two"), config_key("old")
GUARD = Guard(SHOP)
PRUNING = PlanScope(prune=True)


def of(key: Any, status: SyncStatus = SyncStatus.OUT_OF_SYNC, reading: Any = None, **fields: Any) -> Compared:
    return Compared(Pair(key, manifest_of(key), reading or found(key)), status, **fields)


def extra(key: Any, **live: Any) -> Compared:
    return Compared(Pair(key, None, found(key, **live)), SyncStatus.OUT_OF_SYNC)


def planned(*resources: Compared, guard: Guard = GUARD, scope: PlanScope = PRUNING) -> PlannedWork:
    hashes = {each.pair.key: TargetHash(each.pair.key.name) for each in resources if each.pair.target is not None}
    return work(resources, hashes, guard, scope)


def test_what_is_in_sync_is_left_alone() -> None:
    assert PlannedWork() == planned(of(ONE, SyncStatus.SYNCED))


def test_what_is_in_sync_but_not_ours_is_applied() -> None:
    found_so = planned(of(ONE, SyncStatus.SYNCED, adopt=True))

    assert ([TaskVerb.APPLY], 0, 1) == ([task.verb for task in found_so.tasks], found_so.drift, found_so.adopts)
    assert found_so.any


def test_what_is_missing_is_applied_as_the_content_it_was_compared_as() -> None:
    (task,) = planned(of(ONE, reading=Absent())).tasks

    assert (TaskVerb.APPLY, "one", TaskState.PENDING) == (task.verb, task.target, task.state)


@pytest.mark.parametrize("pending", [True, False])
def test_what_is_not_known_is_put_off(pending: bool) -> None:  # noqa: FBT001 - a case
    found_so = planned(of(ONE, SyncStatus.UNKNOWN, Unreadable("403", pending), reason="403"))

    assert ("403", TaskState.PENDING) == (found_so.tasks[0].message, found_so.tasks[0].state)
    assert not found_so.any
    assert int(pending) == found_so.pending


def test_object_git_does_not_hold_is_pruned_only_where_asked() -> None:
    assert 1 == planned(extra(OLD)).drift

    kept = planned(extra(OLD), scope=PlanScope())

    assert (TaskState.SKIPPED, False) == (kept.tasks[0].state, kept.any)


@pytest.mark.parametrize(
    ("guard", "live", "state"),
    [
        (Guard(SHOP, barrier=(AppName("late"),)), {}, TaskState.PENDING),
        (Guard(SHOP, others={OLD: frozenset({AppName("x")})}), {}, TaskState.SKIPPED),
        (Guard(SHOP, SyncOptions(prune=Consent.NEVER)), {}, TaskState.SKIPPED),
        (GUARD, {"by_argocd": True}, TaskState.SKIPPED),
    ],
)
def test_prune_that_may_not_be_is_no_reason_for_a_sync(guard: Guard, live: Any, state: TaskState) -> None:
    found_so = planned(extra(OLD, **live), guard=guard)

    assert (state, False) == (found_so.tasks[0].state, found_so.any)
    assert found_so.tasks[0].message


def test_prune_to_be_confirmed_starts_a_sync_that_asks() -> None:
    assert planned(extra(OLD), guard=Guard(SHOP, SyncOptions(prune=Consent.CONFIRM))).any


def test_extraneous_object_is_pruned_along_but_starts_no_sync() -> None:
    marks = (("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),)

    found_so = planned(extra(OLD, marks=marks))

    assert (1, False) == (len(found_so.tasks), found_so.any)


def test_only_the_selected_objects_are_synced() -> None:
    selected = planned(of(ONE), of(TWO), extra(OLD), scope=PlanScope(prune=True, selected=(TWO,)))

    assert [TWO] == [task.key for task in selected.tasks]


def test_emptied_target_tells_how_much_would_go() -> None:
    assert 2 == planned(extra(OLD), extra(ONE)).empties
    assert 0 == planned(extra(OLD), of(ONE)).empties


def test_deletion_prunes_every_live_object_git_or_no_git() -> None:
    todo = deletion([of(ONE), extra(OLD), of(TWO, reading=Absent())], Guard(SHOP, deleting=True))

    assert {(ONE, TaskVerb.PRUNE), (OLD, TaskVerb.PRUNE)} == {(task.key, task.verb) for task in todo.tasks}


def test_deletion_leaves_what_is_to_stay() -> None:
    stays = Guard(SHOP, SyncOptions(delete=Consent.NEVER), deleting=True)

    todo = deletion([extra(OLD)], stays)

    assert ([TaskState.SKIPPED], False) == ([task.state for task in todo.tasks], todo.any)
