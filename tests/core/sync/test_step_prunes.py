"""Prunes in a sync: their order, what they wait for, and what keeps them from being done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.prune import Guard
from gitopsd.core.sync.step import SyncLimits, absorb
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.command import Accepted, Prune
from gitopsd.model.comparison import Unreadable
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ResourceVersion, Uid
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase, TaskState
from tests.core.lives import SHOP, live_of, manifest_of
from tests.core.stepping import NAMESPACE, OLD, ONE, TWO, WEB, world
from tests.core.worlds import World


def test_prunes_come_last_in_reverse_order() -> None:
    namespace = ResourceKey("", "Namespace", "", "gone")
    inside = ResourceKey("", "ConfigMap", "gone", "in")
    here = world(ONE)
    for key in (namespace, inside, ResourceKey("apps", "Deployment", "gone", "web")):
        here.lives[key] = live_of(key)

    here.finish(here.operation())

    assert ["Apply one", "Prune web", "Prune in", "Prune gone"] == here.keys_written()


def test_later_waves_are_pruned_first() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE, marks=(("argocd.argoproj.io/sync-wave", "-1"),))
    here.lives[TWO] = live_of(TWO, marks=(("argocd.argoproj.io/sync-wave", "5"),))

    here.finish(here.operation())

    assert ["Prune two", "Prune one"] == here.keys_written()


def test_object_that_is_still_there_after_its_delete_is_waited_for() -> None:
    here = world()
    here.lives[ONE], here.lives[NAMESPACE] = live_of(ONE), live_of(NAMESPACE)
    first = here.step(here.operation())
    deleted = Accepted(ONE, changed=True, resource_version=ResourceVersion("9"))
    here.change(ONE, deleting=True, resource_version=ResourceVersion("9"), finalizers=("example.com/held",))

    waiting = here.step(absorb(first.operation, [deleted], here.now_s))
    here.lives[ONE] = live_of(ONE, uid=Uid("another"))
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "its finalizer example.com/held holds it" in waiting.operation.message)
    assert [NAMESPACE] == [command.key for command in going.commands]


def test_prune_carries_the_version_seen_now() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    planned = here.operation()
    here.change(ONE, resource_version=ResourceVersion("8"))

    (command,) = here.step(planned).commands

    assert isinstance(command, Prune)
    assert ("uid-one", "8") == (command.uid, command.resource_version)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"uid": Uid("another")}, "another object"),
        ({"tracking": None}, "in its own right"),
        ({"controlled": True}, "in its own right"),
        ({"marks": (("argocd.argoproj.io/sync-options", "Prune=false"),)}, "Prune=false"),
        ({"by_argocd": True}, "Argo CD"),
    ],
)
def test_object_that_changed_since_the_plan_is_judged_anew(change: Any, why: str) -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    planned = here.operation()
    here.change(ONE, **change)

    done = here.finish(planned)

    assert [] == here.writes
    assert TaskState.SKIPPED is done.tasks[0].state
    assert why in done.tasks[0].message


def test_prune_of_what_another_application_wants_is_skipped() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    planned = here.operation()
    here.guard = Guard(SHOP, others={ONE: frozenset({AppName("shop2")})})

    assert "shop2 wants it" in here.finish(planned).tasks[0].message
    assert [] == here.writes


def test_prune_of_what_cannot_be_read_is_put_off() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    planned = here.operation()
    here.unreadable[ONE] = Unreadable("403")

    done = here.finish(planned)

    assert OperationPhase.SUCCEEDED is done.phase
    assert TaskState.PENDING is done.tasks[0].state
    assert [] == here.writes


def test_prune_waits_for_the_barrier() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    planned = here.operation()
    here.guard = Guard(SHOP, barrier=(AppName("late"),))

    waiting = here.step(planned)
    here.guard = Guard(SHOP)
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "late" in waiting.operation.message)
    assert [ONE] == [command.key for command in going.commands]


def test_barrier_that_stays_shut_holds_no_operation_for_long() -> None:
    here = world(ONE)
    here.lives[OLD] = live_of(OLD)
    planned = here.operation()
    here.guard = Guard(SHOP, barrier=(AppName("broken"),))

    done = here.finish(planned)

    assert OperationPhase.SUCCEEDED is done.phase
    assert ["Apply one"] == here.keys_written()
    assert "1 put off" in done.message
    assert here.now_s < 1100


def test_prune_to_be_confirmed_waits_for_an_approval_of_this_operation() -> None:
    here = world(guard=Guard(SHOP, SyncOptions(prune=Consent.CONFIRM), approved_s=900.0))
    here.lives[ONE] = live_of(ONE)

    waiting = here.step(here.operation())
    here.guard = replace(here.guard, approved_s=1001.0)
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "deletion-approved" in waiting.operation.message)
    assert [ONE] == [command.key for command in going.commands]


def test_approval_is_waited_for_longer_than_other_applications_are() -> None:
    here = world(guard=Guard(SHOP, SyncOptions(prune=Consent.CONFIRM)))
    here.lives[ONE] = live_of(ONE)
    running = here.step(here.operation()).operation

    here.now_s += 1200

    assert OperationPhase.RUNNING is here.step(running).operation.phase


def test_object_that_git_holds_again_is_not_pruned() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    planned = here.operation(pinned=True)
    here.target = {ONE: manifest_of(ONE)}

    assert "Git holds it again" in here.finish(planned).tasks[0].message
    assert [] == here.writes


def test_prune_last_waits_for_health() -> None:
    here = world(
        WEB, health=lambda _: Health(HealthStatus.PROGRESSING), guard=Guard(SHOP, SyncOptions(prune_last=True))
    )
    here.lives[OLD] = live_of(OLD)
    first = here.step(here.operation())
    running = absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)

    assert () == here.step(running).commands
    here.change(WEB, health=Health(HealthStatus.HEALTHY))
    assert [OLD] == [command.key for command in here.step(running).commands]


def test_sync_that_waits_for_a_person_looks_no_more_often_when_a_gates_time_is_over() -> None:
    here = World({ONE: manifest_of(ONE)}, guard=Guard(SHOP, SyncOptions(prune=Consent.CONFIRM)))
    here.lives[OLD] = live_of(OLD)
    running = here.take(here.operation())
    here.now_s += SyncLimits().gate_s + 1

    now = here.step(running)

    assert "Prune=confirm" in now.operation.message
    assert now.again_after_s is not None
    assert now.again_after_s >= 1.0


def test_nothing_is_pruned_before_what_waits_to_be_claimed() -> None:
    here = world(ONE, guard=Guard(SHOP, claimed=frozenset({ONE})))
    here.lives[OLD] = live_of(OLD)

    waiting = here.step(here.operation())
    here.guard = Guard(SHOP)
    done = here.finish(waiting.operation)

    assert ((), True) == (waiting.commands, "who else wants it" in waiting.operation.message)
    assert (OperationPhase.SUCCEEDED, ["Apply one", "Prune old"]) == (done.phase, here.keys_written())


def test_what_nobody_lets_be_claimed_holds_up_no_sync_for_long() -> None:
    here = world(ONE, guard=Guard(SHOP, claimed=frozenset({ONE})))
    here.lives[OLD] = live_of(OLD)

    done = here.finish(here.operation())

    assert (OperationPhase.SUCCEEDED, ["Prune old"]) == (done.phase, here.keys_written())
    assert 1060.0 <= here.now_s < 1100.0
