"""Whether new tips of refs are whole, as git asks before it moves a ref: all that they reach came, or was there.

What a ref of the mirror reaches is whole already. An object that merely lies in the mirror proves nothing of what it
names in its turn, so it is looked into like one that came.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import pygit2

from gitopsd.git.packs import BLOB, COMMIT, HASH_BYTES, MAX_BASE_BYTES, TAG, TREE, Object, Oid
from gitopsd.git.protocol import Unsure

MAX_STEPS = 50_000  # entries of trees, and commits, that are looked at; a commit counts as many as takes its time
COMMIT_STEPS = 10
ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
TREE_MODES, MODULE_MODE = (b"40000", b"040000"), b"160000"
COMMIT_HEAD = re.compile(
    rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)(?:author [^\n]*\ncommitter [^\n]*> (\d+) )?"
)
TAG_HEAD = re.compile(rb"object ([0-9a-f]{40})\ntype (\w+)\n")


@dataclass(frozen=True, slots=True)
class CommitHead:
    tree: Oid
    parents: tuple[Oid, ...]
    time_s: int


@dataclass(slots=True)
class Reachable:
    """One look: `arrived` is what a pack brought, `tips` the objects that refs of the mirror name now."""

    odb: pygit2.Odb
    arrived: Mapping[Oid, Object]
    tips: Collection[Oid]
    needed: dict[Oid, Object] = field(default_factory=dict)  # of what came: all that the new tips reach
    _seen: set[Oid] = field(default_factory=set)
    _compared: set[tuple[Oid, tuple[Oid, ...]]] = field(default_factory=set)
    _steps: int = MAX_STEPS

    def check(self, wanted: Iterable[Oid]) -> dict[Oid, Object]:
        """Return what of the pack is to be kept so that every object of `wanted` is whole. Raises Unsure."""
        todo = list(wanted)
        while todo:
            oid = todo.pop()
            if oid in self._seen or oid in self.tips:
                continue
            self._seen.add(oid)
            kind, content = self._read(oid)
            if kind == TAG and (match := TAG_HEAD.match(content)) is not None:
                self._need(oid)
                todo.append(bytes.fromhex(match[1].decode()))
            elif kind == COMMIT:
                todo += self._commit(oid, _head(content))
            else:
                raise Unsure("kind")
        return self.needed

    def _commit(self, oid: Oid, head: CommitHead) -> tuple[Oid, ...]:
        """Look at one commit; return its parents, none where it was whole before."""
        if oid not in self.arrived and self._is_old(oid, head):
            return ()
        self._spend(COMMIT_STEPS)
        self._need(oid)
        self._trees(head.tree, [self._head(parent).tree for parent in head.parents])
        return head.parents

    def _trees(self, root: Oid, bases: list[Oid]) -> None:
        """Look at what a tree has and `bases` have not: trees at the same path of its commit's parents.

        Those are whole, or looked at in their turn. So a tree that was met beside other bases is looked at again: of
        two commits that go to and fro, each would else be taken for whole because of the other.
        """
        todo = [(root, tuple(bases))]
        while todo:
            tree, beside = todo.pop()
            if tree in beside or (tree, beside) in self._compared:
                continue
            self._compared.add((tree, beside))
            self._need(tree, TREE)
            known, names = set[tuple[bool, Oid]](), dict[bytes, list[Oid]]()
            for base in beside:
                for mode, name, oid in self._entries(base):
                    known.add((mode in TREE_MODES, oid))
                    if mode in TREE_MODES:
                        names.setdefault(name, []).append(oid)
            for mode, name, oid in self._entries(tree):
                if mode == MODULE_MODE or (mode in TREE_MODES, oid) in known:
                    continue
                if mode in TREE_MODES:
                    todo.append((oid, tuple(names.get(name, ()))))
                else:
                    self._need(oid, BLOB)

    def _entries(self, tree: Oid) -> list[tuple[bytes, bytes, Oid]]:
        kind, content = self._read(tree)
        entries = ENTRY.findall(content)
        self._spend(len(entries))
        if kind != TREE or sum(len(mode) + len(name) + HASH_BYTES + 2 for mode, name, _ in entries) != len(content):
            raise Unsure("tree")
        return entries

    def _need(self, oid: Oid, kind: int = 0) -> None:
        if (value := self.arrived.get(oid)) is not None:
            if kind and value[0] != kind:
                raise Unsure("kind")
            self.needed[oid] = value
        elif not self.odb.exists(pygit2.Oid(raw=oid)):
            raise Unsure("missing")

    def _is_old(self, wanted: Oid, head: CommitHead) -> bool:
        """Tell whether a commit that was there is reached by a ref; a look at the newest tells mostly."""
        heap = [(-tip_head.time_s, oid, tip_head) for oid in self.tips if (tip_head := self._peeled(oid)) is not None]
        heapq.heapify(heap)
        seen = {oid for _, oid, _ in heap}
        while heap and -heap[0][0] >= head.time_s:
            _, oid, tip_head = heapq.heappop(heap)
            if oid == wanted:
                return True
            for parent in tip_head.parents:
                if parent not in seen:
                    seen.add(parent)
                    parent_head = self._head(parent)
                    heapq.heappush(heap, (-parent_head.time_s, parent, parent_head))
        return False

    def _peeled(self, oid: Oid) -> CommitHead | None:
        kind, content = self._read(oid)
        return _head(content) if kind == COMMIT else None

    def _head(self, commit: Oid) -> CommitHead:
        self._spend(COMMIT_STEPS)
        kind, content = self._read(commit)
        if kind != COMMIT:
            raise Unsure("kind")
        return _head(content)

    def _read(self, oid: Oid) -> Object:
        if (value := self.arrived.get(oid)) is not None:
            return value
        try:
            return read_small(self.odb, oid)
        except KeyError:
            raise Unsure("missing") from None

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise Unsure("far")


def read_small(odb: pygit2.Odb, oid: Oid) -> Object:
    """Return an object of a mirror. Raises KeyError where it is not there, and Unsure where it is large."""
    name = pygit2.Oid(raw=oid)
    if odb.read_header(name)[1] > MAX_BASE_BYTES:
        raise Unsure("large")
    kind, content = odb.read(name)
    return int(kind), content


def _head(content: bytes) -> CommitHead:
    match = COMMIT_HEAD.match(content)
    if match is None:
        raise Unsure("commit")
    parents = (line.partition(" ")[2] for line in match[2].decode().splitlines())
    return CommitHead(bytes.fromhex(match[1].decode()), tuple(map(bytes.fromhex, parents)), int(match[3] or 0))
