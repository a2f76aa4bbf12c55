from __future__ import annotations

import io
import json

import aiohttp
import pytest

from tests.api.serving import TOKEN, connected, serving
from tests.fakes.backend import FakeBackend, app_view

APPS = "/api/v1/applications"
DENIED = {"error": "no session information", "code": 16, "message": "no session information"}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer " + "a" * 7000,
        "Bearer \u00e9\u00ff",
    ],
)
async def test_missing_wrong_and_malformed_tokens_get_one_answer(authorization: str) -> None:
    async with serving(FakeBackend(app_view("shop"))) as api, aiohttp.ClientSession() as stranger:
        for path in (f"{APPS}/shop", f"{APPS}/nobody", "/no/such/path", "/api/version"):
            async with stranger.get(api.url + path, headers={"Authorization": authorization}) as answer:
                assert (401, DENIED) == (answer.status, await answer.json())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
async def test_no_method_passes_without_a_token(method: str) -> None:
    backend = FakeBackend(app_view("shop"))
    async with serving(backend) as api, aiohttp.ClientSession() as stranger:
        for path in (f"{APPS}/shop", f"{APPS}/shop/sync", "/healthz/..%2fapi/v1/applications"):
            async with stranger.request(method, api.url + path, json={}) as answer:
                assert 401 == answer.status

    assert backend.apps["shop"].request is None  # type: ignore[index]  # a literal for an AppName


async def test_without_a_token_of_its_own_the_daemon_lets_nobody_in() -> None:
    async with serving(FakeBackend(), token=lambda: "") as api, aiohttp.ClientSession() as stranger:
        for authorization in ("", "Bearer ", f"Bearer {TOKEN}"):
            async with stranger.get(api.url + APPS, headers={"Authorization": authorization}) as answer:
                assert 401 == answer.status


async def test_new_token_counts_at_once() -> None:
    tokens = ["first"]
    async with serving(FakeBackend(), token=lambda: tokens[0]) as api:
        tokens[0] = TOKEN
        assert {"metadata": {}, "items": []} == await api.get(APPS)


async def test_health_needs_no_token() -> None:
    async with (
        serving(FakeBackend()) as api,
        aiohttp.ClientSession() as stranger,
        stranger.get(api.url + "/healthz") as answer,
    ):
        assert (200, "ok") == (answer.status, await answer.text())


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_body_that_a_form_could_send_is_refused(content_type: str) -> None:
    backend = FakeBackend(app_view("shop"))
    async with serving(backend) as api:
        for method, path in (("POST", f"{APPS}/shop/sync"), ("DELETE", f"{APPS}/shop")):
            status, body = await api.status(method, path, data=b"{}", headers={"Content-Type": content_type})
            assert (415, 3) == (status, body["code"])

    assert ["shop"] == list(backend.apps)
    assert not [view for view in backend.apps.values() if view.request]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b"\xff\xfe", b'{"prune": NaN}', b"[" * 100_000, b'{"a":' * 100_000, b'"text"']
)
async def test_body_that_is_no_json_object_is_the_clients_error(body: bytes) -> None:
    async with serving(FakeBackend(app_view("shop"))) as api:
        status, answer = await api.status(
            "POST", f"{APPS}/shop/sync", data=body, headers={"Content-Type": "application/json"}
        )

    assert (400, 3) == (status, answer["code"])
    assert [] == api.unforeseen


async def test_huge_body_is_refused() -> None:
    async with serving(FakeBackend(app_view("shop"))) as api:
        body = io.BytesIO(b'{"revision": "%s"}' % (b"x" * (2 << 20)))
        status, _ = await api.status(
            "POST", f"{APPS}/shop/sync", data=body, headers={"Content-Type": "application/json"}
        )

    assert 413 == status


async def test_unforeseen_error_shows_its_id_and_nothing_else() -> None:
    backend = FakeBackend()
    backend.bug = RuntimeError("password is hunter2")
    async with serving(backend) as api:
        status, body = await api.status("GET", APPS)

    assert (500, 13) == (status, body["code"])
    assert "hunter2" not in json.dumps(body)
    assert ["RuntimeError"] == api.unforeseen


async def test_request_that_takes_too_long_is_answered() -> None:
    backend = FakeBackend(app_view("shop"))
    backend.pass_s = 3600
    async with serving(backend, request_s=0.05, refresh_s=60) as api:
        status, body = await api.status("GET", f"{APPS}/shop", params={"refresh": "normal"})

    assert (504, 4) == (status, body["code"])


async def test_every_answer_has_the_security_headers_and_tells_no_server() -> None:
    async with serving(FakeBackend()) as api:
        for path in (APPS, "/no/such/path", "/healthz"):
            async with api.session.get(api.url + path) as answer:
                assert "nosniff" == answer.headers["X-Content-Type-Options"]
                assert "no-store" == answer.headers["Cache-Control"]
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                assert "gitopsd" == answer.headers["Server"]


async def test_unknown_path_and_method_have_argo_cds_shape() -> None:
    async with serving(FakeBackend()) as api:
        assert (404, {"error": "Not Found", "code": 5, "message": "Not Found"}) == await api.status("GET", "/nowhere")
        status, body = await api.status("PATCH", APPS, json={})

    assert (405, 12) == (status, body["code"])


async def test_requests_are_told_by_declared_route() -> None:
    async with serving(FakeBackend(app_view("shop"))) as api:
        await api.get(f"{APPS}/shop")
        await api.status("GET", "/made/up/by/a/stranger")

    assert [("GET", "/api/v1/applications/{name}", 200), ("GET", "", 404)] == api.observed


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00",
        b"GET " + b"/" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"H%d: x\r\n" % n for n in range(500)) + b"\r\n",
        b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
    ],
)
async def test_bytes_that_are_no_request_end_their_own_connection_alone(raw: bytes) -> None:
    async with serving(FakeBackend()) as api:
        async with connected(api.port, raw) as reader:
            answer = await reader.read(1 << 16)
        assert b"" == answer or 400 <= int(answer.split(b" ", 2)[1]) < 500
        assert {"metadata": {}, "items": []} == await api.get(APPS)
