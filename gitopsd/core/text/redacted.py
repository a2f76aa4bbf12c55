"""A program's own words, short enough for a condition, without what looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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
# Helm's and its schema library's: what they quote, and numbers beside a limit, also as 12,345 or as powers of ten.
_QUOTED = re.compile(r"(?<!\w)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)")
_GOT = re.compile(r"(?<=\bgot )-?[\d.,\u00d7\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]{4,}")
MOST_QUOTED = 4000  # characters of words that are looked through


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


def without_given(words: str, values: Any) -> str:
    """Return a program's `words` on the `values` that it was given, without those that it quotes; fields are named."""
    secrets = {text for text in _texts(values) if text}

    def hides(piece: str) -> bool:
        # Parsers quote what is left of a text, too.
        remainder = len(piece) >= SHORT and any(text.endswith(piece) or text.startswith(piece) for text in secrets)
        return piece in secrets or remainder

    def masked(match: re.Match[str]) -> str:
        quote, piece = match[0][0], match[0][1:-1]
        plain = re.sub(r"\\(['\"\\])", r"\1", piece)
        return f"{quote}{MASK}{quote}" if hides(piece) or hides(plain) else match[0]

    return _GOT.sub(MASK, _QUOTED.sub(masked, words[:MOST_QUOTED]))


def _texts(values: Any) -> Iterator[str]:
    todo = [values]
    while todo:
        match todo.pop():
            case str() as text:
                yield text
            case Mapping() as inside:
                todo += inside.values()
            case list() as inside:
                todo += inside
            case _:
                pass
