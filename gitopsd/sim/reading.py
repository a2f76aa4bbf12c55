"""Objects and lists as bytes, whole or metadata only, without parsing what need not be."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gitopsd.sim.answers import bad_request, expired
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.selectors import Selection
from gitopsd.sim.store import Collection, Stored

_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class View:
    """How objects of a kind are shown: whole, or as PartialObjectMetadata."""

    kind: ServedKind
    metadata_only: bool = False

    def one(self, stored: Stored) -> bytes:
        """Return an object's JSON with apiVersion and kind."""
        if self.metadata_only:
            partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return orjson.dumps({**partial, "metadata": stored.parsed()["metadata"]})
        return _typed(self.kind, stored)

    def item(self, stored: Stored) -> bytes:
        """Return an object's JSON as an item of a list."""
        if self.metadata_only or self.kind.custom:
            return self.one(stored)
        return stored.body

    def of(self, obj: Mapping[str, Any]) -> bytes:
        """Return a parsed object's JSON."""
        if self.metadata_only and obj.get("kind") != "Status":
            partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return orjson.dumps({**partial, "metadata": obj["metadata"]})
        return orjson.dumps(obj)

    def list_head(self) -> tuple[str, str]:
        """Return kind and apiVersion of a list."""
        if self.metadata_only:
            return "PartialObjectMetadataList", "meta.k8s.io/v1"
        return self.kind.list_kind, self.kind.api_version

    def bookmark(self, version: int, *, initial_end: bool = False) -> bytes:
        """Return a bookmark event."""
        metadata: dict[str, Any] = {"resourceVersion": f"{version}"}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        kind, api_version = self.kind.kind, self.kind.api_version
        if self.metadata_only:
            kind, api_version = "PartialObjectMetadata", "meta.k8s.io/v1"
        bookmark: dict[str, Any] = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
        return orjson.dumps({"type": "BOOKMARK", "object": bookmark}) + b"\n"


def _typed(kind: ServedKind, stored: Stored) -> bytes:
    return b'{"kind":"%b","apiVersion":"%b",%b' % (kind.kind.encode(), kind.api_version.encode(), stored.body[1:])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for."""

    limit: int = 0  # 0: all
    version: int = 0  # of the first page; 0: this is the first
    after: tuple[str, str] | None = None

    @staticmethod
    def parse(query: Mapping[str, str]) -> PageRequest:
        """Return the page that limit and continue name.

        Raises:
            Refusal: 400, they cannot be read.
        """
        limit = query.get("limit") or "0"
        if not limit.isdecimal():
            raise bad_request(f"limit: strconv.ParseInt: parsing {limit!r}: invalid syntax")
        token = query.get("continue")
        if not token:
            return PageRequest(0 if query.get("resourceVersion") == "0" else int(limit))  # a cache gives all it has
        try:
            version, namespace, name = orjson.loads(base64.urlsafe_b64decode(token.encode()))
            return PageRequest(int(limit), int(version), (namespace, name))
        except (binascii.Error, ValueError, TypeError):
            raise bad_request("continue key is not valid") from None


def listed(view: View, collection: Collection, chosen: Selection, page: PageRequest, now: int) -> bytes:
    """Return a list's JSON at version `now`, or a page of it.

    Later pages carry the first page's version, and what changed since comes by a watch from there.

    Raises:
        Refusal: 410, the log no longer reaches back to the first page.
    """
    if page.version and page.version < collection.begun:
        raise expired("The provided continue parameter is too old to display a consistent list result.")
    names = collection.names()
    first, last = _range(names, chosen.namespace)
    start = bisect_right(names, page.after, first, last) if page.after else first
    selected: list[Stored] = []
    at = start
    for at in range(start, last):
        one = collection.by_namespace[names[at][0]][names[at][1]]
        if chosen.has(one):
            if page.limit and len(selected) == page.limit:
                break
            selected.append(one)
    else:
        at = last
    kind, api_version = view.list_head()
    metadata: dict[str, Any] = {"resourceVersion": f"{page.version or now}"}
    if at < last and selected:
        token = orjson.dumps([page.version or now, selected[-1].namespace, selected[-1].name])
        metadata["continue"] = base64.urlsafe_b64encode(token).decode()
        if chosen.everything:
            metadata["remainingItemCount"] = last - at
    head = orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    return head[:-1] + b',"items":[' + b",".join(map(view.item, selected)) + b"]}"


def _range(names: list[tuple[str, str]], namespace: str) -> tuple[int, int]:
    if not namespace:
        return 0, len(names)
    return bisect_left(names, (namespace, "")), bisect_right(names, (namespace, _LAST))


def chosen_of(collection: Collection, chosen: Selection) -> Iterator[Stored]:
    """Yield the chosen objects, in order."""
    names = collection.names()
    first, last = _range(names, chosen.namespace)
    for namespace, name in names[first:last]:
        stored = collection.get(namespace, name)
        if stored is not None and chosen.has(stored):
            yield stored
