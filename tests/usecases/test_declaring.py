"""Applications by the API: whose they may be, what of them may change, and that Git goes before."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gitopsd.errors import BadRequest, Conflict, GitopsError, InvalidDeclaration, NotFound, NotPermitted, NotSupported
from gitopsd.model.ids import AppName
from gitopsd.usecases.declaring import DeclaringUseCases, PatchType
from tests.fakes.backend import REPO, FakeBackend, app_view
from tests.usecases.asking import ANN, OPERATOR, uses_of

SHOP = AppName("shop")


def manifest(name: str = "shop", project: str = "retail", **spec: Any) -> dict[str, Any]:
    source = {"repoURL": REPO, "path": name}
    destination = {"name": "c1", "namespace": name}
    return {
        "metadata": {"name": name},
        "spec": {"project": project, "source": source, "destination": destination, **spec},
    }


def rights(*actions: str, project: str = "retail") -> list[tuple[str, str, str, str]]:
    return [("ann", "applications", action, f"{project}/*") for action in actions]


def declaring(backend: FakeBackend, *rules: tuple[str, str, str, str]) -> DeclaringUseCases:
    return uses_of(backend, *rules).declaring


def refused(backend: FakeBackend, kind: type[GitopsError], ask: Any) -> GitopsError:
    before = dict(backend.apps)
    with pytest.raises(kind) as raised:
        ask()
    assert before == backend.apps
    return raised.value


def test_an_application_is_created_and_changed_by_whoever_may() -> None:
    backend = FakeBackend()
    uses = declaring(backend, *rights("get", "create", "update"))
    view = uses.create(ANN, manifest())

    assert (SHOP, True) == (view.application.name, view.application.origin.of_api)
    uses.update(ANN, SHOP, manifest(revisionHistoryLimit=3))
    uses.update_spec(ANN, SHOP, manifest(revisionHistoryLimit=4)["spec"])
    assert 4 == backend.apps[SHOP].application.history_limit
    uses.patch(ANN, SHOP, {"spec": {"revisionHistoryLimit": 5}}, PatchType.MERGE)
    uses.patch(ANN, SHOP, [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}], PatchType.JSON)
    assert {"a": "b"} == backend.apps[SHOP].application.manifest["metadata"]["labels"]
    assert 5 == backend.apps[SHOP].application.history_limit
    assert ["update"] * 4 + ["create"] == [entry.what for entry in backend.audit_log]


@pytest.mark.parametrize("project", ["money", "nobody"])
def test_nobody_declares_for_another_project(project: str) -> None:
    backend = FakeBackend()
    uses = declaring(backend, *rights("get", "create", "update"))

    refused(backend, NotPermitted, lambda: uses.create(ANN, manifest(project=project)))
    uses.create(ANN, manifest())
    for change in (
        lambda: uses.update(ANN, SHOP, manifest(project=project)),
        lambda: uses.update_spec(ANN, SHOP, manifest(project=project)["spec"]),
        lambda: uses.patch(ANN, SHOP, {"spec": {"project": project}}, PatchType.MERGE),
        lambda: uses.create(ANN, manifest(project=project), upsert=True),
    ):
        refused(backend, NotPermitted, change)


def test_moving_an_application_takes_rights_over_both_projects() -> None:
    backend = FakeBackend()
    mine, theirs = rights("get", "create", "update"), rights("update", project="money")
    declaring(backend, *mine).create(ANN, manifest())
    move = manifest(project="money")

    refused(backend, NotPermitted, lambda: declaring(backend, *mine, *theirs).update(ANN, SHOP, move))
    declaring(backend, *mine, *theirs, *rights("create", project="money")).update(ANN, SHOP, move)
    assert "money" == backend.apps[SHOP].application.project


def test_case_49_a_name_of_another_project_is_taken_in_the_words_of_a_right_that_is_missing() -> None:
    backend = FakeBackend(app_view("bank", project="money"))
    uses = declaring(backend, *rights("get", "create", "update"))
    taken = refused(backend, NotPermitted, lambda: uses.create(ANN, manifest("bank"), upsert=True))
    unknown = refused(backend, NotPermitted, lambda: declaring(backend).create(ANN, manifest("bank")))

    assert (unknown.what, unknown.remedy) == (taken.what, taken.remedy)
    for name in ("bank", "none"):
        assert NotFound is type(refused(backend, NotFound, lambda: uses.update(ANN, AppName(name), manifest(name))))  # noqa: B023 - it is called at once


def test_git_goes_before_the_api() -> None:
    backend = FakeBackend(app_view("shop", project="retail"))
    uses = declaring(backend, *rights("get", "create", "update"))
    changes = (
        lambda: uses.update(ANN, SHOP, manifest(revisionHistoryLimit=3)),
        lambda: uses.create(ANN, manifest(revisionHistoryLimit=3), upsert=True),
        lambda: uses.patch(ANN, SHOP, {"spec": {"revisionHistoryLimit": 3}}, PatchType.MERGE),
    )
    for change in changes:
        assert "shop is declared in Git" == refused(backend, Conflict, change).what


def test_creating_again_changes_only_where_that_is_asked_for() -> None:
    backend = FakeBackend()
    uses = declaring(backend, *rights("get", "create"))
    uses.create(ANN, manifest())
    uses.create(ANN, manifest())
    other = manifest(revisionHistoryLimit=3)

    refused(backend, Conflict, lambda: uses.create(ANN, other))
    refused(backend, NotPermitted, lambda: uses.create(ANN, other, upsert=True))
    declaring(backend, *rights("get", "update")).create(ANN, other, upsert=True)
    assert 3 == backend.apps[SHOP].application.history_limit


def test_project_is_asked_unless_the_caller_wants_it_later() -> None:
    backend = FakeBackend()
    uses = declaring(backend, *rights("get", "create"))
    foreign = manifest(source={"repoURL": "https://git.example/other.git", "path": "."})

    refused(backend, NotPermitted, lambda: uses.create(ANN, foreign))
    uses.create(ANN, foreign, validate=False)


def test_settings_forbid_it_to_everybody() -> None:
    backend = FakeBackend()
    uses = dataclasses.replace(declaring(backend), allowed=False)

    refused(backend, NotPermitted, lambda: uses.create(OPERATOR, manifest()))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, InvalidDeclaration),
        ({"metadata": {"name": "shop"}}, InvalidDeclaration),
        ({"metadata": [], "spec": {}}, InvalidDeclaration),
        ({**manifest(), "metadata": {"name": "Not A Name"}}, InvalidDeclaration),
        ({**manifest(), "metadata": {"name": "shop", "namespace": "elsewhere"}}, NotSupported),
        ({**manifest(), "spec": {"project": 1}}, InvalidDeclaration),
    ],
)
def test_what_is_no_application_is_refused(body: dict[str, Any], kind: type[GitopsError]) -> None:
    backend = FakeBackend()

    refused(backend, kind, lambda: declaring(backend).create(OPERATOR, body))


def test_status_and_operation_of_a_body_are_left_out() -> None:
    backend = FakeBackend()
    body = {**manifest(), "kind": "AppProject", "status": {"health": {}}, "operation": {"sync": {}}}
    body["metadata"] |= {"resourceVersion": "7", "uid": "u"}
    declaring(backend).create(OPERATOR, body)

    kept = backend.apps[SHOP].application.manifest
    assert ({"name": "shop"}, "Application") == (kept["metadata"], kept["kind"])
    assert kept.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_another_name_is_another_application() -> None:
    backend = FakeBackend()
    uses = declaring(backend)
    uses.create(OPERATOR, manifest())

    refused(backend, BadRequest, lambda: uses.update(OPERATOR, SHOP, manifest("other")))
    renamed = {"metadata": {"name": "x"}}
    refused(backend, BadRequest, lambda: uses.patch(OPERATOR, SHOP, renamed, PatchType.MERGE))
