"""Tokens that are not ours, whatever they say of themselves."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import OctKey

from gitopsd.trust.session_tokens import LONGEST, SessionClaims, SessionTokens

SECRET = b"k" * 32
TOKENS = SessionTokens(base64.b64encode(SECRET).decode())
CLAIMS = SessionClaims("s1", "ann:login", 1_800_000_000.25, 1_800_003_600.0)
BODY = {"iss": "gitopsd", "aud": "gitopsd", "sub": "admin:login", "jti": "s1", "iat": 1_800_000_000, "exp": 2**31}


def signed(body: dict[str, Any], algorithm: str = "HS256", key: bytes = SECRET) -> str:
    return jwt.encode({"alg": algorithm}, body, OctKey.import_key(key), algorithms=[algorithm])


def unsigned(body: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, body)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def test_what_is_signed_is_read() -> None:
    assert CLAIMS == TOKENS.claims(TOKENS.sign(CLAIMS))
    assert CLAIMS == TOKENS.claims(TOKENS.sign(CLAIMS))  # kept
    assert SessionClaims("s1", "admin:login", 1_800_000_000.0, 2.0**31) == TOKENS.claims(signed(BODY))


@pytest.mark.parametrize(
    "token",
    [
        unsigned(BODY),
        signed(BODY, "HS512"),
        signed(BODY, key=b"x" * 32),
        signed(BODY)[:-1] + ("A" if signed(BODY)[-1] != "A" else "B"),
        *("." * number for number in range(6)),
    ],
)
def test_case_37_forged_token_is_none(token: str) -> None:
    assert TOKENS.claims(token) is None


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "argocd"},
        {"aud": ["argocd", "other"]},
        {"aud": None},
        {"iss": "argocd"},
        {"iss": None},
        {"sub": None},
        {"sub": ["admin:login"]},
        {"jti": None},
        {"iat": None},
        {"iat": "now"},
        {"exp": "never"},
        {"exp": [1]},
    ],
)
def test_case_38_token_for_another_audience_or_without_a_claim_is_none(change: dict[str, Any]) -> None:
    body = {name: value for name, value in {**BODY, **change}.items() if value is not None}

    assert TOKENS.claims(signed(body)) is None


def test_case_41_encrypted_and_huge_tokens_are_none() -> None:
    packed = jwe.encrypt_compact(
        {"alg": "dir", "enc": "A128CBC-HS256", "zip": "DEF"}, b"0" * 1_000_000, OctKey.import_key(SECRET)
    )

    assert len(packed) < LONGEST
    assert TOKENS.claims(packed) is None
    assert TOKENS.claims(signed({**BODY, "filling": "x" * LONGEST})) is None
