"""Who may do what, as it is configured: in the settings, in a file of its own, or in both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gitopsd.core.rights.config_map import POLICY, RbacPolicy, rbac_policy
from gitopsd.core.rights.policy_table import PolicyTable
from gitopsd.errors import InvalidPolicy
from gitopsd.settings.document import NO_VALUE
from gitopsd.settings.objects import RbacSettings
from gitopsd.settings.problem import Problems

MAX_BYTES = 4 << 20  # of the file; a ConfigMap has at most 1 MiB


def read_rbac(rbac: RbacSettings) -> RbacPolicy:
    """Return the policy as it is configured now; what the settings say themselves goes over what the file says.

    Raises:
        InvalidPolicy: the file cannot be read, or a key means nothing.
    """
    return rbac_policy({**(read_policy_file(rbac.file) if rbac.file else {}), **rbac.data})


def policy_table(rbac: RbacPolicy) -> PolicyTable:
    """Return the policy, compiled. Raises InvalidPolicy for lines that cannot be used."""
    return PolicyTable.compile(rbac.texts, mode=rbac.mode, default_role=rbac.default_role)


def read_policy_file(path: Path) -> dict[str, str]:
    """Return the data of a ConfigMap manifest, or a file of CSV as if it were its `policy.csv`.

    Raises:
        InvalidPolicy: the file cannot be read, or is neither.
    """
    remedy = "name a file of CSV, or a ConfigMap manifest"
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as err:
        raise InvalidPolicy(f"{path} cannot be read: {err.strerror}", remedy=remedy) from err
    except UnicodeDecodeError as err:
        raise InvalidPolicy(f"{path} is not UTF-8 text", remedy=remedy) from err
    if len(content) > MAX_BYTES:
        raise InvalidPolicy(f"{path} is larger than {MAX_BYTES} bytes", remedy=remedy)
    return _config_map_data(text, path) or {POLICY: text}


def check_rbac(rbac: RbacSettings, problems: Problems) -> None:
    """Note what keeps the policy from being used."""
    try:
        policy_table(read_rbac(rbac))
    except InvalidPolicy as err:
        problems.at("rbac", f"cannot be used: {err.what}", err.remedy)


def _config_map_data(text: str, path: Path) -> dict[str, str] | None:
    """Return the data of a manifest; None where the text is no mapping, as CSV is none."""
    try:
        manifest: Any = yaml.safe_load(text)
    except NO_VALUE:
        return None
    if not isinstance(manifest, dict):
        return None
    data = manifest.get("data") or {}
    if manifest.get("kind") != "ConfigMap" or not isinstance(data, Mapping):
        raise InvalidPolicy(f"{path} is a mapping, and no ConfigMap", remedy="write kind: ConfigMap, and data")
    unfit = sorted(str(key) for key, value in data.items() if not isinstance(value, str))
    if unfit:
        raise InvalidPolicy(f"{path}: data.{unfit[0][:80]} is no string", remedy="put it in quotes")
    return {str(key): value for key, value in data.items()}
