"""Which accounts there are, as it is configured: in the settings, in Argo CD's ConfigMap argocd-cm, or in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from gitopsd.core.accounts.rules import account_rules, is_account_key
from gitopsd.core.accounts.single_sign_on import KEY as OIDC
from gitopsd.core.accounts.single_sign_on import oidc_rules
from gitopsd.errors import InvalidSettings
from gitopsd.model.account import AccountRules, OidcRules
from gitopsd.settings.document import NO_VALUE
from gitopsd.settings.objects import AccountSettings
from gitopsd.settings.problem import Problems

MAX_BYTES = 1 << 20  # Kubernetes takes no larger ConfigMap


def read_accounts(accounts: AccountSettings) -> AccountRules:
    """Return the accounts as they are configured now; what the settings say themselves goes over what the file says.

    Raises:
        InvalidSettings: the file cannot be read, or a key does not say what to do.
    """
    data = {**(read_config_map(accounts.file) if accounts.file else {}), **accounts.data}
    rules = account_rules(data)
    return replace(rules, oidc=_oidc(data[OIDC], accounts.secrets)) if data.get(OIDC, "").strip() else rules


def _oidc(text: str, secrets: Path | None) -> OidcRules:
    """Return the provider that the YAML of `oidc.config` names, with the secret of its client."""
    try:
        rules = oidc_rules(yaml.safe_load(text))
    except NO_VALUE:
        raise InvalidSettings(f"{OIDC} is not YAML", remedy="write it as Argo CD has it") from None
    if not rules.client_secret.startswith("$"):
        return rules
    name = rules.client_secret[1:].rpartition(":")[2]
    if secrets is None or "/" in name:
        raise InvalidSettings(
            f"{OIDC}: the client's secret is the key {name} of a Secret",
            remedy="name in accounts.secrets the directory where that Secret is mounted",
        )
    try:
        return replace(rules, client_secret=_text(secrets / name).strip())
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidSettings(f"{secrets / name} cannot be read: {err}", remedy="mount the Secret there") from None


def check_accounts(accounts: AccountSettings, problems: Problems) -> None:
    """Note what keeps the accounts from being used."""
    for key in accounts.data:
        if not is_account_key(key):
            problems.at("accounts", f"has {key[:80]!r}, which is no setting", "see docs/accounts.md for what there is")
    try:
        read_accounts(accounts)
    except InvalidSettings as err:
        problems.at("accounts", f"cannot be used: {err.what}", err.remedy)


def read_config_map(path: Path) -> Mapping[str, str]:
    """Return the data of a ConfigMap: of its manifest, or of the directory where a pod mounts it.

    Raises:
        InvalidSettings: it cannot be read, or is no ConfigMap.
    """
    try:
        if path.is_dir():
            # What begins with two dots is the kubelet's.
            files = [file for file in path.iterdir() if not file.name.startswith("..") and file.is_file()]
            return {file.name: _text(file) for file in sorted(files)}
        text = _text(path)
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is not UTF-8 text"
        raise _unusable(path, f"cannot be read: {reason}") from None
    try:
        manifest = yaml.safe_load(text)
    except NO_VALUE:
        raise _unusable(path, "is not YAML") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != "ConfigMap":
        raise _unusable(path, "is no ConfigMap")
    data = {} if manifest.get("data") is None else manifest["data"]
    if not isinstance(data, dict) or not all(isinstance(item, str) for pair in data.items() for item in pair):
        raise _unusable(path, "has data that is not texts: put values such as true in quotes")
    return data


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _unusable(file, f"is larger than {MAX_BYTES} bytes")
    return content.decode()


def _unusable(path: Path, what: str) -> InvalidSettings:
    return InvalidSettings(f"{path} {what}", remedy="name Argo CD's ConfigMap, or the directory where it is mounted")
