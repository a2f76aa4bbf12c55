"""Sync options in a step: how an object is asked to be written, and when it is not written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.actions import write_of
from gitopsd.core.sync.deletion import deletion
from gitopsd.core.sync.plan import PlanScope, work
from gitopsd.core.sync.prune import Guard
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.command import PLAIN, Apply, CreateNamespace, Write
from gitopsd.model.comparison import Compared, Found, Pair, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase, TaskState
from tests.core.lives import HEALTHY, SHOP, config_key, live_of, manifest_of
from tests.core.worlds import World

ONE, TWO, OLD = config_key("one"), config_key("two"), config_key("old")
WEB = ResourceKey("apps", "Deployment", "prod", "web")
OPTIONS = "argocd.argoproj.io/sync-options"
REPLICAS = IgnoreDifference(
    "apps",
    "Deployment",
    json_pointers=("/spec/replicas",),
    managed_fields_managers=("hpa",),
    jq_path_expressions=(".spec.x",),
)


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ("", PLAIN),
        ("Validate=false", Write(validate=False)),
        ("Replace=true", Write(replace=True)),
        ("Force=true", Write(recreate=True)),
        ("Replace=true,Force=true", Write(replace=True, recreate=True)),
        (
            "RespectIgnoreDifferences=true",
            Write(spare=(("spec", "replicas"),), spare_managers=("hpa",), spare_expressions=(".spec.x",)),
        ),
    ],
)
def test_option_of_an_object_says_how_it_is_written(options: str, how: Write) -> None:
    here = World({WEB: manifest_of(WEB, annotations={OPTIONS: options})})
    seen = replace(here.seen(), ignored=(REPLICAS,))
    here.seen = lambda: seen  # type: ignore[method-assign]

    (command,) = here.step(here.operation()).commands

    assert isinstance(command, Apply)
    assert how == command.how


def test_option_of_the_application_holds_for_every_object_that_says_nothing_else() -> None:
    app = SyncOptions(replace=True)
    here = World(
        {ONE: manifest_of(ONE), TWO: manifest_of(TWO, annotations={OPTIONS: "Replace=false"})}, guard=Guard(SHOP, app)
    )

    how = {command.key: command.how for command in here.step(here.operation()).commands if isinstance(command, Apply)}

    assert (True, False) == (how[ONE].replace, how[TWO].replace)


def test_ignored_fields_are_written_where_nobody_asks_to_respect_them() -> None:
    assert PLAIN == write_of(manifest_of(WEB), SyncOptions(), (REPLICAS,))


@pytest.mark.parametrize(("option", "takes"), [("", True), ("ClientSideApplyMigration=false", False)])
def test_legacy_managers_are_taken_over_unless_the_object_forbids_it(option: str, takes: bool) -> None:  # noqa: FBT001 - a case
    here = World({ONE: manifest_of(ONE, annotations={OPTIONS: option})}, {ONE: live_of(ONE, view=None, takeover=True)})

    (command,) = here.step(here.operation()).commands

    assert isinstance(command, Apply)
    assert takes is command.takeover


def test_manager_that_an_object_names_is_taken_over_at_its_first_apply() -> None:
    marks = {"argocd.argoproj.io/client-side-apply-migration-manager": "our-old-script"}
    here = World({ONE: manifest_of(ONE, annotations=marks)}, {ONE: live_of(ONE, view=None)})

    (command,) = here.step(here.operation()).commands

    assert isinstance(command, Apply)
    assert (True, "our-old-script") == (command.takeover, command.how.legacy)


@pytest.mark.parametrize(
    "fields", [{"others": {ONE: frozenset({AppName("other")})}}, {"tracked": TrackingId(AppName("other"), ONE)}]
)
def test_shared_object_fails_the_sync_where_so_asked(fields: Any) -> None:
    tracked = fields.pop("tracked", TrackingId(SHOP, ONE))
    here = World(
        {ONE: manifest_of(ONE)},
        {ONE: live_of(ONE, tracking=tracked)},
        Guard(SHOP, SyncOptions(fail_on_shared=True), **fields),
    )

    done = here.finish(here.operation())

    assert (OperationPhase.FAILED, True) == (done.phase, "other wants it too" in done.message)
    assert [] == here.writes


def test_object_of_another_installation_is_not_applied() -> None:
    lives = {ONE: live_of(ONE, tracking=None, installation="elsewhere")}
    here = World({ONE: manifest_of(ONE), TWO: manifest_of(TWO)}, lives)
    failing = World({ONE: manifest_of(ONE)}, lives, Guard(SHOP, SyncOptions(fail_on_shared=True)))

    here.finish(here.operation())
    done = failing.finish(failing.operation())

    assert ["Apply two"] == here.keys_written()
    assert (OperationPhase.FAILED, []) == (done.phase, failing.writes)
    assert "of the installation elsewhere" in done.tasks[0].message


def test_one_object_may_be_pruned_last() -> None:
    here = World({WEB: manifest_of(WEB)}, health=lambda _: Health(HealthStatus.PROGRESSING))
    here.lives[OLD] = live_of(OLD, marks=((OPTIONS, "PruneLast=true"),))
    here.lives[TWO] = live_of(TWO)
    operation = here.operation()

    for _ in range(3):
        operation = here.take(operation)
    before = here.keys_written()
    here.change(WEB, health=HEALTHY)
    here.finish(operation)

    assert ["Apply web", "Prune two"] == before
    assert ["Apply web", "Prune two", "Prune old"] == here.keys_written()


@pytest.mark.parametrize(
    ("marks", "kept"),
    [
        (((OPTIONS, "Delete=false"),), True),
        ((("helm.sh/resource-policy", "keep"),), True),
        (((OPTIONS, "Prune=false"),), False),
        ((), False),
    ],
)
def test_object_may_be_kept_when_its_application_is_deleted(marks: Any, kept: bool) -> None:  # noqa: FBT001 - a case
    gone = Compared(Pair(OLD, None, Found(live_of(OLD, marks=marks))), SyncStatus.OUT_OF_SYNC)

    (task,) = deletion([gone], Guard(SHOP, deleting=True)).tasks

    assert (TaskState.SKIPPED if kept else TaskState.PENDING) is task.state


def test_deletion_is_confirmed_where_so_asked() -> None:
    here = World(guard=Guard(SHOP, SyncOptions(delete=Consent.CONFIRM), deleting=True))
    here.lives[OLD] = live_of(OLD)

    assert () == here.step(here.operation()).commands
    here.guard = replace(here.guard, approved_s=1001.0)
    assert [OLD] == [command.key for command in here.step(here.operation()).commands]


def test_namespace_that_is_otherwise_than_the_application_keeps_it_is_reason_for_a_sync() -> None:
    guard = Guard(SHOP, SyncOptions(create_namespace=True))

    assert (1, 0) == tuple(
        work([], {}, guard, PlanScope(namespace="prod", namespace_differs=each)).drift for each in (True, False)
    )
    assert 0 == work([], {}, Guard(SHOP), PlanScope(namespace="prod", namespace_differs=True)).drift


def test_created_namespace_gets_what_the_application_says_it_carries() -> None:
    here = World({ONE: manifest_of(ONE)}, guard=Guard(SHOP, SyncOptions(create_namespace=True)))
    seen = replace(here.seen(), namespace={"labels": {"team": "a"}})
    here.seen = lambda: seen  # type: ignore[method-assign]

    from_scope = here.operation(PlanScope(namespace="prod"))

    assert [CreateNamespace("prod", {"labels": {"team": "a"}}, "gitopsd-namespace-shop")] == list(
        here.step(from_scope).commands
    )
