"""A program's own words, short enough for a condition, without what looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "++++++++"
SHORT = 6  # characters: what is shorter is masked nowhere else, for it is in every word
SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|MESSAGE)[A-Z ]*-----.*?(?:-----END[^-]*-----|\Z)", re.DOTALL),
    re.compile(r"AGE-SECRET-KEY-[0-9A-Z-]+"),
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),  # of a URL
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),  # a token with claims
    re.compile(r"(?i)(?<=bearer )\S+"),
)
_NAMED = re.compile(
    r"(?i)((?:password|passwd|passphrase|token|secret|credential|api[_-]?key|private[_-]?key)s?[\"']?\s*[:=]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|\S+)"
)


def scrubbed(text: str, secrets: Iterable[str] = (), *, most: int = 1000) -> str:
    """Return `text` on one line, start and end of what is longer than `most`, with `secrets` and their like masked."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORT:
            text = text.replace(secret, MASK)
    for pattern in SECRETS:
        text = pattern.sub(MASK, text)
    text = _NAMED.sub(rf"\g<1>{MASK}", text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= most else f"{text[: most // 3]} … {text[most // 3 - most :]}"
