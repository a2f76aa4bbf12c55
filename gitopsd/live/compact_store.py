"""The objects of one kind; those that nobody manages in a few hundred bytes each, for there may be very many."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from gitopsd.model.cluster import LiveObject, Network, PodFacts
from gitopsd.model.health import Health
from gitopsd.model.ids import ResourceVersion, Uid
from gitopsd.model.manifest import GVK, ResourceKey

PLAIN = struct.Struct("<16sQdq")  # uid, resourceVersion, created_s, generation


class Common(NamedTuple):
    """What many objects of a kind share, and then have once."""

    owners: tuple[Uid, ...]
    controlled: bool
    argocd_wrote_s: float | None
    takeover: bool
    deleting: bool
    established: bool
    health: Health | None
    guarded: bool
    marks: tuple[tuple[str, str], ...]
    pod: PodFacts | None
    network: Network | None
    claims: tuple[str, ...]
    finalizers: tuple[str, ...]


Packed = tuple[bytes, Common] | LiveObject  # kept as it is: what does not fit, and what a status may hold as well


def packed(live: LiveObject) -> Packed:
    """Return `live` without its key; equal objects of one key give equal values."""
    version = live.resource_version
    if live.tracking is not None or live.view is not None or live.installation or live.kept:
        return live
    try:
        uid = bytes.fromhex(live.uid.replace("-", ""))
        plain = PLAIN.pack(uid, int(version), live.created_s, live.generation)
    except (ValueError, struct.error):
        return live
    if _dashed(uid.hex()) != live.uid or str(int(version)) != version:
        return live
    return plain, _shared(
        Common(
            live.owners,
            live.controlled,
            live.argocd_wrote_s,
            live.takeover,
            live.deleting,
            live.established,
            live.health,
            live.guarded,
            live.marks,
            live.pod,
            live.network,
            live.claims,
            live.finalizers,
        )
    )


def unpacked(key: ResourceKey, value: Packed) -> LiveObject:
    """Return the object `key` that `packed` gave `value` for."""
    if isinstance(value, LiveObject):
        return value
    plain, common = value
    uid, version, created_s, generation = PLAIN.unpack(plain)
    return LiveObject(
        key=key,
        uid=Uid(_dashed(uid.hex())),
        resource_version=ResourceVersion(str(version)),
        owners=common.owners,
        controlled=common.controlled,
        tracking=None,
        by_argocd=False,
        argocd_wrote_s=common.argocd_wrote_s,
        takeover=common.takeover,
        view=None,
        deleting=common.deleting,
        established=common.established,
        health=common.health,
        created_s=created_s,
        generation=generation,
        guarded=common.guarded,
        marks=common.marks,
        pod=common.pod,
        network=common.network,
        claims=common.claims,
        finalizers=common.finalizers,
    )


class CompactStore(Mapping[ResourceKey, LiveObject]):
    """The objects of one kind by key. What is packed is made anew each time it is given out."""

    def __init__(self, gvk: GVK) -> None:
        self._gvk = gvk
        self._held: dict[str, dict[str, Packed]] = {}  # namespace → name
        self._count = 0

    def put(self, live: LiveObject) -> tuple[bool, LiveObject | None]:
        """Hold `live`; return whether it is another one than was held, and then what was."""
        names = self._held.setdefault(live.key.namespace, {})
        old, new = names.get(live.key.name), packed(live)
        if old == new:
            return False, None
        self._count += old is None
        names[live.key.name] = new
        return True, None if old is None else unpacked(live.key, old)

    def pop(self, key: ResourceKey) -> LiveObject | None:
        """Forget an object and return it; None where there is none."""
        names = self._held.get(key.namespace, {})
        old = names.pop(key.name, None)
        if old is None:
            return None
        self._count -= 1
        if not names:
            del self._held[key.namespace]
        return unpacked(key, old)

    def __getitem__(self, key: ResourceKey) -> LiveObject:
        return unpacked(key, self._held[key.namespace][key.name])

    def unowned(self, namespace: str) -> Iterator[LiveObject]:
        """Give the objects of a namespace that name no owner; the others are not unpacked."""
        for name, value in self._held.get(namespace, {}).items():
            if not (value.owners if isinstance(value, LiveObject) else value[1].owners):
                yield unpacked(ResourceKey(self._gvk.group, self._gvk.kind, namespace, name), value)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, ResourceKey) and key.name in self._held.get(key.namespace, ())

    def __iter__(self) -> Iterator[ResourceKey]:
        for namespace, names in self._held.items():
            for name in names:
                yield ResourceKey(self._gvk.group, self._gvk.kind, namespace, name)

    def __len__(self) -> int:
        return self._count


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=8192)
def _shared(common: Common) -> Common:
    return common
