"""Hooks in a sync: when they are run, once each, and what becomes of them by their policy."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.prune import Guard
from gitopsd.core.sync.step import absorb
from gitopsd.model.command import Apply, Release
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, TrackingId, Uid
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase
from tests.core.hooking import FAILED, OLD, RUNNING, WEB, begun, hook, key_of, left, refused, world
from tests.core.lives import HEALTHY, SHOP, live_of, manifest_of
from tests.core.worlds import World


def test_phases_run_one_after_the_other() -> None:
    here = world(hook("after", "PostSync"), hook("before", "PreSync"), hook("beside", "Sync", wave="1"))
    here.lives[OLD] = live_of(OLD)

    done = here.finish(here.operation())

    assert OperationPhase.SUCCEEDED is done.phase
    assert [
        "Apply before",
        "Release before",
        "Apply one",
        "Apply beside",
        "Release beside",
        "Prune old",
        "Apply after",
        "Release after",
    ] == here.keys_written()


def test_hook_that_fails_ends_the_sync_before_anything_else_is_written() -> None:
    here = world(hook("before", "PreSync"), hook("after", "PostSync"), health=lambda _: FAILED)

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "exit code 1" in done.message
    assert ["Apply before", "Release before"] == here.keys_written()


def test_nothing_is_written_while_a_hook_of_an_earlier_phase_runs() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)

    waiting = here.step(begun(here))
    here.change(key_of("before"), health=HEALTHY)
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "1 pods are running" in waiting.operation.message)
    assert [Release(key_of("before"), here.lives[key_of("before")].uid)] == list(going.commands)


def test_sync_is_not_over_while_its_last_hook_runs() -> None:
    here = world(hook("after", "PostSync"), health=lambda key: RUNNING if key.kind == "Job" else HEALTHY)

    running = begun(here, begun(here))
    waiting = here.step(running)
    here.change(key_of("after"), health=HEALTHY)

    assert OperationPhase.RUNNING is waiting.operation.phase
    assert OperationPhase.SUCCEEDED is here.finish(waiting.operation).phase


def test_phase_after_the_sync_waits_for_the_health_of_every_object_of_it() -> None:
    """Custom resources go last in a wave; what went before them counts as well."""
    car = ResourceKey("example.org", "Car", "prod", "beetle")
    here = World(
        {WEB: manifest_of(WEB), car: manifest_of(car)},
        hooks=(hook("after", "PostSync"),),
        health=lambda key: RUNNING if key == WEB else HEALTHY,
    )

    waiting = here.step(begun(here, begun(here)))

    assert ["Apply web", "Apply beetle"] == here.keys_written()
    assert ((), True) == (waiting.commands, "web" in waiting.operation.message)


@pytest.mark.parametrize(
    ("policy", "health", "stays"),
    [
        ("", HEALTHY, True),
        ("", FAILED, True),
        ("HookSucceeded", HEALTHY, False),
        ("HookSucceeded", FAILED, True),
        ("HookFailed", HEALTHY, True),
        ("HookFailed", FAILED, False),
        ("HookSucceeded,HookFailed", FAILED, False),
        ("BeforeHookCreation", HEALTHY, True),
    ],
)
def test_delete_policy_says_what_becomes_of_the_object(policy: str, health: Health, stays: bool) -> None:  # noqa: FBT001 - a case
    here = world(hook("before", "PreSync", policy=policy), health=lambda _: health)

    here.finish(here.operation())

    assert stays is (key_of("before") in here.lives)
    assert not any(live.guarded for live in here.lives.values())


def test_hook_of_the_sync_before_is_deleted_before_it_is_run_again() -> None:
    here = world(hook("before", "PreSync"))
    here.lives[key_of("before")] = left("before", guarded=False)

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert ["Release before", "Apply before", "Release before", "Apply one"] == here.keys_written()
    assert Uid("uid-before") != here.lives[key_of("before")].uid


def test_hook_waits_until_what_ran_before_it_is_gone() -> None:
    here = world(hook("before", "PreSync"))
    here.lives[key_of("before")] = left("before", guarded=False)
    first = here.step(here.operation())
    running = absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)
    here.lives[key_of("before")] = left("before", deleting=True)  # the watch lags, or another finalizer holds it

    waiting = here.step(running)
    del here.lives[key_of("before")]
    going = here.step(waiting.operation)

    assert ((), True) == (waiting.commands, "still being deleted" in waiting.operation.message)
    assert [Apply] == [type(command) for command in going.commands]


def test_hook_without_that_policy_is_applied_over_the_one_before() -> None:
    here = world(hook("before", "PreSync", policy="HookFailed"))
    here.lives[key_of("before")] = left("before", guarded=False)

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert ["Apply before", "Release before", "Apply one"] == here.keys_written()


@pytest.mark.parametrize(
    ("live", "why"),
    [
        ({"marks": ()}, "no hook"),
        ({"controlled": True}, "no hook"),
        ({"tracking": TrackingId(AppName("other"), key_of("before"))}, "application other"),
        ({"by_argocd": True}, "Argo CD"),
    ],
)
def test_object_that_is_no_hook_of_ours_is_not_deleted_for_one(live: Any, why: str) -> None:
    here = world(hook("before", "PreSync"))
    here.lives[key_of("before")] = left("before", guarded=False, **live)

    done = here.finish(here.operation())

    assert (OperationPhase.FAILED, True) == (done.phase, why in done.message)
    assert [] == here.writes


def test_what_a_sync_left_in_mid_run_is_let_go_of_by_the_next() -> None:
    here = world()
    here.lives[key_of("before")] = left("before")

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert ["Release before", "Apply one"] == here.keys_written()
    assert key_of("before") not in here.lives


def test_left_hook_that_cannot_be_let_go_of_fails_no_sync() -> None:
    here = world(refuse=lambda command: refused(command) if isinstance(command, Release) else None)
    here.lives[key_of("before")] = left("before")

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase


@pytest.mark.parametrize("policy", ["HookSucceeded", "BeforeHookCreation"])
def test_hook_whose_answer_was_lost_is_not_run_again(policy: str) -> None:
    here = world(hook("before", "PreSync", policy=policy))
    first = here.step(here.operation())
    for command in first.commands:
        here.run(command)

    here.finish(absorb(first.operation, [], here.now_s))

    assert ["before"] == here.begun


def test_hook_whose_end_was_seen_and_not_answered_is_not_run_again() -> None:
    here = world(hook("before", "PreSync", policy="HookSucceeded"))
    second = here.step(begun(here))
    for command in second.commands:
        here.run(command)
    assert key_of("before") not in here.lives

    done = here.finish(absorb(second.operation, [], here.now_s))

    assert OperationPhase.SUCCEEDED is done.phase
    assert ["before"] == here.begun


def test_generated_hook_is_run_once_for_each_sync() -> None:
    here = world(hook("migrate-0af1", "PreSync", prefix="migrate-"))

    here.finish(here.operation(id="op1"))
    here.finish(here.operation(id="op2"))

    assert (2, 2) == (len(here.begun), len(set(here.begun)))
    assert all(name.startswith("migrate-") for name in here.begun)


def test_hook_of_two_phases_is_run_in_each() -> None:
    here = world(hook("both", "PreSync,PostSync"))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert ["both", "both"] == here.begun


def test_hook_that_another_application_wants_is_not_run() -> None:
    here = world(hook("before", "PreSync"))
    here.guard = Guard(SHOP, others={key_of("before"): frozenset({AppName("other")})})

    assert "other wants it too" in here.finish(here.operation()).message
    assert [] == here.writes


def test_dry_run_runs_no_hook() -> None:
    here = world(hook("before", "PreSync"))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation(dry_run=True)).phase
    assert [] == here.writes
