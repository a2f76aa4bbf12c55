"""Applications that are deleted with their objects: what goes, what stays, and when it ends."""

from __future__ import annotations

import pytest

from gitopsd.errors import Conflict, InvalidManifest
from gitopsd.model.application import Mode
from gitopsd.model.cluster import WatchAge
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from tests.reconcile.shell import CASCADE, Shell, app, config, config_key
from tests.reconcile.started import project, started, tracking

BROKEN = InvalidManifest("line 3 is no YAML", remedy="mend it")
X = config_key("x")
REQUEST = SyncRequest(initiated_by="admin")


async def test_deletion_takes_the_objects_and_then_the_application() -> None:
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x"), "apps/b/y": config("y")})
    shell.apps.delete(AppName("a"), cascade=True)
    await shell.settle()

    assert {"y"} == shell.names()
    assert None is shell.apps.get(AppName("a"))


async def test_deletion_leaves_what_another_application_wants() -> None:
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x"), "apps/a/y": config("y")})
    shell.git.push({"apps/a/x": config("x"), "apps/a/y": config("y"), "apps/b/x": config("x")})
    shell.apps.delete(AppName("a"), cascade=True)
    await shell.settle()

    assert ({"x"}, "b") == (shell.names(), tracking(shell, "x"))
    assert None is shell.apps.get(AppName("a"))


async def test_deletion_leaves_what_says_so_and_ends_all_the_same() -> None:
    kept = config("x", annotations={"argocd.argoproj.io/sync-options": "Delete=false"})
    shell = await started(app("a"), files={"apps/a/x": kept, "apps/a/y": config("y")})
    shell.apps.delete(AppName("a"), cascade=True)
    await shell.settle()

    assert {"x"} == shell.names()
    assert None is shell.apps.get(AppName("a"))
    assert 2 >= len(shell.over), "no operation is begun for what is kept"


async def test_deletion_without_cascade_leaves_everything() -> None:
    shell = await started(app("a"), files={"apps/a/x": config("x")})
    shell.apps.delete(AppName("a"), cascade=False)
    await shell.settle()

    assert {"x"} == shell.names()


async def test_deletion_in_observe_mode_writes_nothing() -> None:
    shell = await started(app("a"), files={"apps/a/x": config("x")})
    observing = shell.restarted(mode=Mode.OBSERVE)
    observing.apps.delete(AppName("a"), cascade=True)
    await observing.settle()

    assert {"x"} == observing.names()
    assert "mode is observe" in observing.status("a").waiting


async def test_deletion_outlives_a_project_that_goes_with_it() -> None:
    shell = Shell()
    closed = project("team", sourceRepos=["*"], destinations=[{"name": "*", "namespace": "*"}])
    shell.declare(closed, app("a", project="team", metadata=CASCADE), app("b"))
    shell.git.push({"apps/a/x": config("x"), "apps/b/y": config("y")})
    await shell.settle()
    foreign = config("z", namespace="prod", annotations={"gitopsd.io/tracking-id": "a:/ConfigMap:prod/z"})
    shell.world.put(foreign)
    shell.declare(app("b"))
    await shell.settle()

    assert {"y", "z"} == shell.names(), "only what is known to be its own goes without a project"
    assert None is shell.apps.get(AppName("a"))


async def test_deletion_waits_for_a_cluster_that_is_away() -> None:
    shell = await started(app("a"), files={"apps/a/x": config("x")})
    shell.world.age_value = WatchAge(synced=True, oldest_s=60.0, failing=(), error="c1 does not answer")
    shell.apps.delete(AppName("a"), cascade=True)
    await shell.settle()

    assert {"x"} == shell.names()
    assert "c1 does not answer" == shell.status("a").conditions[0].message
    shell.world.age_value = WatchAge(synced=True, oldest_s=0.0, failing=())
    await shell.settle()
    assert set() == shell.names()


async def test_deletion_of_an_application_in_no_known_cluster_stays_until_it_is_let_go_of() -> None:
    shell = await started(
        app("a", destination={"name": "nowhere", "namespace": "prod"}, metadata=CASCADE), app("b"), files={}
    )
    shell.declare(app("b"))
    await shell.settle()

    assert shell.apps.deleting(AppName("a"))
    assert "no cluster of the settings" in shell.status("a").conditions[0].message
    await shell.commands.delete(AppName("a"), cascade=False)
    assert None is shell.apps.get(AppName("a"))


async def test_sync_of_what_is_being_deleted_is_refused() -> None:
    shell = await started(app("a"), files={"apps/a/x": config("x")})
    shell.apps.delete(AppName("a"), cascade=True)

    with pytest.raises(Conflict, match="being deleted"):
        await shell.commands.sync(AppName("a"), REQUEST)
