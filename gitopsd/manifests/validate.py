"""The border: a parsed document becomes manifests that the rest of gitopsd may rely on.

Past it every manifest has apiVersion, kind and metadata.name as text; Lists are flattened; labels and annotations
are text. Nothing behind it checks again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from gitopsd.core.target.sync_options import HELM_HOOK, HOOK
from gitopsd.errors import InvalidManifest
from gitopsd.model.manifest import Manifest

QUOTE = "put it in quotes"
NAMES = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Nameless:
    """An object that has no name: it cannot be applied, nor found again, and costs itself alone."""

    what: str


def is_manifest_like(value: Any) -> bool:
    """Tell whether a document was meant to be a manifest: `kind` alone is a word of other formats, too."""
    return isinstance(value, Mapping) and ("metadata" in value or ("kind" in value and "apiVersion" in value))


def manifests_of(where: str, value: Any, quote: str = QUOTE) -> Iterator[Manifest | Nameless]:
    """Yield the manifests of one document: itself, or the items of a List, in order.

    `quote` is what helps where something that has to be text is a number.

    Raises:
        InvalidManifest: it is no mapping, lacks apiVersion or kind, or has a field of another type; names `where`,
            its file and line.
    """
    if not isinstance(value, dict):
        _refuse(
            where, f"not a manifest but {_name(value)}", "write a mapping, or leave the file out by directory.exclude"
        )
    kind = _text(where, value, "kind")
    if _is_list(kind, value):
        yield from _items(where, kind, value, quote)
        return
    _text(where, value, "apiVersion")
    yield _with_metadata(where, kind, value, quote)


def _is_list(kind: str, value: Mapping[str, Any]) -> bool:
    """Tell whether a document holds others; one without items that has a spec or a status is an object itself.

    Source: Argo CD, reposerver/repository (isNullList).
    """
    if kind == "List" or value.get("items") is not None:
        return kind.endswith("List")
    return kind.endswith("List") and "items" in value and not ("spec" in value or "status" in value)


def _items(where: str, kind: str, value: Mapping[str, Any], quote: str) -> Iterator[Manifest | Nameless]:
    items = value.get("items")
    if items is None:
        return
    if not isinstance(items, list):
        _refuse(where, f"items of the {kind} is {_name(items)}", "write a list")
    of_kind = kind.removesuffix("List")
    for index, item in enumerate(items):
        if of_kind and isinstance(item, dict) and "kind" not in item and "apiVersion" not in item:
            item = {"apiVersion": value.get("apiVersion"), "kind": of_kind, **item}  # noqa: PLW2901 - said in full
        yield from manifests_of(f"{where} items[{index}]", item, quote)


def _with_metadata(where: str, kind: str, value: dict[str, Any], quote: str) -> Manifest | Nameless:
    meta = value.get("metadata")
    meta = {} if meta is None else meta
    if not isinstance(meta, dict):
        _refuse(where, f"metadata of the {kind} is {_name(meta)}", "write metadata.name")
    if not meta.get("name") and meta.get("generateName"):
        named = _with_name(where, kind, {**value, "metadata": meta})
        if isinstance(named, Nameless):
            return named
        meta = named
    name = meta.get("name")
    if name is None or name == "":
        return Nameless(f"the {kind} has no metadata.name")
    if not isinstance(name, str):
        _refuse(
            where, f"metadata.name of the {kind} is {_name(name)}", "write a name, in quotes if it looks like a number"
        )
    if not isinstance(meta.get("namespace"), str | None):
        _refuse(where, f"metadata.namespace of {kind} {name} is {_name(meta['namespace'])}", quote)
    changed = {
        field: _texts(f"{where}: {kind} {name}", field, meta[field], quote)
        for field in ("labels", "annotations")
        if meta.get(field)
    }
    return {**value, "metadata": {**meta, **changed}} if changed or meta is not value["metadata"] else value


def _with_name(where: str, kind: str, value: Manifest) -> dict[str, Any] | Nameless:
    """Return the metadata of a hook whose name is to be generated: its content names it until it is run."""
    meta = value["metadata"]
    prefix, annotations = meta["generateName"], meta.get("annotations")
    if not isinstance(annotations, dict) or not (annotations.get(HOOK) or annotations.get(HELM_HOOK)):
        return Nameless(f"the {kind} has generateName and no name, and is no hook")
    if not isinstance(prefix, str):
        _refuse(where, f"metadata.generateName of the {kind} is {_name(prefix)}", "put it in quotes")
    content = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return {**meta, "name": prefix + hashlib.blake2b(content, digest_size=5).hexdigest()}


def _texts(where: str, field: str, value: Any, quote: str) -> dict[str, str]:
    if not isinstance(value, dict):
        _refuse(where, f"metadata.{field} is {_name(value)}", "write a mapping of texts")
    for key, one in value.items():
        if not isinstance(one, str | None):
            _refuse(where, f"metadata.{field}[{key}] is {_name(one)}", quote)
    # The API server reads null as the empty text, too; but that would be a hook, and null is none in Argo CD.
    return {key: one or "" for key, one in value.items() if one is not None or key not in (HOOK, HELM_HOOK)}


def _text(where: str, value: Mapping[str, Any], field: str) -> str:
    text = value.get(field)
    if not isinstance(text, str) or not text:
        _refuse(where, f"{field} is {_name(text) if field in value else 'missing'}", f"write {field}, as text")
    return text


def _name(value: Any) -> str:
    return NAMES.get(type(value), f"the number {value}") if value != "" else "empty"


def _refuse(where: str, what: str, remedy: str) -> NoReturn:
    raise InvalidManifest(f"{where}: {what}", remedy=remedy)
