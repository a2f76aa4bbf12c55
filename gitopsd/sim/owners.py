"""managedFields: who owns which fields, read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.sim.fieldset import MEMBER, Fields

APPLY, UPDATE = "Apply", "Update"
# What every write sets or the server itself keeps is owned by nobody.
_NOBODYS = ("f:apiVersion", "f:kind")
_NOBODYS_METADATA = (
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:clusterName",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
    MEMBER,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who wrote, how, and to which part of the object."""

    manager: str
    operation: str  # APPLY or UPDATE
    api_version: str  # "" for APPLY: one applier has one entry, whatever version it speaks
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """What an owner owns."""

    fields: Fields
    api_version: str
    time: str  # RFC 3339, of the last change to `fields`


Owners = dict[Owner, Owned]


def read(entries: Iterable[Mapping[str, Any]]) -> Owners:
    """Return the owners that managedFields `entries` name."""
    out: Owners = {}
    for entry in entries:
        operation, version = entry.get("operation", ""), entry.get("apiVersion", "")
        owner = Owner(
            entry.get("manager", ""),
            operation,
            "" if operation == APPLY else version,
            entry.get("subresource", ""),
        )
        out[owner] = Owned(entry.get("fieldsV1") or {}, version, entry.get("time", ""))
    return out


def written(owners: Owners) -> list[dict[str, Any]]:
    """Return `owners` as managedFields, in the server's order."""
    return [
        {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": owned.api_version,
            **({"time": owned.time} if owned.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": owned.fields,
            **({"subresource": owner.subresource} if owner.subresource else {}),
        }
        for owner, owned in sorted(owners.items(), key=_order)
    ]


def _order(item: tuple[Owner, Owned]) -> tuple[str, str, str, str, str]:
    owner, owned = item
    return owner.operation, owned.time, owner.manager, owned.api_version, owner.subresource


def ownable(fields: Fields) -> Fields:
    """Return `fields` without what nobody can own."""
    out = {element: node for element, node in fields.items() if element not in _NOBODYS}
    metadata = out.get("f:metadata")
    if metadata is not None:
        remaining = {element: node for element, node in metadata.items() if element not in _NOBODYS_METADATA}
        if remaining:
            out["f:metadata"] = remaining
        else:
            del out["f:metadata"]
    return out
