"""The settings file of the demo's daemon, and the secrets beside it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 5.0  # of the daemon; the demo waits a little longer before it kills


@dataclass(frozen=True, slots=True)
class Secrets:
    token: str
    webhook: str


def write_secrets(directory: Path) -> Secrets:
    """Write a new bearer token and a new webhook secret, readable by this user alone, and return them."""
    tokens = Secrets(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    for name, value in (("token", tokens.token), ("webhook-secret", tokens.webhook)):
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(value)
    return tokens


def write_settings(directory: Path, *, clusters: Mapping[str, Path], repo_url: str, port: int) -> Path:
    """Write `gitopsd.yaml`: clusters by name and kubeconfig, declarations from the fleet, the API at `port`."""
    file = directory / "gitopsd.yaml"
    entries = "".join(f"  - name: {name}\n    kubeconfig: {kubeconfig}\n" for name, kubeconfig in clusters.items())
    file.write_text(_SETTINGS.format(clusters=entries, repo_url=repo_url, port=port, probes=port + 1, grace_s=GRACE_S))
    return file


_SETTINGS = """\
# Settings of one demo; relative paths begin here.
data_dir: data
run_dir: run
grace_s: {grace_s}
clusters:
{clusters}
declarations:
  - repo_url: {repo_url}
    path: apps
    prune: true
redis:
  url: embedded
sync:
  heal_wait_s: 1  # the default of 5 s spares a cluster that fights back; nobody fights here
api:
  host: 127.0.0.1
  port: {port}
  probe_host: 127.0.0.1
  probe_port: {probes}
  token:
    file: token
  webhook_secret:
    file: webhook-secret
log:
  format: console
"""
