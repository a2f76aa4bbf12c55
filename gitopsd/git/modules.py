"""Submodules: what `.gitmodules` says, and where their mirrors are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

FILE = ".gitmodules"
URL = ".url"  # beside a submodule's mirror: the URL that it is of
MAX_BYTES = 1 << 20
SECTION = re.compile(r'\[\s*submodule\s+"(?P<name>(?:[^"\\]|\\.)*)"\s*\]')
ENTRY = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9-]*)\s*=\s*(?P<value>.*)")
VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|\\(.)|([^"\\#;]+)')


def submodules(text: str) -> Mapping[str, str]:
    """Return path → URL, as `.gitmodules` has it, which may be relative; the last entry of a path counts."""
    urls: dict[str, str] = {}
    entries: dict[str, str] = {}
    in_submodule = False
    for line in (line.strip() for line in text.split("\n")):
        if line.startswith("["):
            entries = {}
            in_submodule = SECTION.fullmatch(line) is not None
            continue
        entry = ENTRY.fullmatch(line)
        if entry is not None and in_submodule:
            entries[entry["key"].lower()] = _value(entry["value"])
            if entries.get("path") and entries.get("url"):
                urls[entries["path"].strip("/")] = entries["url"]
    return urls


def module_path(mirror: str, url: str) -> Path:
    """Return the mirror of a submodule of the repository at `mirror`; `url` is as `.gitmodules` has it.

    It lies in its parent's mirror, and is nobody else's: it is fetched with the parent's credentials.
    """
    return Path(mirror, "modules", hashlib.sha256(url.encode()).hexdigest()[:32])


def absolute(parent: str, url: str) -> str:
    """Return the URL that `url` is in the repository `parent`.

    Source: git-submodule(1), "add": a relative URL begins at the repository's own.
    """
    if not url.startswith(("./", "../")):
        return url
    scheme, _, path = _split(parent)
    parts = [part for part in path.split("/") if part]
    for part in url.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return f"{scheme}{'/'.join(parts)}"


def _split(url: str) -> tuple[str, str, str]:
    """Return what stands before the path of `url`, "", and the path without the "/" it begins with."""
    if "://" in url:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc, "/", "", "")), "", parts.path.lstrip("/")
    if url.startswith("/"):
        return "/", "", url.lstrip("/")
    host, colon, path = url.partition(":")
    return f"{host}{colon}", "", path


def _value(text: str) -> str:
    """Return a value as git's configuration writes it: quotes and backslashes are taken away, and so is a comment."""
    value, at = "", 0
    while match := VALUE.match(text, at):
        value += re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2] or match[3]
        at = match.end()
    return value.strip()
