from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gitopsd.model.ids import AppName, Revision
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import SyncRequest, Task, TaskState, TaskVerb
from gitopsd.model.status import HistoryEntry
from tests.api.serving import NOW_S, serving
from tests.fakes.backend import FakeBackend, app_view

SHOP = "/api/v1/applications/shop"
NAME = AppName("shop")


def shop() -> FakeBackend:
    return FakeBackend(app_view("shop"))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, SyncRequest()),
        ({"revision": "v1.2", "prune": True, "dryRun": True}, SyncRequest(("v1.2",), prune=True, dry_run=True)),
        ({"revisions": ["v1", "v2"], "revision": None}, SyncRequest(("v1", "v2"))),
        ({"strategy": {"apply": {}}}, SyncRequest(hooks=False)),
        ({"strategy": {"apply": {"force": True}}}, SyncRequest(hooks=False, options=(("Force", "true"),))),
        ({"strategy": {"hook": {"force": True}}}, SyncRequest(options=(("Force", "true"),))),
        ({"strategy": {"hook": {"syncStrategyApply": {"force": True}}}}, SyncRequest(options=(("Force", "true"),))),
        ({"strategy": {"hook": None}, "syncOptions": None}, SyncRequest()),
        ({"syncOptions": {"items": ["Replace=true"]}}, SyncRequest(options=(("Replace", "true"),))),
        (
            {"resources": [{"group": "apps", "kind": "Deployment", "name": "web", "namespace": None}]},
            SyncRequest(resources=(ResourceKey("apps", "Deployment", "", "web"),)),
        ),
    ],
)
async def test_sync_asks_for_what_the_body_says(body: dict[str, Any], expected: SyncRequest) -> None:
    backend = shop()
    async with serving(backend) as api:
        status, app = await api.status("POST", f"{SHOP}/sync", json=body)

    assert 200 == status
    assert dataclasses.replace(expected, initiated_by="admin", asked_s=NOW_S) == backend.apps[NAME].request
    assert "admin" == app["operation"]["initiatedBy"]["username"]


@pytest.mark.parametrize(
    "body",
    [
        {"prune": "yes"},
        {"dryRun": 1},
        {"revision": 7},
        {"revisions": "main"},
        {"revisions": [1]},
        {"resources": "all"},
        {"strategy": "hook"},
        {"strategy": {"hook": {}, "apply": {}}},
        {"strategy": {"apply": {"force": "yes"}}},
        {"syncOptions": {"items": "Replace=true"}},
        {"syncOptions": {"items": ["NoSuchOption=true"]}},
        {"resources": ["web"]},
        {"resources": [{"kind": "Deployment"}]},
        {"resources": [{"kind": "Deployment", "name": {"a": 1}}]},
        {"resources": [{"kind": "Pod", "name": "p"}] * 10_001},
    ],
)
async def test_sync_with_a_field_of_the_wrong_type_starts_nothing(body: dict[str, Any]) -> None:
    backend = shop()
    async with serving(backend) as api:
        status, answer = await api.status("POST", f"{SHOP}/sync", json=body)

    assert (400, 3) == (status, answer["code"])
    assert backend.apps[NAME].request is None


async def test_sync_of_local_manifests_is_not_done() -> None:
    backend = shop()
    async with serving(backend) as api:
        status, answer = await api.status("POST", f"{SHOP}/sync", json={"manifests": ["{}"]})

    assert (501, 12) == (status, answer["code"])
    assert backend.apps[NAME].request is None


async def test_what_a_sync_ignores_is_said() -> None:
    body = {"name": "shop", "infos": [{"name": "a"}], "retryStrategy": None, "nönsense\r\nX: y": 1}
    async with serving(shop()) as api, api.session.post(api.url + f"{SHOP}/sync", json=body) as answer:
        assert 200 == answer.status
        warnings = answer.headers.getall("Warning")

    assert ['299 - "infos is ignored"', '299 - "n?nsense X: y is ignored"'] == warnings


async def test_rollback_names_an_entry_of_the_history() -> None:
    backend = shop()
    async with serving(backend) as api:
        assert 200 == (await api.status("POST", f"{SHOP}/rollback", json={"id": 3, "prune": True}))[0]
        assert 200 == (await api.status("POST", f"{SHOP}/rollback", json={"id": "12"}))[0]

    assert {NAME: 12} == backend.rolled_back


@pytest.mark.parametrize("history_id", [None, -1, "one", 1.5, True, "9" * 400, [], {"a": 1}])
async def test_rollback_to_nothing_in_particular_is_the_clients_error(history_id: Any) -> None:
    backend = shop()
    async with serving(backend) as api:
        status, _ = await api.status("POST", f"{SHOP}/rollback", json={"id": history_id})

    assert 400 == status
    assert {} == backend.rolled_back


async def test_rollback_against_automated_sync_is_refused_with_a_remedy() -> None:
    backend = shop()
    view = backend.apps[NAME]
    policy = dataclasses.replace(view.application.sync_policy, automated=True)
    backend.apps[NAME] = dataclasses.replace(
        view, application=dataclasses.replace(view.application, sync_policy=policy)
    )
    async with serving(backend) as api:
        status, body = await api.status("POST", f"{SHOP}/rollback", json={"id": 1})

    assert (400, 9, "switch automated sync off first") == (status, body["code"], body["remedy"])


async def test_terminate_ends_what_runs_and_says_when_nothing_does() -> None:
    backend = shop()
    async with serving(backend) as api:
        await api.status("POST", f"{SHOP}/sync", json={})
        assert (200, {}) == await api.status("DELETE", f"{SHOP}/operation")
        status, body = await api.status("DELETE", f"{SHOP}/operation")

    assert (400, 9) == (status, body["code"])
    assert backend.apps[NAME].request is None


@pytest.mark.parametrize(("method", "below"), [("POST", "sync"), ("POST", "rollback"), ("DELETE", "operation")])
async def test_operation_on_what_does_not_exist_is_not_found(method: str, below: str) -> None:
    async with serving(FakeBackend()) as api:
        status, body = await api.status(method, f"{SHOP}/{below}", json={"id": 1})

    assert (404, 5) == (status, body["code"])


async def test_syncs_of_the_past_are_shown_with_what_became_of_each_object() -> None:
    entry = HistoryEntry(3, (Revision("1" * 40),), 1.0, 3.5, "ann", "Failed", "1 of 1 objects failed", "t")
    backend = FakeBackend(dataclasses.replace(app_view("shop"), history=(entry,)))
    key = ResourceKey("", "ConfigMap", "shop", "a")
    backend.tasks[3] = [
        Task(key, TaskVerb.APPLY, wave=2, state=TaskState.FAILED, message="no", evidence=("event: no",))
    ]
    async with serving(backend) as api:
        _, syncs = await api.status("GET", f"{SHOP}/syncs")
        _, one = await api.status("GET", f"{SHOP}/syncs/3")
        missing, _ = await api.status("GET", f"{SHOP}/syncs/4")

    shown = {
        "group": "", "version": "", "kind": "ConfigMap", "namespace": "shop", "name": "a",
        "status": "SyncFailed", "message": "no",
    }  # fmt: skip
    more = {"hookPhase": "Failed", "syncPhase": "Sync", "wave": 2, "evidence": ["event: no"]}
    assert [(3, "Failed", 2.5, {"username": "ann"})] == [
        (each["id"], each["phase"], each["durationSeconds"], each["initiatedBy"]) for each in syncs["items"]
    ]
    assert ([shown | more], 404) == (one["resources"], missing)


async def test_deletions_that_wait_for_a_person_are_approved() -> None:
    backend = shop()
    async with serving(backend) as api:
        status, _ = await api.status("POST", f"{SHOP}/confirm-deletion", json={})
        missing, _ = await api.status("POST", "/api/v1/applications/none/confirm-deletion", json={})

    assert (200, 404) == (status, missing)
    assert {NAME: NOW_S} == backend.confirmed
