"""Entries of managedFields at versions that a cluster serves no more: no object that has one can be applied."""

from __future__ import annotations

from collections.abc import Collection

from gitopsd.core.objects.managed_fields import MANAGER, Entry, Fields, entries_of, fields_of, is_apply, union
from gitopsd.model.manifest import Manifest


def versions_of(manifest: Manifest) -> frozenset[str]:
    """Return the apiVersions at which there are entries."""
    return frozenset(str(entry.get("apiVersion")) for entry in entries_of(manifest))


def at_served(manifest: Manifest, unserved: Collection[str]) -> tuple[Entry, ...] | None:
    """Return managedFields without entries at a version of `unserved`; None: there is none.

    Our own is moved to the version of `manifest`, so that what Git has dropped since still goes: a field whose name is
    another there is nobody's. What others own at such a version is nobody's until they write again.
    """
    entries = entries_of(manifest)
    if not any(entry.get("apiVersion") in unserved for entry in entries):
        return None
    ours = [entry for entry in entries if is_apply(entry, MANAGER)]
    fields: Fields = {}
    for entry in ours:
        fields = union(fields, fields_of(entry))
    mine = [{**ours[0], "apiVersion": manifest["apiVersion"], "fieldsV1": fields}] if fields else []
    return (*mine, *(entry for entry in entries if entry not in ours and entry.get("apiVersion") not in unserved))


def told(manifest: Manifest, unserved: Collection[str]) -> str:
    """Return what `at_served` does, for a person."""
    names = sorted({str(entry["manager"]) for entry in entries_of(manifest) if entry.get("apiVersion") in unserved})
    versions = ", ".join(sorted(unserved))
    others = [name for name in names if name != MANAGER]
    done = [f"ours is moved to {manifest['apiVersion']}"] if MANAGER in names else []
    done += [f"that of {', '.join(others)} is dropped"] if others else []
    return f"managedFields has entries at {versions}, which its definition has no more: {' and '.join(done)}"
