from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitopsd.core.accounts.rules import account_rules, is_account_key
from gitopsd.errors import InvalidSettings
from gitopsd.model.account import Account, Capability

LOGIN, API_KEY = Capability.LOGIN, Capability.API_KEY


def test_without_a_word_there_is_the_account_admin() -> None:
    rules = account_rules({})

    assert {"admin": Account("admin")} == rules.accounts
    assert (86400.0, "^.{8,32}$", False) == (rules.session_s, rules.password_pattern, rules.anonymous)


def test_accounts_are_read_as_argo_cd_writes_them() -> None:
    rules = account_rules(
        {
            "accounts.ann": "apiKey, login",
            "accounts.bob": "login",
            "accounts.bob.enabled": "false",
            "accounts.ci": "apiKey",
            "accounts.nobody.enabled": "true",  # of no account: it makes none
            "admin.enabled": "false",
            "passwordPattern": "^.{12,}$",
            "users.session.duration": "8h30m",
            "users.anonymous.enabled": "true",
            "url": "https://argocd.example",
            "oidc.config": "name: Okta",
        }
    )

    assert {
        "admin": Account("admin", enabled=False),
        "ann": Account("ann", capabilities=frozenset({LOGIN, API_KEY})),
        "bob": Account("bob", enabled=False),
        "ci": Account("ci", capabilities=frozenset({API_KEY})),
    } == rules.accounts
    assert (30600.0, "^.{12,}$", True) == (rules.session_s, rules.password_pattern, rules.anonymous)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"accounts.ann": "login, everything"}, "accounts.ann: 'everything' is no capability"),
        ({"accounts.role:admin": "login"}, "accounts.role:admin: 'role:admin' cannot be an account"),
        ({"accounts." + "a" * 33: "login"}, "cannot be an account"),
        ({"accounts.ann": "login", "accounts.ann.enabled": "perhaps"}, "accounts.ann.enabled: 'perhaps' is neither"),
        ({"admin.enabled": "2"}, "admin.enabled: '2' is neither"),
        ({"users.session.duration": "a day"}, "users.session.duration: 'a day' is no time span"),
        ({"users.session.duration": "-1h"}, "users.session.duration"),
        ({"passwordPattern": "("}, "passwordPattern is no regular expression"),
    ],
)
def test_what_does_not_say_what_to_do_is_refused_by_its_key(data: Mapping[str, str], named: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        account_rules(data)

    assert named in raised.value.what


def test_keys_that_are_read_are_known() -> None:
    assert all(map(is_account_key, ("accounts.ann", "accounts.ann.enabled", "passwordPattern", "url", "oidc.config")))
    assert not any(map(is_account_key, ("uri", "accounts.ann.password", "accounts.", "account.ann", "passwordPatern")))
