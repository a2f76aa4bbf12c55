from __future__ import annotations

import pytest

from gitopsd.model.comparison import SyncStatus
from gitopsd.model.health import HealthStatus
from tests.api.serving import serving
from tests.fakes.backend import FakeBackend, app_view

APPS = "/api/v1/applications"


def fleet() -> FakeBackend:
    return FakeBackend(
        app_view("shop", project="retail", labels={"tier": "web"}),
        app_view("bank", project="money", labels={"tier": "api"}, cluster="c2", sync=SyncStatus.OUT_OF_SYNC),
        app_view("pay", project="money", labels={}, health=HealthStatus.DEGRADED),
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["bank", "pay", "shop"]),
        ({"name": "shop"}, ["shop"]),
        ({"project": "money"}, ["bank", "pay"]),
        ([("projects", "money"), ("projects", "retail")], ["bank", "pay", "shop"]),
        ({"selector": "tier in (web, api)"}, ["bank", "shop"]),
        ({"selector": "tier!=web"}, ["bank", "pay"]),
        ({"selector": "!tier"}, ["pay"]),
        ({"cluster": "c2"}, ["bank"]),
        ({"sync": "OutOfSync"}, ["bank"]),
        ({"health": "Degraded,Missing"}, ["pay"]),
        ({"repo": "git@git.example:fleet"}, ["bank", "pay", "shop"]),
        ({"project": "money", "cluster": "c1"}, ["pay"]),
        ({"name": "nobody"}, []),
        ({"search": "A"}, ["bank", "pay"]),
        ({"namespace": "shop,pay"}, ["pay", "shop"]),
        ({"sort": "-name"}, ["shop", "pay", "bank"]),
        ({"sort": "cluster"}, ["pay", "shop", "bank"]),
        ({"sort": "-health"}, ["shop", "bank", "pay"]),
        ({"sort": "sync", "limit": "2"}, ["bank", "pay"]),
    ],
)
async def test_list_holds_what_the_filters_select(query: dict[str, str], expected: list[str]) -> None:
    async with serving(fleet()) as api, api.session.get(api.url + APPS, params=query) as answer:
        items = (await answer.json())["items"]

    assert expected == [item["metadata"]["name"] for item in items]


@pytest.mark.parametrize(
    "query",
    [
        {"selector": "tier in (web"},
        {"selector": "tier=web;drop"},
        {"selector": "a" * 5000},
        {"sync": "Green"},
        {"limit": "-1"},
        {"sort": "age"},
        {"continue": "WyJhIl0="},
        {"continue": "WzEsMl0="},
        {"limit": "9" * 30},
        {"continue": "%%%"},
        {"continue": "__79"},
        {"cascade": "x", "limit": "one"},
    ],
)
async def test_broken_query_is_the_clients_error(query: dict[str, str]) -> None:
    async with serving(fleet()) as api:
        status, body = await api.status("GET", APPS, params=query)

    assert (400, 3) == (status, body["code"])


@pytest.mark.parametrize("sort", ["name", "-name", "project", "-project"])
async def test_pages_hold_every_application_once(sort: str) -> None:
    backend = FakeBackend(*(app_view(f"app-{number:03}", project=f"p{number % 3}") for number in range(25)))
    names: list[str] = []
    sizes: list[int] = []
    token = ""
    async with serving(backend) as api:
        while True:
            page = await api.get(APPS, limit="10", sort=sort, **{"continue": token})
            names += [item["metadata"]["name"] for item in page["items"]]
            sizes.append(len(page["items"]))
            token = page["metadata"].get("continue", "")
            if not token:
                break
            assert 25 - len(names) == page["metadata"]["remainingItemCount"]

    expected = sorted(range(25), key=lambda number: (number % 3 if "project" in sort else 0, number))
    assert [10, 10, 5] == sizes
    assert [f"app-{number:03}" for number in (expected[::-1] if sort.startswith("-") else expected)] == names


async def test_application_has_argo_cds_shape() -> None:
    async with serving(fleet()) as api:
        app = await api.get(f"{APPS}/bank")

    assert ("argoproj.io/v1alpha1", "Application") == (app["apiVersion"], app["kind"])
    assert ("OutOfSync", "Healthy") == (app["status"]["sync"]["status"], app["status"]["health"]["status"])
    assert "operation" not in app


async def test_unknown_application_is_not_found_in_argo_cds_shape() -> None:
    async with serving(fleet()) as api:
        status, body = await api.status("GET", f"{APPS}/nobody")

    message = "there is no application nobody"
    remedy = "see `gitopsd app list`"
    expected = {"error": message, "code": 5, "message": message, "remedy": remedy, "reason": "NotFound"}
    assert (404, expected) == (status, body)


@pytest.mark.parametrize(("kind", "hard"), [("normal", False), ("hard", True)])
async def test_refresh_waits_for_the_pass(kind: str, *, hard: bool) -> None:
    backend = fleet()
    async with serving(backend) as api:
        await api.get(f"{APPS}/shop", refresh=kind)

    assert [("shop", hard)] == backend.refreshed


async def test_refresh_whose_pass_does_not_end_is_answered_in_time() -> None:
    backend = fleet()
    backend.pass_s = 3600.0
    async with serving(backend, refresh_s=0.05) as api:
        status, body = await api.status("GET", f"{APPS}/shop", params={"refresh": "normal"})

    assert (504, 4) == (status, body["code"])
    assert "the pass over shop" in body["message"]


async def test_unknown_kind_of_refresh_is_the_clients_error() -> None:
    async with serving(fleet()) as api:
        status, _ = await api.status("GET", f"{APPS}/shop", params={"refresh": "soft"})

    assert 400 == status


@pytest.mark.parametrize(("query", "cascade"), [({}, True), ({"cascade": "false"}, False), ({"cascade": "true"}, True)])
async def test_delete_takes_the_objects_along_unless_told_otherwise(query: dict[str, str], *, cascade: bool) -> None:
    backend = fleet()
    async with serving(backend) as api:
        assert (200, {}) == await api.status("DELETE", f"{APPS}/shop", params=query)
        status, _ = await api.status("DELETE", f"{APPS}/shop", params=query)

    assert 404 == status
    assert {"shop": cascade} == backend.cascaded


async def test_delete_with_an_unclear_cascade_deletes_nothing() -> None:
    backend = fleet()
    async with serving(backend) as api:
        status, _ = await api.status("DELETE", f"{APPS}/shop", params={"cascade": "nope"})

    assert 400 == status
    assert {} == backend.cascaded
