"""What may be said to people of outside text: cut where it is too long, and without the credentials of URLs in it.

Errors and conditions pass through it when they are made; whatever else shows a URL asks for it.
"""

from __future__ import annotations

import re

LONGEST_WORDS = 4000  # characters of one text that is said to people; tenants write much of what is quoted in it

# What stands between a scheme and a host: a password or a token, with or without a user. Tenants write these texts, so
# it takes time in proportion to their length.
USERINFO = re.compile(r"(?<=://)(?P<userinfo>[^/?#\s]*)@")
SSH = "ssh://"  # `git@` is a name there, and no secret
NAMED = re.compile(r"(?:helm|file)\+http")  # the names of model.chart, under which charts and files are fetched


def bounded(words: str, longest: int = LONGEST_WORDS) -> str:
    """Return `words`, cut where they have more than `longest` characters."""
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def without_credentials(text: str) -> str:
    """Return `text` with the credentials of every URL in it masked, as it may be logged, stored or shown."""
    if "://" not in text:
        return text
    return USERINFO.sub(lambda match: "***@" if _is_secret(match) else match[0], NAMED.sub("http", text))


def said(words: str) -> str:
    """Return `words` as an error or a condition says them: masked first, for half a URL could not be."""
    return bounded(without_credentials(words))


def _is_secret(match: re.Match[str]) -> bool:
    plain = ":" not in match["userinfo"] and "@" not in match["userinfo"]
    begin = match.start()
    return not (plain and match.string[max(0, begin - len(SSH)) : begin].lower() == SSH)
