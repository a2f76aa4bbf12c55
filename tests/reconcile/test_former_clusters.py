"""An application that goes to another cluster: what it left where it was is told, and goes when it may."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.model.application import Mode
from gitopsd.model.cluster import WatchAge
from gitopsd.model.command import Refused
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from tests.reconcile.clusters import C1, C2
from tests.reconcile.shell import CASCADE, Shell, app, config, config_key

X = config_key("x")
FILES = {"apps/a/x": config("x"), "apps/a/y": config("y")}
NO_PRUNE = {"syncPolicy": {"automated": {"selfHeal": True}}}
NOWHERE = {"name": "nowhere", "namespace": "prod"}


async def moved(files: Any = None, **spec: Any) -> Shell:
    """Return a world in which `a` was in one cluster and is declared to go to another."""
    shell = Shell()
    shell.declare(app("a", **spec))
    shell.git.push(files or FILES)
    await shell.settle()
    shell.declare(app("a", cluster="c2", **spec))
    return shell


def told(shell: Shell) -> list[str]:
    return [each.message for each in shell.status("a").conditions if each.type == "LeftBehindWarning"]


async def test_objects_are_made_where_it_goes_before_they_are_deleted_where_it_was() -> None:
    shell = await moved()
    names: list[set[str]] = []
    shell.clusters.on_prune = lambda cluster, _: names.append(shell.names(C2) if cluster == C1 else set())
    await shell.settle()

    assert (set(), {"x", "y"}) == (shell.names(), shell.names(C2))
    assert [{"x", "y"}] * 2 == names
    assert ("Synced", []) == (shell.sync_status("a"), told(shell))
    assert {} == shell.apps.elsewhere(AppName("a"), C2)


async def test_without_prune_they_are_told_of_and_stay_until_a_person_syncs_with_prune() -> None:
    shell = await moved(**NO_PRUNE)
    await shell.settle()

    assert ({"x", "y"}, {"x", "y"}) == (shell.names(), shell.names(C2))
    (message,) = told(shell)
    assert "left in cluster c1, where it went before: /ConfigMap:prod/x, /ConfigMap:prod/y: it requires" in message
    await shell.commands.sync(AppName("a"), SyncRequest(prune=True, initiated_by="admin"))
    await shell.settle()
    assert (set(), []) == (shell.names(), told(shell))


async def test_it_waits_until_the_application_is_in_sync_where_it_goes() -> None:
    shell = await moved()
    shell.world.age_value, away = WatchAge(synced=True, oldest_s=0.0, failing=()), shell.clusters.worlds[C2]
    away.untaken[X] = refused()
    await shell.settle()

    assert {"x", "y"} == shell.names()
    assert "not in sync and healthy yet" in told(shell)[0]


def refused() -> Any:
    return Refused(X, 422, "no", retryable=False)


async def test_what_says_so_stays_and_what_another_application_wants_is_its() -> None:
    kept = config("x", annotations={"argocd.argoproj.io/sync-options": "Prune=false"})
    shell = Shell()
    shell.declare(app("a"), app("b"))
    shell.git.push({"apps/a/x": kept, "apps/a/y": config("y"), "apps/a/z": config("z")})
    await shell.settle()
    shell.git.push({"apps/a/x": kept, "apps/a/y": config("y"), "apps/b/z": config("z")})
    shell.declare(app("a", cluster="c2"), app("b"))
    await shell.settle()

    assert ({"x", "z"}, {"x", "y"}) == (shell.names(), shell.names(C2))
    assert "prod/x: Prune=false" in told(shell)[0]
    tracking_id = shell.world.objects[config_key("z")]["metadata"]["annotations"]["gitopsd.io/tracking-id"]
    assert "b:/ConfigMap:prod/z" == tracking_id


async def test_it_goes_with_its_application_and_a_cluster_that_does_not_answer_is_waited_for() -> None:
    shell = await moved(**NO_PRUNE, metadata=CASCADE)
    await shell.settle()
    shell.world.age_value = WatchAge(synced=True, oldest_s=60.0, failing=(), error="c1 does not answer")
    shell.apps.delete(AppName("a"), cascade=True)
    await shell.settle()

    assert ({"x", "y"}, set()) == (shell.names(), shell.names(C2))
    assert "which cannot be read: c1 does not answer" in told(shell)[0]
    shell.world.age_value = WatchAge(synced=True, oldest_s=0.0, failing=())
    await shell.settle()
    assert set() == shell.names()
    assert None is shell.apps.get(AppName("a"))


async def test_two_names_of_one_cluster_are_no_move() -> None:
    shell = await moved()
    shell.clusters.worlds[C2] = shell.world
    await shell.settle()

    assert ({"x", "y"}, []) == (shell.names(), told(shell))
    assert "Synced" == shell.sync_status("a")


async def test_it_is_looked_after_by_the_next_life_too() -> None:
    shell = await moved(**NO_PRUNE)
    await shell.settle()
    shell.declare(app("a", cluster="c2"))
    again = shell.restarted()
    await again.settle()

    assert (set(), {"x", "y"}) == (again.names(), again.names(C2))


DENIED = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "clusters": ["c1"]}


def team(**spec: Any) -> Any:
    anywhere = {"sourceRepos": ["*"], "destinations": [{"name": "*", "namespace": "*"}]}
    spec = {**anywhere, **spec}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team"}, "spec": spec}


@pytest.mark.parametrize(
    ("project", "why"),
    [
        (team(syncWindows=[DENIED]), "window"),
        (team(destinations=[{"name": "c2", "namespace": "*"}]), "does not permit"),
        (team(namespaceResourceBlacklist=[{"group": "", "kind": "ConfigMap"}]), ""),
    ],
)
@pytest.mark.words
async def test_nothing_goes_there_that_the_project_forbids(project: Any, why: str) -> None:
    shell = Shell()
    shell.declare(team(), app("a", project="team"))
    shell.git.push(FILES)
    await shell.settle()
    shell.declare(project, app("a", project="team", cluster="c2"))
    await shell.settle()

    assert {"x", "y"} == shell.names()
    assert not why or why in told(shell)[0]


async def test_nothing_goes_there_while_another_daemon_writes_to_it_or_nothing_is_written_at_all() -> None:
    shell = await moved(**NO_PRUNE)
    await shell.settle()
    shell.fenced = "another daemon writes to it"
    shell.declare(app("a", cluster="c2"))
    await shell.settle()
    assert ({"x", "y"}, True) == (shell.names(), "another daemon writes" in told(shell)[0])

    observing = shell.restarted(mode=Mode.OBSERVE)
    await observing.settle()
    assert ({"x", "y"}, True) == (observing.names(), "mode is observe" in told(observing)[0])

    enforcing = observing.restarted()
    await enforcing.settle()
    assert set() == enforcing.names()
