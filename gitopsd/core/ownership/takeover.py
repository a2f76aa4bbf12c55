"""Taking over at the first apply what others wrote before us: whose entries, and what goes with them (decision 6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gitopsd.core.objects.managed_fields import (
    MANAGER,
    Entry,
    Fields,
    entries_of,
    fields_of,
    is_apply,
    is_readable,
    less,
    our_entry,
    union,
)
from gitopsd.core.ownership.removed import gone_with
from gitopsd.core.target.sync_options import MIGRATION_MANAGER, SyncOptions
from gitopsd.model.comparison import FieldPath, Found, Reading
from gitopsd.model.manifest import Manifest, annotations_of

BEFORE_FIRST_APPLY = "before-first-apply"  # whose the API server makes what is live where managedFields say nothing


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
        fields = union(fields, fields_of(entry))
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


def taken_away(target: Manifest, predicted: Manifest, takeover: Collection[str]) -> tuple[FieldPath, ...]:
    """Return what goes from an object as it is taken over: what the legacy managers set, and nobody else does.

    What they own at another version than the prediction's cannot be looked up in it, and is not told.

    Args:
        target: what is applied.
        predicted: what the apply would make of the live object, were nothing taken over.
        takeover: the managers.
    """
    legacy = [entry for entry in entries_of(predicted) if _is_legacy(entry, takeover)]
    theirs: Fields = {}
    for entry in legacy:
        if is_readable(entry, predicted):
            theirs = union(theirs, fields_of(entry))
    ours = our_entry(predicted)
    others = [fields_of(entry) for entry in entries_of(predicted) if entry not in legacy and entry != ours]
    return gone_with(theirs, others, target, predicted)


def ours_alone(manifest: Manifest) -> tuple[Entry, ...] | None:
    """Return managedFields in which what is ours is no more `before-first-apply`'s too; None: nothing to do.

    Where all managedFields of an object were wiped, the next apply makes the API server give everything that is live to
    that manager, what we set as well: it would stay when Git drops it. What it alone has stays its own, for it may have
    been an autoscaler's, a webhook's or anybody's.
    """
    ours = our_entry(manifest)
    entries_before = [entry for entry in entries_of(manifest) if entry.get("manager") == BEFORE_FIRST_APPLY]
    if ours is None or not entries_before:
        return None
    remaining = {id(entry): less(fields_of(entry), fields_of(ours)) for entry in entries_before}
    if all(remaining[id(entry)] == fields_of(entry) for entry in entries_before):
        return None
    entries = (
        {**entry, "fieldsV1": remaining[id(entry)]} if id(entry) in remaining else entry
        for entry in entries_of(manifest)
    )
    return tuple(entry for entry in entries if entry["fieldsV1"])


def _is_legacy(entry: Entry, takeover: Collection[str]) -> bool:
    return entry.get("manager") in takeover and not entry.get("subresource")
