"""The schemas of a chart's values: one refers to nothing but itself, so that nobody reads a file or URL for it.

The library that checks values by them resolves what they refer to against the machine and the network, not against the
chart; so it gets none that refers to anything.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

import orjson

from gitopsd.errors import InvalidManifest

FILE = "values.schema.json"
REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
# Of the drafts that the library brings along.
META_SCHEMA = re.compile(
    r"https?://json-schema\.org/(?:schema|draft-0[467]/schema|draft/(?:2019-09|2020-12)/schema)#?", re.ASCII
)


def check_schemas(path: str, files: Mapping[str, bytes]) -> None:
    """Refuse the chart in `path`, of `files` with its archives unpacked, where a schema refers to something else.

    Raises:
        InvalidManifest: one does, or is no JSON.
    """
    for name in sorted(files):
        if posixpath.basename(name) == FILE:
            _check(posixpath.join(path, name), files[name])


def _check(path: str, data: bytes) -> None:
    try:
        todo: list[Any] = [orjson.loads(data)]
    except orjson.JSONDecodeError as err:
        raise InvalidManifest(f"{path} is no JSON: {err}", remedy="mend the chart") from err
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            for field, text in value.items():
                if isinstance(text, str) and _leads_out(field, text):
                    raise InvalidManifest(
                        f"{path} refers to {text[:200]!r}, which is not in that file",
                        remedy="copy it to its $defs and refer to '#/$defs/…', or set helm.skipSchemaValidation",
                    )
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _leads_out(field: str, text: str) -> bool:
    if field in REFERENCES:
        return not text.startswith("#") and META_SCHEMA.fullmatch(text) is None
    return field == "$schema" and META_SCHEMA.fullmatch(text) is None
