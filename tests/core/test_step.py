"""One step of a sync: order, gates, refusals, restarts, deadlines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.options import Consent, SyncOptions
from gitopsd.core.plan import Scope
from gitopsd.core.prune import Guard
from gitopsd.core.step import SUPERSEDED, TERMINATED, Limits, absorb
from gitopsd.model.command import Accepted, Apply, Command, Prune, Refused
from gitopsd.model.comparison import Absent, Unreadable, Unserved
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ResourceVersion, Uid
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase, TaskState
from tests.core.lives import SHOP, config_key, live_of, manifest_of
from tests.core.worlds import World

NAMESPACE = ResourceKey("", "Namespace", "", "prod")
DEFINITION = ResourceKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "cars.example.org")
CAR = ResourceKey("example.org", "Car", "prod", "beetle")
WEB = ResourceKey("apps", "Deployment", "prod", "web")
ONE, TWO, OLD = config_key("one"), config_key("two"), config_key("old")
DEFINES = {"group": "example.org", "names": {"kind": "Car"}, "scope": "Namespaced"}


def world(*keys: ResourceKey, waves: dict[ResourceKey, int] | None = None, **fields: Any) -> World:
    target = {}
    for key in keys:
        wave = (waves or {}).get(key)
        annotations = {} if wave is None else {"argocd.argoproj.io/sync-wave": str(wave)}
        extra = {"spec": DEFINES} if key == DEFINITION else {}
        target[key] = manifest_of(key, annotations=annotations, **extra)
    return World(target, **fields)


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

    assert OperationPhase.SUCCEEDED is here.finish(here.operation(Scope(namespace="prod"))).phase
    assert ["CreateNamespace prod", "Apply one"] == here.keys_written()
    assert [ONE] == [task.key for task in here.operation(Scope(namespace="other")).tasks]


def test_created_namespace_is_there_before_the_earliest_wave_that_uses_it() -> None:
    here = world(ONE, TWO, waves={ONE: -5, TWO: 3}, guard=Guard(SHOP, SyncOptions(create_namespace=True)))

    here.finish(here.operation(Scope(namespace="prod")))

    assert ["CreateNamespace prod", "Apply one", "Apply two"] == here.keys_written()


def test_namespace_that_git_holds_is_applied_not_created() -> None:
    here = world(NAMESPACE, ONE, guard=Guard(SHOP, SyncOptions(create_namespace=True)))

    here.finish(here.operation(Scope(namespace="prod")))

    assert ["Apply prod", "Apply one"] == here.keys_written()


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
    late = here.step(running, Limits(operation_s=60))

    assert OperationPhase.FAILED is late.operation.phase
    assert "1 of 3" in late.operation.message


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
    here.change(ONE, deleting=True, resource_version=ResourceVersion("9"))

    waiting = here.step(absorb(first.operation, [deleted], here.now_s))
    here.lives[ONE] = live_of(ONE, uid=Uid("another"))
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "still being deleted" in waiting.operation.message)
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


def test_object_that_two_applications_want_is_applied_by_neither() -> None:
    here = world(ONE, TWO, guard=Guard(SHOP, others={ONE: frozenset({AppName("other")})}))

    done = here.finish(here.operation())

    assert ["Apply two"] == here.keys_written()
    assert "other wants it too" in done.message


def refusing(key: ResourceKey, code: int, *, retryable: bool, times: int = 1000) -> Any:
    left = [times]

    def refuse(command: Command) -> Refused | None:
        if command.key != key or left[0] == 0:
            return None
        left[0] -= 1
        return Refused(key, code, "no", retryable, "mend it")

    return refuse


def test_final_refusal_fails_the_sync_with_the_servers_words() -> None:
    here = world(ONE, TWO, WEB, waves={WEB: 1}, refuse=refusing(ONE, 422, retryable=False))
    here.lives[OLD] = live_of(OLD)

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "/ConfigMap:prod/one: no (422); mend it" in done.message
    assert ["Apply two"] == here.keys_written()


def test_refusal_that_may_pass_is_tried_again_after_a_rest() -> None:
    here = world(ONE, refuse=refusing(ONE, 503, retryable=True, times=3))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert 1000 + 1 + 2 + 4 == here.now_s


def test_refusal_that_never_passes_fails_in_the_end() -> None:
    here = world(ONE, refuse=refusing(ONE, 503, retryable=True))

    assert OperationPhase.FAILED is here.finish(here.operation()).phase
    assert [] == here.writes


def test_cluster_that_does_not_answer_is_tried_until_the_operations_deadline() -> None:
    here = world(ONE, refuse=refusing(ONE, 0, retryable=True, times=20))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert here.now_s > 2000

    here.refuse = refusing(TWO, 0, retryable=True)
    here.target = {TWO: manifest_of(TWO)}
    assert OperationPhase.ERROR is here.finish(here.operation()).phase


def test_clock_that_steps_back_does_not_stretch_a_rest() -> None:
    here = world(ONE)

    assert [ONE] == [command.key for command in here.step(here.operation(not_before_s=1e9)).commands]


def test_task_whose_answer_was_lost_is_asked_again() -> None:
    here = world(ONE)
    first = here.step(here.operation())

    again = here.step(first.operation)

    assert first.commands == again.commands
    assert isinstance(again.commands[0], Apply)


def test_delete_whose_answer_was_lost_is_not_sent_to_another_object() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    first = here.step(here.operation())
    here.lives[ONE] = live_of(ONE, uid=Uid("recreated"))

    assert () == here.step(first.operation).commands


def test_newer_content_takes_over_at_once() -> None:
    here = world(ONE)
    running = here.step(here.operation()).operation
    here.target = {ONE: manifest_of(ONE, data={"new": "1"})}

    ended = here.step(running)

    assert ((), OperationPhase.FAILED, SUPERSEDED) == (ended.commands, ended.operation.phase, ended.operation.message)


def test_pinned_revision_is_not_superseded_but_never_applies_another_content() -> None:
    here = world(ONE)
    running = here.operation(pinned=True)
    here.target = {ONE: manifest_of(ONE, data={"new": "1"})}

    ended = here.step(running)

    assert OperationPhase.FAILED is ended.operation.phase
    assert "another content" in ended.operation.message


def test_terminated_operation_ends_at_once() -> None:
    here = world(ONE)

    ended = here.step(here.operation(phase=OperationPhase.TERMINATING))

    assert ((), OperationPhase.FAILED, TERMINATED) == (ended.commands, ended.operation.phase, ended.operation.message)


def test_dry_run_tells_and_writes_nothing() -> None:
    here = world(ONE)
    here.lives[OLD] = live_of(OLD)

    done = here.finish(here.operation(dry_run=True))

    assert OperationPhase.SUCCEEDED is done.phase
    assert [] == here.writes
    assert {ONE, OLD} == {task.key for task in done.tasks}


def test_operation_that_is_over_stays_so() -> None:
    here = world(ONE)
    done = here.finish(here.operation())

    assert (done, ()) == (here.step(done).operation, here.step(done).commands)


@pytest.mark.parametrize(("view", "takeover"), [(None, True), ("view", False)])
def test_legacy_managers_are_taken_over_at_the_first_apply_only(view: Any, takeover: bool) -> None:  # noqa: FBT001 - a case
    here = world(ONE)
    here.lives[ONE] = live_of(ONE, view=view, takeover=True)

    (command,) = here.step(here.operation()).commands

    assert isinstance(command, Apply)
    assert takeover is command.takeover


def test_sync_that_waits_for_a_person_looks_no_more_often_when_a_gates_time_is_over() -> None:
    here = World({ONE: manifest_of(ONE)}, guard=Guard(SHOP, SyncOptions(prune=Consent.CONFIRM)))
    here.lives[OLD] = live_of(OLD)
    running = here.take(here.operation())
    here.now_s += Limits().gate_s + 1

    now = here.step(running)

    assert "Prune=confirm" in now.operation.message
    assert now.again_after_s is not None
    assert now.again_after_s >= 1.0
