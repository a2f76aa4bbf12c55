"""Statuses, requests, operations, history and deletions of applications: the same of the store and of its fake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.errors import NotFound
from gitopsd.model.ids import AppName
from gitopsd.model.operation import OperationPhase, OperationScope, SyncRequest, Task, TaskVerb
from tests.contract.stores import (
    OLD,
    PROD,
    SEEN,
    SHOP,
    STATUS,
    WEB,
    Subject,
    application,
    declare,
    names,
    operation,
)


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
    shop.store.put_operation(operation(phase=OperationPhase.SUCCEEDED, scope=OperationScope(dry_run=True)))

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
        subject.store.put_operation(replace(over, tasks=(Task(WEB, TaskVerb.APPLY, message=f"m{number}"),)))

    store = subject.restarted()

    assert ["m1"] == [task.message for task in store.results(SHOP, 2)]
    assert [] == list(store.results(SHOP, 1))
    assert [] == list(store.results(AppName("stranger"), 2))


def test_operation_of_a_stranger_leaves_nothing(subject: Subject) -> None:
    subject.store.put_operation(operation())
    declare(subject, application("shop"))

    assert None is subject.restarted().operation(SHOP)


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
