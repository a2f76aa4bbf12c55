"""Packs as git makes them are unpacked; what is broken, large or made to harm is refused within bounds."""

from __future__ import annotations

import hashlib
import random
import time
import zlib
from pathlib import Path

import pygit2
import pytest

from gitopsd.git import packs
from gitopsd.git.packs import BLOB, Object, Oid, PackReader
from gitopsd.git.protocol import Unsure
from gitopsd.git.reachable import Reachable, read_small
from tests.git.histories import RandomHistory, git, raw
from tests.gitserver import Repo

REFUSED = Unsure


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "x.git")
    repo.commit({f"apps/{number}/a.yaml": f"{number}\n" * 50 for number in range(20)})
    return repo


def pack_of(repo: Repo, *revisions: str) -> bytes:
    options = ("--revs", "--thin", "--stdout", "--delta-base-offset", "--quiet")
    return raw("pack-objects", *options, mirror=repo.path, data="\n".join(revisions).encode() + b"\n")


def unpacked(repo: Repo, pack: bytes) -> dict[Oid, Object]:
    def base(oid: Oid) -> Object | None:
        try:
            kind, content = repo.git.odb.read(pygit2.Oid(raw=oid))
        except KeyError:
            return None
        return int(kind), content

    return PackReader(pack, base).read()


def signed(body: bytes) -> bytes:
    """Return a pack with this body that is whole, as far as its end says."""
    return body + hashlib.sha1(body).digest()  # noqa: S324 - Git's


def head(kind: int, size: int) -> bytes:
    data, size = [kind << 4 | size & 15], size >> 4
    while size:
        data[-1] |= 0x80
        data.append(size & 0x7F)
        size >>= 7
    return bytes(data)


def begin(count: int) -> bytes:
    return b"PACK\0\0\0\2" + count.to_bytes(4, "big")


@pytest.mark.parametrize("seed", range(10))
def test_every_pack_of_git_is_unpacked(repo: Repo, seed: int) -> None:
    old = str(repo.git.references["refs/heads/main"].target)
    history = RandomHistory(repo, seed)
    for _ in range(20):
        history.commit()
    repo.collect()
    pack = pack_of(repo, "main", f"^{old}")

    objects = unpacked(repo, pack)

    assert int.from_bytes(pack[8:12], "big") == len(objects)
    for oid, (kind, content) in objects.items():
        there_kind, there = repo.git.odb.read(pygit2.Oid(raw=oid))
        assert (int(there_kind), there) == (kind, content)


@pytest.mark.parametrize("seed", range(20))
def test_broken_pack_is_refused_and_never_gives_an_object_another_name(repo: Repo, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - of a test
    history = RandomHistory(repo, seed)
    for _ in range(5):
        history.commit()
    body = bytearray(pack_of(repo, "main", "^main~3")[:-20])
    with pytest.raises(REFUSED):
        unpacked(repo, bytes(body) + b"\0" * 20)
    for _ in range(30):
        broken = body[: dice.randrange(len(body))] if dice.random() < 0.3 else bytearray(body)
        if broken:
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        try:
            objects = unpacked(repo, signed(bytes(broken)))
        except REFUSED:
            continue
        for oid, (kind, content) in objects.items():
            name = packs.KINDS[kind] + b" %d\0" % len(content)
            assert hashlib.sha1(name + content).digest() == oid  # noqa: S324 - Git's


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (begin(packs.MAX_OBJECTS + 1), "large"),
        (begin(1) + head(BLOB, 64 << 20) + zlib.compress(b"x"), "large"),
        (begin(1) + head(BLOB, 10) + zlib.compress(b"x" * (8 << 20)), "pack"),  # more than it says
        (begin(1) + head(BLOB, 10) + zlib.compress(b"x"), "pack"),  # less
        (begin(2) + head(BLOB, 1) + zlib.compress(b"x"), "pack"),  # fewer objects
        (begin(1) + head(BLOB, 1) + zlib.compress(b"x") + b"more", "pack"),
        (begin(1) + head(5, 1) + zlib.compress(b"x"), "pack"),  # a kind that there is not
        (begin(1) + head(7, 3) + b"\1" * 20 + zlib.compress(b"\1\1\1"), "pack"),  # of an object that nobody has
        (begin(1) + head(6, 3) + b"\5" + zlib.compress(b"\1\1\1"), "pack"),  # of what is no object
        (begin(1) + head(6, packs.MAX_DELTA_BYTES + 1) + b"\5" + zlib.compress(b""), "large"),
        (begin(1) + head(BLOB, 100) + b"no zlib", "pack"),
        (begin(1) + b"\xb0" + b"\x80" * 20 + b"\0", "pack"),  # a size of more than 63 bits
        (begin(1) + head(6, 3) + b"\xff" * 20 + b"\0", "pack"),  # and a distance
        (b"PACK\0\0\0\3" + (0).to_bytes(4, "big"), "pack"),
        (b"", "pack"),
    ],
)
def test_pack_that_is_made_to_harm_is_refused(repo: Repo, body: bytes, reason: str) -> None:
    with pytest.raises(REFUSED) as refused:
        unpacked(repo, signed(body))

    assert reason == refused.value.reason


def test_number_that_does_not_end_costs_no_time(repo: Repo) -> None:
    began_s = time.process_time()
    with pytest.raises(REFUSED):
        unpacked(repo, signed(begin(1) + b"\xb0" + b"\xff" * (packs.MAX_PACK_BYTES - 64)))

    assert time.process_time() - began_s < 1.0  # minutes, where each byte made the number longer


def test_delta_makes_no_more_than_the_bounds_allow(repo: Repo) -> None:
    source = bytes(repo.git.revparse_single("main:apps/1/a.yaml").read_raw())
    oid = repo.git.revparse_single("main:apps/1/a.yaml").id.raw
    copy = b"\x90" + bytes((len(source),))
    made = len(source) * 1000
    for claimed in (made, packs.MAX_BYTES + 1, made - 1):
        delta = varint(len(source)) + varint(claimed) + copy * 1000
        pack = signed(begin(1) + head(7, len(delta)) + oid + zlib.compress(delta))
        if claimed == made:
            assert [(BLOB, source * 1000)] == list(unpacked(repo, pack).values())
            continue
        with pytest.raises(REFUSED):
            unpacked(repo, pack)


def varint(value: int) -> bytes:
    data = [value & 0x7F]
    while value := value >> 7:
        data[-1] |= 0x80
        data.append(value & 0x7F)
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_tip_is_whole_with_what_git_sends_for_it_and_with_nothing_less(repo: Repo, tmp_path: Path, seed: int) -> None:
    mirror = pygit2.clone_repository(str(repo.path), str(tmp_path / "mirror.git"), bare=True)
    old = str(repo.git.references["refs/heads/main"].target)
    history = RandomHistory(repo, seed)
    for _ in range(6):
        history.random.choice((history.commit, history.commit, history.move, history.again, history.merge))()
    new = str(repo.git.references["refs/heads/main"].target)
    arrived = unpacked(repo, pack_of(repo, new, f"^{old}"))
    stray = {hashlib.sha1(b"blob 5\0stray").digest(): (BLOB, b"stray")}  # noqa: S324 - Git's

    def needed(of: dict[Oid, Object]) -> dict[Oid, Object]:
        return Reachable(mirror.odb, of, {bytes.fromhex(old)}).check([bytes.fromhex(new)])

    assert arrived == needed({**arrived, **stray})
    for lost in arrived:
        with pytest.raises(REFUSED):
            needed({oid: value for oid, value in arrived.items() if oid != lost})


def test_object_that_merely_lies_there_proves_nothing_of_what_it_names(repo: Repo, tmp_path: Path) -> None:
    mirror = pygit2.clone_repository(str(repo.path), str(tmp_path / "mirror.git"), bare=True)
    old = str(repo.git.references["refs/heads/main"].target)
    new = repo.commit({"apps/1/a.yaml": "new", "apps/new/b.yaml": "newer"})
    blob = repo.git.revparse_single("main:apps/new/b.yaml").id
    for line in git("rev-list", "--objects", new, f"^{old}", mirror=repo.path).splitlines():
        oid = pygit2.Oid(hex=line.split()[0])
        if oid != blob:
            mirror.odb.write(*repo.git.odb.read(oid))

    with pytest.raises(REFUSED) as refused:
        Reachable(mirror.odb, {}, {bytes.fromhex(old)}).check([bytes.fromhex(new)])

    assert "missing" == refused.value.reason
    mirror.odb.write(*repo.git.odb.read(blob))
    assert {} == Reachable(mirror.odb, {}, {bytes.fromhex(old)}).check([bytes.fromhex(new)])


def test_tree_and_blob_cannot_stand_for_each_other(repo: Repo) -> None:
    tip = repo.git.references["refs/heads/main"].peel(pygit2.Commit)
    blob = repo.git.revparse_single("main:apps/1/a.yaml").id.raw
    tree = b"40000 x\0" + blob
    name = hashlib.sha1(b"tree %d\0" % len(tree) + tree).digest()  # noqa: S324 - Git's
    commit = b"tree %b\nparent %b\n\n" % (name.hex().encode(), str(tip.id).encode())
    arrived = {name: (packs.TREE, tree), b"\7" * 20: (packs.COMMIT, commit)}

    with pytest.raises(REFUSED):
        Reachable(repo.git.odb, arrived, {tip.id.raw}).check([b"\7" * 20])


def test_large_object_of_the_mirror_is_not_read(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    oid = repo.git.revparse_single("main:apps/1/a.yaml").id.raw
    assert BLOB == read_small(repo.git.odb, oid)[0]
    monkeypatch.setattr("gitopsd.git.reachable.MAX_BASE_BYTES", 1)
    with pytest.raises(REFUSED) as refused:
        read_small(repo.git.odb, oid)

    assert "large" == refused.value.reason
