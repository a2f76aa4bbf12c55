"""What means something else once SOPS had it: it reads YAML 1.2, where `yes`, `no`, `on` and `off` are no booleans.

What it encrypted nobody sees in a review, so a render says where such a value is, and not what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.yaml import parse
from gitopsd.settings import RenderSettings

WORDS = {"yes", "no", "on", "off", "y", "n"}
SEALED, TEXT, TIME = "ENC[AES256_GCM,", ",type:str]", ",type:time]"
MIDNIGHT = "T00:00:00Z"  # what SOPS adds to a date
OF_TEXTS = ("Secret", "ConfigMap")  # hold nothing else, so somebody put such a word in quotes


def oddities(name: str, sealed: bytes, clear: bytes, limits: RenderSettings) -> Iterator[str]:
    """Yield where a YAML file that SOPS encrypted may mean something else than what was written before."""
    try:
        pairs = zip(parse(name, sealed, limits).documents, parse(name, clear, limits).documents, strict=False)
    except InvalidManifest:  # told by who reads it
        return
    for before, after in pairs:
        kind = after.value.get("kind") if isinstance(after.value, Mapping) else None
        for field, what in _differing("", before.value, after.value, words=kind not in OF_TEXTS):
            yield f"{name}: {field} {what}"


def _differing(field: str, sealed: Any, clear: Any, *, words: bool) -> Iterator[tuple[str, str]]:
    if isinstance(sealed, dict) and isinstance(clear, dict):
        for key in sorted(clear.keys() & sealed.keys()):
            yield from _differing(f"{field}.{key}", sealed[key], clear[key], words=words)
    elif isinstance(sealed, list) and isinstance(clear, list):
        for at, pair in enumerate(zip(sealed, clear, strict=False)):
            yield from _differing(f"{field}[{at}]", *pair, words=words)
    elif isinstance(sealed, str) and isinstance(clear, str) and sealed.startswith(SEALED):
        if words and sealed.endswith(TEXT) and clear.lower() in WORDS:
            yield field, "is a text for SOPS, and a boolean elsewhere if it had no quotes: spell it out"
        elif sealed.endswith(TIME) and clear.endswith(MIDNIGHT):
            yield field, "is a date that SOPS has made a time: put it in quotes before it is encrypted"
