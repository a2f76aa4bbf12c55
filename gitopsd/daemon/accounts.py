"""Who may ask: the static token, and local accounts with their sessions and tokens."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from pathlib import Path

import structlog

from gitopsd.core.accounts.single_sign_on import subjects_of
from gitopsd.daemon.base import Base
from gitopsd.errors import InvalidSettings
from gitopsd.model.account import ADMIN, Capability, Identity, StoredPassword
from gitopsd.model.ids import ProjectName
from gitopsd.settings import AccountSettings, Settings, read_accounts
from gitopsd.trust.oidc import OidcProvider
from gitopsd.trust.passwords import PasswordHashes
from gitopsd.trust.session_tokens import SessionTokens
from gitopsd.usecases.authentication import StaticToken
from gitopsd.usecases.sessions import AccountBase, Sessions

LOOK_S = 2.0  # between two looks whether the first password was changed
INITIAL_PASSWORD = "initial-admin-password"  # noqa: S105 - a file in the data directory

log = structlog.get_logger()


class AccountSide:
    """Holds the accounts as they are configured now, and what lets them in."""

    name = "accounts"

    def __init__(self, base: Base, token: Callable[[], str]) -> None:
        """Read the accounts; `token` is the static one of the settings, "" where they name none.

        Raises:
            InvalidSettings: they cannot be read, or do not say what to do.
        """
        settings, self._store, self._now_s = base.settings, base.store.accounts, base.now_s
        self._data_dir = settings.data_dir
        self._projects = base.store
        self.rules = read_accounts(settings.accounts)
        own_token = _api_token(settings)
        key = own_secret(settings.data_dir / "session-key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
        self._passwords = PasswordHashes()
        accounts = AccountBase(
            lambda: self.rules,
            self._store,
            self._passwords,
            SessionTokens(key),
            base.now_s,
            salt=base64.b64decode(key),
            has_role=self._has_role,
        )
        self.scopes: tuple[str, ...] = ()  # claims whose values the policy knows somebody by
        self._provider = self._made_provider()
        self._moved = asyncio.Event()  # another provider is configured
        self.sessions = Sessions(accounts, StaticToken(lambda: token() or own_token), self._identity, self._subjects)

    def provider(self) -> OidcProvider | None:
        """Return the provider of single sign-on, as it is configured now."""
        return self._provider

    async def run(self) -> None:
        await self._make_first_password()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_after_first_password())
            group.create_task(self._keep_provider_fresh())

    async def _look_after_first_password(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._forget_first_password()

    async def _keep_provider_fresh(self) -> None:
        while True:
            self._moved.clear()
            keeping = self._provider.keep_fresh() if self._provider else self._moved.wait()
            async with asyncio.TaskGroup() as group:
                task = group.create_task(keeping)
                await self._moved.wait()
                task.cancel()

    def _made_provider(self) -> OidcProvider | None:
        return OidcProvider(self.rules.oidc, self._now_s) if self.rules.oidc else None

    def _identity(self, token: str) -> Identity | None:
        return self._provider.known(token) if self._provider else None

    def _subjects(self, identity: Identity) -> tuple[str, ...]:
        return subjects_of(identity, self.scopes, self.rules.accounts)

    def configure(self, accounts: AccountSettings) -> None:
        """Go by the accounts as they are configured now; what cannot be used leaves what was."""
        try:
            self.rules = read_accounts(accounts)
            if self.rules.oidc != (self._provider.rules if self._provider else None):
                self._provider = self._made_provider()
                self._moved.set()
        except InvalidSettings as err:  # the settings were looked at, and the file has changed since
            log.error("accounts.kept", error=err.what, remedy=err.remedy)  # noqa: TRY400 - they say it all

    def _has_role(self, project: str, role: str) -> bool:
        named = self._projects.project(ProjectName(project))
        return named is not None and any(each.name == role for each in named.roles)

    async def _make_first_password(self) -> None:
        """Give the account admin a password, once in the life of a store, and show it once."""
        admin = self.rules.accounts.get(ADMIN)
        if admin is None or not admin.may(Capability.LOGIN) or self._store.password(ADMIN) is not None:
            return
        now_s, password = self._now_s(), secrets.token_urlsafe(12)
        file = self._data_dir / INITIAL_PASSWORD
        file.unlink(missing_ok=True)
        own_secret(file, lambda: password)
        self._store.put_password(ADMIN, StoredPassword(await self._passwords.hash(password), now_s))
        log.warning(
            "accounts.first_password",
            account=ADMIN,
            shown_once=password,  # a field of the name "password" is masked
            file=str(file),
            remedy="change it with `gitopsd account update-password`, which removes the file",
        )

    def _forget_first_password(self) -> None:
        file, password = self._data_dir / INITIAL_PASSWORD, self._store.password(ADMIN)
        if file.exists() and password is not None and password.changed_s > file.stat().st_mtime:
            file.unlink()


def own_secret(file: Path, make: Callable[[], str]) -> str:
    """Return the text of a secret of the data directory, made there where it is not; nobody else can read it."""
    if not file.exists():
        new = file.with_suffix(".new")  # a start that is killed here must not leave an empty secret
        new.touch(mode=0o600)
        new.write_text(make())
        new.replace(file)
        log.info("secret.made", file=str(file))
    return file.read_text().strip()


def _api_token(settings: Settings) -> str:
    """Return the bearer token of the data directory, made there where the settings name none; else ""."""
    if settings.api.token is not None:
        return ""
    return own_secret(settings.data_dir / "api-token", lambda: secrets.token_urlsafe(32))
