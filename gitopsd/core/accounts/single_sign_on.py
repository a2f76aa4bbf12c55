"""Single sign-on: Argo CD's `oidc.config`, and by which names a policy knows whom a provider vouches for.

Source: Argo CD, docs/operator-manual/user-management/index.md and util/settings/settings.go; OpenID Connect Core 1.0,
sections 3.1.3.7 (ID tokens) and 5.1 (claims).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from gitopsd.errors import InvalidSettings
from gitopsd.model.account import Identity, OidcRules

KEY = "oidc.config"
SCOPES = ("openid", "profile", "email", "groups")  # that are asked for unless it says otherwise
ACCOUNT = "sso:"  # how accounts of single sign-on begin; no local account can
RESERVED = ("role:", "proj:", ACCOUNT)  # what a policy calls something else by
MOST_SUBJECTS = 1000  # of one person
REMEDY = "see docs/accounts.md"


def oidc_rules(config: Any) -> OidcRules:
    """Return what the value of `oidc.config` says.

    Raises:
        InvalidSettings: it is no mapping, or a field is missing or of another type.
    """
    if not isinstance(config, Mapping):
        raise InvalidSettings(f"{KEY} is no mapping", remedy=REMEDY)
    issuer = _text(config, "issuer")
    parts = urlsplit(issuer)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidSettings(f"{KEY}: issuer is {issuer!r}", remedy="write the provider's URL, as it calls itself")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise InvalidSettings(f"{KEY}: the issuer is asked without TLS", remedy="write its https URL")
    client_id = _text(config, "clientID")
    if not client_id:
        raise InvalidSettings(f"{KEY}: clientID is missing", remedy=REMEDY)
    return OidcRules(
        _text(config, "name") or parts.hostname,
        issuer,
        client_id,
        _text(config, "clientSecret"),
        _text(config, "cliClientID"),
        _texts(config, "requestedScopes") or SCOPES,
        config.get("requestedIDTokenClaims") or {},
        _texts(config, "allowedAudiences"),
        _text(config, "logoutURL"),
        config.get("enablePKCEAuthentication") is True,
        _text(config, "rootCA"),
    )


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidSettings(f"{KEY}: {name} is no text", remedy=REMEDY)
    return value or ""


def _texts(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = config.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidSettings(f"{KEY}: {name} is no list of texts", remedy=REMEDY)
    return tuple(value)


def identity_of(claims: Mapping[str, Any]) -> Identity | None:
    """Return whom verified `claims` of an ID token are about; None where they say too little."""
    issuer, sub, expires_s = claims.get("iss"), claims.get("sub"), claims.get("exp")
    if not isinstance(issuer, str) or not isinstance(sub, str) or not sub or not isinstance(expires_s, int | float):
        return None
    email = claims.get("email") if claims.get("email_verified") is not False else None
    named = (email, claims.get("preferred_username"), sub)
    user = next(name for name in named if isinstance(name, str) and name)
    return Identity(issuer, user, sub, claims, float(expires_s))


def subjects_of(identity: Identity, scopes: Sequence[str], local: Collection[str]) -> tuple[str, ...]:
    """Return the names by which a policy may speak of somebody: `sub`, and the values of the claims `scopes`.

    What a policy would take for a local account, a role or a project's token is left out: who names himself "admin" at
    the provider is not ours. So is an e-mail address that the provider calls unverified.
    """
    values = [identity.sub, *(value for scope in scopes for value in _values(identity.claims, scope))]
    fit = (value for value in values if value not in local and not value.startswith(RESERVED))
    return tuple(dict.fromkeys(fit))[:MOST_SUBJECTS]


def _values(claims: Mapping[str, Any], path: str) -> Iterator[str]:
    if path == "email" and claims.get("email_verified") is False:
        return
    claim = claims.get(path)
    if claim is None:  # names of claims may have dots of their own
        claim = claims
        for part in path.split("."):
            claim = claim.get(part) if isinstance(claim, Mapping) else None
    if isinstance(claim, str):
        yield claim
    elif isinstance(claim, list):
        yield from (value for value in claim if isinstance(value, str))
