"""Labels and annotations that applications keep on their namespace (`managedNamespaceMetadata`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from gitopsd.core.objects.managed_fields import entries_of, fields_of
from gitopsd.core.text.lists import first_of
from gitopsd.model.cluster import NamespaceMetadata
from gitopsd.model.comparison import Found, Reading
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from gitopsd.model.status import Condition

PREFIX = "gitopsd-namespace"
MAX_MANAGER = 128  # characters of a field manager's name
FIELDS = ("labels", "annotations")
SHOWN = 80  # characters of a value
MAX_TOLD = 3


def manager_of(app: AppName) -> str:
    """Return the field manager of what `app` keeps on its namespace: two applications may share one."""
    named = f"{PREFIX}-{app}"
    if len(named) <= MAX_MANAGER:
        return named
    digest = hashlib.blake2b(app.encode(), digest_size=8).hexdigest()
    return f"{named[: MAX_MANAGER - len(digest) - 1]}-{digest}"


def kept_of(manifest: Manifest) -> tuple[NamespaceMetadata, ...]:
    """Return what applications keep on the namespace `manifest`, with the values that it has now; sorted."""
    entries = [entry for entry in entries_of(manifest) if str(entry.get("manager")).startswith(f"{PREFIX}-")]
    ours = [entry for entry in entries if entry.get("operation") == "Apply" and not entry.get("subresource")]
    fields = [entry_kept for entry in ours for entry_kept in _kept(str(entry["manager"]), fields_of(entry), manifest)]
    return tuple(sorted(fields, key=lambda entry_kept: (entry_kept.manager, entry_kept.field, entry_kept.name)))


def differences(app: AppName, metadata: Mapping[str, Mapping[str, str]], reading: Reading | None) -> tuple[str, ...]:
    """Return what of `metadata` the namespace has otherwise, in words; nothing where that cannot be read.

    What `app` kept there before and its declaration lacks by now differs too; what others keep there does not count.
    """
    if not metadata or not isinstance(reading, Found):
        return ()
    manager = manager_of(app)
    live = {(entry.field, entry.name): entry.value for entry in reading.live.kept if entry.manager == manager}
    asked_for = {(field, name): text for field, texts in metadata.items() for name, text in texts.items()}
    return tuple(
        _said(field, name, asked_for.get((field, name)))
        for field, name in sorted(live.keys() | asked_for.keys())
        if live.get((field, name)) != asked_for.get((field, name))
    )


def warning(namespace: str, differing: tuple[str, ...]) -> tuple[Condition, ...]:
    """Return the condition that tells of `differences`."""
    if not differing:
        return ()
    what = f"namespace {namespace}: {first_of(differing, MAX_TOLD, between='; ')}"
    return (Condition("NamespaceMetadataWarning", what, "a sync keeps it as managedNamespaceMetadata says"),)


def _kept(manager: str, fields: Mapping[str, Any], manifest: Manifest) -> Iterator[NamespaceMetadata]:
    owned, meta = fields.get("f:metadata"), manifest["metadata"]
    for field in FIELDS:
        names = owned.get(f"f:{field}") if isinstance(owned, dict) else None
        texts = meta.get(field) if isinstance(meta.get(field), dict) else {}
        for name in names if isinstance(names, dict) else ():
            if name.startswith("f:"):
                value = texts.get(name[2:])
                yield NamespaceMetadata(manager, field, name[2:], value if isinstance(value, str) else None)


def _said(field: str, name: str, text: str | None) -> str:
    state = "is kept, and not asked for any more" if text is None else f"is not kept at {text[:SHOWN]!r}"
    return f"{field.removesuffix('s')} {name} {state}"
