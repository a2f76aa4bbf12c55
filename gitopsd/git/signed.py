"""A commit's or tag's signature, and what it was made over, read from the object's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pygit2

from gitopsd.git import objects

SEAL = re.compile(rb"^argocd-gpg-seal:", re.IGNORECASE | re.MULTILINE)  # a trailer, as Argo CD's docs have it
BEGINNINGS = (b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN SSH SIGNATURE-----")
HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")
TIME = re.compile(rb"^(?:committer|tagger) .*> (\d{1,12}) [+-]\d{4}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Signed:
    """One object as it is verified."""

    name: str  # its id
    signature: bytes  # "" where there is none
    payload: bytes
    parents: tuple[str, ...]  # of a commit
    seals: bool  # a commit that vouches for all before it, if it is trusted itself
    made_s: int  # Unix time, as its maker says

    @property
    def is_ssh(self) -> bool:
        return self.signature.startswith(b"-----BEGIN SSH")


def read_signed(mirror: str, names: Iterable[str]) -> list[Signed]:
    """Return the commits or tags `names`. Blocks.

    Raises:
        RepositoryUnreachable: one of them is not in the mirror, or cannot be read.
    """
    repo = objects.open_mirror(mirror)
    read = []
    for name in names:
        with objects.reading(mirror, f"the signature of {name}"):
            kind, data = repo.read(pygit2.Oid(hex=name))
        read.append(_tag(name, data) if kind == pygit2.enums.ObjectType.TAG else _commit(name, data))
    return read


def tag_object(mirror: str, ref: str, revision: str) -> str | None:
    """Return the id of the annotated tag that the full name `ref` is; None where it is none, or not of `revision`."""
    repo = objects.open_mirror(mirror)
    if ref not in repo.references:
        return None
    target = repo.references[ref].target
    if not isinstance(target, pygit2.Oid):
        return None
    with objects.reading(mirror, ref):
        is_tag = repo.read(target)[0] == pygit2.enums.ObjectType.TAG
    return str(target) if is_tag and objects.peeled(mirror, str(target)) == revision else None


def _commit(name: str, data: bytes) -> Signed:
    head, blank, message = data.partition(b"\n\n")
    signed_lines: list[bytes] = []
    signature: list[bytes] = []
    signatures, into = 0, signed_lines
    for line in head.split(b"\n"):
        if not line.startswith(b" "):
            into = signature if line.startswith(HEADERS[0]) else [] if line.startswith(HEADERS[1]) else signed_lines
            signatures += line.startswith(HEADERS[0])
            into.append(line.removeprefix(HEADERS[0]) if into is signature else line)
        else:
            into.append(line[1:] if into is signature else line)
    parents = tuple(
        line[7:].decode() for line in signed_lines if re.fullmatch(rb"parent (?:[0-9a-f]{40}|[0-9a-f]{64})", line)
    )
    return Signed(
        name=name,
        signature=b"\n".join(signature) + b"\n" if signatures == 1 else b"",  # of several, who knows which one counts
        payload=b"\n".join(signed_lines) + blank + message,
        parents=parents,
        seals=SEAL.search(message) is not None,
        made_s=_made_s(b"\n".join(signed_lines)),
    )


def _tag(name: str, data: bytes) -> Signed:
    places = [position for beginning in BEGINNINGS if (position := data.rfind(b"\n" + beginning)) >= 0]
    cut = max(places) + 1 if places else len(data)
    return Signed(name, data[cut:], data[:cut], (), seals=False, made_s=_made_s(data.partition(b"\n\n")[0]))


def _made_s(head: bytes) -> int:
    match = TIME.search(head)
    return int(match[1]) if match else 0
