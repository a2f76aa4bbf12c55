"""One pass after another over fakes: what the world is like in the end, and what is said of it."""

from __future__ import annotations

from gitopsd.errors import InvalidManifest
from gitopsd.model.cluster import WatchAge
from gitopsd.model.command import Predicted
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GroupKind, Manifest, ResourceKey
from gitopsd.model.status import AppStatus
from gitopsd.reconcile.page import LOST_S, NOT_SEEN_S, UNANSWERED_S
from gitopsd.reconcile.workers import Again
from tests.reconcile.shell import BY_HAND, REFRESH_S, Clock, Shell, app, config, config_key

SHOP = AppName("shop")
ROAD = ResourceKey("example.org", "Road", "prod", "a5")
SEEN = WatchAge(synced=True, oldest_s=0.0, failing=())


async def started() -> Shell:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    return shell


async def test_what_git_holds_becomes_live_and_what_it_drops_goes() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/b": config("b")})
    await shell.settle()

    assert {"a", "b"} == shell.names()
    assert "Synced" == shell.sync_status("shop")

    shell.git.push({"apps/shop/a": config("a", "2")})
    await shell.settle()

    assert {"a"} == shell.names()
    assert "2" == shell.world.objects[config_key("a")]["data"]["value"]
    assert "Synced" == shell.sync_status("shop")


async def test_pass_over_an_application_that_is_gone_does_nothing() -> None:
    shell = Shell()

    assert Again(None) == await shell.pass_over("nobody")


async def test_broken_commit_leaves_everything_as_it_is_and_is_told() -> None:
    shell = await started()
    shell.git.push({"apps/shop/x": InvalidManifest("line 3 is no YAML", remedy="mend it")})
    await shell.settle()

    status = shell.status("shop")
    assert ({"x"}, SyncStatus.UNKNOWN) == (shell.names(), status.comparison.status)
    assert [("line 3 is no YAML", "mend it")] == [(each.message, each.remedy) for each in status.conditions]
    assert ["x"] == [each.pair.key.name for each in status.comparison.resources], "what was seen last is still shown"


async def test_condition_goes_with_the_fault() -> None:
    shell = await started()
    shell.git.push({"apps/shop/x": InvalidManifest("line 3 is no YAML", remedy="mend it")})
    await shell.settle()
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert ("Synced", ()) == (shell.sync_status("shop"), shell.status("shop").conditions)


async def test_cluster_that_is_listed_for_the_first_time_is_waited_for() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.age_value = WatchAge(synced=False, oldest_s=0.0, failing=())
    shell.git.push({"apps/shop/x": config("x")})

    assert Again(NOT_SEEN_S) == await shell.pass_over("shop")
    assert set() == shell.names()
    shell.world.age_value = SEEN
    await shell.settle()
    assert {"x"} == shell.names()


async def test_cluster_that_is_away_is_told_once_and_healed_when_it_returns() -> None:
    shell = await started()
    shell.world.age_value = WatchAge(synced=True, oldest_s=60.0, failing=(), error="c1 does not answer")
    published = _count(shell)

    assert Again(LOST_S) == await shell.pass_over("shop")
    await shell.pass_over("shop")
    assert (1, SyncStatus.UNKNOWN) == (len(published), shell.status("shop").comparison.status)
    shell.world.age_value = SEEN
    await shell.settle()
    assert "Synced" == shell.sync_status("shop")


async def test_what_is_compared_before_admission_has_settled_is_compared_again() -> None:
    shell = await started()
    shell.world.age_value = WatchAge(synced=True, oldest_s=0.0, failing=(), settles_s=5.0)

    assert Again(5.0) == await shell.pass_over("shop")
    shell.world.age_value = SEEN
    assert Again(REFRESH_S) == await shell.pass_over("shop")


async def test_edit_of_what_a_controller_writes_at_the_same_time_is_unknown_and_soon_drift_never_green() -> None:
    shell = await started()
    shell.declare(app("shop", **BY_HAND))
    shell.world.edit(config_key("x"), "data", "value", value="drifted")
    live = shell.world.objects[config_key("x")]
    moved = {**live, "metadata": {**live["metadata"], "resourceVersion": "moved"}}
    shell.world.dry_answers[config_key("x")] = [Predicted(moved)]

    assert Again(UNANSWERED_S) == await shell.pass_over("shop")
    meanwhile = shell.sync_status("shop")
    await shell.pass_over("shop")
    assert ("Unknown", "OutOfSync") == (meanwhile, shell.sync_status("shop"))


def _count(shell: Shell) -> list[AppStatus]:
    """Return a list that grows with every status that is published from now on."""
    published: list[AppStatus] = []
    publish = shell.apps.publish

    def noting(name: AppName, status: AppStatus) -> None:
        published.append(status)
        publish(name, status)

    shell.apps.publish = noting  # type: ignore[method-assign]
    return published


async def test_kind_that_cannot_be_read_is_unknown_and_nothing_of_it_is_pruned() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/s": secret})
    await shell.settle()
    shell.world.unreadable[GroupKind("", "ConfigMap")] = "403: not for you"
    shell.git.push({"apps/shop/s": {**secret, "stringData": {"a": "b"}}})
    await shell.settle()

    assert {"x"} == shell.names()
    assert "Synced" == shell.sync_status("shop")
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/s": secret})
    await shell.settle()
    verdicts = {each.pair.key.kind: each.status.value for each in shell.status("shop").comparison.resources}
    assert {"ConfigMap": "Unknown", "Secret": "Synced"} == verdicts


def road(name: str = "a5") -> Manifest:
    return {"apiVersion": "example.org/v1", "kind": "Road", "metadata": {"name": name}}


async def test_group_that_does_not_answer_makes_its_objects_unknown_and_the_others_are_synced() -> None:
    shell = await started()
    shell.world.undiscovered["example.org"] = "example.org/v1 does not answer discovery"
    shell.git.push({"apps/shop/x": config("x", "2"), "apps/shop/r": road()})
    await shell.settle()

    status = shell.status("shop")
    verdicts = {each.pair.key.kind: (each.status.value, each.reason) for each in status.comparison.resources}
    reason = "cannot be read: example.org/v1 does not answer discovery"
    assert {"ConfigMap": ("Synced", ""), "Road": ("Unknown", reason)} == verdicts
    assert "2" == shell.world.objects[config_key("x")]["data"]["value"]
    assert ["UnreadableWarning"] == [each.type for each in status.conditions]

    shell.world.undiscovered.clear()
    await shell.pass_over("shop")
    await shell.settle()
    assert ROAD in shell.world.objects
    assert ("Synced", ()) == (shell.sync_status("shop"), shell.status("shop").conditions)


async def test_kind_that_the_settings_leave_out_is_told_and_neither_written_nor_deleted() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/r": road()})
    await shell.settle()
    shell.world.excluded.add(GroupKind("example.org", "Road"))
    shell.world.objects[ROAD]["spec"] = "changed by somebody"
    shell.git.push({"apps/shop/x": config("x", "2"), "apps/shop/r": road()})
    await shell.settle()

    status = shell.status("shop")
    assert ("Synced", ["ConfigMap"]) == (
        shell.sync_status("shop"),
        [each.pair.key.kind for each in status.comparison.resources],
    )
    assert "changed by somebody" == shell.world.objects[ROAD]["spec"]
    (told,) = status.conditions
    assert "ExcludedResourceWarning" == told.type
    assert "example.org/v1/Road: 1 object is left out: the settings exclude the kind" == told.message

    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    assert ROAD in shell.world.objects


async def test_application_is_deleted_without_what_it_left_of_a_kind_that_is_left_out() -> None:
    shell = Shell()
    shell.declare(app("shop", metadata={"finalizers": ["resources-finalizer.argocd.argoproj.io"]}))
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/r": road()})
    await shell.settle()
    shell.world.excluded.add(GroupKind("example.org", "Road"))
    shell.apps.delete(SHOP, cascade=True)
    await shell.pass_over("shop")
    await shell.settle()

    assert None is shell.apps.get(SHOP)
    assert ROAD in shell.world.objects


async def test_deletion_waits_for_what_cannot_be_read_and_says_so() -> None:
    shell = Shell()
    shell.declare(app("shop", metadata={"finalizers": ["resources-finalizer.argocd.argoproj.io"]}))
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/r": road()})
    await shell.settle()
    shell.world.unreadable[GroupKind("example.org", "Road")] = "403"
    shell.apps.delete(SHOP, cascade=True)
    await shell.pass_over("shop")
    await shell.settle()

    assert set() == shell.names()
    assert shell.status("shop").waiting.startswith("example.org/Road:prod/a5 cannot be read: 403: let gitopsd read it")

    shell.world.unreadable.clear()
    await shell.pass_over("shop")
    await shell.settle()
    assert None is shell.apps.get(SHOP)
    assert ROAD not in shell.world.objects


async def test_object_whose_scope_cannot_be_read_keeps_the_scope_that_it_had() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    shell.git.push({"apps/shop/r": role, "apps/shop/x": config("x")})
    await shell.settle()
    shell.world.undiscovered["rbac.authorization.k8s.io"] = "it does not answer"
    shell.git.push({"apps/shop/r": role, "apps/shop/x": config("x", "2")})
    await shell.settle()

    keys = {f"{each.pair.key}": each.status.value for each in shell.status("shop").comparison.resources}
    wanted = {"/ConfigMap:prod/x": "Synced", "rbac.authorization.k8s.io/ClusterRole:/r": "Unknown"}
    assert wanted == keys


def impersonating(server: str) -> Manifest:
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"name": "*", "server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        "destinationServiceAccounts": [{"server": server, "namespace": "*", "defaultServiceAccount": "deployer"}],
    }
    meta = {"name": "team", "namespace": "argocd"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": meta, "spec": spec}


async def test_application_is_compared_and_written_in_the_name_of_its_projects_account() -> None:
    shell = Shell()
    shell.declare(impersonating("https://c1.example.org"), app("shop", project="team"))
    shell.git.push({"apps/shop/a": config("a")})
    await shell.settle()

    assert {"a"} == shell.names()
    assert {"system:serviceaccount:prod:deployer"} == set(shell.clusters.users)


async def test_application_whose_project_names_no_account_for_its_destination_is_not_written() -> None:
    shell = Shell()
    shell.declare(impersonating("https://c2.example.org"), app("shop", project="team"))
    shell.git.push({"apps/shop/a": config("a")})
    await shell.settle()

    assert set() == shell.names()
    assert "names no service account" in shell.status("shop").conditions[0].message


class MovingClock(Clock):
    """One that goes on by a millisecond each time that somebody looks at it."""

    def __call__(self) -> float:
        self.now_s += 0.001
        return self.now_s


async def test_status_of_the_pass_that_ends_a_sync_is_older_than_its_end_and_the_next_one_is_newer() -> None:
    shell = Shell(MovingClock())
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/x": config("x")})
    await shell.walk()
    verdicts = []
    for _ in range(6):
        await shell.pass_over("shop")
        status = shell.status("shop")
        if status.operation is not None and status.operation.finished_s is not None:
            verdicts.append((status.comparison.status, status.reconciled_s > status.operation.finished_s))

    assert (SyncStatus.OUT_OF_SYNC, False) == verdicts[0]
    assert (SyncStatus.SYNCED, True) == verdicts[-1]
