"""One step of a sync: order, namespaces and definitions, gates."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.plan import PlanScope
from gitopsd.core.sync.prune import Guard
from gitopsd.core.sync.step import SyncLimits, absorb
from gitopsd.core.target.sync_options import SyncOptions
from gitopsd.model.command import Accepted, Apply
from gitopsd.model.comparison import Absent, Unserved
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ResourceVersion
from gitopsd.model.operation import OperationPhase
from tests.core.lives import SHOP, live_of
from tests.core.stepping import CAR, DEFINITION, NAMESPACE, ONE, TWO, WEB, world


def test_namespaces_and_definitions_go_before_their_users() -> None:
    here = world(CAR, WEB, DEFINITION, ONE, NAMESPACE)

    done = here.finish(here.operation())

    assert OperationPhase.SUCCEEDED is done.phase
    assert ["Apply prod", "Apply cars.example.org", "Apply one", "Apply web", "Apply beetle"] == here.keys_written()
    assert "5 applied, 0 pruned" == done.message


def test_users_of_a_namespace_wait_until_it_is_active() -> None:
    here = world(NAMESPACE, ONE, established=False)
    first = here.step(here.operation())
    running = absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)

    waiting = here.step(running)
    here.change(NAMESPACE, established=True)
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "not established" in waiting.operation.message)
    assert [ONE] == [command.key for command in going.commands]


def test_custom_resource_waits_until_its_kind_is_served() -> None:
    here = world(DEFINITION, CAR, unreadable={CAR: Unserved()})
    first = here.step(here.operation())
    running = absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)

    waiting = here.step(running)
    here.unreadable[CAR] = Absent()
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "not served yet" in waiting.operation.message)
    assert [CAR] == [command.key for command in going.commands]


def test_kind_that_nothing_defines_is_the_servers_to_refuse() -> None:
    here = world(CAR, unreadable={CAR: Unserved()})

    assert [CAR] == [command.key for command in here.step(here.operation()).commands]


def test_created_namespace_comes_first_and_only_where_it_is_used() -> None:
    here = world(ONE, guard=Guard(SHOP, SyncOptions(create_namespace=True)))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation(PlanScope(namespace="prod"))).phase
    assert ["CreateNamespace prod", "Apply one"] == here.keys_written()
    assert [ONE] == [task.key for task in here.operation(PlanScope(namespace="other")).tasks]


def test_created_namespace_is_there_before_the_earliest_wave_that_uses_it() -> None:
    here = world(ONE, TWO, waves={ONE: -5, TWO: 3}, guard=Guard(SHOP, SyncOptions(create_namespace=True)))

    here.finish(here.operation(PlanScope(namespace="prod")))

    assert ["CreateNamespace prod", "Apply one", "Apply two"] == here.keys_written()


def test_namespace_that_is_being_deleted_is_made_anew_once_it_is_gone() -> None:
    here = world(ONE, guard=Guard(SHOP, SyncOptions(create_namespace=True)))
    here.lives[NAMESPACE] = live_of(NAMESPACE, deleting=True, tracking=None)

    waiting = here.step(here.operation(PlanScope(namespace="prod")))
    del here.lives[NAMESPACE]

    assert ((), True) == (waiting.commands, "see its conditions" in waiting.operation.message)
    assert OperationPhase.SUCCEEDED is here.finish(waiting.operation).phase
    assert ["CreateNamespace prod", "Apply one"] == here.keys_written()


def test_namespace_that_git_holds_is_applied_not_created() -> None:
    here = world(NAMESPACE, ONE, guard=Guard(SHOP, SyncOptions(create_namespace=True)))

    here.finish(here.operation(PlanScope(namespace="prod")))

    assert ["Apply prod", "Apply one"] == here.keys_written()


def test_next_wave_waits_for_what_is_to_be_claimed_in_the_one_before() -> None:
    here = world(ONE, TWO, waves={TWO: 1}, guard=Guard(SHOP, claimed=frozenset({ONE})))

    waiting = here.step(here.operation())
    here.guard = Guard(SHOP)

    assert () == waiting.commands
    assert OperationPhase.SUCCEEDED is here.finish(waiting.operation).phase
    assert ["Apply one", "Apply two"] == here.keys_written()


def test_next_wave_waits_for_the_health_of_the_one_before() -> None:
    progressing = Health(HealthStatus.PROGRESSING, "1 of 3")
    here = world(WEB, ONE, waves={WEB: -1, ONE: 2}, health=lambda _: progressing)
    first = here.step(here.operation())
    running = absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)

    waiting = here.step(running)
    here.change(WEB, health=Health(HealthStatus.HEALTHY))
    going = here.step(waiting.operation)

    assert [WEB] == [command.key for command in first.commands]
    assert ((), True) == (waiting.commands, "Progressing: 1 of 3" in waiting.operation.message)
    assert [ONE] == [command.key for command in going.commands]


def test_health_from_before_the_write_opens_no_gate() -> None:
    here = world(WEB, ONE, waves={ONE: 1})
    here.lives[WEB] = live_of(WEB, view=None, health=Health(HealthStatus.HEALTHY))
    first = here.step(here.operation())
    accepted = Accepted(WEB, changed=True, resource_version=ResourceVersion("8"))

    waiting = here.step(absorb(first.operation, [accepted], here.now_s))
    here.change(WEB, resource_version=ResourceVersion("8"))
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "has not shown the change" in waiting.operation.message)
    assert [ONE] == [command.key for command in going.commands]


def test_watch_that_never_shows_our_version_does_not_hold_the_gate_for_ever() -> None:
    here = world(WEB, ONE, waves={ONE: 1})
    here.lives[WEB] = live_of(WEB, view=None, health=Health(HealthStatus.HEALTHY))
    first = here.step(here.operation())
    running = absorb(first.operation, [Accepted(WEB, changed=True, resource_version=ResourceVersion("8"))], here.now_s)

    here.now_s += 11

    assert [ONE] == [command.key for command in here.step(running).commands]


def test_degraded_object_fails_the_sync_before_the_next_wave() -> None:
    here = world(WEB, ONE, waves={ONE: 1}, health=lambda _: Health(HealthStatus.DEGRADED, "crash"))

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "Degraded: crash" in done.message
    assert ["Apply web"] == here.keys_written()


def test_object_without_health_of_its_own_holds_nothing_up() -> None:
    here = world(ONE, TWO, waves={TWO: 1}, health=lambda _: None)

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase


def test_health_of_the_last_wave_is_not_waited_for() -> None:
    here = world(WEB, health=lambda _: Health(HealthStatus.PROGRESSING))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase


def test_gate_that_never_opens_fails_with_a_remedy() -> None:
    here = world(WEB, ONE, waves={ONE: 1}, health=lambda _: Health(HealthStatus.PROGRESSING, "1 of 3"))

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "1 of 3, after 1800 s; see to it, or raise sync.gate_deadline_s" in done.message


def test_operation_that_takes_too_long_fails_with_what_it_waits_for() -> None:
    here = world(WEB, ONE, waves={ONE: 1}, health=lambda _: Health(HealthStatus.PROGRESSING, "1 of 3"))
    first = here.step(here.operation())
    running = absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)

    here.now_s += 60
    late = here.step(running, SyncLimits(operation_s=60))

    assert OperationPhase.FAILED is late.operation.phase
    assert "1 of 3" in late.operation.message


def test_object_that_two_applications_want_is_applied_by_neither() -> None:
    here = world(ONE, TWO, guard=Guard(SHOP, others={ONE: frozenset({AppName("other")})}))

    done = here.finish(here.operation())

    assert ["Apply two"] == here.keys_written()
    assert "other wants it too" in done.message


@pytest.mark.parametrize(("view", "takeover"), [(None, True), ("view", False)])
def test_legacy_managers_are_taken_over_at_the_first_apply_only(view: Any, takeover: bool) -> None:  # noqa: FBT001 - a case
    here = world(ONE)
    here.lives[ONE] = live_of(ONE, view=view, takeover=True)

    (command,) = here.step(here.operation()).commands

    assert isinstance(command, Apply)
    assert takeover is command.takeover
