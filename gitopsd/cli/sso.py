"""Single sign-on of a command line: by a browser on this machine, or by a code that is typed into one anywhere.

Source: RFC 8252 (native apps), RFC 7636 (PKCE), RFC 8628 (device flow), OpenID Connect Core 1.0 (refreshing).
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from gitopsd.cli.client import DaemonUnreachable
from gitopsd.errors import NotAuthenticated, NotSupported

DISCOVERY = "/.well-known/openid-configuration"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
OFFLINE = "offline_access"
MOST_BYTES = 1 << 20  # of an answer
ANSWER_S = 30.0
PATIENCE_S = 300.0  # of the browser
LEEWAY_S = 30.0  # before its end a token is refreshed
DONE = b"<!doctype html><title>gitopsd</title><p>You are logged in, and may close this page."
FAILED = b"<!doctype html><title>gitopsd</title><p>That did not work; see the terminal."


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What a provider gives to who has logged in."""

    id_token: str
    refresh_token: str = ""


@dataclass(frozen=True, slots=True)
class SignOnClient:
    """A client of a provider, without a secret."""

    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    facts: Mapping[str, Any]  # of the provider's discovery

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SignOnClient:
        """Return the client that a daemon's settings name.

        Raises:
            NotSupported: it has no single sign-on.
            DaemonUnreachable: the provider does not answer.
        """
        oidc = settings.get("oidcConfig")
        if not oidc:
            raise NotSupported("this daemon has no single sign-on", remedy="log in with --username")
        scopes = tuple(oidc.get("scopes") or ("openid",))
        return cls.at(oidc["issuer"], oidc.get("cliClientID") or oidc["clientID"], scopes)

    @classmethod
    def at(cls, issuer: str, client_id: str, scopes: tuple[str, ...] = ()) -> SignOnClient:
        """Return the client `client_id` of a provider. Raises DaemonUnreachable."""
        facts = _asked(issuer.rstrip("/") + DISCOVERY)
        if facts.get("issuer") != issuer:
            raise DaemonUnreachable(f"{issuer} calls itself {facts.get('issuer')!r}", remedy="mend oidc.config")
        if OFFLINE in (facts.get("scopes_supported") or ()) and scopes:
            scopes = tuple(dict.fromkeys((*scopes, OFFLINE)))
        return cls(issuer, client_id, scopes, facts)

    def by_browser(self, port: int, show: Callable[[str], None]) -> ProviderTokens:
        """Have a browser of this machine log in; `show` is given the URL to open.

        Raises:
            NotAuthenticated: nobody logged in within some minutes, or the provider refused.
            DaemonUnreachable: the port is taken, or the provider does not answer.
        """
        verifier, state, nonce = (secrets.token_urlsafe(size) for size in (48, 24, 24))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        redirect_uri = f"http://localhost:{port}/auth/callback"
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": redirect_uri, "nonce": nonce,
            "scope": " ".join(self.scopes), "state": state, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        if OFFLINE in self.scopes:
            query["prompt"] = "consent"  # without it a provider leaves the refresh token out
        came = _came_back(port, state, lambda: show(_with_query(str(self.facts["authorization_endpoint"]), query)))
        form = {
            "grant_type": "authorization_code", "code": came, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        tokens = self._tokens(form)
        if claims_of(tokens.id_token).get("nonce") != nonce:
            raise _refused("its token is for another login")
        return tokens

    def by_device(
        self, show: Callable[[str, str], None], sleep: Callable[[float], None] = time.sleep
    ) -> ProviderTokens:
        """Have a browser anywhere log in; `show` is given a URL and the code to type there. Errors as `by_browser`."""
        if not (endpoint := self.facts.get("device_authorization_endpoint")):
            raise NotSupported(f"{self.issuer} knows no device flow", remedy="log in without --device")
        asked = _asked(
            str(endpoint), {"client_id": self.client_id, "scope": " ".join(self.scopes), "prompt": "consent"}
        )
        if "device_code" not in asked:
            raise _refused(str(asked.get("error_description") or asked.get("error")))
        show(str(asked.get("verification_uri_complete") or asked["verification_uri"]), str(asked["user_code"]))
        interval_s, ends_s = float(asked.get("interval") or 5), time.monotonic() + float(asked.get("expires_in") or 300)
        form = {"grant_type": DEVICE_GRANT, "device_code": str(asked["device_code"]), "client_id": self.client_id}
        while time.monotonic() < ends_s:
            sleep(interval_s)
            answer = _asked(str(self.facts["token_endpoint"]), form)
            if answer.get("error") == "slow_down":
                interval_s += 5
            elif answer.get("error") != "authorization_pending":
                return _tokens_in(answer)
        raise _refused("nobody logged in in time")

    def refreshed(self, refresh_token: str) -> ProviderTokens:
        """Return new tokens. Raises NotAuthenticated where the provider gives none any more."""
        tokens = self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})
        return ProviderTokens(tokens.id_token, tokens.refresh_token or refresh_token)

    def _tokens(self, form: Mapping[str, str]) -> ProviderTokens:
        return _tokens_in(_asked(str(self.facts["token_endpoint"]), {**form, "client_id": self.client_id}))


def claims_of(token: str) -> Mapping[str, Any]:
    """Return what a token says, unproved: the daemon is who proves it. Nothing for what is no token."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def ends_soon(token: str) -> bool:
    """Tell whether a token is over, or will be while it is used."""
    ends_s = claims_of(token).get("exp")
    return isinstance(ends_s, int | float) and time.time() >= ends_s - LEEWAY_S


def _tokens_in(answer: Mapping[str, Any]) -> ProviderTokens:
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise _refused(str(answer.get("error_description") or answer.get("error") or "it gave no token"))
    return ProviderTokens(token, str(answer.get("refresh_token") or ""))


def _came_back(port: int, state: str, ready: Callable[[], None]) -> str:
    """Listen on loopback until a browser comes back with `state`, and return its code."""
    found: dict[str, str] = {}

    class Callback(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            ours = parts.path == "/auth/callback" and secrets.compare_digest(query.get("state", ""), state)
            if ours:
                found.update(query)
            self.send_response(200 if ours else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(DONE if ours and "code" in query else FAILED)

        def log_message(self, *_: object) -> None:
            """Say nothing: what a browser asks for is nobody's business."""

    try:
        server = http.server.HTTPServer(("127.0.0.1", port), Callback)
    except OSError as err:
        raise DaemonUnreachable(
            f"port {port} cannot be listened on: {err.strerror}", remedy="name --sso-port"
        ) from None
    with server:
        ready()
        ends_s = time.monotonic() + PATIENCE_S
        while not found and (rest_s := ends_s - time.monotonic()) > 0:
            server.timeout = rest_s
            server.handle_request()
    if "code" not in found:
        raise _refused(found.get("error_description") or found.get("error") or "nobody logged in in time")
    return found["code"]


def _asked(url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON at `url`, which a form is posted to; what an error says, too. Raises DaemonUnreachable."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise DaemonUnreachable(f"{url} has no TLS", remedy="ask whoever runs the provider for its https URL")
    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(url, data, {"Accept": "application/json"})  # noqa: S310 - looked at above
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - looked at above
            text = answer.read(MOST_BYTES)
    except urllib.error.HTTPError as err:
        text = err.read(MOST_BYTES)
    except (OSError, ValueError) as err:
        raise DaemonUnreachable(f"{url} does not answer: {err}", remedy="see that the provider runs") from None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DaemonUnreachable(f"{url} answers without JSON", remedy="see whether the issuer is right")
    return value


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _refused(why: str) -> NotAuthenticated:
    return NotAuthenticated(f"the provider lets nobody in: {why}", remedy="try again, or ask whoever runs it")
