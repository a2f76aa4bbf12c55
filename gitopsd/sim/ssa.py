"""Server-side apply and the ownership that every write leaves.

The algorithm is that of structured merge: the applied object is merged into the live one, what the manager set before
and sets no more is removed unless somebody else owns it, and a change to what another manager owns is a conflict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gitopsd.sim.answers import Refusal, bad_request, field_conflicts, untyped
from gitopsd.sim.fieldset import Fields, difference, intersection, members, union, with_parents
from gitopsd.sim.merge import ValueChanges, compared, merged, without
from gitopsd.sim.owners import APPLY, UPDATE, Owned, Owner, Owners, ownable, read
from gitopsd.sim.schema import Struct
from gitopsd.sim.typed import Untyped, fields_of, loose_fields_of

BEFORE_FIRST_APPLY = "before-first-apply"


IgnoredFields = Callable[[Fields], Fields]  # drops what the written endpoint resets: status, or all but status


@dataclass(frozen=True, slots=True)
class SsaWriter:
    """Who writes, through which version and subresource, what kind of object, and when."""

    manager: str
    api_version: str
    now: str  # RFC 3339
    type: Struct  # of the object
    ignored: IgnoredFields
    subresource: str = ""
    force: bool = False

    @property
    def applier(self) -> Owner:
        return Owner(self.manager, APPLY, "", self.subresource)

    @property
    def updater(self) -> Owner:
        return Owner(self.manager, UPDATE, self.api_version, self.subresource)


def apply(
    live: dict[str, Any], body: dict[str, Any], owners: Owners, writer: SsaWriter
) -> tuple[dict[str, Any], Owners]:
    """Return the object that `body` makes of `live`, not yet defaulted, and its owners.

    Args:
        live: without managedFields; a zero object where there is none.
        body: what the manager wants, without managedFields.
        owners: of `live`.
        writer: who applies.

    Raises:
        Refusal: 500 when `body` cannot be typed; 409 when others own what it changes and it does not force.
    """
    try:
        applied = writer.ignored(fields_of(body, writer.type))
    except Untyped as err:
        raise untyped(f"failed to create typed patch object ({described(body)}): {err}") from None
    owned_now = ownable(applied)
    before = owners.get(writer.applier)
    new = merged(live, body, writer.type)
    after = {**owners, writer.applier: Owned(applied, writer.api_version, before.time if before else writer.now)}
    if before is not None:
        new = _pruned(new, after, before.fields, writer.type)
    after = _taken(_changes(live, new, writer), after, writer.applier, force=writer.force)
    # An apply that changes no value leaves its entry's time as it was, and a new entry without one.
    time = writer.now if new != live else before.time if before else ""
    after[writer.applier] = Owned(owned_now, writer.api_version, time)
    if not owned_now:
        del after[writer.applier]
    return new, after


def described(obj: dict[str, Any]) -> str:
    """Return how messages name an applied object: its place and name, its type."""
    metadata = obj.get("metadata", {})
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {typed(obj)}"


def typed(obj: dict[str, Any]) -> str:
    """Return how messages name an object's type."""
    version = f"{obj.get('apiVersion')}"
    return f"{version if '/' in version else f'/{version}'}, Kind={obj.get('kind')}"


def _pruned(new: dict[str, Any], owners: Owners, last: Fields, kind: Struct) -> dict[str, Any]:
    """Return `new` without what the applier owned last and nobody, itself included, owns now."""
    mine = with_parents(last, kind)
    owned: Fields = {}
    for one in owners.values():
        owned = union(owned, with_parents(one.fields, kind))
    if not difference(mine, owned):
        return new
    whole = _all_fields(new, kind)
    # Twice, as structured merge does: first everything unowned goes with what it hangs on, then only what was mine.
    bare = without(new, mine, kind)
    owned_only = without(new, difference(whole, union(_all_fields(bare, kind), owned)), kind)
    gone = intersection(difference(whole, _all_fields(owned_only, kind)), mine)
    remaining: dict[str, Any] = without(new, gone, kind) or {}
    return remaining


def _all_fields(value: Any, kind: Struct) -> Fields:
    return with_parents(loose_fields_of(value, kind), kind)


def update(live: dict[str, Any], new: dict[str, Any], owners: Owners, writer: SsaWriter) -> Owners:
    """Return the owners of `new` after an update from `live`: the writer owns all that it added or changed."""
    changes = _changes(live, new, writer)
    after = _taken(changes, dict(owners), None, force=True)
    took = ownable(union(changes.added, changes.modified))
    if took:
        before = after.get(writer.updater)
        fields = union(before.fields, took) if before else took
        after[writer.updater] = Owned(fields, writer.api_version, writer.now)
    return after


def updated(old: dict[str, Any], new: dict[str, Any], before: Owners, writer: SsaWriter) -> Owners:
    """Return the owners of `new` after an update from `old`; what `new` says of its owners is taken off it, in place.

    Args:
        old: without managedFields.
        new: as it came, decoded.
        before: the owners of `old`; nobody, and nobody will own anything.
        writer: who updates.
    """
    entries = new["metadata"].pop("managedFields", None)
    before = read(entries) if entries else before
    return update(old, new, before, writer) if before and entries not in ([], [{}]) else {}


def _changes(live: dict[str, Any], new: dict[str, Any], writer: SsaWriter) -> ValueChanges:
    """Return what differs, but for what the endpoint written to does not take."""
    changes = compared(live, new, writer.type)
    return ValueChanges(
        writer.ignored(changes.added), writer.ignored(changes.modified), writer.ignored(changes.removed)
    )


def _taken(changes: ValueChanges, owners: Owners, by: Owner | None, *, force: bool) -> Owners:
    """Return the owners after others than `by` lost what changes.

    Raises:
        Refusal: 409, others own what changes, and `force` is off.
    """
    if not changes:
        return owners
    written = union(changes.modified, changes.added)
    conflicts: dict[Owner, Fields] = {}
    after: Owners = {}
    for owner, owned in owners.items():
        if owner == by:
            after[owner] = owned
            continue
        lost = intersection(owned.fields, written)
        if lost:
            conflicts[owner] = lost
        remaining = difference(difference(owned.fields, lost), changes.removed)
        if remaining:
            after[owner] = owned if remaining == owned.fields else Owned(remaining, owned.api_version, owned.time)
    if conflicts and not force:
        raise _conflict(conflicts)
    return after


def _conflict(conflicts: dict[Owner, Fields]) -> Refusal:
    causes = []
    for owner, fields in conflicts.items():
        who = f'"{owner.manager}"'
        if owner.subresource:
            who += f' with subresource "{owner.subresource}"'
        if owner.operation == UPDATE:
            who += f" using {owner.api_version}"
        causes += [(who, _shown(path)) for path in members(fields)]
    return field_conflicts(sorted(causes))


def _shown(path: tuple[str, ...]) -> str:
    out = ""
    for element in path:
        tag, rest = element[:2], element[2:]
        if tag == "f:":
            out += f".{rest}"
        elif tag == "k:":
            keys = orjson.loads(rest)
            out += "[" + ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in sorted(keys.items())) + "]"
        else:
            out += f"[={rest}]"
    return out


def first_owners(live: dict[str, Any], zero: dict[str, Any], writer: SsaWriter) -> Owners:
    """Return the owners of an object that has none and is applied to for the first time: all of it is one owner's."""
    return update(zero, live, {}, replace(writer, manager=BEFORE_FIRST_APPLY))


def refuse_managed_fields(body: dict[str, Any]) -> None:
    """Raise the 400 for a body that brings its own managedFields."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
