"""Local accounts, their passwords and tokens."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

ADMIN = "admin"


class Capability(enum.Enum):
    """What an account may do to show who it is, in Argo CD's words."""

    LOGIN = "login"  # by its password
    API_KEY = "apiKey"  # by tokens made for it


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    enabled: bool = True
    capabilities: frozenset[Capability] = frozenset({Capability.LOGIN})

    def may(self, capability: Capability) -> bool:
        return self.enabled and capability in self.capabilities


@dataclass(frozen=True, slots=True)
class AccountRules:
    """The accounts there are, and what holds for all of them."""

    accounts: Mapping[str, Account] = field(default_factory=lambda: {ADMIN: Account(ADMIN)})
    session_s: float = 86400.0  # after which a session ends
    password_pattern: str = "^.{8,32}$"  # noqa: S105 - what a new password has to fit, all of it
    anonymous: bool = False  # whether requests without a token have what the policy gives everybody


@dataclass(frozen=True, slots=True)
class StoredPassword:
    hash: str  # argon2, as its own text form
    changed_s: float  # Unix time; sessions that began before it have ended


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token of an account, or of a role of a project, that is known to the store until it is deleted."""

    id: str
    subject: str  # the account's name, or `proj:PROJECT:ROLE`
    issued_s: float  # Unix time
    expires_s: float | None = None  # None: never
    used_s: float | None = None  # when it was last used, to the minute; None: never

    def expired(self, now_s: float) -> bool:
        return self.expires_s is not None and now_s >= self.expires_s


@dataclass(frozen=True, slots=True)
class LoginFailures:
    """Logins that failed, of one account or one address."""

    count: int
    since_s: float  # Unix time of the first one
