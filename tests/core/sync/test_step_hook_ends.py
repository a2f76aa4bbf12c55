"""How hooks end, and what becomes of those that run when a sync fails or is ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.model.command import Refused
from gitopsd.model.operation import EndReason, OperationPhase, TaskState
from tests.core.hooking import ONE, RUNNING, WEB, begun, hook, key_of, refused, world
from tests.core.lives import HEALTHY, manifest_of
from tests.core.worlds import World


def test_hook_that_ended_and_was_deleted_by_its_time_to_live_has_succeeded() -> None:
    """Our finalizer holds it, so its end can still be seen."""
    here = world(hook("before", "PreSync"))
    running = begun(here)
    here.change(key_of("before"), deleting=True)

    assert OperationPhase.SUCCEEDED is here.finish(running).phase
    assert key_of("before") not in here.lives


def test_hook_that_is_deleted_while_it_runs_has_failed() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = begun(here)
    here.change(key_of("before"), deleting=True)

    done = here.finish(running)

    assert (OperationPhase.FAILED, True) == (done.phase, "deleted it before it had ended" in done.message)
    assert {} == here.lives


def test_hook_that_is_gone_has_failed() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = begun(here)
    here.lives.clear()

    done = here.finish(running)

    assert (OperationPhase.FAILED, True) == (done.phase, "its end was not seen" in done.message)


def test_hook_that_never_ends_fails_with_a_remedy() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "1 pods are running, after 1800 s; see to it, or raise sync.gate_deadline_s" in done.message
    assert not here.lives[key_of("before")].guarded


def test_failed_sync_runs_what_is_there_for_that() -> None:
    here = world(hook("sorry", "SyncFail"), refuse=lambda command: refused(command) if command.key == ONE else None)

    done = here.finish(here.operation())

    assert (OperationPhase.FAILED, True) == (done.phase, "no (403)" in done.message)
    assert ["Apply sorry", "Release sorry"] == here.keys_written()


def test_sync_that_succeeds_skips_what_is_there_for_failures() -> None:
    here = world(hook("sorry", "SyncFail"))

    done = here.finish(here.operation())

    assert ["Apply one"] == here.keys_written()
    assert TaskState.SKIPPED in {task.state for task in done.tasks}


def test_failed_sync_waits_for_the_hooks_that_run_and_begins_no_others() -> None:
    here = world(
        hook("beside", "Sync"),
        hook("after", "PostSync"),
        health=lambda key: RUNNING if key.kind == "Job" else HEALTHY,
        refuse=lambda command: refused(command) if command.key == ONE else None,
    )
    operation = begun(here)  # the ConfigMap comes before the Job
    here.refuse = lambda _: None
    here.target = {}

    done = here.finish(operation)

    assert OperationPhase.FAILED is done.phase
    assert [] == here.begun


def test_hook_that_runs_while_the_sync_fails_is_let_go_of_at_its_end() -> None:
    web = {WEB: manifest_of(WEB)}
    here = World(
        web,
        hooks=(hook("beside", "Sync"), hook("sorry", "SyncFail")),
        health=lambda key: RUNNING if key.kind == "Job" else HEALTHY,
    )
    here.refuse = lambda command: refused(command) if command.key == WEB else None
    waiting = here.step(begun(here))
    here.change(key_of("beside"), health=HEALTHY)
    here.health = lambda _: HEALTHY

    done = here.finish(waiting.operation)

    assert OperationPhase.RUNNING is waiting.operation.phase
    assert OperationPhase.FAILED is done.phase
    assert ["Apply beside", "Release beside", "Apply sorry", "Release sorry"] == here.keys_written()


@pytest.mark.parametrize("guarded", [True, False])
def test_terminated_sync_removes_the_hooks_that_run(guarded: bool) -> None:  # noqa: FBT001 - a case
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = replace(begun(here), phase=OperationPhase.TERMINATING)
    here.change(key_of("before"), guarded=guarded)

    done = here.finish(running)

    assert (OperationPhase.FAILED, EndReason.TERMINATED) == (done.phase, done.end)
    assert {} == here.lives


@pytest.mark.parametrize(("shown", "waits_s"), [(True, 3), (False, 10)])
def test_terminated_sync_waits_for_the_watch_to_show_a_hook_that_was_just_begun(
    shown: bool,  # noqa: FBT001 - a case
    waits_s: int,
) -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = replace(begun(here), phase=OperationPhase.TERMINATING)
    live = here.lives.pop(key_of("before"))

    waiting = here.step(running)
    here.now_s += waits_s
    here.lives.update({key_of("before"): live} if shown else {})
    done = here.finish(waiting.operation)

    assert ((), 10.0) == (waiting.commands, waiting.again_after_s)
    assert (OperationPhase.FAILED, EndReason.TERMINATED, 1000.0 + waits_s) == (done.phase, done.end, here.now_s)
    assert {} == here.lives


def test_sync_that_is_too_late_removes_the_hooks_that_run() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = begun(here)
    here.now_s += 4000

    done = here.finish(running)

    assert OperationPhase.FAILED is done.phase
    assert {} == here.lives


def test_newer_content_removes_old_hooks_and_waits_for_none() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = begun(here)
    here.target = {ONE: manifest_of(ONE, data={"a": "2"})}

    done = here.finish(running)

    assert (OperationPhase.FAILED, EndReason.SUPERSEDED, 1000.0) == (done.phase, done.end, here.now_s)
    assert {} == here.lives


def test_newer_content_does_not_wait_for_a_hook_that_cannot_be_removed() -> None:
    here = world(hook("before", "PreSync"), health=lambda _: RUNNING)
    running = begun(here)
    here.target = {ONE: manifest_of(ONE, data={"a": "2"})}
    here.refuse = lambda command: Refused(command.key, 503, "later", retryable=True)

    done = here.finish(running)

    assert (EndReason.SUPERSEDED, 1000.0) == (done.end, here.now_s)
