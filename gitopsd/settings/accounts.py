"""Which accounts there are, as it is configured: in the settings, in Argo CD's ConfigMap argocd-cm, or in both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from gitopsd.core.accounts.rules import account_rules, is_account_key
from gitopsd.errors import InvalidSettings
from gitopsd.model.account import AccountRules
from gitopsd.settings.document import NO_VALUE
from gitopsd.settings.objects import AccountSettings
from gitopsd.settings.problem import Problems

MAX_BYTES = 1 << 20  # Kubernetes takes no larger ConfigMap


def read_accounts(accounts: AccountSettings) -> AccountRules:
    """Return the accounts as they are configured now; what the settings say themselves goes over what the file says.

    Raises:
        InvalidSettings: the file cannot be read, or a key does not say what to do.
    """
    return account_rules({**(read_config_map(accounts.file) if accounts.file else {}), **accounts.data})


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
