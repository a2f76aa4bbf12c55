"""Logging in, and who holds a token: the static one, a session's, or one made for an account."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from gitopsd.core.accounts.single_sign_on import ACCOUNT
from gitopsd.core.accounts.throttle import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, account_key, address_key, one_more, wait_s
from gitopsd.errors import NotAuthenticated, Overloaded, StoreFailed
from gitopsd.model.account import AccountRules, ApiToken, Capability, Identity, LoginFailures, StoredPassword
from gitopsd.model.caller import Caller, SignIn
from gitopsd.trust.passwords import PasswordHashes
from gitopsd.trust.session_tokens import SessionClaims, SessionTokens
from gitopsd.usecases.authentication import StaticToken

LONGEST_LOGIN = 128  # characters of a name or a password that is looked at
USED_S = 60.0  # to which the last use of a token is kept
OF_ROLES = "proj:"  # how subjects of roles begin
SKEW_S = 30.0  # by which a token may be of the future, where the clock was set back


class AccountStore(Protocol):
    """What accounts leave behind; survives a restart, and no Redis has any part in it."""

    def password(self, account: str) -> StoredPassword | None: ...
    def put_password(self, account: str, password: StoredPassword) -> None: ...
    def token(self, token_id: str) -> ApiToken | None: ...
    def tokens(self, subject: str) -> Sequence[ApiToken]:
        """Return the tokens of an account or role, the newest first."""
        ...

    def put_token(self, token: ApiToken) -> None: ...
    def delete_token(self, token_id: str) -> None: ...
    def used_token(self, token_id: str, at_s: float) -> None: ...
    def revoke(self, session: str, until_s: float, now_s: float) -> None:
        """Have a session count no more; after `until_s` it has ended by itself."""
        ...

    def revoked(self, session: str) -> bool: ...
    def failures(self, key: str) -> LoginFailures | None: ...
    def put_failures(self, key: str, failures: LoginFailures) -> None: ...
    def clear_failures(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AccountBase:
    """What all that deals with accounts needs."""

    rules: Callable[[], AccountRules]  # as they are now
    store: AccountStore
    passwords: PasswordHashes
    tokens: SessionTokens
    now_s: Callable[[], float]
    salt: bytes  # of the keys under which failed logins are counted
    has_role: Callable[[str, str], bool] = lambda *_: False  # whether a project has a role


@dataclass(frozen=True, slots=True)
class Sessions:
    """Implements `Authenticator`, and lets people in by their passwords."""

    base: AccountBase
    static: StaticToken
    identity: Callable[[str], Identity | None] = lambda _: None  # of a token of the provider of single sign-on
    subjects: Callable[[Identity], tuple[str, ...]] = lambda identity: (identity.sub,)  # as the policy knows it

    def caller(self, token: str, address: str) -> Caller | None:
        if caller := self.static.caller(token, address):
            return caller
        if not token:  # a wrong token is never nobody's (CVE-2022-29165)
            return Caller("", address=address, sign_in=SignIn.ANONYMOUS) if self.base.rules().anonymous else None
        claims = self.base.tokens.claims(token)
        if claims is None:
            return self._vouched_for(token, address)
        return None if self._over(claims) else self._holder(claims, address)

    def _vouched_for(self, token: str, address: str) -> Caller | None:
        """Return the holder of a token that the provider itself has signed."""
        identity = self.identity(token)
        if identity is None or self.base.store.revoked(_digest(token)):
            return None
        return Caller(ACCOUNT + identity.user, self.subjects(identity), address, SignIn.SSO, identity.issuer)

    def _holder(self, claims: SessionClaims, address: str) -> Caller | None:
        if claims.issuer:
            oidc = self.base.rules().oidc
            holds = oidc is not None and oidc.issuer == claims.issuer and not self.base.store.revoked(claims.id)
            return Caller(claims.subject, claims.groups, address, SignIn.SSO, claims.issuer) if holds else None
        account, _, capability = claims.subject.rpartition(":")
        if claims.subject.startswith(OF_ROLES):
            holds, account, sign_in = self._role_token_holds(claims), claims.subject, SignIn.API_TOKEN
        elif capability == Capability.LOGIN.value:
            holds, sign_in = self._session_holds(account, claims), SignIn.SESSION
        else:
            holds = capability == Capability.API_KEY.value and self._token_holds(account, claims)
            sign_in = SignIn.API_TOKEN
        return Caller(account, address=address, sign_in=sign_in) if holds else None

    async def login(self, username: str, password: str, address: str) -> str:
        """Return the token of a new session.

        Raises:
            NotAuthenticated: whatever is wrong, in the same words and after the same time.
            Overloaded: too many logins of this account or from this address failed lately.
        """
        await self.check_password(username, password, address)
        now_s = self.base.now_s()
        claims = SessionClaims(
            str(uuid.uuid4()), f"{username}:{Capability.LOGIN.value}", now_s, now_s + self.base.rules().session_s
        )
        return self.base.tokens.sign(claims)

    async def check_password(self, username: str, password: str, address: str) -> None:
        """Return where `password` is that of an account that may log in. Raises as `login`; failures are counted."""
        base = self.base
        account = base.rules().accounts.get(username)
        keys = {
            account_key(username, known=account is not None, salt=base.salt): MOST_OF_ACCOUNT,
            address_key(address, base.salt): MOST_OF_ADDRESS,
        }
        self._not_too_many(keys)
        for key in keys:  # first, so that many at once are counted too
            base.store.put_failures(key, one_more(base.store.failures(key), base.now_s()))
        stored = base.store.password(username) if account and account.may(Capability.LOGIN) else None
        short = len(username) <= LONGEST_LOGIN and len(password) <= LONGEST_LOGIN
        fits = await base.passwords.fits(password[:LONGEST_LOGIN], stored.hash if stored and short else None)
        if not fits:
            raise NotAuthenticated("invalid username or password", remedy="log in with another one")
        self._succeeded(*keys)

    def logout(self, token: str) -> None:
        """End the session of `token` for good; what is no session stays as it is."""
        claims, now_s = self.base.tokens.claims(token), self.base.now_s()
        if claims is None:
            if identity := self.identity(token):
                self.base.store.revoke(_digest(token), identity.expires_s + SKEW_S, now_s)
        elif claims.expires_s is not None and (claims.issuer or claims.subject.endswith(":login")):
            self.base.store.revoke(claims.id, claims.expires_s, now_s)

    def _not_too_many(self, keys: dict[str, int]) -> None:
        now_s = self.base.now_s()
        rest_s = max(wait_s(self.base.store.failures(key), most, now_s) for key, most in keys.items())
        if rest_s:
            raise Overloaded("too many logins failed", remedy=f"try again in {rest_s:.0f} seconds")

    def _succeeded(self, account: str, address: str) -> None:
        """Forget the failures of the account; those of the address stay, or one account would open all others."""
        store = self.base.store
        store.clear_failures(account)
        failures = store.failures(address)
        if failures is not None and failures.count > 1:
            store.put_failures(address, replace(failures, count=failures.count - 1))
        else:
            store.clear_failures(address)

    def _over(self, claims: SessionClaims) -> bool:
        now_s = self.base.now_s()
        return claims.issued_s > now_s + SKEW_S or (claims.expires_s is not None and now_s >= claims.expires_s)

    def _session_holds(self, name: str, claims: SessionClaims) -> bool:
        account, password = self.base.rules().accounts.get(name), self.base.store.password(name)
        return (
            account is not None
            and account.may(Capability.LOGIN)
            and claims.expires_s is not None
            and password is not None
            and password.changed_s <= claims.issued_s
            and not self.base.store.revoked(claims.id)
        )

    def _role_token_holds(self, claims: SessionClaims) -> bool:
        _, project, role = [*claims.subject.split(":"), "", ""][:3]
        return self.base.has_role(project, role) and self._is_kept(claims.subject, claims.id)

    def _token_holds(self, name: str, claims: SessionClaims) -> bool:
        account = self.base.rules().accounts.get(name)
        return account is not None and account.may(Capability.API_KEY) and self._is_kept(name, claims.id)

    def _is_kept(self, subject: str, token_id: str) -> bool:
        """Tell whether a token is in the store, and write down that it is used."""
        token, now_s = self.base.store.token(token_id), self.base.now_s()
        if token is None or token.subject != subject or token.expired(now_s):
            return False
        if token.used_s is None or now_s - token.used_s >= USED_S:
            with suppress(StoreFailed):  # a full disk must not shut people out
                self.base.store.used_token(token.id, now_s)
        return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
