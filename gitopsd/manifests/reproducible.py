"""Templates that render to something else each time: found by rendering a chart twice, with two clocks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gitopsd.manifests.chart_files import Files

RANDOM = re.compile(
    rb"\b(?:rand[A-Z]\w*|uuidv4|shuffle|now|ago|htpasswd|bcrypt|encryptAES|gen(?:CA|PrivateKey|SelfSigned|Signed)\w*)\b"
)
ACTION = re.compile(rb"\{\{(?:(?!\{\{).)*?\}\}", re.DOTALL)
CLOCK = re.compile(rb"(?P<text>\"(?:\\.|[^\"\\])*\"|`[^`]*`|[.$]\w+)|\bnow\b")
ANOTHER = rb'(toDate "2006-01-02" "2001-02-03")'  # another now


def at_another_time(files: Files) -> dict[str, bytes] | None:
    """Return the chart of `files`, its archives unpacked, for a second render; None where that would be the same."""
    if not any(RANDOM.search(data) for data in files.values()):
        return None
    return {
        name: ACTION.sub(_shifted, data) if RANDOM.search(data) and "templates/" in name else data
        for name, data in files.items()
    }


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return the names of the templates that two renders of a chart do not agree on, sorted."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _shifted(action: re.Match[bytes]) -> bytes:
    return CLOCK.sub(lambda match: match["text"] if match["text"] is not None else ANOTHER, action[0])
