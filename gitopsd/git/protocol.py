"""What is said to a Git server by protocol 2: requests written, answers read; no traffic.

Source: Git, Documentation/gitprotocol-v2.txt and gitprotocol-http.txt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

FLUSH, DELIM = b"0000", b"0001"
HEAD_BYTES = 4  # of a line: its length in hexadecimal
SHORTEST = 4  # of a line; less is a mark, such as the end
OID = 40  # hexadecimal digits
PACK, PROGRESS = 1, 2  # bands of an answer
WANTED = ("thin-pack", "no-progress", "include-tag", "ofs-delta")


class Unsure(Exception):
    """What came is not what this way of fetching is for: git shall see. Its reason is short, and counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def capabilities(body: bytes) -> dict[str, str]:
    """Return what a server says that it can: name → value. Raises Unsure where it speaks another protocol."""
    lines = [line.rstrip(b"\n").decode(errors="replace") for line in _lines(body) if line]
    if lines and lines[0].startswith("# service="):
        del lines[0]
    if not lines or lines[0] != "version 2":
        raise Unsure("protocol")
    known = {name: value for name, _, value in (line.partition("=") for line in lines[1:])}
    if "ls-refs" not in known or "fetch" not in known or known.get("object-format", "sha1") != "sha1":
        raise Unsure("protocol")
    return known


def ls_refs(known: Mapping[str, str], prefixes: Iterable[str]) -> bytes:
    """Return the question for all refs that begin with one of `prefixes`."""
    return _command("ls-refs", known, [f"ref-prefix {prefix}" for prefix in prefixes])


def refs_of(body: bytes) -> dict[str, str]:
    """Return full name → object of what a server lists. Raises Unsure."""
    refs = {}
    for line in _lines(body):
        try:
            oid, name = line.rstrip(b"\n").decode().split(" ")[:2]
        except ValueError:  # UnicodeDecodeError is one
            raise Unsure("refs") from None
        if len(oid) != OID or oid.strip("0123456789abcdef"):
            raise Unsure("refs")
        refs[name] = oid
    return refs


def fetch(known: Mapping[str, str], wants: Sequence[str], haves: Sequence[str]) -> bytes:
    """Return the question for a pack that makes `wants` whole for who has `haves`, and all that they reach."""
    lines = [*WANTED, *(f"want {oid}" for oid in wants), *(f"have {oid}" for oid in haves), "done"]
    return _command("fetch", known, lines)


def pack_of(body: bytes) -> bytes:
    """Return the pack of an answer to `fetch`. Raises Unsure where there is none."""
    lines = _lines(body)
    if next(lines, b"").rstrip(b"\n") != b"packfile":
        raise Unsure("refused")
    parts = []
    for line in lines:
        if line[:1] == bytes((PACK,)):
            parts.append(line[1:])
        elif line[:1] != bytes((PROGRESS,)):
            raise Unsure("refused")
    return b"".join(parts)


def _command(name: str, known: Mapping[str, str], arguments: Iterable[str]) -> bytes:
    head = [f"command={name}"]
    if "object-format" in known:
        head.append("object-format=sha1")
    return b"".join((*map(_line, head), DELIM, *map(_line, arguments), FLUSH))


def _line(text: str) -> bytes:
    data = text.encode() + b"\n"
    return b"%04x%b" % (len(data) + HEAD_BYTES, data)


def _lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines of an answer that ends where it says so, marks left out. Raises Unsure."""
    at, ended = 0, False
    while at < len(body):
        try:
            length = int(body[at : at + HEAD_BYTES], 16)
        except ValueError:
            raise Unsure("garbled") from None
        ended = length == 0
        if 0 <= length < SHORTEST:
            at += HEAD_BYTES
            continue
        if length < 0 or at + length > len(body):
            raise Unsure("cut off")
        line = body[at + HEAD_BYTES : at + length]
        if line.startswith(b"ERR "):
            raise Unsure("refused")
        yield line
        at += length
    if not ended:
        raise Unsure("cut off")
