"""Single sign-on of a real daemon by a real provider, as a browser and as a command line go through it."""

from __future__ import annotations

import base64
import json
from functools import partial

import pytest

from tests.e2e.daemon import until
from tests.sso.conftest import USERINFO, Browser, Sso, cli_token, encoded, query_of, user_of

CAN_I = "/api/v1/account/can-i"


async def allowed(sso: Sso, token: str, *right: str) -> str:
    return str((await sso.get("/".join((CAN_I, *right)), token))[1].get("value"))


async def test_whom_the_provider_vouches_for_is_let_in_with_the_rights_of_its_groups(
    sso: Sso, browser: Browser
) -> None:
    _, settings = await sso.get("/api/v1/settings")
    status, place, _ = await browser.go(f"{sso.url}/auth/login?return_url=/applications")
    token = browser.token(sso)
    _, who = await sso.get(USERINFO, token)

    told = settings["oidcConfig"]
    assert ("Corp", "web", "cli") == (told["name"], told["clientID"], told["cliClientID"])
    assert "clientSecret" not in json.dumps(settings)
    assert (200, f"{sso.url}/applications") == (status, place)
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= {
        flag.strip() for flag in browser.flags["__Host-gitopsd"].split(";")
    }
    assert ("sso:ann@corp.example", sso.provider.issuer) == (who["username"], who["iss"])
    assert ["ann", "payments", "ann@corp.example", "on-call"] == who["groups"]
    assert "yes" == await allowed(sso, token, "applications", "get", "retail/shop")
    assert "yes" == await allowed(sso, token, "projects", "get", "retail")
    assert "yes" == await allowed(sso, token, "accounts", "update", "admin")  # by the e-mail address, in the policy


async def test_the_code_is_asked_for_with_a_challenge_and_its_answer_is_bound_to_the_browser(
    sso: Sso, browser: Browser
) -> None:
    await browser.go(f"{sso.url}/auth/login")
    asked = next(query_of(place) for place in browser.seen if place.startswith(sso.provider.issuer + "/auth?"))
    flags = browser.flags["__Host-gitopsd-login"]

    assert ("S256", "code", "web") == (asked["code_challenge_method"], asked["response_type"], asked["client_id"])
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert "SameSite=Lax" in flags
    assert "__Host-gitopsd-login" not in browser.cookies[sso.url.rpartition(":")[2]]


async def test_a_callback_of_somebody_elses_login_lets_nobody_in(sso: Sso, browser: Browser) -> None:
    """Login forgery: a victim's browser is sent the attacker's code and state."""
    callback = f"{sso.url}/auth/callback"
    attacker = Browser(sso.http, "mal")
    _, link, _ = await attacker.go(f"{sso.url}/auth/login", until=callback)
    await browser.go(f"{sso.url}/auth/login", until=sso.provider.issuer)
    _, forged, _ = await browser.go(link)
    first = browser.token(sso)
    _, own, _ = await attacker.go(link)
    _, again, _ = await attacker.go(link)

    assert (f"{sso.url}/?sso=refused", "") == (forged, first)
    assert f"{sso.url}/" == own
    assert f"{sso.url}/?sso=refused" == again


@pytest.mark.parametrize("query", ["", "?code=x&state=y", "?error=access_denied&error_description=%3Cb%3E"])
async def test_a_callback_out_of_nowhere_is_refused(sso: Sso, browser: Browser, query: str) -> None:
    _, place, text = await browser.go(f"{sso.url}/auth/callback{query}")

    assert f"{sso.url}/?sso=refused" == place
    assert "<b>" not in text
    assert not browser.token(sso)


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\tb", "evil"]
)
async def test_nobody_is_sent_on_to_somewhere_else(sso: Sso, place: str) -> None:
    async with sso.http.get(f"{sso.url}/auth/login", params={"return_url": place}, allow_redirects=False) as answer:
        assert 400 == answer.status
        assert "Location" not in answer.headers


async def test_names_of_ours_that_somebody_has_at_the_provider_are_nobody(sso: Sso) -> None:
    browser = Browser(sso.http, "admin")
    await browser.go(f"{sso.url}/auth/login")
    token = browser.token(sso)
    _, who = await sso.get(USERINFO, token)
    _, own = await sso.get("/api/v1/account/admin", token)

    assert "sso:root" == who["username"]
    assert "groups" not in who
    assert "no" == await allowed(sso, token, "applications", "get", "retail/shop")
    assert 7 == own["code"]


async def test_an_address_that_the_provider_calls_unverified_is_nobodys(sso: Sso) -> None:
    browser = Browser(sso.http, "mal")
    await browser.go(f"{sso.url}/auth/login")
    _, who = await sso.get(USERINFO, browser.token(sso))

    assert ("sso:mal", ["mal"]) == (who["username"], who["groups"])


async def test_more_groups_than_a_browser_keeps_are_an_error_that_says_so(sso: Sso) -> None:
    browser = Browser(sso.http, "many")
    _, place, _ = await browser.go(f"{sso.url}/auth/login")

    assert f"{sso.url}/?sso=refused" == place
    assert not browser.token(sso)


async def test_logging_out_ends_the_session_here_and_at_the_provider(sso: Sso, browser: Browser) -> None:
    await browser.go(f"{sso.url}/auth/login")
    token = browser.token(sso)
    _, log = await sso.get("/api/v1/audit", token)
    async with sso.http.get(
        f"{sso.url}/auth/logout", allow_redirects=False
    ) as elsewhere:  # as from another site's page
        assert "__Host-gitopsd=" not in str(elsewhere.headers.getall("Set-Cookie", []))
    _, place, _ = await browser.go(f"{sso.url}/auth/logout")
    status, _ = await sso.get("/api/v1/applications", token)
    browser.seen.clear()
    await browser.go(f"{sso.url}/auth/login")

    assert any(seen.startswith(sso.provider.issuer + "/session/end") for seen in browser.seen) or place
    assert f"{sso.url}/" == place
    assert 401 == status
    [entry] = log["items"]
    assert ("login", "sso:ann@corp.example", "127.0.0.1", "single sign-on") == (
        entry["verb"], entry["username"], entry["address"], entry["signIn"],
    )  # fmt: skip
    assert any("/interaction/" in seen for seen in browser.seen)  # it has to say anew who it is


async def test_tokens_of_the_provider_are_taken_where_they_are_for_us(sso: Sso) -> None:
    token = await cli_token(sso, "ann")
    who = await until("the provider's keys are read", partial(user_of, sso, token))
    header, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    bad = [
        f"{header}.{encoded({**claims, 'sub': 'admin'})}.{signature}",
        f"{encoded({'alg': 'none'})}.{body}.",
        f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{body}.{signature}",
        f"{header}.{body}.",
        f"{header}.{body}.{signature}.x",
    ]

    assert "sso:ann@corp.example" == who
    assert {401} == {(await sso.get("/api/v1/applications", one))[0] for one in bad}


async def test_a_token_for_another_client_of_the_provider_is_none(sso: Sso) -> None:
    browser = Browser(sso.http, "ann")
    url = (
        f"{sso.provider.issuer}/auth?client_id=other&response_type=code&scope=openid&redirect_uri=http://127.0.0.1:1/x"
    )
    challenge = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    _, back, _ = await browser.go(url + challenge, until="http://127.0.0.1:1/x")
    form = {
        "grant_type": "authorization_code", "code": query_of(back)["code"], "client_id": "other", "client_secret": "s",
        "redirect_uri": "http://127.0.0.1:1/x", "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }  # fmt: skip
    async with sso.http.post(f"{sso.provider.issuer}/token", data=form) as answer:
        token = (await answer.json())["id_token"]

    assert 401 == (await sso.get("/api/v1/applications", token))[0]


async def test_a_provider_that_is_away_costs_only_its_own_logins_and_new_keys_are_found(
    sso: Sso, browser: Browser
) -> None:
    old = await cli_token(sso, "ann")
    await until("the provider's keys are read", partial(user_of, sso, old))
    sso.process.kill()
    during = (await sso.get("/api/v1/applications", old))[0]
    local = await sso.http.post(f"{sso.url}/api/v1/session", json={"username": "x", "password": "y"})
    await sso.restart_provider()
    await browser.go(f"{sso.url}/auth/login")
    back = browser.token(sso)

    assert 200 == during
    assert "invalid username or password" in await local.text()
    assert 200 == (await sso.get("/api/v1/applications", back))[0]
