"""How a registry is told who asks: by user and password, or by a token that it sends us to get.

Source: distribution, docs/spec/auth/token.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import orjson

from gitopsd.errors import RepositoryUnreachable
from gitopsd.settings import RepoCredentials
from gitopsd.trust.fetch import OK, FetchFailed, HttpRequest, HttpSession
from gitopsd.trust.http import basic, login

CHALLENGE = re.compile(r"(?P<kind>[A-Za-z]+)(?:\s+(?P<rest>.*))?", re.DOTALL)
PARAMETER = re.compile(r'(?<![a-zA-Z_])([a-zA-Z_]+)="([^"]*)"')
MAX_BYTES = 1 << 20


@dataclass(slots=True)
class Login:
    """The headers for one repository; what a challenge brought is kept for the requests that follow."""

    given: RepoCredentials | None
    host: str
    scope: str  # as in `repository:org/name:pull`
    plain: bool  # the registry speaks HTTP without TLS
    _headers: Mapping[str, str] = field(default_factory=dict)

    def headers(self) -> Mapping[str, str]:
        return self._headers

    async def answer(self, http: HttpSession, challenge: str) -> bool:
        """Take the registry's challenge (WWW-Authenticate); tell whether there is anything new to show it.

        Raises:
            RepositoryUnreachable: the token it sends us for is not given.
        """
        before = self._headers
        match = CHALLENGE.match(challenge)
        kind = match["kind"].lower() if match else ""
        if kind == "bearer" and match is not None and (self.given is None or self.given.bearer_token is None):
            token = await self._token(http, dict(PARAMETER.findall(match["rest"] or "")))
            self._headers = {"Authorization": f"Bearer {token}"}
        elif kind in ("basic", "bearer"):
            self._headers = login(self.given)
        return bool(self._headers) and self._headers != before

    async def _token(self, http: HttpSession, challenge: Mapping[str, str]) -> str:
        realm = challenge.get("realm", "")
        if not self._may_tell(realm):
            raise self._refused("it sends us for a token to a place without TLS")
        query = {"service": challenge.get("service", ""), "scope": self.scope}
        headers = {}
        if self.given is not None and self.given.password is not None:
            headers["Authorization"] = basic(self.given.username, self.given.password.read())
        parameters = urlencode({name: value for name, value in query.items() if value})
        url = f"{realm}{'&' if '?' in realm else '?'}{parameters}"
        try:
            answer = await http.fetch(HttpRequest(url, MAX_BYTES, login=headers, redirects=0))
        except FetchFailed as err:
            raise self._refused(f"the token's server does not answer: {err}") from None
        if answer.status != OK:
            raise self._refused(f"the token's server answers {answer.status}")
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            document = None
        match document:
            case {"token": str(token)} | {"access_token": str(token)} if token:
                return token
            case _:
                raise self._refused("the token's server gives none")

    def _may_tell(self, realm: str) -> bool:
        """Tell whether our password may go to `realm`: by TLS, or to the registry itself where that has none."""
        try:
            parts = urlsplit(realm)
        except ValueError:
            return False
        return parts.scheme == "https" or (self.plain and parts.scheme == "http" and parts.netloc == self.host)

    def _refused(self, what: str) -> RepositoryUnreachable:
        return RepositoryUnreachable(
            f"{self.host} does not let us in: {what}", remedy="check user name and password of git.credentials"
        )
