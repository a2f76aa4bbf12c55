"""Nothing of a sync is written while the server would refuse a part of it."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.plan import PlanScope, work
from gitopsd.core.sync.prune import Guard
from gitopsd.core.sync.step import absorb
from gitopsd.core.target.sync_options import SyncOptions
from gitopsd.model.command import Command, DryRun, Refused
from gitopsd.model.comparison import Compared, Difference, Found, Pair, SyncStatus, Unserved
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.manifest import key_of as manifest_key
from gitopsd.model.operation import Operation, OperationCause, OperationPhase, TaskState
from tests.core.hooking import FAILED, hook, key_of, left
from tests.core.lives import HEALTHY, SHOP, config_key, live_of, manifest_of
from tests.core.stepping import CAR, DEFINES, DEFINITION, NAMESPACE, WEB
from tests.core.worlds import World

ONE, TWO = config_key("one"), config_key("two")
RBAC = "rbac.authorization.k8s.io"
OPTIONS = "argocd.argoproj.io/sync-options"


def world(*keys: ResourceKey, **fields: Any) -> World:
    extra = {DEFINITION: {"spec": DEFINES}}
    return World({key: manifest_of(key, **extra.get(key, {})) for key in keys}, checks=True, **fields)


def tried(here: World, operation: Operation | None = None) -> list[str]:
    commands = here.step(operation or here.operation()).commands
    return [command.key.name for command in commands if isinstance(command, DryRun)]


def refusing(key: ResourceKey, code: int = 422, message: str = "no", *, retryable: bool = False) -> Any:
    def refuse(command: Command) -> Refused | None:
        if isinstance(command, DryRun) and command.key == key:
            return Refused(key, code, message, retryable, "mend it")
        return None

    return refuse


def test_everything_new_is_tried_before_anything_is_written() -> None:
    here = world(ONE, TWO)
    first = here.step(here.operation())

    assert ["one", "two"] == [command.key.name for command in first.commands if isinstance(command, DryRun)]
    assert OperationPhase.SUCCEEDED is here.finish(first.operation).phase
    assert ["Apply one", "Apply two"] == here.keys_written()


def test_nothing_is_written_where_one_is_refused_and_no_hook_runs() -> None:
    here = world(ONE, TWO, hooks=(hook("sorry", "SyncFail"),), refuse=refusing(TWO))

    done = here.finish(here.operation())

    assert (OperationPhase.FAILED, []) == (done.phase, here.writes)
    assert "nothing was written: 1 of 3 objects failed: /ConfigMap:prod/two: no (422); mend it" == done.message


@pytest.mark.parametrize(
    ("code", "message", "retryable"),
    [
        (503, "the webhook is down", True),
        (0, "no answer", True),
    ],
)
def test_what_says_nothing_of_the_manifest_stops_nothing(code: int, message: str, retryable: bool) -> None:  # noqa: FBT001 - a case
    here = world(ONE, refuse=refusing(ONE, code, message, retryable=retryable))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert ["Apply one"] == here.keys_written()


def test_what_lacks_an_object_that_the_sync_may_make_stops_nothing() -> None:
    def refuse(command: Command) -> Refused | None:
        lacks = Refused(command.key, 403, "no", retryable=False, lacks_another=True)
        return lacks if isinstance(command, DryRun) else None

    here = world(ONE, refuse=refuse)

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert ["Apply one"] == here.keys_written()


def names_another(manifest: Manifest, other: Manifest, *, there: bool = False) -> bool:
    """Tell whether the server is asked about `manifest` as what names an object that the sync makes."""
    key, another = manifest_key(manifest), manifest_key(other)
    lives = {another: live_of(another)} if there else {}
    here = World({key: manifest, another: other}, lives, checks=True)
    asked = {each.key: each for each in here.step(here.operation()).commands if isinstance(each, DryRun)}
    return asked[key].lacks_another


ACCOUNT = manifest_of(ResourceKey("", "ServiceAccount", "prod", "web"))
CLASS = manifest_of(ResourceKey("scheduling.k8s.io", "PriorityClass", "", "high"))
RUNTIME = manifest_of(ResourceKey("node.k8s.io", "RuntimeClass", "", "kata"))
ROLE = manifest_of(ResourceKey(RBAC, "Role", "prod", "reader"))
OTHER_ROLE = manifest_of(ResourceKey(RBAC, "Role", "test", "reader"))
CLUSTER_ROLE = manifest_of(ResourceKey(RBAC, "ClusterRole", "", "reader"))
ISSUER = manifest_of(ResourceKey("cert-manager.io", "Issuer", "prod", "own"))


def pod(**spec: str) -> Manifest:
    return manifest_of(ResourceKey("", "Pod", "prod", "one"), spec=spec)


def binding(kind: str) -> Manifest:
    return manifest_of(ResourceKey(RBAC, "RoleBinding", "prod", "readers"), roleRef={"kind": kind, "name": "reader"})


def certificate(issuer: str) -> Manifest:
    key = ResourceKey("cert-manager.io", "Certificate", "prod", "web")
    return manifest_of(key, spec={"secretName": "web", "issuers": [{"name": issuer}]})


@pytest.mark.parametrize(
    ("manifest", "another", "names"),
    [
        (pod(serviceAccountName="web"), ACCOUNT, True),
        (pod(serviceAccount="web"), ACCOUNT, True),
        (pod(serviceAccountName="other"), ACCOUNT, False),
        (pod(priorityClassName="high"), CLASS, True),
        (pod(runtimeClassName="kata"), RUNTIME, True),
        (pod(hostname="web"), ACCOUNT, False),
        (binding("Role"), ROLE, True),
        (binding("Role"), OTHER_ROLE, False),
        (binding("Role"), CLUSTER_ROLE, False),
        (binding("ClusterRole"), CLUSTER_ROLE, True),
        (certificate("own"), ISSUER, True),
        (certificate("other"), ISSUER, False),
        (manifest_of(WEB, spec={"serviceAccountName": "web"}), ACCOUNT, False),
        (manifest_of(ResourceKey("", "Pod", "prod", "one"), spec="none"), ACCOUNT, False),
    ],
)
def test_what_names_an_object_that_the_sync_makes_is_asked_about_as_such(
    manifest: Manifest,
    another: Manifest,
    names: bool,  # noqa: FBT001 - a case
) -> None:
    assert names is names_another(manifest, another)
    assert not names_another(manifest, another, there=True)


def test_what_is_in_a_namespace_of_the_same_sync_is_not_tried() -> None:
    assert ["prod"] == tried(world(NAMESPACE, ONE))


def test_what_is_in_a_namespace_that_is_there_is_tried() -> None:
    assert ["one", "prod"] == sorted(tried(world(NAMESPACE, ONE, lives={NAMESPACE: live_of(NAMESPACE)})))


def test_what_goes_into_a_created_namespace_is_not_tried() -> None:
    here = world(ONE, guard=Guard(SHOP, SyncOptions(create_namespace=True)))

    assert [] == tried(here, here.operation(PlanScope(namespace="prod")))


def test_custom_resource_of_a_definition_of_the_same_sync_is_not_tried() -> None:
    assert ["cars.example.org"] == tried(world(DEFINITION, CAR, unreadable={CAR: Unserved()}))


@pytest.mark.parametrize("skips", [True, False])
def test_kind_that_is_not_served_is_tried_unless_it_is_to_be_skipped(skips: bool) -> None:  # noqa: FBT001 - a case
    here = world(CAR, unreadable={CAR: Unserved()}, guard=Guard(SHOP, SyncOptions(skip_unserved=skips)))

    assert ([] if skips else ["beetle"]) == tried(here)


@pytest.mark.parametrize("option", ["Force=true", "Replace=true"])
def test_what_may_be_made_anew_is_not_tried(option: str) -> None:
    here = World({ONE: manifest_of(ONE, annotations={OPTIONS: option})}, {ONE: live_of(ONE)}, checks=True)

    assert [] == tried(here)


def test_what_was_predicted_when_it_was_compared_is_not_tried_again() -> None:
    differs = Compared(
        Pair(ONE, manifest_of(ONE), Found(live_of(ONE))), SyncStatus.OUT_OF_SYNC, (Difference(".data", "1", "2"),)
    )

    (task,) = work([differs], {ONE: TargetHash("t")}, Guard(SHOP), PlanScope()).tasks

    assert task.checked


def test_hooks_are_tried_as_well() -> None:
    here = world(ONE, hooks=(hook("before", "PreSync"),), refuse=refusing(key_of("before")))

    done = here.finish(here.operation())

    assert (OperationPhase.FAILED, []) == (done.phase, here.writes)


def test_what_waits_to_be_claimed_is_tried_with_the_rest() -> None:
    here = world(ONE, TWO, guard=Guard(SHOP, claimed=frozenset({TWO})), refuse=refusing(TWO))

    done = here.finish(here.operation())

    assert (OperationPhase.FAILED, []) == (done.phase, here.writes)


def test_hook_that_was_not_tried_and_fails_has_run_and_what_is_there_for_failures_is_run() -> None:
    here = world(hooks=(hook("before", "PreSync"), hook("sorry", "SyncFail")))
    here.lives[key_of("before")] = left("before", guarded=False)
    here.health = lambda key: FAILED if key == key_of("before") else HEALTHY

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "nothing was written" not in done.message
    assert ["Release before", "Apply before", "Release before", "Apply sorry", "Release sorry"] == here.keys_written()


def test_object_that_was_not_tried_and_fails_was_written_and_what_is_there_for_failures_is_run() -> None:
    here = world(NAMESPACE, WEB, hooks=(hook("after", "PostSync"), hook("sorry", "SyncFail")))
    here.health = lambda key: FAILED if key == WEB else HEALTHY

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "nothing was written" not in done.message
    assert ["Apply prod", "Apply web", "Apply sorry", "Release sorry"] == here.keys_written()


def test_self_heal_tries_nothing_first() -> None:
    here = world(ONE)

    assert [] == tried(here, here.operation(cause=OperationCause.HEAL))


def test_dry_run_tells_what_the_server_refuses() -> None:
    here = world(ONE, TWO, refuse=refusing(TWO))

    done = here.finish(here.operation(dry_run=True))

    assert (OperationPhase.FAILED, []) == (done.phase, here.writes)
    assert "no (422)" in done.message


@pytest.mark.words
def test_dry_run_says_what_could_not_be_tried() -> None:
    here = world(NAMESPACE, ONE)

    done = here.finish(here.operation(dry_run=True))

    told = {task.key.name: task.message for task in done.tasks}
    assert "dry run" == told["prod"]
    assert "not tried" in told["one"]


def test_dry_run_without_the_right_to_write_is_not_confirmed() -> None:
    here = world(ONE, refuse=refusing(ONE, 403, "you may not"))

    done = here.finish(here.operation(dry_run=True))

    assert OperationPhase.SUCCEEDED is done.phase
    assert ["not confirmed: you may not"] == [task.message for task in done.tasks]


def test_shared_object_that_is_to_fail_the_sync_does_so_before_anything_is_written() -> None:
    here = world(ONE, TWO, guard=Guard(SHOP, SyncOptions(fail_on_shared=True), others={TWO: frozenset({AppName("x")})}))
    operation = here.operation()
    tasks = tuple(task for task in operation.tasks if task.key == ONE or not task.message)
    assert 1 == len(tasks)

    done = here.finish(operation)

    assert (OperationPhase.FAILED, []) == (done.phase, here.writes)


def test_answers_that_were_lost_are_asked_for_again() -> None:
    here = world(ONE)
    first = here.step(here.operation())

    again = here.step(absorb(first.operation, [], here.now_s))

    assert first.commands == again.commands
    assert {TaskState.PENDING} == {task.state for task in again.operation.tasks}
