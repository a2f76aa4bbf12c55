"""Operations in every state, each in its world: those of `testdata/operations-v4.json` were stored in them.

The file was written by `python -m tests.store.worded > FILE` with this module put into a checkout of commit c7f22cb,
the last one whose store was of version 4 and told in words why a task waits and how an operation ended. Only the
lines below `__main__` need that commit; the worlds are the same today.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from gitopsd.core.sync.decide import last_sync
from gitopsd.core.sync.prune import Guard
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.command import Command, Refused
from gitopsd.model.comparison import Unreadable
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation, OperationPhase, operation_to_json
from tests.core.hooking import RUNNING, hook
from tests.core.lives import SHOP, live_of, manifest_of
from tests.core.stepping import OLD, ONE, TWO, WEB, world
from tests.core.worlds import World

Case = tuple[World, Operation]
LATE_S = 100_000.0


def refuses(code: int, *, times: float = math.inf, retryable: bool) -> Callable[[Command], Refused | None]:
    left = [times]

    def refuse(command: Command) -> Refused | None:
        left[0] -= 1
        return Refused(command.key, code, "no", retryable) if left[0] >= 0 else None

    return refuse


def new() -> Case:
    here = world(ONE, TWO, waves={TWO: 1})
    return here, here.operation()


def to_be_checked() -> Case:
    here = world(ONE, TWO, checks=True)
    return here, here.operation()


def claimed_and_to_be_checked() -> Case:
    here = world(ONE, TWO, checks=True, guard=Guard(SHOP, claimed=frozenset({TWO})))
    planned = here.operation()
    here.guard = Guard(SHOP)
    return here, planned


def refused_by_a_dry_run() -> Case:
    here = world(ONE, TWO, checks=True, refuse=refuses(422, times=1, retryable=False))
    return here, here.take(here.operation())


def issued() -> Case:
    here = world(ONE, TWO)
    return here, here.step(here.operation()).operation


def issued_and_done_without_an_answer() -> Case:
    here = world(ONE, TWO)
    now = here.step(here.operation())
    for command in now.commands:
        here.run(command)
    return here, now.operation


def gate_shut() -> Case:
    here = world(WEB, TWO, waves={TWO: 1}, health=lambda _: Health(HealthStatus.PROGRESSING, "1 of 2"))
    operation = here.step(here.take(here.operation())).operation
    here.health = lambda _: Health(HealthStatus.HEALTHY)
    here.change(WEB, health=Health(HealthStatus.HEALTHY))
    return here, operation


def gate_that_never_opens() -> Case:
    here = world(WEB, TWO, waves={TWO: 1}, health=lambda _: Health(HealthStatus.PROGRESSING, "1 of 2"))
    return here, here.step(here.take(here.operation())).operation


def refused_for_now() -> Case:
    here = world(ONE, refuse=refuses(500, times=2, retryable=True))
    return here, here.take(here.operation())


def refused_for_good() -> Case:
    here = world(ONE, TWO, refuse=refuses(403, retryable=False))
    return here, here.take(here.operation())


def wanted_by_another() -> Case:
    here = world(ONE, TWO, guard=Guard(SHOP, others={TWO: frozenset({AppName("other")})}))
    return here, here.take(here.operation())


def claimed() -> Case:
    here = world(ONE, TWO, guard=Guard(SHOP, claimed=frozenset({TWO})))
    return here, here.take(here.operation())


def prune_that_waits() -> Case:
    here = world(ONE, guard=Guard(SHOP, barrier=(AppName("other"),)))
    here.lives[OLD] = live_of(OLD)
    return here, here.take(here.operation())


def pruned_and_not_gone() -> Case:
    here = world(ONE)
    here.lives[OLD] = live_of(OLD)
    return here, here.step(here.take(here.operation())).operation


def not_read_yet() -> Case:
    here = world(ONE, TWO)
    planned = here.operation()
    here.unreadable = {TWO: Unreadable("its list is under way", pending=True)}
    return here, here.take(planned)


def namespace_that_ends() -> Case:
    namespace = ResourceKey("", "Namespace", "", "prod")
    here = world(namespace, ONE)
    planned = here.operation()
    here.lives[namespace] = live_of(namespace, deleting=True, tracking=None)
    return here, here.step(planned).operation


def hook_that_runs() -> Case:
    here = World({ONE: manifest_of(ONE)}, hooks=(hook("before", "PreSync"),), health=lambda _: RUNNING)
    operation = here.step(here.take(here.operation())).operation
    for key in here.lives:
        here.change(key, health=Health(HealthStatus.HEALTHY))
    here.health = lambda _: Health(HealthStatus.HEALTHY)
    return here, operation


def hook_that_failed() -> Case:
    here = World(
        {ONE: manifest_of(ONE)},
        hooks=(hook("before", "PreSync"), hook("rescue", "SyncFail")),
        health=lambda key: Health(HealthStatus.DEGRADED if key.name == "before" else HealthStatus.HEALTHY, "exit 1"),
    )
    return here, here.step(here.take(here.operation())).operation


def hook_before_which_another_goes() -> Case:
    here = World({ONE: manifest_of(ONE)}, hooks=(hook("before", "PreSync"),))
    key = ResourceKey("batch", "Job", "prod", "before")
    marks = (("argocd.argoproj.io/hook", "PreSync"), ("gitopsd.io/operation-id", "before/PreSync"))
    here.lives[key] = live_of(key, marks=marks)
    return here, here.take(here.operation())


def terminating() -> Case:
    here, operation = gate_that_never_opens()
    return here, replace(operation, phase=OperationPhase.TERMINATING)


def terminating_with_a_hook() -> Case:
    here = World({ONE: manifest_of(ONE)}, hooks=(hook("before", "PreSync"),), health=lambda _: RUNNING)
    operation = here.step(here.take(here.operation())).operation
    return here, replace(operation, phase=OperationPhase.TERMINATING)


def of_older_content() -> Case:
    here, operation = gate_that_never_opens()
    here.target = {ONE: manifest_of(ONE)}
    return here, operation


def pinned_to_older_content() -> Case:
    here = world(ONE, TWO, waves={TWO: 1})
    operation = here.take(here.operation(pinned=True))
    return here, replace(operation, target=TargetHash("another"))


def too_late() -> Case:
    here = world(ONE, guard=Guard(SHOP, SyncOptions(prune=Consent.CONFIRM)))
    here.lives[OLD] = live_of(OLD)
    operation = here.step(here.take(here.operation())).operation
    here.now_s += LATE_S
    return here, operation


def unanswered() -> Case:
    here = world(ONE, refuse=refuses(0, retryable=True))
    operation = here.take(here.operation())
    here.now_s += LATE_S
    return here, operation


def dry_run() -> Case:
    here = world(ONE, guard=Guard(SHOP, barrier=(AppName("other"),)), checks=True)
    here.lives[OLD] = live_of(OLD)
    return here, here.take(here.operation(dry_run=True))


def selective() -> Case:
    here = world(ONE)
    return here, here.take(here.operation(selective=True))


def over(phase: OperationPhase, message: str, **fields: Any) -> Case:
    here = world(ONE)
    operation = here.take(here.operation(**fields))
    return here, replace(operation, phase=phase, message=message, finished_s=here.now_s)


def put_off_by_a_window() -> Case:
    return over(OperationPhase.ERROR, "put off: the window `night` is shut")


def stopped_by_mode() -> Case:
    return over(OperationPhase.ERROR, "mode is observe by now, so nothing more is written")


def superseded() -> Case:
    return over(OperationPhase.FAILED, "superseded: Git has newer content")


def terminated() -> Case:
    return over(OperationPhase.FAILED, "terminated by a person")


def revision_gone() -> Case:
    message = "there is no `v1`; name another revision: its revision is gone from Git"
    return over(OperationPhase.ERROR, message, pinned=True)


def request_refused() -> Case:
    here, operation = over(OperationPhase.ERROR, "a.yaml: line 3 is no YAML; mend it", selective=True)
    return here, replace(operation, target=TargetHash(""), tasks=())


CASES: dict[str, Callable[[], Case]] = {
    case.__name__: case
    for case in (
        *(new, to_be_checked, claimed_and_to_be_checked, refused_by_a_dry_run, issued),
        *(issued_and_done_without_an_answer, gate_shut, gate_that_never_opens, refused_for_now, refused_for_good),
        *(wanted_by_another, claimed, prune_that_waits, pruned_and_not_gone, not_read_yet, namespace_that_ends),
        *(hook_that_runs, hook_that_failed, hook_before_which_another_goes, terminating, terminating_with_a_hook),
        *(put_off_by_a_window, stopped_by_mode, superseded, terminated, revision_gone, request_refused),
        *(of_older_content, pinned_to_older_content, too_late, unanswered, dry_run, selective),
    )
}


LAST = ("target", "succeeded", "ended_s", "retries", "put_off", "terminated", "hooks_left")  # of LastSync


def ending(here: World, operation: Operation) -> dict[str, Any]:
    """Return what becomes of `operation`, in a form that does not hang on how it is stored."""
    over = here.finish(operation)
    last = last_sync(over)
    return {
        "phase": over.phase.value,
        "message": over.message,
        "at_s": here.now_s,
        "tasks": [
            [str(task.key), task.verb.value, task.state.value, task.message, task.attempts] for task in over.tasks
        ],
        "written": here.keys_written(),
        "last_sync": None if last is None else [getattr(last, name) for name in LAST],
    }


if __name__ == "__main__":
    flags = {"automated": True, "healing": True, "deleting": True, "tried_ok": True}
    found = []
    for place, (name, case) in enumerate(CASES.items()):
        here, operation = case()
        fields: dict[str, Any] = {flag: flags[flag] for flag in tuple(flags)[: place % 5]}
        operation = replace(operation, **{**fields, "tried": TargetHash("before")})
        one = {"stored": operation_to_json(operation), "ends": ending(here, operation)}
        found.append(f'"{name}": {orjson.dumps(one).decode()}')
    print("{", ",\n".join(found), "}", sep="\n")  # noqa: T201 - to a file
