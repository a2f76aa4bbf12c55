"""Accounts: who there is, what one may do, passwords, tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gitopsd.core.rights.resources import PolicyResource, request_fault
from gitopsd.errors import BadRequest, NotFound, NotPermitted
from gitopsd.model.account import Account, AccountRules, ApiToken, Capability, StoredPassword
from gitopsd.model.caller import Caller, SignIn
from gitopsd.model.ids import AppName
from gitopsd.usecases.api_tokens import delete_token, new_token
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.sessions import LONGEST_LOGIN, AccountBase, Sessions


@dataclass(frozen=True, slots=True)
class AccountView:
    account: Account
    tokens: Sequence[ApiToken]


@dataclass(frozen=True, slots=True)
class AccountUseCases:
    base: AccountBase
    sessions: Sessions
    rights: Rights
    backend: Backend

    async def login(self, username: str, password: str, address: str) -> str:
        """Return the token of a new session. Raises as `Sessions.login`."""
        token = await self.sessions.login(username, password, address)
        self._record(Caller(username, address=address, sign_in=SignIn.SESSION), "login")
        return token

    def logout(self, caller: Caller, token: str) -> None:
        """End the session of `token` for good; an API token stays."""
        if caller.sign_in in (SignIn.SESSION, SignIn.SSO):
            self.sessions.logout(token)
            self._record(caller, "logout")

    def rules(self) -> AccountRules:
        """Return what holds for accounts; what of it may be told to whom is for whoever asks."""
        return self.base.rules()

    def can_i(self, caller: Caller, resource: str, action: str, name: str) -> bool:
        """Tell whether the caller may do `action` to `name`. Raises BadRequest where there is no such right."""
        if fault := request_fault(resource, action):
            raise BadRequest(f"nobody can be asked for this right: {fault}", remedy="see docs/accounts.md")
        return self.rights.allows(caller, PolicyResource(resource), action, name)

    def list(self, caller: Caller) -> Sequence[AccountView]:
        """Return the accounts that the caller may get, its own among them, sorted by name."""
        permitted = self.rights.permitted(caller, PolicyResource.ACCOUNTS, "get")
        accounts = self.base.rules().accounts
        return [self._view(accounts[name]) for name in sorted(accounts) if _own(caller, name) or permitted(name)]

    def get(self, caller: Caller, name: str) -> AccountView:
        """Return one account. Raises NotPermitted before it looks whether there is one, then NotFound."""
        if not _own(caller, name):
            self.rights.require(caller, PolicyResource.ACCOUNTS, "get", name)
        return self._view(self._account(name))

    async def update_password(self, caller: Caller, name: str, current: str, new: str) -> None:
        """Set the password of `name`, or of the caller itself where that is ""; its sessions have ended.

        `current` is the caller's own password; the holder of the static token needs none.

        Raises:
            NotPermitted, NotFound: of the caller, who has to have logged in by password.
            NotAuthenticated, Overloaded: `current` is wrong, as at a login.
            BadRequest: `new` is not as the rules have it.
        """
        name = name or caller.account
        if not _own(caller, name):
            self.rights.require(caller, PolicyResource.ACCOUNTS, "update", name)
        if caller.sign_in is not SignIn.BREAK_GLASS:
            if caller.sign_in is not SignIn.SESSION:
                raise NotPermitted("passwords are not changed by tokens", remedy="log in with a password")
            await self.sessions.check_password(caller.account, current, caller.address)
        if not self._account(name).may(Capability.LOGIN):
            raise BadRequest(f"account {name} may not log in", remedy=f"give accounts.{name} the capability login")
        pattern = self.base.rules().password_pattern
        if len(new) > LONGEST_LOGIN or not re.search(pattern, new):
            remedy = f"write one that fits {pattern}, of at most {LONGEST_LOGIN} characters"
            raise BadRequest("the new password is not as the rules have it", remedy=remedy)
        hashed = await self.base.passwords.hash(new)
        self.base.store.put_password(name, StoredPassword(hashed, self.base.now_s()))
        self._record(caller, "update-password", name)

    def create_token(self, caller: Caller, name: str, token_id: str, expires_in_s: float) -> str:
        """Return a new token of the account; it never expires where `expires_in_s` is 0.

        Raises:
            NotPermitted, NotFound: of the caller; a token makes no others of its account without a right to.
            BadRequest, Conflict: the account may have none, has too many, or has one of that id.
        """
        self._require_update(caller, name)
        if not self._account(name).may(Capability.API_KEY):
            remedy = f"give accounts.{name} the capability apiKey"
            raise BadRequest(f"account {name} does not have the capability apiKey", remedy=remedy)
        made_id, token = new_token(self.base, name, f"{name}:{Capability.API_KEY.value}", token_id, expires_in_s)
        self._record(caller, "create-token", f"{name} {made_id}")
        return token

    def delete_token(self, caller: Caller, name: str, token_id: str) -> None:
        """Have a token of the account count no more. Raises NotPermitted, NotFound."""
        self._require_update(caller, name)
        delete_token(self.base, name, token_id)
        self._record(caller, "delete-token", f"{name} {token_id}")

    def _require_update(self, caller: Caller, name: str) -> None:
        if not (_own(caller, name) and caller.sign_in is SignIn.SESSION):
            self.rights.require(caller, PolicyResource.ACCOUNTS, "update", name)

    def _account(self, name: str) -> Account:
        account = self.base.rules().accounts.get(name)
        if account is None:
            raise NotFound(f"there is no account {name}", remedy="see `gitopsd account list`")
        return account

    def _view(self, account: Account) -> AccountView:
        return AccountView(account, self.base.store.tokens(account.name))

    def _record(self, caller: Caller, verb: str, detail: str = "") -> None:
        self.backend.record(done_by(caller, verb, AppName(""), detail))


def _own(caller: Caller, name: str) -> bool:
    """Tell whether `name` is the local account that asks."""
    return caller.account == name and caller.sign_in in (SignIn.SESSION, SignIn.API_TOKEN)
