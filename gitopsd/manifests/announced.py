"""Parameters that a plugin announces: what an Application may set, for people and pages that ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.errors import InvalidDeclaration

MOST = 500
TEXTS = ("title", "tooltip", "itemType", "collectionType", "string")


def announcements(value: Any, where: str) -> list[dict[str, Any]]:
    """Return announcements in Argo CD's form (ParameterAnnouncement), as far as it is known; `where` is for errors.

    Raises:
        InvalidDeclaration: `value` is no list of them.
    """
    if not isinstance(value, list) or len(value) > MOST or not all(isinstance(entry, Mapping) for entry in value):
        raise InvalidDeclaration(
            f"{where} is no list of parameters, or of more than {MOST}", remedy="see Argo CD's ConfigManagementPlugin"
        )
    return [_announcement(Fields(entry, f"{where}[{index}]", Warnings())) for index, entry in enumerate(value)]


def _announcement(fields: Fields) -> dict[str, Any]:
    name = fields.text("name")
    if not name:
        raise fields.refuse("name", "is missing", "write the parameter's name")
    announcement: dict[str, Any] = {"name": name}
    announcement |= {field: text for field in TEXTS if (text := fields.text(field))}
    if fields.flag("required"):
        announcement["required"] = True
    if fields.has("array"):
        announcement["array"] = list(fields.texts("array"))
    if fields.has("map"):
        announcement["map"] = fields.text_map("map")
    return announcement
