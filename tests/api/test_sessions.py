"""Logging in and out over HTTP, by bearer and by cookie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gitopsd.api.logins import COOKIE
from gitopsd.core.accounts.throttle import MOST_OF_ACCOUNT
from tests.api.serving import Api, serving
from tests.fakes.accounts import PASSWORD, AccountWorld, account_world
from tests.fakes.backend import FakeBackend, app_view
from tests.fakes.rights import ListedRights

APPS, SESSION, USERINFO = "/api/v1/applications", "/api/v1/session", "/api/v1/session/userinfo"
CREDENTIALS = {"username": "ann", "password": PASSWORD}
RETAIL = [("ann", "applications", action, "retail/*") for action in ("get", "delete")]
NOBODY = {"error": "no session information", "code": 16, "message": "no session information"}


@pytest.fixture
def world() -> Any:
    with account_world() as found:
        yield found


@pytest.fixture
async def api(world: AccountWorld) -> AsyncIterator[Api]:
    await world.put_password("ann")
    backend = FakeBackend(app_view("shop", project="retail"), app_view("bank", project="money"))
    async with serving(backend, accounts=world, policy=ListedRights(*RETAIL)) as api:
        yield api


@pytest.fixture
async def stranger() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


class Client:
    """Somebody without a token of the operator's."""

    def __init__(self, api: Api, session: aiohttp.ClientSession) -> None:
        self._api, self._session = api, session

    async def ask(self, method: str, path: str, *, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(method, self._api.url + path, json=body, headers=names) as answer:
            return answer.status, await answer.json(), answer

    async def token(self) -> str:
        status, body, _ = await self.ask("POST", SESSION, body=CREDENTIALS)
        assert 200 == status
        return str(body["token"])


@pytest.fixture
def ann(api: Api, stranger: aiohttp.ClientSession) -> Client:
    return Client(api, stranger)


async def test_a_session_is_a_bearer(ann: Client) -> None:
    bearer = f"Bearer {await ann.token()}"
    status, body, _ = await ann.ask("GET", APPS, Authorization=bearer)

    assert (200, ["shop"]) == (status, [item["metadata"]["name"] for item in body["items"]])
    assert {"loggedIn": True, "username": "ann", "iss": "gitopsd"} == (
        await ann.ask("GET", USERINFO, Authorization=bearer)
    )[1]
    assert 404 == (await ann.ask("DELETE", f"{APPS}/bank", Authorization=bearer))[0]


async def test_cookie_is_for_this_host_over_tls_and_for_no_script(ann: Client) -> None:
    _, body, answer = await ann.ask("POST", SESSION, body=CREDENTIALS)

    assert f"{COOKIE}={body['token']}; HttpOnly; Path=/; SameSite=Strict; Secure" == answer.headers["Set-Cookie"]


async def test_case_43_wrong_password_and_unknown_name_get_one_answer(ann: Client, api: Api) -> None:
    answers = [
        (await ann.ask("POST", SESSION, body=body))[:2]
        for body in (
            {"username": "ann", "password": "wrong"},
            {"username": "nobody", "password": PASSWORD},
            {"username": "ann"},
            {},
        )
    ]

    assert {401} == {status for status, _ in answers}
    assert {"invalid username or password"} == {body["message"] for _, body in answers}
    assert {16} == {body["code"] for _, body in answers}
    assert ["none"] * 4 == api.refused


@pytest.mark.parametrize("body", [{"username": 1, "password": "x"}, {"username": ["ann"], "password": PASSWORD}])
async def test_login_that_is_no_login_is_the_clients_error(ann: Client, body: Any) -> None:
    status, answer, _ = await ann.ask("POST", SESSION, body=body)

    assert (400, 3) == (status, answer["code"])


async def test_case_40_too_many_failures_are_told_as_such(ann: Client) -> None:
    for _ in range(MOST_OF_ACCOUNT):
        await ann.ask("POST", SESSION, body={"username": "ann", "password": "wrong"})
    status, body, _ = await ann.ask("POST", SESSION, body=CREDENTIALS)

    assert (429, 8, "try again in 300 seconds") == (status, body["code"], body["remedy"])


async def test_case_41_logging_out_ends_the_session_and_the_cookie(ann: Client) -> None:
    token = await ann.token()
    status, _, answer = await ann.ask("DELETE", SESSION, Authorization=f"Bearer {token}")

    assert (200, True) == (status, f'{COOKIE}=""' in answer.headers["Set-Cookie"])
    assert (401, NOBODY) == (await ann.ask("GET", APPS, Authorization=f"Bearer {token}"))[:2]
    assert {"loggedIn": False} == (await ann.ask("GET", USERINFO, Authorization=f"Bearer {token}"))[1]


@pytest.mark.parametrize(
    "page",
    [{"Sec_Fetch_Site": "same-origin", "Origin": "null"}, {"Sec_Fetch_Site": "none"}, {"Origin": "OWN"}],
)
async def test_cookie_counts_for_a_page_of_ours(ann: Client, api: Api, page: dict[str, str]) -> None:
    own = {name: api.url if value == "OWN" else value for name, value in page.items()}
    cookie = f"{COOKIE}={await ann.token()}"

    assert 200 == (await ann.ask("GET", APPS, Cookie=cookie, **own))[0]
    assert 200 == (await ann.ask("DELETE", f"{APPS}/shop", Cookie=cookie, **own))[0]


@pytest.mark.parametrize(
    "page",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://other.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {},
    ],
)
async def test_case_34_cookie_counts_for_no_other_page(ann: Client, api: Api, page: dict[str, str]) -> None:
    cookie = f"{COOKIE}={await ann.token()}"
    for method, path, body in (("DELETE", f"{APPS}/shop", None), ("POST", f"{APPS}/shop/sync", {})):
        assert (401, NOBODY) == (await ann.ask(method, path, body=body, Cookie=cookie, **page))[:2]

    assert 2 == len(api.backend.apps)


async def test_case_34_a_form_writes_nothing_whatever_its_cookie(ann: Client, api: Api) -> None:
    headers = {"Cookie": f"{COOKIE}={await ann.token()}", "Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}
    async with (
        aiohttp.ClientSession() as form,
        form.post(f"{api.url}{APPS}/shop/sync", data=b"{}", headers=headers) as answer,
    ):
        assert 415 == answer.status


async def test_a_bearer_goes_before_a_cookie(ann: Client) -> None:
    cookie = f"{COOKIE}={await ann.token()}"

    assert 401 == (await ann.ask("GET", APPS, Cookie=cookie, Authorization="Bearer wrong"))[0]


async def test_case_42_a_stream_ends_when_its_session_is_logged_out(ann: Client, api: Api) -> None:
    token = await ann.token()
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.get(f"{api.url}/api/v1/stream/applications", headers=headers) as answer,
    ):
        await answer.content.readline()
        await ann.ask("DELETE", SESSION, **headers)
        while await answer.content.readline():
            pass


async def test_anonymous_requests_have_what_the_policy_gives_everybody(world: AccountWorld, ann: Client) -> None:
    world.rules = type(world.rules)(world.rules.accounts, anonymous=True)

    assert (200, []) == ((answer := await ann.ask("GET", APPS))[0], answer[1]["items"])
    assert 404 == (await ann.ask("DELETE", f"{APPS}/shop"))[0]
    assert {"loggedIn": False} == (await ann.ask("GET", USERINFO))[1]
    assert 401 == (await ann.ask("GET", APPS, Authorization="Bearer wrong"))[0]


async def test_accounts_are_shown_as_argo_cd_shows_them(ann: Client, world: AccountWorld) -> None:
    bearer = f"Bearer {await ann.token()}"
    made = await ann.ask(
        "POST", "/api/v1/account/ann/token", body={"id": "ci", "expiresIn": "60"}, Authorization=bearer
    )
    status, body, _ = await ann.ask("GET", "/api/v1/account", Authorization=bearer)
    now_s = int(world.now_s)

    assert 200 == status
    token = {"id": "ci", "issuedAt": now_s, "expiresAt": now_s + 60}
    expected = {"name": "ann", "enabled": True, "capabilities": ["apiKey", "login"], "tokens": [token]}
    assert {"items": [expected]} == body
    by_token = f"Bearer {made[1]['token']}"
    assert 200 == (await ann.ask("GET", APPS, Authorization=by_token))[0]
    assert 200 == (await ann.ask("DELETE", "/api/v1/account/ann/token/ci", Authorization=bearer))[0]
    assert 401 == (await ann.ask("GET", APPS, Authorization=by_token))[0]


async def test_password_is_changed_and_rights_are_told(ann: Client, world: AccountWorld) -> None:
    bearer = f"Bearer {await ann.token()}"
    answers = [
        (await ann.ask("GET", f"/api/v1/account/can-i/applications/get/{name}", Authorization=bearer))[1]
        for name in ("retail/shop", "money/bank", "*")
    ]
    assert [{"value": "yes"}, {"value": "no"}, {"value": "no"}] == answers
    assert 400 == (await ann.ask("GET", "/api/v1/account/can-i/nothing/get/x", Authorization=bearer))[0]
    body = {"name": "ann", "currentPassword": PASSWORD, "newPassword": "another password"}
    world.now_s += 1
    assert 200 == (await ann.ask("PUT", "/api/v1/account/password", body=body, Authorization=bearer))[0]
    assert 401 == (await ann.ask("GET", APPS, Authorization=bearer))[0]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/account"),
        ("GET", "/api/v1/account/ann"),
        ("PUT", "/api/v1/account/password"),
        ("GET", "/api/v1/account/can-i/applications/get/x"),
        ("POST", "/api/v1/account/ann/token"),
        ("DELETE", "/api/v1/account/ann/token/ci"),
        ("POST", "/api/v1/projects/retail/roles/ci/token"),
        ("DELETE", "/api/v1/projects/retail/roles/ci/token/1/ci"),
    ],
)
async def test_nobody_asks_of_accounts_without_a_token(ann: Client, method: str, path: str) -> None:
    assert (401, NOBODY) == (await ann.ask(method, path, body={} if method in ("PUT", "POST") else None))[:2]
