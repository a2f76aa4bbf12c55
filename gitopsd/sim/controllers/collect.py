"""The garbage collector: owners and what they own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gitopsd.sim.controllers.world import Key, World, is_deleting
from gitopsd.sim.deletes import FOREGROUND, ORPHAN, finalize
from gitopsd.sim.incoming import RequestTarget
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.store import Event, Stored

_POLL_S = 0.5
_MARK = b'"ownerReferences"'


class Collector:
    """Deletes what has no living owner, and finishes foreground and orphaning deletions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._owned: dict[str, set[Key]] = {}  # uid of an owner → what names it

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        new = event.new
        key = (*collection, new.namespace, new.name)
        owners = _owners(new)
        before = _owners(event.old) if event.old else {}
        for uid in before.keys() - (owners.keys() if event.change != "DELETED" else set()):
            self._owned.get(uid, set()).discard(key)
        due: set[Key] = set()
        if event.change == "DELETED":
            due |= self._owned.pop(new.uid, set())
            due |= {owner for one in before.values() if (owner := self._place(one, new.namespace))}
        else:
            for uid in owners:
                self._owned.setdefault(uid, set()).add(key)
            if owners or b'"deletionTimestamp"' in new.body:
                due.add(key)
        return sorted(due)

    def reconcile(self, key: Key) -> float | None:
        group, plural, namespace, name = key
        stored = self._world.writes.store.collection((group, plural)).get(namespace, name)
        kind = next((one for one in self._world.writes.kinds.all() if one.group_plural == (group, plural)), None)
        if stored is None or kind is None:
            return None
        obj = stored.parsed()
        finalizers = obj["metadata"].get("finalizers", ())
        if is_deleting(obj) and ORPHAN in finalizers:
            self._orphan(stored)
            finalize(self._world.writes, RequestTarget(kind, namespace, name), ORPHAN)
        elif is_deleting(obj) and FOREGROUND in finalizers:
            return self._foreground(kind, stored)
        elif not is_deleting(obj) and obj["metadata"].get("ownerReferences"):
            self._check(kind, obj, namespace, name)
        return None

    def _check(self, kind: ServedKind, obj: dict[str, Any], namespace: str, name: str) -> None:
        references = obj["metadata"]["ownerReferences"]
        living = [one for one in references if self._lives(one, namespace)]
        if not living:
            self._world.delete(kind, namespace, name)
        elif len(living) < len(references):
            self._world.patch(RequestTarget(kind, namespace, name), {"metadata": {"ownerReferences": living}})

    def _foreground(self, kind: ServedKind, owner: Stored) -> float | None:
        waiting = False
        for dependent_kind, obj in self._dependents(owner.uid):
            meta = obj["metadata"]
            reference = next(one for one in meta["ownerReferences"] if one["uid"] == owner.uid)
            if not is_deleting(obj):
                self._world.delete(dependent_kind, meta.get("namespace", ""), meta["name"], FOREGROUND)
            waiting = waiting or bool(reference.get("blockOwnerDeletion"))
        if any(True for _ in self._dependents(owner.uid)) and waiting:
            return _POLL_S
        finalize(self._world.writes, RequestTarget(kind, owner.namespace, owner.name), FOREGROUND)
        return None

    def _orphan(self, owner: Stored) -> None:
        for kind, obj in self._dependents(owner.uid):
            meta = obj["metadata"]
            remaining = [one for one in meta["ownerReferences"] if one["uid"] != owner.uid]
            patch = {"metadata": {"ownerReferences": remaining or None}}
            self._world.patch(RequestTarget(kind, meta.get("namespace", ""), meta["name"]), patch)

    def _dependents(self, uid: str) -> Iterator[tuple[ServedKind, dict[str, Any]]]:
        kinds = {kind.group_plural: kind for kind in self._world.writes.kinds.all()}
        for group, plural, namespace, name in sorted(self._owned.get(uid, ())):
            stored = self._world.writes.store.collection((group, plural)).get(namespace, name)
            kind = kinds.get((group, plural))
            if stored is not None and kind is not None:
                yield kind, stored.parsed()

    def _place(self, reference: dict[str, Any], namespace: str) -> Key | None:
        group = reference["apiVersion"].rpartition("/")[0]
        kind = self._world.writes.kinds.of(group, reference["kind"])
        if kind is None:
            return None
        return (*kind.group_plural, namespace if kind.namespaced else "", reference["name"])

    def _lives(self, reference: dict[str, Any], namespace: str) -> bool:
        address = self._place(reference, namespace)
        if address is None:
            return True  # a kind that is not served: nothing is known, so nothing is deleted
        stored = self._world.writes.store.collection((address[0], address[1])).get(address[2], address[3])
        return stored is not None and stored.uid == reference["uid"]


def _owners(stored: Stored) -> dict[str, dict[str, Any]]:
    if _MARK not in stored.body:
        return {}
    return {one["uid"]: one for one in stored.parsed()["metadata"].get("ownerReferences", ())}
