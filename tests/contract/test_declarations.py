"""Declarations: what is read, told, kept and taken back, the same of the store and of its fake."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.model.ids import AppName, ProjectName
from gitopsd.model.project import DEFAULT
from tests.contract.stores import (
    PROD,
    SHOP,
    WEB,
    Subject,
    application,
    declare,
    names,
    project,
)
from tests.core import declaring

CASCADE: dict[str, Any] = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}


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


def test_strangers_are_reported_and_block_no_pruning(shop: Subject) -> None:
    stranger = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}

    assert 1 == len(declare(shop, application("new"), stranger, prune=True))
    assert ["new"] == names(shop.restarted())


def test_application_set_that_cannot_be_read_prunes_nothing_of_its_source(shop: Subject) -> None:
    application_set = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "x"}}

    assert 2 == len(declare(shop, application("new"), application_set, prune=True))
    assert ["new", "shop"] == names(shop.restarted())


def test_application_set_that_asks_for_more_keeps_what_sets_have_made_and_nothing_else(shop: Subject) -> None:
    template = {"metadata": {"name": "{{env}}"}, "spec": application("x")["spec"]}
    kept = {"preserveResourcesOnDeletion": True}  # without a finalizer, which would keep it for a while
    made = declaring.application_set(template, {"env": "dev"}, syncPolicy=kept)
    more = {**made, "spec": {**made["spec"], "goTemplate": True}}

    assert 1 == len(declare(shop, application("new"), more, prune=True))
    assert ["new"] == names(shop.restarted())  # no set has made anything yet

    declare(shop, application("new"), made, prune=True)
    assert ["dev", "new"] == names(shop.restarted())
    declare(shop, more, prune=True)
    assert ["dev", "new"] == names(shop.restarted())  # it may be the set's
    declare(shop, application("new"), made, prune=True)
    declare(shop, application("new"), prune=True)
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
