"""A small pack, unpacked in memory within bounds; what is larger is for git.

Source: Git, Documentation/gitformat-pack.txt.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from gitopsd.git.protocol import Unsure

MAX_PACK_BYTES = 2 << 20
MAX_OBJECTS = 1000
MAX_BYTES = 8 << 20  # of all objects unpacked, deltas beside what they make
MAX_DELTA_BYTES = 512 << 10  # of all deltas: each byte may be an instruction, and those are followed one by one
COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
KINDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}
OFS_DELTA, REF_DELTA = 6, 7
HEAD_BYTES, HASH_BYTES = 12, 20
MAX_NUMBER_BITS = 63  # of a size or a distance: a longer one would be reckoned with as if it were one
MAX_BASE_BYTES = MAX_BYTES  # of an object of the mirror that is read, for a delta or to be looked into
STEP_BYTES = 4096  # of a pack that are given to zlib at once

Oid = bytes  # 20 of them
Object = tuple[int, bytes]  # kind, content


@dataclass(slots=True)
class PackReader:
    """Reads one pack; `base` gives an object that a delta may be made from, or None."""

    pack: bytes
    base: Callable[[Oid], Object | None]
    objects: dict[Oid, Object] = field(default_factory=dict)
    _at: int = HEAD_BYTES
    _room: int = MAX_BYTES
    _delta_room: int = MAX_DELTA_BYTES
    _by_offset: dict[int, Object] = field(default_factory=dict)

    def read(self) -> dict[Oid, Object]:
        """Return all objects by their ids. Raises Unsure where the pack is not whole, not small or not understood."""
        body, count = self.pack[:-HASH_BYTES], int.from_bytes(self.pack[8:HEAD_BYTES], "big")
        if self.pack[:8] != b"PACK\0\0\0\2" or hashlib.sha1(body).digest() != self.pack[-HASH_BYTES:]:  # noqa: S324 - Git's
            raise Unsure("pack")
        if count > MAX_OBJECTS:
            raise Unsure("large")
        try:
            waiting = [delta for _ in range(count) if (delta := self._next()) is not None]
            while waiting:  # deltas of what comes later in the pack
                rest = [delta for delta in waiting if not self._resolve(*delta)]
                if len(rest) == len(waiting):
                    raise Unsure("pack")
                waiting = rest
        except (IndexError, zlib.error):
            raise Unsure("pack") from None
        if self._at != len(body):
            raise Unsure("pack")
        return self.objects

    def _next(self) -> tuple[int, Oid | int, bytes] | None:
        """Take the next object; return where it is, of what and the delta where that is not there yet."""
        began = self._at
        byte = self._byte()
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            byte = self._byte()
            size |= (byte & 0x7F) << shift
            shift = _next_shift(shift)
        base: Oid | int = 0
        if kind == OFS_DELTA:
            base = began - self._distance()
        elif kind == REF_DELTA:
            base = self.pack[self._at : self._at + HASH_BYTES]
            self._at += HASH_BYTES
        elif kind not in KINDS:
            raise Unsure("pack")
        self._take(size)
        if kind in KINDS:
            self._keep(began, (kind, self._inflated(size)))
            return None
        self._delta_room -= size
        if self._delta_room < 0:
            raise Unsure("large")
        delta = began, base, self._inflated(size)
        return None if self._resolve(*delta) else delta

    def _resolve(self, began: int, base: Oid | int, delta: bytes) -> bool:
        source = self._by_offset.get(base) if isinstance(base, int) else self.objects.get(base) or self.base(base)
        if source is None:
            return False
        size, at = _varint(delta, 0)
        made, at = _varint(delta, at)
        if size != len(source[1]):
            raise Unsure("pack")
        self._take(made)
        self._keep(began, (source[0], _patched(source[1], delta, at, made)))
        return True

    def _keep(self, began: int, value: Object) -> None:
        kind, content = value
        head = b"%b %d\0" % (KINDS[kind], len(content))
        self.objects[hashlib.sha1(head + content).digest()] = value  # noqa: S324 - Git's; looked at again by libgit2
        self._by_offset[began] = value

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise Unsure("large")

    def _byte(self) -> int:
        self._at += 1
        return self.pack[self._at - 1]

    def _distance(self) -> int:
        byte = self._byte()
        distance, shift = byte & 0x7F, 0
        while byte & 0x80:
            byte, shift = self._byte(), _next_shift(shift)
            distance = (distance + 1) << 7 | byte & 0x7F
        return distance

    def _inflated(self, size: int) -> bytes:
        inflater, parts, room = zlib.decompressobj(), [], size + 1
        while not inflater.eof:
            chunk = self.pack[self._at : self._at + STEP_BYTES]
            self._at += len(chunk)
            parts.append(inflater.decompress(chunk, room))
            room -= len(parts[-1])
            if room <= 0 or inflater.unconsumed_tail or not chunk:
                raise Unsure("pack")
        self._at -= len(inflater.unused_data)
        if room != 1:
            raise Unsure("pack")
        return b"".join(parts)


def _next_shift(shift: int) -> int:
    """Return where the next seven bits of a number go. Raises Unsure where no size of Git's has so many."""
    if shift > MAX_NUMBER_BITS:
        raise Unsure("pack")
    return shift + 7


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift = _next_shift(shift)
        if not byte & 0x80:
            return value, at


def _patched(base: bytes, delta: bytes, at: int, size: int) -> bytes:
    """Return what `delta`, from `at`, makes of `base`: `size` bytes, or Unsure."""
    parts, made = list[bytes](), 0
    while at < len(delta):
        code = delta[at]
        at += 1
        if code & 0x80:
            numbers = [0, 0]
            for bit in range(7):  # four bytes of the offset, three of the length, those that are not 0
                if code >> bit & 1:
                    numbers[bit >= 4] |= delta[at] << 8 * (bit % 4)  # noqa: PLR2004 - the length begins at bit 4
                    at += 1
            begin, length = numbers[0], numbers[1] or 0x10000
            part = base[begin : begin + length]
        else:
            length = code
            part = delta[at : at + length]
            at += length
        made += length
        if not length or len(part) != length or made > size:
            raise Unsure("pack")
        parts.append(part)
    if made != size:
        raise Unsure("pack")
    return b"".join(parts)
