"""Single sign-on: a browser goes to the provider and comes back with whom it vouches for."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gitopsd.core.accounts.single_sign_on import ACCOUNT
from gitopsd.errors import BadRequest, NotAuthenticated, NotFound
from gitopsd.model.account import Identity, LoginProof
from gitopsd.model.caller import Caller, SignIn
from gitopsd.model.ids import AppName
from gitopsd.trust.session_tokens import PendingLogin, SessionClaims
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.sessions import AccountBase

CALLBACK = "/auth/callback"
PENDING_S = 600.0  # in which a browser has to be back
MOST_BYTES = 3500  # of a session as a cookie, which browsers keep up to 4,096 bytes with its name


class IdentityProvider(Protocol):
    async def authorization_url(self, proof: LoginProof, redirect_uri: str) -> str: ...
    async def redeem(self, code: str, proof: LoginProof, redirect_uri: str) -> Identity: ...
    async def logout_url(self, return_url: str) -> str: ...
    def known(self, token: str) -> Identity | None:
        """Return whom a token of the provider is about; None where it is none. Cheap enough for every request."""
        ...


@dataclass(frozen=True, slots=True)
class SsoUseCases:
    base: AccountBase
    provider: Callable[[], IdentityProvider | None]  # as it is configured now
    subjects: Callable[[Identity], tuple[str, ...]]  # by which the policy may speak of somebody
    backend: Backend

    async def begin(self, return_url: str) -> tuple[str, str]:
        """Return where the browser is to go, and what it has to bring back.

        Raises:
            NotFound: there is no single sign-on.
            BadRequest: `return_url` is not ours.
            ProviderUnreachable: it does not answer.
        """
        provider, place = self._provider(), self._place(return_url)
        proof, now_s = LoginProof(*(secrets.token_urlsafe(size) for size in (24, 24, 48))), self.base.now_s()
        pending = PendingLogin(proof.state, proof.nonce, proof.verifier, place, now_s + PENDING_S)
        return await provider.authorization_url(proof, self._redirect_uri()), self.base.tokens.sign_pending(pending)

    async def finish(self, code: str, state: str, brought: str, address: str) -> tuple[str, str]:
        """Return the token of a new session, and where the browser wanted to go.

        Raises:
            NotAuthenticated: it did not begin here, is too late, or the provider does not vouch for it.
            ProviderUnreachable: it does not answer.
        """
        provider, base = self._provider(), self.base
        pending = base.tokens.pending(brought)
        if pending is None or pending.expires_s <= base.now_s() or not state or state != pending.state:
            raise refused("it was not begun in this browser, or too long ago")
        if not code:
            raise refused("the provider does not vouch for it")
        identity = await provider.redeem(
            code, LoginProof(pending.state, pending.nonce, pending.verifier), self._redirect_uri()
        )
        now_s, rules = base.now_s(), base.rules()
        claims = SessionClaims(
            str(uuid.uuid4()),
            ACCOUNT + identity.user,
            now_s,
            now_s + rules.session_s,
            identity.issuer,
            self.subjects(identity),
        )
        token = base.tokens.sign(claims)
        if len(token) > MOST_BYTES:
            raise NotAuthenticated(
                f"single sign-on failed: {len(claims.groups)} groups are more than a browser can keep",
                remedy="have the provider send fewer, or name fewer claims in the policy's scopes",
            )
        caller = Caller(claims.subject, claims.groups, address, SignIn.SSO, claims.issuer)
        self.backend.record(done_by(caller, "login", AppName("")))
        return token, pending.return_url

    async def logout_url(self) -> str:
        """Return where the browser ends its session at the provider; "" where there is nothing to end."""
        provider = self.provider()
        return await provider.logout_url(self.base.rules().url + "/") if provider else ""

    def _provider(self) -> IdentityProvider:
        provider = self.provider()
        if provider is None:
            raise NotFound("there is no single sign-on here", remedy="log in with an account, or see docs/accounts.md")
        return provider

    def _redirect_uri(self) -> str:
        url = self.base.rules().url
        if not url:
            raise BadRequest("single sign-on needs to know its own address", remedy="write `url` beside oidc.config")
        return url + CALLBACK

    def _place(self, return_url: str) -> str:
        """Return a place of our own pages; nobody is sent on to anywhere else."""
        url = self.base.rules().url
        place = return_url.removeprefix(url) if url and return_url.startswith(url + "/") else return_url or "/"
        plain = place.isascii() and place.isprintable() and "\\" not in place
        if not place.startswith("/") or place.startswith("//") or not plain:
            raise BadRequest("return_url is no page of this server", remedy="begin it with a slash")
        return url + place


def refused(why: str) -> NotAuthenticated:
    """Return the error of a login that came to nothing."""
    return NotAuthenticated(f"single sign-on failed: {why}", remedy="try again, or ask whoever runs the provider")
