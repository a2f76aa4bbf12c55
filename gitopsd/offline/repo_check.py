"""Whether a repository opens to the credentials that the daemon would use, told without a daemon."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.daemon.cluster_secrets import secrets_in
from gitopsd.git.check import Answer, check_charts, check_git, check_registry, is_registry
from gitopsd.model.chart import CHARTS, ChartReference, chart_repository
from gitopsd.settings import RepoCredentials, Settings, load
from gitopsd.trust import secrets
from gitopsd.trust.credentials import CredentialStore
from gitopsd.words import without_credentials

DEADLINE_S = 60.0  # a person waits
WAYS = {
    "password": "user and password",
    "bearer_token": "bearer token",
    "github_app": "GitHub App",
    "ssh_key": "SSH key",
    "client_cert": "TLS client certificate",
}


@dataclass(frozen=True, slots=True)
class RepoReport:
    url: str
    credentials: str  # where they stand, and of which kind
    answer: Answer
    warnings: tuple[str, ...] = field(default=())  # about Secrets that were left out


def told(url: str, config: Path | None, revision: str, chart: str = "") -> RepoReport:
    """Ask `url`, for `chart` where it is of a chart repository or registry.

    `config` is the settings file, whose declaration directories may hold Secrets.

    Raises:
        InvalidSettings: the settings or the credentials cannot be used.
        GitopsError: as `check_git`, `check_registry` and `check_charts`.
    """
    settings = load(config, os.environ) if config else Settings()
    return asyncio.run(_told(url, settings, revision, chart))


async def _told(named: str, settings: Settings, revision: str, chart: str) -> RepoReport:
    url = chart_repository(named, chart) if chart else named
    trust, problems = await _trust(settings)
    credentials = trust.find(url)
    login = await trust.credentials(url)
    if url.startswith(CHARTS):
        reference = ChartReference(chart, revision)
        answer = await check_charts(named, login, settings.oci, settings.charts, reference)
    elif is_registry(url):
        answer = await check_registry(url, login, settings.oci, revision=revision)
    else:
        with tempfile.TemporaryDirectory(prefix="gitopsd-") as scratch:
            answer = await check_git(url, login, Path(scratch), revision=revision, deadline_s=DEADLINE_S)
    return RepoReport(without_credentials(url), _named(credentials, trust), answer, tuple(problems))


async def _trust(settings: Settings) -> tuple[CredentialStore, Sequence[str]]:
    """Return the credentials of the settings and of the Secrets beside declarations, and what is wrong with those."""
    trust, problems = CredentialStore(settings.git, time.time), list[str]()
    for directory, documents in (await secrets_in(settings)).items():
        read = secrets.read(documents)
        trust.declare(str(directory), read.declared)
        problems += [*read.errors, *read.warnings]
    return trust, problems


def _named(credentials: RepoCredentials | None, trust: CredentialStore) -> str:
    if credentials is None:
        return "none"
    where: Mapping[RepoCredentials, str] = {
        entry: f"git.credentials[{index}]" for index, entry in enumerate(trust.settings.credentials)
    }
    ways = [name for field, name in WAYS.items() if getattr(credentials, field)]
    holder = next((name for entry, name in where.items() if entry.url == credentials.url), "a Secret")
    return f"{' and '.join(ways) or 'no login'}, of {holder} for {without_credentials(credentials.url)}"
