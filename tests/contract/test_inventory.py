"""The inventory: what applications want and have shown to be in sync, the same of the store and of its fake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.errors import StoreFailed
from gitopsd.model.ids import AppName, ClusterId, ViewHash
from tests.contract.stores import (
    OLD,
    PROD,
    SEEN,
    SHOP,
    WEB,
    Subject,
    application,
    declare,
    names,
    operation,
)


def test_remembered_objects_are_kept_per_cluster_and_forgotten_one_by_one(shop: Subject) -> None:
    shop.store.remember(SHOP, PROD, {WEB: SEEN, OLD: SEEN})
    shop.store.remember(SHOP, ClusterId("other"), {WEB: SEEN})
    shop.store.remember(SHOP, PROD, {WEB: replace(SEEN, view=ViewHash("w")), OLD: None})

    store = shop.restarted()
    assert {WEB: replace(SEEN, view=ViewHash("w"))} == dict(store.remembered(SHOP, PROD))
    assert {WEB: SEEN} == dict(store.remembered(SHOP, ClusterId("other")))
    assert {ClusterId("other"): {WEB}} == dict(store.elsewhere(SHOP, PROD))
    assert {PROD: {WEB}} == dict(store.elsewhere(SHOP, ClusterId("other")))
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


def test_who_wants_an_object_of_some_description(shop: Subject) -> None:
    declare(shop, application("shop"), application("other"))
    shop.store.put_targets(SHOP, PROD, [WEB, OLD])
    shop.store.put_targets(AppName("other"), PROD, [WEB])

    store = shop.restarted()
    assert frozenset({"shop", "other"}) == store.wanting(PROD, lambda key: key.namespace == WEB.namespace)
    assert frozenset({"shop"}) == store.wanting(PROD, lambda key: key == OLD)
    assert frozenset() == store.wanting(ClusterId("elsewhere"), lambda _: True)
