from __future__ import annotations

from dataclasses import replace

from gitopsd.core.text.times import rfc3339
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from gitopsd.usecases.auditing import done_by
from tests.api.serving import serving
from tests.fakes.backend import FakeBackend, app_view

SHOP, WEB = AppName("shop"), AppName("web")


def backend() -> FakeBackend:
    found = FakeBackend(replace(app_view("shop"), request=SyncRequest()), app_view("web"))
    for number in range(3):
        found.record(done_by(Caller(f"ann{number}", address="192.0.2.1"), "sync", SHOP))
    return found


async def test_who_did_it_is_kept_with_what_was_done() -> None:
    async with serving(backend()) as api:
        await api.status("DELETE", "/api/v1/applications/shop/operation")
        await api.status("DELETE", "/api/v1/applications/web")
        answer = await api.get("/api/v1/audit", limit="2")

    same = {
        "at": rfc3339(1000.0), "username": "admin", "address": "127.0.0.1", "signIn": "static token", "result": "done",
    }  # fmt: skip
    delete = {"verb": "delete", "application": "web", "detail": "cascade", "right": "applications, delete, default/web"}
    end = {"verb": "terminate", "application": "shop", "detail": "", "right": "applications, sync, default/shop"}
    assert [{"id": 5, **delete, **same}, {"id": 4, **end, **same}] == answer["items"]


async def test_log_is_read_in_pages_and_for_one_application() -> None:
    found = backend()
    found.record(done_by(Caller("bob"), "sync", WEB))
    async with serving(found) as api:
        first = await api.get("/api/v1/audit", limit="2", application="shop")
        rest = await api.get("/api/v1/audit", **first["metadata"], application="shop", limit="2")

    assert ["ann2", "ann1"] == [each["username"] for each in first["items"]]
    assert (["ann0"], {}) == ([each["username"] for each in rest["items"]], rest["metadata"])


async def test_limit_that_is_no_number_is_refused() -> None:
    async with serving(backend()) as api:
        assert 400 == (await api.status("GET", "/api/v1/audit", params={"limit": "many"}))[0]


async def test_log_is_read_by_who_did_it_and_since_when() -> None:
    async with serving(backend()) as api:
        by = await api.get("/api/v1/audit", username="ann1")
        since = [await api.get("/api/v1/audit", since=rfc3339(at_s)) for at_s in (1000.0, 1001.0)]
        broken = [(await api.status("GET", "/api/v1/audit", params={"since": text}))[0] for text in ("x", "99", "-1")]

    assert ["ann1"] == [each["username"] for each in by["items"]]
    assert [3, 0] == [len(each["items"]) for each in since]
    assert [400] * 3 == broken
