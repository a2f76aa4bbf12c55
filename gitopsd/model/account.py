"""Local accounts, their passwords and tokens."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
class OidcRules:
    """The provider of single sign-on, in Argo CD's words: its `oidc.config`."""

    name: str  # what a button says
    issuer: str
    client_id: str
    client_secret: str = ""  # itself, or `$KEY` of Argo CD's Secret
    cli_client_id: str = ""  # of a client without a secret, for command lines; "": client_id
    scopes: tuple[str, ...] = ("openid",)  # that are asked for
    claims: Mapping[str, Any] = field(default_factory=dict)  # of the ID token, that are asked for
    audiences: tuple[str, ...] = ()  # of tokens that count; none: the two clients
    logout_url: str = ""  # "": where the provider says it is
    pkce: bool = False  # whether command lines are told to use PKCE; the daemon always does
    root_ca: str = ""  # PEM of the provider's authority; "": the system's


@dataclass(frozen=True, slots=True)
class LoginProof:
    """What binds an answer of a provider to the browser that was sent there; random texts."""

    state: str
    nonce: str
    verifier: str  # of PKCE


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for."""

    issuer: str
    user: str  # as people know it: the e-mail address, else a name, else `sub`
    sub: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_s: float = 0.0  # Unix time


@dataclass(frozen=True, slots=True)
class AccountRules:
    """The accounts there are, and what holds for all of them."""

    accounts: Mapping[str, Account] = field(default_factory=lambda: {ADMIN: Account(ADMIN)})
    session_s: float = 86400.0  # after which a session ends
    password_pattern: str = "^.{8,32}$"  # noqa: S105 - what a new password has to fit, all of it
    anonymous: bool = False  # whether requests without a token have what the policy gives everybody
    oidc: OidcRules | None = None
    url: str = ""  # of the API, as browsers know it


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
