"""What the shell may rely on of Applications, Inventory and Declarations: of the store, and of the fake."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from gitopsd.errors import NotFound, StoreFailed
from gitopsd.model.comparison import Comparison, Remembered, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, ProjectName, Revision, TargetHash, ViewHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation, OperationPhase, SyncRequest, Task, Verb
from gitopsd.model.project import DEFAULT
from gitopsd.model.status import AppStatus
from gitopsd.ports import Applications, Declarations, Inventory
from gitopsd.store import Store
from tests.fakes.applications import FakeApplications

SHOP = AppName("shop")
PROD = ClusterId("prod")
WEB = ResourceKey("apps", "Deployment", "shop", "web")
OLD = ResourceKey("", "ConfigMap", "shop", "old")
SEEN = Remembered(TargetHash("t"), ViewHash("v"), "rules", "admission")
STATUS = AppStatus(Comparison(SyncStatus.SYNCED, Health(HealthStatus.HEALTHY)), (Revision("a" * 40),), PROD)
CASCADE: dict[str, Any] = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}


class Ports(Applications, Inventory, Declarations, Protocol):
    """All three: one thing keeps them."""


class Subject(Protocol):
    """A store, how it comes back after a restart, and whom it said were declared."""

    store: Ports
    told: list[frozenset[AppName]]

    def restarted(self) -> Ports: ...

    def failing(self) -> AbstractContextManager[None]:
        """Have every write fail while the block runs."""
        ...


class Fake:
    def __init__(self) -> None:
        self.fake = FakeApplications()
        self.store: Ports = self.fake
        self.told: list[frozenset[AppName]] = []
        self.fake.on_declared = self.told.append

    def restarted(self) -> Ports:
        return self.store

    @contextmanager
    def failing(self) -> Iterator[None]:
        self.fake.fail = StoreFailed("disk full", remedy="free some")
        yield


class Real:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.told: list[frozenset[AppName]] = []
        self.real = self._open()
        self.store: Ports = self.real

    def _open(self) -> Store:
        store = Store(self.directory, lambda: 1000.0)
        store.on_declared(self.told.append)
        return store

    def restarted(self) -> Ports:
        self.real.close()
        self.store = self.real = self._open()
        return self.store

    @contextmanager
    def failing(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.directory / "gitopsd.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


@pytest.fixture(params=["fake", "store"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        yield Fake()
        return
    real = Real(tmp_path / "data")
    yield real
    real.real.close()


def declare(
    subject: Subject, *documents: Any, source: str = "dir:a", complete: bool = True, prune: bool = False
) -> list[str]:
    origins = [f"{source}/{place}.yaml:1" for place in range(len(documents))]
    return list(subject.store.declare(source, documents, origins, complete=complete, prune=prune))


@pytest.fixture
def shop(subject: Subject) -> Subject:
    declare(subject, application("shop"))
    subject.told.clear()
    return subject


def application(name: str, *, project: str = "default", path: str = ".", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, **metadata},
        "spec": {
            "project": project,
            "source": {"repoURL": "https://git.example/x", "path": path},
            "destination": {"name": "prod"},
        },
    }


def project(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name}, "spec": spec}


def operation(identity: str = "op1", phase: OperationPhase = OperationPhase.RUNNING, **changed: Any) -> Operation:
    return replace(
        Operation(
            id=identity,
            app=SHOP,
            cluster=PROD,
            target=TargetHash("t"),
            revisions=(Revision("a" * 40),),
            tasks=(Task(WEB, Verb.APPLY),),
            phase=phase,
            started_s=10.0,
        ),
        **changed,
    )


def names(store: Ports) -> list[str]:
    return sorted(app.name for app in store.all())


# what is declared


def test_declared_application_is_there_with_its_origin(shop: Subject) -> None:
    app = shop.restarted().get(SHOP)

    assert app is not None
    assert ("shop", "dir:a", "dir:a/0.yaml", 1) == (app.name, app.origin.source, app.origin.file, app.origin.line)
    assert None is shop.store.get(AppName("other"))


def test_broken_document_is_reported_where_it_stands_and_touches_no_other(subject: Subject) -> None:
    broken = application("bad")
    del broken["spec"]["destination"]

    warnings = declare(subject, application("one"), broken, application("two"))

    assert ["one", "two"] == names(subject.restarted())
    assert ["dir:a/1.yaml:1: .spec.destination is missing"] == [warning.partition(";")[0] for warning in warnings]


def test_application_whose_document_broke_stays_as_it_was(shop: Subject) -> None:
    broken = application("shop")
    broken["spec"]["source"] = None

    assert declare(shop, broken, complete=True, prune=True)
    assert ["shop"] == names(shop.restarted())


@pytest.mark.parametrize("document", [None, [], 5, "x", {"kind": "Application"}])
def test_document_that_is_no_manifest_is_reported(subject: Subject, document: Any) -> None:
    assert 1 == len(declare(subject, document))


def test_document_that_json_cannot_hold_is_reported(subject: Subject) -> None:
    odd = application("odd")
    odd["spec"]["info"] = [{"name": "a", "value": "\ud800"}]

    (warning,) = declare(subject, odd, application("fine"))

    assert "cannot be written as JSON" in warning
    assert ["fine"] == names(subject.store)


def test_application_set_and_strangers_are_reported_and_block_no_pruning(shop: Subject) -> None:
    application_set = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "x"}}
    stranger = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}

    assert 2 == len(declare(shop, application("new"), application_set, stranger, prune=True))
    assert ["new"] == names(shop.restarted())


@pytest.mark.parametrize(
    ("documents", "complete", "prune"),
    [
        ([application("new")], True, False),
        ([application("new")], False, True),
        ([], True, True),
        ([application("new"), {"apiVersion": "argoproj.io/v1alpha1", "kind": "Aplication"}], True, True),
    ],
    ids=["prune is off", "not everything was read", "nothing was found", "one is broken"],
)
def test_missing_declaration_is_kept_and_reported(
    shop: Subject, documents: list[Any], *, complete: bool, prune: bool
) -> None:
    warnings = declare(shop, *documents, complete=complete, prune=prune)

    assert "shop" in names(shop.restarted())
    assert any("shop no longer declared there, but kept" in warning for warning in warnings)


def test_missing_declaration_goes_with_prune_and_leaves_its_objects(shop: Subject) -> None:
    shop.store.put_targets(SHOP, PROD, [WEB])

    assert [] == declare(shop, application("new"), prune=True)

    store = shop.restarted()
    assert ["new"] == names(store)
    assert not store.deleting(SHOP)
    assert frozenset() == store.wanted_by(PROD, WEB)


def test_missing_declaration_with_finalizer_is_deleted_with_its_objects(subject: Subject) -> None:
    declare(subject, application("shop", **CASCADE))
    subject.store.put_targets(SHOP, PROD, [WEB])
    subject.told.clear()

    declare(subject, application("new"), prune=True)

    store = subject.restarted()
    assert ["new", "shop"] == names(store)
    assert store.deleting(SHOP)
    assert frozenset({(PROD, WEB)}) == store.targets(SHOP)
    assert [frozenset({"new", "shop"})] == subject.told


def test_source_removes_its_own_declarations_only(subject: Subject) -> None:
    declare(subject, application("one"), source="dir:a")
    declare(subject, application("two"), source="dir:b")

    declare(subject, application("three"), source="dir:b", prune=True)

    assert ["one", "three"] == names(subject.restarted())


def test_first_source_that_declares_a_name_keeps_it_and_the_next_takes_over(subject: Subject) -> None:
    declare(subject, application("shop", path="first"), source="dir:a")

    (warning,) = declare(subject, application("shop", path="second"), application("mine"), source="dir:b")

    def path() -> str:
        app = subject.restarted().get(SHOP)
        return app.sources[0].path if app else "gone"

    assert "dir:b/0.yaml:1: Application shop is declared at dir:a/0.yaml:1 already; remove one of the two" == warning
    assert "first" == path()
    declare(subject, application("other"), source="dir:a", prune=True)
    assert "second" == path()
    assert not subject.store.deleting(SHOP)


def test_name_declared_twice_by_one_source_is_the_first(subject: Subject) -> None:
    (warning,) = declare(subject, application("shop", path="first"), application("shop", path="second"))

    app = subject.restarted().get(SHOP)
    assert "first" == (app and app.sources[0].path)
    assert warning.startswith("dir:a/1.yaml:1: Application shop is declared at dir:a/0.yaml:1 already")


def test_only_what_changed_is_told(shop: Subject) -> None:
    declare(shop, application("shop"))
    declare(shop, application("new"), application("shop"))
    declare(shop, application("new"), application("shop", path="other"))

    assert [frozenset({"new"}), frozenset({"shop"})] == shop.told


def test_change_of_a_project_is_told_of_its_applications(subject: Subject) -> None:
    declare(subject, application("shop", project="team"), application("other"))
    subject.told.clear()

    declare(subject, application("shop", project="team"), application("other"), project("team"))

    assert [frozenset({"shop"})] == subject.told


def test_project_default_is_there_unless_declared(subject: Subject) -> None:
    assert DEFAULT == subject.store.project(DEFAULT.name)
    assert None is subject.store.project(ProjectName("team"))

    declare(subject, project("default", sourceRepos=["https://a"]), project("team"))

    default = subject.restarted().project(DEFAULT.name)
    assert ("https://a",) == (default and default.source_repos)
    assert subject.store.project(ProjectName("team"))


def test_undeclared_source_takes_all_its_declarations_along(subject: Subject) -> None:
    declare(subject, application("plain"), application("deep", **CASCADE), source="app:root")
    declare(subject, application("other"))

    subject.store.undeclare("app:root")

    store = subject.restarted()
    assert ["deep", "other"] == names(store)
    assert store.deleting(AppName("deep"))


# status, requests, operations


def test_published_status_is_shown_and_a_stranger_has_none(shop: Subject) -> None:
    shop.store.publish(SHOP, STATUS)
    shop.store.publish(AppName("stranger"), STATUS)

    assert STATUS == shop.store.status(SHOP)
    assert None is shop.store.status(AppName("stranger"))


def test_request_is_kept_until_it_is_taken_up(shop: Subject) -> None:
    request = SyncRequest(("v1",), prune=True, dry_run=True, resources=(WEB, OLD), initiated_by="ann", asked_s=1.5)
    shop.store.ask(SHOP, request)
    assert request == shop.restarted().request(SHOP)

    shop.store.ask(SHOP, None)
    assert None is shop.restarted().request(SHOP)


def test_request_for_a_stranger_is_refused(shop: Subject) -> None:
    with pytest.raises(NotFound):
        shop.store.ask(AppName("stranger"), SyncRequest())


def test_operation_is_kept_as_it_was_put(shop: Subject) -> None:
    shop.store.put_operation(operation())
    assert operation() == shop.restarted().operation(SHOP)

    shop.store.put_operation(operation(message="later"))
    assert operation(message="later") == shop.restarted().operation(SHOP)
    assert () == tuple(shop.store.history(SHOP))


def test_operation_that_is_over_enters_the_history_once(shop: Subject) -> None:
    over = operation(phase=OperationPhase.SUCCEEDED, finished_s=12.0, initiated_by="ann")
    shop.store.put_operation(over)
    shop.store.put_operation(over)

    (entry,) = shop.restarted().history(SHOP)

    assert (1, ("a" * 40,), 10.0, 12.0, "ann", "Succeeded", "t") == (
        entry.id,
        entry.revisions,
        entry.started_s,
        entry.finished_s,
        entry.initiated_by,
        entry.phase,
        entry.target,
    )
    assert "https://git.example/x" == entry.sources[0]["repoURL"]


def test_dry_run_enters_no_history(shop: Subject) -> None:
    shop.store.put_operation(operation(phase=OperationPhase.SUCCEEDED, dry_run=True))

    assert () == tuple(shop.restarted().history(SHOP))


def test_history_keeps_the_newest_up_to_the_limit_and_numbers_go_on(subject: Subject) -> None:
    document = application("shop")
    document["spec"]["revisionHistoryLimit"] = 2
    declare(subject, document)
    for number in range(4):
        subject.store.put_operation(operation(f"op{number}", OperationPhase.FAILED, finished_s=float(number)))

    assert [3, 4] == [entry.id for entry in subject.restarted().history(SHOP)]


def test_syncs_that_fail_push_none_that_succeeded_out_of_the_history(subject: Subject) -> None:
    document = application("shop")
    document["spec"]["revisionHistoryLimit"] = 2
    declare(subject, document)
    for number, phase in enumerate([OperationPhase.SUCCEEDED, *[OperationPhase.FAILED] * 5]):
        subject.store.put_operation(operation(f"op{number}", phase, finished_s=float(number)))

    assert [1, 5, 6] == [entry.id for entry in subject.restarted().history(SHOP)]


def test_what_became_of_each_object_is_kept_as_long_as_the_sync_is(subject: Subject) -> None:
    document = application("shop")
    document["spec"]["revisionHistoryLimit"] = 1
    declare(subject, document)
    for number in range(2):
        over = operation(f"op{number}", OperationPhase.SUCCEEDED, finished_s=float(number))
        subject.store.put_operation(replace(over, tasks=(Task(WEB, Verb.APPLY, message=f"m{number}"),)))

    store = subject.restarted()

    assert ["m1"] == [task.message for task in store.results(SHOP, 2)]
    assert [] == list(store.results(SHOP, 1))
    assert [] == list(store.results(AppName("stranger"), 2))


def test_operation_of_a_stranger_leaves_nothing(subject: Subject) -> None:
    subject.store.put_operation(operation())
    declare(subject, application("shop"))

    assert None is subject.restarted().operation(SHOP)


# deletion


def test_delete_without_cascade_forgets_at_once(shop: Subject) -> None:
    shop.store.put_operation(operation())
    shop.store.delete(SHOP, cascade=False)

    assert [] == names(shop.restarted())
    assert None is shop.store.operation(SHOP)
    assert [frozenset({"shop"})] == shop.told


def test_delete_with_cascade_waits_for_forget(shop: Subject) -> None:
    shop.store.delete(SHOP, cascade=True)
    store = shop.restarted()
    assert store.deleting(SHOP)
    assert store.get(SHOP)

    store.forget(SHOP)

    assert [] == names(shop.restarted())
    assert not shop.store.deleting(SHOP)


def test_application_declared_again_while_it_is_deleted_begins_anew_after(shop: Subject) -> None:
    shop.store.put_operation(operation())
    shop.store.delete(SHOP, cascade=True)
    declare(shop, application("shop", path="new"))
    assert shop.restarted().deleting(SHOP)
    shop.told.clear()

    shop.store.forget(SHOP)

    app = shop.restarted().get(SHOP)
    assert "new" == (app and app.sources[0].path)
    assert not shop.store.deleting(SHOP)
    assert None is shop.store.operation(SHOP)
    assert [frozenset({"shop"})] == shop.told


def test_deleting_a_stranger_is_refused(subject: Subject) -> None:
    with pytest.raises(NotFound):
        subject.store.delete(SHOP, cascade=True)


def test_forgotten_application_leaves_nothing_behind(shop: Subject) -> None:
    shop.store.publish(SHOP, STATUS)
    shop.store.ask(SHOP, SyncRequest())
    shop.store.put_operation(operation(phase=OperationPhase.SUCCEEDED))
    shop.store.remember(SHOP, PROD, {WEB: SEEN})
    shop.store.put_targets(SHOP, PROD, [WEB])
    shop.store.forget(SHOP)
    declare(shop, application("shop"))

    store = shop.restarted()
    assert (None, None, None, (), {}, frozenset()) == (
        store.status(SHOP),
        store.request(SHOP),
        store.operation(SHOP),
        tuple(store.history(SHOP)),
        dict(store.remembered(SHOP, PROD)),
        store.targets(SHOP),
    )


# inventory


def test_remembered_objects_are_kept_per_cluster_and_forgotten_one_by_one(shop: Subject) -> None:
    shop.store.remember(SHOP, PROD, {WEB: SEEN, OLD: SEEN})
    shop.store.remember(SHOP, ClusterId("other"), {WEB: SEEN})
    shop.store.remember(SHOP, PROD, {WEB: replace(SEEN, view=ViewHash("w")), OLD: None})

    store = shop.restarted()
    assert {WEB: replace(SEEN, view=ViewHash("w"))} == dict(store.remembered(SHOP, PROD))
    assert {WEB: SEEN} == dict(store.remembered(SHOP, ClusterId("other")))
    assert {} == dict(store.remembered(AppName("stranger"), PROD))


def test_targets_are_replaced_cluster_by_cluster(shop: Subject) -> None:
    shop.store.put_targets(SHOP, PROD, [WEB, OLD])
    shop.store.put_targets(SHOP, ClusterId("other"), [WEB])
    shop.store.put_targets(SHOP, PROD, [OLD])

    assert frozenset({(PROD, OLD), (ClusterId("other"), WEB)}) == shop.restarted().targets(SHOP)
    shop.store.put_targets(SHOP, PROD, [])
    assert frozenset({(ClusterId("other"), WEB)}) == shop.restarted().targets(SHOP)


def test_object_is_wanted_by_every_application_whose_target_holds_it(shop: Subject) -> None:
    declare(shop, application("shop"), application("other"))
    shop.store.put_targets(SHOP, PROD, [WEB, OLD])
    shop.store.put_targets(AppName("other"), PROD, [WEB])
    assert frozenset({"shop", "other"}) == shop.restarted().wanted_by(PROD, WEB)

    shop.store.put_targets(SHOP, PROD, [OLD])

    store = shop.restarted()
    assert frozenset({"other"}) == store.wanted_by(PROD, WEB)
    assert frozenset({"shop"}) == store.wanted_by(PROD, OLD)
    assert frozenset() == store.wanted_by(ClusterId("elsewhere"), WEB)


def test_target_and_what_was_shown_in_sync_do_not_touch_each_other(shop: Subject) -> None:
    shop.store.remember(SHOP, PROD, {WEB: SEEN})
    shop.store.put_targets(SHOP, PROD, [WEB])
    shop.store.put_targets(SHOP, PROD, [])
    assert {WEB: SEEN} == dict(shop.restarted().remembered(SHOP, PROD))

    shop.store.put_targets(SHOP, PROD, [WEB])
    shop.store.remember(SHOP, PROD, {WEB: None})
    assert frozenset({(PROD, WEB)}) == shop.restarted().targets(SHOP)


def test_hooks_of_the_deletion_are_kept_as_they_were_last(shop: Subject) -> None:
    hook = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "bye", "namespace": "shop"}}
    shop.store.put_delete_hooks(SHOP, [{**hook, "spec": {"a": None}}])
    shop.store.put_delete_hooks(SHOP, [hook])

    assert [hook] == list(shop.restarted().delete_hooks(SHOP))
    assert [] == list(shop.store.delete_hooks(AppName("stranger")))
    shop.store.put_delete_hooks(SHOP, [])
    assert [] == list(shop.restarted().delete_hooks(SHOP))


def test_approval_of_deletions_is_kept_with_its_time(shop: Subject) -> None:
    shop.store.approve(SHOP, 5.0)
    shop.store.approve(SHOP, 7.0)
    shop.store.approve(AppName("stranger"), 7.0)

    store = shop.restarted()
    assert (7.0, None) == (store.approved_s(SHOP), store.approved_s(AppName("stranger")))
    store.forget(SHOP)
    assert None is shop.restarted().approved_s(SHOP)


def test_inventory_of_a_stranger_is_not_kept(subject: Subject) -> None:
    subject.store.put_delete_hooks(SHOP, [{}])
    subject.store.put_targets(SHOP, PROD, [WEB])
    subject.store.remember(SHOP, PROD, {WEB: SEEN})

    assert frozenset() == subject.restarted().wanted_by(PROD, WEB)
    assert {} == dict(subject.store.remembered(SHOP, PROD))
    assert [] == list(subject.restarted().delete_hooks(SHOP))


# a write that fails


def test_failed_write_changes_nothing_and_the_next_one_succeeds(shop: Subject) -> None:
    with shop.failing(), pytest.raises(StoreFailed):
        shop.store.put_operation(operation())
    assert None is shop.store.operation(SHOP)

    with shop.failing(), pytest.raises(StoreFailed):
        shop.store.delete(SHOP, cascade=False)
    assert ["shop"] == names(shop.restarted())

    with shop.failing(), pytest.raises(StoreFailed):
        declare(shop, application("new"), prune=True)
    assert ["shop"] == names(shop.restarted())

    with shop.failing(), pytest.raises(StoreFailed):
        shop.store.put_targets(SHOP, PROD, [WEB])
    assert frozenset() == shop.store.wanted_by(PROD, WEB)

    shop.store.put_operation(operation())
    assert operation() == shop.restarted().operation(SHOP)
