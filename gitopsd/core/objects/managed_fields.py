"""What a live object's managedFields say: which fields are ours, and what they hold.

A server-side apply leaves an entry of operation Apply that names every field it set, as `fieldsV1`: a tree whose
keys are `f:NAME` (a field), `k:{...}` (the list item with these key fields), `v:VALUE` (the item of a set) and `i:N`
(the item at a place); "." is the parent itself; an empty tree is a leaf, or a value that is owned whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from gitopsd.model.ids import FieldManager, ViewHash
from gitopsd.model.manifest import Manifest

MANAGER = FieldManager("gitopsd")
Fields = Mapping[str, Any]  # fieldsV1
Entry = Mapping[str, Any]  # one element of managedFields


def view_hash(manifest: Manifest, manager: str = MANAGER) -> ViewHash | None:
    """Return the hash of what `manager`'s Apply entry owns of the live object; None where it has no such entry.

    Two objects with equal hashes hold the same values in every owned field, the same owned list items in the same
    order, and are owned to the same extent at the same version. The server keeps one Apply entry a manager; were there
    more, all count. Of one that is nested too deeply to be read, every version has a hash of its own.

    Source: structured-merge-diff, `fieldpath` (PathElement serialization); the choice of what is hashed is ours.
    """
    entries = [entry for entry in entries_of(manifest) if is_apply(entry, manager)]
    if not entries:
        return None
    try:
        views = [[entry.get("apiVersion"), entry.get("fieldsV1"), _view(entry, manifest)] for entry in entries]
        text = orjson.dumps(views, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError):  # what orjson, and what Python raises
        text = orjson.dumps(["too deep", str(manifest["metadata"].get("resourceVersion"))])
    return ViewHash(hashlib.blake2b(text, digest_size=16).hexdigest())


def owned_view(fields: Fields, live: Any) -> Any:
    """Return what `fields` owns of `live`; a leaf or an atomic value is whole, what is gone is left out.

    What is left out is still named by `fields`, which is hashed beside the view, so absent is not like never owned.
    """
    if not fields:
        return live
    own = [key for key in fields if key != "."]
    if not own:
        return live
    if isinstance(live, dict):
        view = {}
        for key in own:
            if key[:2] != "f:":
                return ["other shape", live]
            name = key[2:]
            if name in live:
                below = fields[key]
                view[key] = owned_view(below, live[name]) if below else live[name]  # most are leaves
        return view
    if isinstance(live, list):
        return _owned_items(fields, own, live)
    return ["other shape", live]


def our_entry(manifest: Manifest) -> Entry | None:
    """Return our Apply entry; None where we have none."""
    return next((entry for entry in entries_of(manifest) if is_apply(entry, MANAGER)), None)


def newest_s(manifest: Manifest, manager: str) -> float | None:
    """Return the Unix time of the newest entry of `manager`, whatever its operation; None where it wrote nothing."""
    times = [written_s(entry) for entry in entries_of(manifest) if entry.get("manager") == manager]
    return max((time for time in times if time is not None), default=None)


def entries_of(manifest: Manifest) -> Sequence[Entry]:
    """Return the elements of managedFields; none where they are not what they should be."""
    meta = manifest.get("metadata")
    listed = meta.get("managedFields") if isinstance(meta, dict) else None
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else ()
    return [entry for entry in entries if isinstance(entry.get("manager"), str)]


def fields_of(entry: Entry) -> Fields:
    """Return the fieldsV1 of an element of managedFields."""
    owned = entry.get("fieldsV1")
    return owned if isinstance(owned, dict) else {}


def is_readable(entry: Entry, manifest: Manifest) -> bool:
    """Tell whether the names in `entry` can be looked up in `manifest`; where not, every change in it counts.

    The names of one version mean nothing in another: owned fields would look absent, and their changes would go unseen.
    """
    return entry.get("apiVersion") == manifest.get("apiVersion") and _well_formed(fields_of(entry))


def is_apply(entry: Entry, manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _view(entry: Entry, manifest: Manifest) -> Any:
    if not is_readable(entry, manifest):
        return ["unread", manifest.get("apiVersion"), manifest["metadata"].get("resourceVersion")]
    return owned_view(fields_of(entry), manifest)


def _well_formed(fields: Any) -> bool:
    if not isinstance(fields, dict):
        return False
    for below in fields.values():  # noqa: SIM110 - a generator would double its time
        if below != {} and not _well_formed(below):
            return False
    return True


def _owned_items(fields: Fields, own: list[str], live: list[Any]) -> Any:
    """Return the owned items of `live` in their live order; the whole list too where an owned one is not found."""
    shapes, keys = _wanted_items(tuple(own))
    here = []
    for index, item in enumerate(live):
        for shape in shapes:
            key = keys.get((shape, _identity(shape, index, item)))
            if key is not None:
                here.append([key, owned_view(fields[key], item)])
    if len({key for key, _ in here}) == len(own):
        return ["list", here]
    # An owned item is gone, or has an identity we cannot read: then any change in the list counts.
    return ["list", here, live]


Shape = tuple[str, ...]  # ("k", field, …) | ("v",) | ("i",)


@lru_cache(maxsize=1024)
def _wanted_items(own: tuple[str, ...]) -> tuple[tuple[Shape, ...], Mapping[tuple[Shape, Any], str]]:
    """Return the shapes of list keys, and (shape, identity) → key; most lists of a kind have the same keys."""
    keys: dict[tuple[Shape, Any], str] = {}
    for key in own:
        try:
            value = orjson.loads(key[2:])
        except orjson.JSONDecodeError:
            continue
        if key.startswith("k:") and isinstance(value, dict):
            shape: Shape = ("k", *sorted(value))
        elif key.startswith(("v:", "i:")):
            shape = (key[0],)
        else:
            continue
        keys[shape, _identity(shape, value, value)] = key
    return tuple(dict.fromkeys(shape for shape, _ in keys)), keys


def _identity(shape: Shape, index: Any, item: Any) -> Any:
    """Return what names `item`, of a list's place `index`, in keys of `shape`; hashable."""
    if shape[0] == "i":
        return index
    if shape[0] == "v":
        return _hashable(item)
    return tuple([_hashable(item.get(name)) for name in shape[1:]]) if isinstance(item, dict) else None


def _hashable(value: Any) -> Any:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if isinstance(value, (dict, list)) else value


def union(one: Fields, other: Fields) -> Fields:
    """Return what is in either."""
    return {name: _joined(one, other, name) for name in dict.fromkeys((*one, *other))}


def _joined(one: Fields, other: Fields, name: str) -> Any:
    if name not in one:
        return other[name]
    if name not in other:
        return one[name]
    if bool(one[name]) == bool(other[name]):
        return union(one[name], other[name])
    return {".": {}, **one[name], **other[name]}  # a leaf joined with a tree: the parent and what is below it


def less(fields: Fields, other: Fields) -> Fields:
    """Return `fields` without what `other` names; an item of a list goes with all that is in it."""
    remaining = {}
    for name, below in fields.items():
        if name not in other:
            remaining[name] = below
            continue
        there = other[name]
        if not below or not there or (not name.startswith("f:") and "." in there):
            continue
        rest = less(below, there)
        if any(name_below != "." for name_below in rest):
            remaining[name] = rest
    return remaining


def written_s(entry: Entry) -> float | None:
    """Return the Unix time of an entry's last write; None where it has none."""
    try:
        return datetime.fromisoformat(entry.get("time", "")).timestamp()
    except (TypeError, ValueError):
        return None


def key_of_item(name: str) -> tuple[str, ...]:
    """Return the fields by which `name` of fieldsV1 names an item of a list; none where it names none so."""
    if not name.startswith("k:"):
        return ()
    try:
        key = orjson.loads(name[2:])
    except orjson.JSONDecodeError:
        return ()
    return tuple(key) if isinstance(key, dict) else ()


def key_names(name: str, index: int, item: Any) -> bool:
    """Tell whether the key `name` of fieldsV1 names `item`, which is at `index` of its list."""
    try:
        identity = orjson.loads(name[2:])
    except orjson.JSONDecodeError:
        return False
    match name[:2]:
        case "k:":
            here = isinstance(item, dict) and isinstance(identity, dict)
            return here and all(item.get(field) == value for field, value in identity.items())
        case "v:":
            return bool(item == identity)
        case "i:":
            return bool(index == identity)
        case _:
            return False
