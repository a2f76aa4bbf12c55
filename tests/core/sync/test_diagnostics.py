"""What is kept of what a cluster says of an object that failed."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.diagnostics import containers_of, event_lines, failing, most_telling, pods_of, with_evidence
from gitopsd.core.sync.step import step
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.model.operation import Operation, OperationPhase, Task, TaskState, TaskVerb
from tests.core.lives import config_key, live_of, manifest_of
from tests.core.worlds import LIMITS, World

WEB = ResourceKey("apps", "Deployment", "prod", "web")
ONE = config_key("one")
BROKEN = Health(HealthStatus.DEGRADED, "it crashes")


def applied() -> tuple[World, Operation]:
    """Return a world in which a Deployment was applied that does not do well, and the operation then."""
    later = {"annotations": {"argocd.argoproj.io/sync-wave": "1"}}
    here = World({WEB: manifest_of(WEB), ONE: manifest_of(ONE, **later)}, health=lambda _: BROKEN)
    return here, here.take(here.operation())


def test_object_whose_gate_breaks_is_asked_about_once() -> None:
    here, before = applied()

    after = step(before, here.seen(), here.now_s, LIMITS).operation

    ((task, live),) = failing(before, after, here.readings())
    assert (WEB, TaskState.FAILED, here.lives[WEB]) == (task.key, task.state, live)
    assert () == failing(after, after, here.readings())


def test_nobody_is_asked_about_what_a_person_has_ended() -> None:
    here, before = applied()
    ended = replace(before, phase=OperationPhase.TERMINATING)

    after = step(ended, here.seen(), here.now_s, LIMITS).operation

    assert () == failing(ended, after, here.readings())


def test_values_of_secrets_and_credentials_in_urls_are_masked() -> None:
    _, before = applied()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    secret |= {"data": {"password": base64.b64encode(b"hunter22").decode()}}
    task = before.tasks[0]

    told = with_evidence(before, [(task, ["cannot log in as hunter22", "at https://u:p@db.example/x"])], [secret])

    assert ("cannot log in as ++++++++", "at https://***@db.example/x") == told.tasks[0].evidence


def test_lines_are_bounded_in_number_and_length() -> None:
    _, before = applied()

    told = with_evidence(before, [(before.tasks[0], ["x" * 10_000] * 1000)], [])

    assert (40, 302) == (len(told.tasks[0].evidence), len(told.tasks[0].evidence[0]))


def test_pods_that_do_not_do_well_are_asked_first() -> None:
    web, pod = live_of(WEB, uid=Uid("web")), GVK("", "v1", "Pod")
    pods = [
        live_of(ResourceKey("", "Pod", "prod", f"web-{n}"), uid=Uid(f"p{n}"), owners=(Uid("web"),), health=health)
        for n, health in enumerate([Health(HealthStatus.HEALTHY), Health(HealthStatus.HEALTHY), BROKEN])
    ]
    below = {Uid("web"): [(pod, each) for each in pods]}

    found = pods_of(GVK("apps", "", "Deployment"), web, lambda uid: below.get(uid, []))

    assert ["web-2", "web-0"] == [each.key.name for each in found]


CRASHED = {"terminated": {"exitCode": 1}}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([{"name": "a", "state": CRASHED}, {"name": "b", "state": {"running": {}}}], [("a", False)]),
        ([{"name": "b", "state": {"waiting": {}}, "lastState": CRASHED}], [("b", True)]),
        ([{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}], [("a", False), ("b", False)]),
        ([], [("a", False), ("b", False)]),
        ([{"name": "a", "state": None, "lastState": 7}], [("a", False), ("b", False)]),
    ],
)
def test_containers_that_failed_are_read(statuses: Any, expected: Any) -> None:
    pod = {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}, "status": {"containerStatuses": statuses}}

    assert expected == list(containers_of(pod))


def test_warnings_are_told_before_what_is_usual() -> None:
    usual = [
        {"type": "Normal", "reason": f"n{n}", "message": "m", "lastTimestamp": f"2026-01-01T00:01:0{n}Z"}
        for n in range(9)
    ]
    warning = {
        "type": "Warning",
        "reason": "BackOff",
        "message": "m",
        "count": 5,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }

    lines = event_lines("Pod web", [*usual, warning])

    assert ("event of Pod web: BackOff: m (5 times)", 5) == (lines[0], len(lines))


def test_history_of_a_large_sync_keeps_what_failed() -> None:
    tasks = [Task(config_key(f"o{n}"), TaskVerb.APPLY, state=TaskState.DONE) for n in range(1000)]
    tasks[777] = replace(tasks[777], state=TaskState.FAILED)
    tasks[888] = replace(tasks[888], verb=TaskVerb.PRUNE)

    kept = most_telling(tasks)

    assert (200, True, True) == (len(kept), tasks[777] in kept, tasks[888] in kept)
    assert sorted(kept, key=tasks.index) == list(kept)
