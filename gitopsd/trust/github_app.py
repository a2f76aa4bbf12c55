"""Tokens of GitHub Apps: asked for with the App's key, kept for as long as they hold."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import InvalidSettings, RepositoryUnreachable
from gitopsd.ports import Clock
from gitopsd.settings import GitHubApp, RepoCredentials
from gitopsd.trust.fetch import FORBIDDEN, NOT_FOUND, OK, UNAUTHORIZED, FetchFailed, HttpRequest, HttpSession
from gitopsd.trust.http import session
from gitopsd.trust.reach import Reach

API = "https://api.github.com"
RENEW_S = 600.0  # before its end a token is asked for anew: a fetch that begins with it must end with it
SIGNED_S = 540.0  # an App's own signature holds; GitHub takes ten minutes at most
SKEW_S = 60.0  # our clock may be ahead of GitHub's
DEADLINE_S = 30.0  # of one question
MAX_BYTES = 1 << 20  # of one answer
CREATED = 201  # HTTP's own number

_Key = tuple[int, str, str]  # the App, the API, the repository's owner


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    ends_s: float  # Unix time


@dataclass(slots=True)
class GitHubTokens:
    """One token for each installation, given to all its repositories; a second asker waits for the first one's."""

    now_s: Clock
    _tokens: dict[_Key, _Token] = field(default_factory=dict)
    _asking: dict[_Key, asyncio.Lock] = field(default_factory=dict)
    _used: dict[str, _Key] = field(default_factory=dict)  # by URL

    async def token(self, url: str, app: GitHubApp, connection: RepoCredentials, reach: Reach) -> str:
        """Return a token for the repository `url`; `connection` says how the API is reached.

        Raises:
            RepositoryUnreachable: GitHub does not answer, does not know the App, or the App is not installed there.
            InvalidSettings: the App's private key cannot be read, or is none.
        """
        address = RepoAddress.parse(url)
        parts = address.parts if address else ()
        key = (app.id, app.api_url or API, str(app.installation_id or "/".join(parts[:1])))
        self._used[url] = key
        async with self._asking.setdefault(key, asyncio.Lock()):
            token = self._tokens.get(key)
            if token is None or token.ends_s - self.now_s() < RENEW_S:
                token = self._tokens[key] = await self._asked(app, "/".join(parts[:2]), connection, reach)
            return token.text

    def forget(self, url: str) -> None:
        """Have the next one for `url` asked for anew."""
        self._tokens.pop(self._used.get(url, (0, "", "")), None)

    async def _asked(self, app: GitHubApp, repository: str, connection: RepoCredentials, reach: Reach) -> _Token:
        api = (app.api_url or API).rstrip("/")
        signature = await asyncio.to_thread(signed, app, self.now_s())  # reading a key checks it: 50 ms
        async with session(connection, api, deadline_s=DEADLINE_S, reach=reach) as http:
            installation = app.installation_id
            if not installation:
                installed = await _ask(http, f"{api}/repos/{repository}/installation", signature)
                installation = installed.get("id", 0)
            granted = await _ask(http, f"{api}/app/installations/{installation}/access_tokens", signature, body=b"")
        try:
            return _Token(granted["token"], datetime.fromisoformat(granted["expires_at"]).timestamp())
        except (KeyError, TypeError, ValueError):
            raise _no_token(api, "its answer holds no token", "check github_app.api_url of git.credentials") from None


def signed(app: GitHubApp, now_s: float) -> str:
    """Return the JSON Web Token (RS256) by which `app` speaks for itself.

    Raises:
        InvalidSettings: its private key cannot be read, or is no RSA key.
    """
    try:
        key = load_pem_private_key(app.private_key.read().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidSettings(
            f"the private key of the GitHub App {app.id} is no RSA key in PEM",
            remedy="make a new one on the App's page, and put it into github_app.private_key",
        )
    issued_s = int(now_s - SKEW_S)
    claims = {"iss": str(app.id), "iat": issued_s, "exp": int(now_s + SIGNED_S)}
    text = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    return f"{text}.{_base64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


async def _ask(http: HttpSession, url: str, signature: str, *, body: bytes | None = None) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {signature}", "Accept": "application/vnd.github+json"}
    request = HttpRequest(url, MAX_BYTES, login=headers, body=body, redirects=0, good=frozenset({OK, CREATED}))
    try:
        answer = await http.fetch(request)
    except FetchFailed as err:
        raise _no_token(url, str(err), "check network, proxy and ca_file") from None
    if answer.status in (UNAUTHORIZED, FORBIDDEN):
        remedy = "check id and private_key of github_app, and the clock"
        raise _no_token(url, f"it answers {answer.status}", remedy)
    if answer.status == NOT_FOUND:
        raise _no_token(url, "the App is not installed there", "install it for the repository's owner, or check its id")
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise _no_token(url, f"it answers {answer.status}", "check github_app.api_url of git.credentials")
    return document


def _no_token(url: str, what: str, remedy: str) -> RepositoryUnreachable:
    return RepositoryUnreachable(f"{url} gives the GitHub App no token: {what}", remedy=remedy)


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(orjson.dumps(value))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
