"""Taking over at the first apply what others wrote before us: whose entries, and what goes with them (decision 6)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson

from gitopsd.core.objects.field_path import at
from gitopsd.core.objects.managed_fields import (
    MANAGER,
    Entry,
    Fields,
    entries_of,
    fields_of,
    is_apply,
    is_readable,
    key_names,
    key_of_item,
)
from gitopsd.core.target.options import MIGRATION_MANAGER, SyncOptions
from gitopsd.core.target.tracking import ARGOCD_TRACKING_ID
from gitopsd.model.comparison import FieldPath, Found, Item, PathElement, Reading
from gitopsd.model.manifest import Manifest, annotations_of

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What tools keep for themselves on an object: that it goes with them changes nothing that anybody asked for.
BOOKKEEPING = frozenset({("metadata", "annotations", LAST_APPLIED), ("metadata", "annotations", ARGOCD_TRACKING_ID)})
BY_NAME = frozenset({("metadata", "annotations"), ("metadata", "labels")})  # told one by one, never as a whole


def takes_over(reading: Reading | None, target: Manifest, options: SyncOptions) -> bool:
    """Tell whether applying `target` is the first apply of an object that legacy managers wrote (D6)."""
    if not options.takeover or not isinstance(reading, Found) or reading.live.view is not None:
        return False
    return reading.live.takeover or bool(migration_manager(target))


def migration_manager(target: Manifest) -> str:
    """Return one more manager that is taken over of an object; "" where it names none."""
    return annotations_of(target).get(MIGRATION_MANAGER) or ""


def has_legacy(manifest: Manifest, takeover: Collection[str]) -> bool:
    """Tell whether a manager that the first apply takes over has an entry; those of a subresource do not count."""
    return any(_is_legacy(entry, takeover) for entry in entries_of(manifest))


def taken_over(manifest: Manifest, api_version: str, takeover: Collection[str]) -> tuple[Entry, ...] | None:
    """Return managedFields in which our Apply entry holds what the managers in `takeover` wrote; None: nothing to do.

    Where we have no entry yet it gets `api_version`, or the newest of theirs where none is at that version. Their
    entries at other versions than ours are dropped, since one entry cannot hold two versions' names. So the next apply
    removes what they set and Git does not, `kubectl.kubernetes.io/last-applied-configuration` with it, which holds a
    Secret in the clear. Entries of a subresource stay: an autoscaler's would reset the replicas it chose.

    Source: Kubernetes, client-go `util/csaupgrade`; for several managers at once, and for their Apply entries as well.
    """
    entries = entries_of(manifest)
    legacy = sorted((entry for entry in entries if _is_legacy(entry, takeover)), key=_time, reverse=True)
    if not legacy:
        return None
    ours = [entry for entry in entries if is_apply(entry, MANAGER)]
    at = _version_of(ours, legacy, api_version)
    joined = [*ours, *(entry for entry in legacy if entry.get("apiVersion") == at)]
    fields: Fields = {}
    for entry in joined:
        fields = _union(fields, fields_of(entry))
    mine = {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": at,
        "time": max(map(_time, joined)) or None,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return (mine, *(entry for entry in entries if entry not in legacy and entry not in ours))


def _version_of(ours: Sequence[Entry], legacy: Sequence[Entry], api_version: str) -> str:
    if ours:
        return str(ours[0].get("apiVersion"))
    versions = [str(entry.get("apiVersion")) for entry in legacy]
    return api_version if api_version in versions else versions[0]


def _time(entry: Entry) -> str:
    return str(entry.get("time", ""))  # RFC 3339 in UTC, as the server writes it, sorts as text


def taken_away(predicted: Manifest, takeover: Collection[str]) -> tuple[FieldPath, ...]:
    """Return what goes from an object as it is taken over: what the legacy managers set, and nobody else does.

    An item of a list goes whole where nobody else has anything in it. What they own at another version than the
    prediction's cannot be looked up in it, and is not told.

    Args:
        predicted: what an apply would make of the live object, with its managedFields, were nothing taken over.
        takeover: the managers.

    Source: structured-merge-diff, `merge` (prune): what the applier owned, and does not set, goes unless others own it.
    """
    legacy = [entry for entry in entries_of(predicted) if _is_legacy(entry, takeover)]
    fields: Fields = {}
    for entry in legacy:
        if is_readable(entry, predicted):
            fields = _union(fields, fields_of(entry))
    kept = [fields_of(entry) for entry in entries_of(predicted) if entry not in legacy]
    return tuple(_gone(fields, kept, predicted, ()))


def _gone(
    fields: Fields, kept: Sequence[Fields], value: Any, steps: FieldPath, keys: Collection[str] = ()
) -> Iterator[FieldPath]:
    for name, below in fields.items():
        step = _step(name, value)
        if step is None or step in keys or (*steps, step) in BOOKKEEPING:
            continue
        way = (*steps, step)
        others = [each[name] for each in kept if name in each]
        if not others and (not below or "." in below) and way not in BY_NAME:
            yield way
        elif below and all(others):
            yield from _gone(below, others, at(value, (step,)), way, key_of_item(name))


def _step(name: str, value: Any) -> PathElement | None:
    """Return the step that `name` of fieldsV1 is in `value`; None where it leads nowhere there."""
    if name.startswith("f:"):
        return name[2:] if isinstance(value, dict) and name[2:] in value else None
    if not isinstance(value, list):
        return None
    place = next((place for place, item in enumerate(value) if key_names(name, place, item)), None)
    if place is None:
        return None
    return Item(tuple(orjson.loads(name[2:]).items())) if name.startswith("k:") else place


def _is_legacy(entry: Entry, takeover: Collection[str]) -> bool:
    return entry.get("manager") in takeover and not entry.get("subresource")


def _union(one: Fields, other: Fields) -> Fields:
    return {name: _joined(one, other, name) for name in dict.fromkeys((*one, *other))}


def _joined(one: Fields, other: Fields, name: str) -> Any:
    if name not in one:
        return other[name]
    if name not in other:
        return one[name]
    if bool(one[name]) == bool(other[name]):
        return _union(one[name], other[name])
    return {".": {}, **one[name], **other[name]}  # a leaf joined with a tree: the parent and what is below it
