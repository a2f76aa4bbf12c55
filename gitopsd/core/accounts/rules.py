"""Accounts out of Argo CD's ConfigMap argocd-cm.

Source: Argo CD, docs/operator-manual/user-management/index.md and util/settings/accounts.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gitopsd.core.accounts.single_sign_on import KEY as OIDC
from gitopsd.core.text.duration import go_duration_s
from gitopsd.errors import InvalidSettings
from gitopsd.model.account import ADMIN, Account, AccountRules, Capability

KEY = re.compile(r"accounts\.(?P<name>[^.]+)(?:\.(?P<field>enabled))?")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@-]{0,31}")  # Argo CD takes logins of at most 32 characters
OTHERS = frozenset(
    {"admin.enabled", "passwordPattern", "users.anonymous.enabled", "users.session.duration", "url", OIDC}
)
TRUE, FALSE = ("true", "1", "t"), ("false", "0", "f")


def is_account_key(key: str) -> bool:
    """Tell whether `account_rules` reads `key`."""
    return key in OTHERS or KEY.fullmatch(key) is not None


def account_rules(data: Mapping[str, str]) -> AccountRules:
    """Return the accounts of a ConfigMap's `data`; keys of something else are left alone.

    `admin` is there unless `admin.enabled` is false, with the capability `login`.

    Raises:
        InvalidSettings: names the key that does not say what to do.
    """
    capabilities = {ADMIN: frozenset({Capability.LOGIN})}
    enabled = {ADMIN: _flag(data, "admin.enabled", default=True)}
    for key, text in data.items():
        if (match := KEY.fullmatch(key)) is None:
            continue
        name = match["name"]
        if not NAME.fullmatch(name):
            raise InvalidSettings(
                f"{key}: {name!r} cannot be an account", remedy="write 1 to 32 letters, digits, '-', '_' and '@'"
            )
        if match["field"]:
            enabled[name] = _flag(data, key, default=True) and enabled.get(name, True)
        else:
            capabilities[name] = frozenset(_capability(key, word.strip()) for word in text.split(",") if word.strip())
    accounts = {name: Account(name, enabled.get(name, True), capabilities[name]) for name in sorted(capabilities)}
    defaults = AccountRules()
    return AccountRules(
        accounts,
        _session_s(data, defaults.session_s),
        _pattern(data, defaults.password_pattern),
        _flag(data, "users.anonymous.enabled", default=False),
        url=data.get("url", "").strip().rstrip("/"),
    )


def _capability(key: str, word: str) -> Capability:
    try:
        return Capability(word)
    except ValueError:
        words = ", ".join(capability.value for capability in Capability)
        raise InvalidSettings(f"{key}: {word!r} is no capability", remedy=f"write some of {words}") from None


def _flag(data: Mapping[str, str], key: str, *, default: bool) -> bool:
    text = data.get(key, "").strip().lower()
    if text and text not in TRUE + FALSE:
        raise InvalidSettings(f"{key}: {text!r} is neither true nor false", remedy='write "true" or "false"')
    return text in TRUE if text else default


def _session_s(data: Mapping[str, str], default_s: float) -> float:
    text = data.get("users.session.duration", "").strip()
    if not text:
        return default_s
    duration_s = go_duration_s(text)
    if duration_s is None or duration_s <= 0:
        raise InvalidSettings(f"users.session.duration: {text!r} is no time span", remedy='write it as "24h" or "30m"')
    return duration_s


def _pattern(data: Mapping[str, str], default: str) -> str:
    pattern = data.get("passwordPattern", "") or default
    try:
        re.compile(pattern)
    except re.error as err:
        raise InvalidSettings(
            f"passwordPattern is no regular expression: {err}", remedy="mend it, or leave it out"
        ) from None
    return pattern
