"""Sessions and API tokens as signed JWT: HS256 alone, with issuer and audience, whatever a token says of itself."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cachetools import LRUCache

if TYPE_CHECKING:
    from joserfc.jwk import OctKey

ISSUER = AUDIENCE = "gitopsd"
PENDING = "gitopsd-login"  # the audience of what is no session yet
ALGORITHM = "HS256"
LONGEST = 4096  # characters of a token that is looked at
MOST_CACHED = 4096


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """What a token says; whether it still counts is not its own to say."""

    id: str
    subject: str  # "ann:login", "ann:apiKey" or "proj:PROJECT:ROLE", as in Argo CD
    issued_s: float  # Unix time
    expires_s: float | None  # None: never
    issuer: str = ""  # of the provider that vouches for the subject; "": we do
    groups: tuple[str, ...] = ()  # by which a policy knows whom a provider vouches for


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A browser that was sent to a provider: what it keeps until it is back."""

    state: str
    nonce: str
    verifier: str
    return_url: str
    expires_s: float  # Unix time


class SessionTokens:
    def __init__(self, key: str) -> None:
        """Sign with `key`, 32 random bytes in base64."""
        self._secret = base64.b64decode(key, validate=True)
        self._cache: LRUCache[str, SessionClaims] = LRUCache(MOST_CACHED)

    def sign(self, claims: SessionClaims) -> str:
        """Return `claims` as a token."""
        body = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": claims.subject, "jti": claims.id,
            "iat": claims.issued_s, "nbf": int(claims.issued_s),
        }  # fmt: skip
        if claims.expires_s is not None:
            body["exp"] = int(claims.expires_s)
        if claims.issuer:
            body |= {"idp": claims.issuer, "groups": list(claims.groups)}
        from joserfc import jwt  # three megabytes, which only who logs in needs

        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, body, self._key, algorithms=[ALGORITHM])

    def claims(self, token: str) -> SessionClaims | None:
        """Return what a token of ours says; None for all else. Its times are for whoever has the clock."""
        if token in self._cache:
            return self._cache[token]
        claims = self._verified(token) if len(token) <= LONGEST else None
        if claims is not None:
            self._cache[token] = claims
        return claims

    @cached_property
    def _key(self) -> OctKey:
        from joserfc.jwk import OctKey

        return OctKey.import_key(self._secret)

    def _verified(self, token: str) -> SessionClaims | None:
        from joserfc import jwt
        from joserfc.errors import JoseError

        wanted = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            jti={"essential": True},
        )
        try:
            body = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            wanted.validate({name: body[name] for name in ("iss", "aud", "sub", "jti")})
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        issued_s, expires_s, subject, token_id = body.get("iat"), body.get("exp"), body["sub"], body["jti"]
        if not isinstance(subject, str) or not isinstance(token_id, str) or not isinstance(issued_s, int | float):
            return None
        if expires_s is not None and not isinstance(expires_s, int | float):
            return None
        until_s = None if expires_s is None else float(expires_s)
        return SessionClaims(
            token_id, subject, float(issued_s), until_s, str(body.get("idp") or ""), tuple(body.get("groups") or ())
        )

    def sign_pending(self, login: PendingLogin) -> str:
        """Return `login` as a text that its browser cannot change unseen."""
        from joserfc import jwt

        body = {**asdict(login), "aud": PENDING}
        return jwt.encode({"alg": ALGORITHM}, body, self._key, algorithms=[ALGORITHM])

    def pending(self, text: str) -> PendingLogin | None:
        """Return what `sign_pending` made a text of; None for all else."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            body = jwt.decode(text[:LONGEST], self._key, algorithms=[ALGORITHM]).claims
            if body.pop("aud", "") != PENDING:
                return None
            return PendingLogin(**body)
        except (JoseError, ValueError, TypeError, KeyError):
            return None
