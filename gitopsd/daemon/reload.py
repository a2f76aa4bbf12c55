"""SIGHUP: read the settings again; a bad new file keeps the old ones and says so."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from gitopsd.errors import InvalidSettings
from gitopsd.runtime.systemd import Systemd
from gitopsd.settings import (
    AccountSettings,
    CustomizationSettings,
    GitSettings,
    RbacSettings,
    Secret,
    Settings,
    changed,
    load,
)
from gitopsd.telemetry.logs import set_up_logging

# What holds from the signal on; the rest from the next start.
GIT = (
    "allowed_signers",
    "ca_directory",
    "credentials",
    "fetch_deadline_s",
    "gpg_keys",
    "known_hosts",
    "low_speed_bytes",
    "low_speed_s",
    "max_repo_bytes",
    "poll_jitter",
    "poll_s",
)
LIVE = (
    "log",
    "accounts",
    "customizations",
    "rbac",
    "api.token",
    "api.webhook_secret",
    "api.webhooks",
    *(f"git.{name}" for name in GIT),
)

GITHUB = "github"  # its secret has a setting of its own

log = structlog.get_logger()


@dataclass(slots=True)
class Reloader:
    """Holds the settings that may change while the daemon runs."""

    config: Path
    settings: Settings
    systemd: Systemd
    reload: asyncio.Event
    on_git: Callable[[GitSettings], None] = lambda _: None
    on_accounts: Callable[[AccountSettings], None] = lambda _: None
    on_rbac: Callable[[RbacSettings], None] = lambda _: None
    on_customizations: Callable[[CustomizationSettings], None] = lambda _: None
    name: str = "reload"

    async def run(self) -> None:
        while True:
            await self.reload.wait()
            self.reload.clear()
            self.systemd.reloading()
            try:
                self._take(load(self.config, os.environ))
            except InvalidSettings as err:
                log.error("settings.kept", error=err.what, remedy=err.remedy)  # noqa: TRY400 - they say it all
            self.systemd.ready()

    def _take(self, new: Settings) -> None:
        changes = changed(self.settings, new, LIVE)
        self.settings = new
        set_up_logging(new.log)
        self.on_git(new.git)
        self.on_accounts(new.accounts)
        self.on_rbac(new.rbac)
        self.on_customizations(new.customizations)
        log.info("settings.read", taken=list(changes.live), from_the_next_start=list(changes.restart))

    def token(self) -> str:
        """Return the API's bearer token; "" where the settings name none, or it cannot be read now."""
        return _read(self.settings.api.token)

    def webhook_secret(self, provider: str) -> bytes:
        """Return the secret of the webhooks of `provider`; empty where the settings name none."""
        api = self.settings.api
        return _read(api.webhook_secret if provider == GITHUB else getattr(api.webhooks, provider)).encode()


def _read(secret: Secret | None) -> str:
    if secret is None:
        return ""
    try:
        return secret.read()
    except InvalidSettings as err:
        log.error("settings.secret_unreadable", error=err.what, remedy=err.remedy)  # noqa: TRY400 - they say it all
        return ""
