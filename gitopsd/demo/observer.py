"""What the demo makes of the clusters' watch events: who changed what, and how long gitopsd took. No I/O."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OURS = "gitopsd"  # its field managers: gitopsd, gitopsd-namespace …
FOREIGN = "gitopsd-demo-user"  # but not this one
PUSH_PENDING_S = 120.0  # a push that made nothing live by then will not
PUSH_SETTLED_S = 3.0  # after the last object it made live; what is deleted later was deleted by hand

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class ObservedKey:
    cluster: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name} in {self.cluster}"


@dataclass(frozen=True, slots=True)
class ObservedPush:
    revision: str
    namespaces: frozenset[str]  # of the applications whose files it touched
    at_s: float


class What(enum.Enum):
    LIVE = "live"  # made so by a push
    PRUNED = "pruned"  # deleted by a push
    EDITED = "edited"
    HEALED = "healed"
    DELETED = "deleted"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something a person should see."""

    what: What
    key: ObservedKey
    after_s: float | None = None  # since the push, the edit or the deletion
    by: str = ""  # edited: the field manager; live and pruned: the revision


@dataclass(slots=True)
class Observer:
    """Remembers the last content of each object, what was done to it by hand, and the last push."""

    _objects: dict[ObservedKey, Object] = field(default_factory=dict)
    _hurt: dict[ObservedKey, float] = field(default_factory=dict)  # edited or deleted by hand at, and not mended yet
    _push: ObservedPush | None = None
    _settles_s: float = 0.0  # until when a change is the push's

    def pushed(self, push: ObservedPush) -> None:
        self._push, self._settles_s = push, push.at_s + PUSH_PENDING_S

    def known(self, cluster: str, obj: Object) -> None:
        """Take an object as it is, without a word: the first list, or a list after a broken watch."""
        self._objects[key_of(cluster, obj)] = obj

    def event(self, cluster: str, kind: str, obj: Object, at_s: float) -> Announcement | None:
        """Take one watch event that arrived at `at_s` and return what is to be told of it."""
        key = key_of(cluster, obj)
        old = self._objects.get(key)
        if kind == "DELETED":
            return self._deleted(key, at_s)
        self._objects[key] = obj
        if old is None:
            return self._written(key, What.RESTORED, at_s)
        if content(old) == content(obj):
            return None
        editor = _editor(old, obj)
        if editor:
            self._hurt[key] = at_s
            return Announcement(What.EDITED, key, by=editor)
        return self._written(key, What.HEALED, at_s)

    def _deleted(self, key: ObservedKey, at_s: float) -> Announcement | None:
        if self._objects.pop(key, None) is None:
            return None
        if push := self._push_of(key, at_s):
            self._hurt.pop(key, None)
            return Announcement(What.PRUNED, key, at_s - push.at_s, push.revision)
        self._hurt[key] = at_s
        return Announcement(What.DELETED, key)

    def _written(self, key: ObservedKey, mended: What, at_s: float) -> Announcement | None:
        if (since_s := self._hurt.pop(key, None)) is not None:
            return Announcement(mended, key, at_s - since_s)
        if push := self._push_of(key, at_s):
            self._settles_s = at_s + PUSH_SETTLED_S
            return Announcement(What.LIVE, key, at_s - push.at_s, push.revision)
        return None

    def _push_of(self, key: ObservedKey, at_s: float) -> ObservedPush | None:
        push = self._push
        return push if push and at_s <= self._settles_s and key.namespace in push.namespaces else None


_NOT_CONTENT = ("apiVersion", "kind", "metadata", "status")  # the items of a list have the first two left out


def key_of(cluster: str, obj: Object) -> ObservedKey:
    meta = obj["metadata"]
    return ObservedKey(cluster, obj["kind"], meta.get("namespace", ""), meta["name"])


def content(obj: Object) -> dict[str, Any]:
    """Return what people write into an object; neither its status nor what the server keeps of it."""
    return {name: value for name, value in obj.items() if name not in _NOT_CONTENT}


def _editor(old: Object, new: Object) -> str:
    """Return the field manager besides gitopsd's whose entry is new or changed; "" where there is none."""
    before = set(_others(old))
    changed = sorted(manager for manager, fields in set(_others(new)) - before)
    return changed[0] if changed else ""


def _others(obj: Object) -> list[tuple[str, str]]:
    entries = obj["metadata"].get("managedFields") or ()
    return [
        (entry["manager"], json.dumps(entry.get("fieldsV1"), sort_keys=True))
        for entry in entries
        if entry.get("subresource") != "status" and not _is_ours(entry["manager"])
    ]


def _is_ours(manager: str) -> bool:
    return manager.startswith(OURS) and manager != FOREIGN
