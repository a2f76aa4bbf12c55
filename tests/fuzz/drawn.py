"""What outside texts and documents look like: pieces of their grammar, repeated and mixed, and documents gone wrong."""

from __future__ import annotations

import functools
import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from hypothesis import strategies as st

PIECES = (*" \t\n\r\0/\\:@.,-_=+*?![]{}()<>|#%&'\"~^$`0aZé\u00df\u0130\ufeff\u2028\U0001f600", "://", "..", "0x", "%2e")
REPEATS = st.sampled_from([1] * 12 + [2, 3, 17, 300, 5_000])
LONGEST = 60_000  # characters of one text
NUMBERS = st.sampled_from([0, -1, 2, 1 << 31, (1 << 63) - 1, -(1 << 63), 0.5, -0.0, 1e308, 10**18])
KEYS = st.sampled_from(["", "a", "name", "kind", "metadata", "$ref", "<<", ".", "/", "é", "k" * 3_000])
Draw = st.DrawFn
PathTo = tuple[str | int, ...]


def texts(*words: str, most: int = 12) -> st.SearchStrategy[str]:
    """Texts of a grammar's `words` and of odd characters, each perhaps repeated thousands of times."""
    piece = st.one_of(st.sampled_from(words), st.sampled_from(words), st.sampled_from(PIECES), st.text(max_size=3))
    repeated = st.builds(lambda one, times: one * times, piece, REPEATS)
    return st.lists(repeated, max_size=most).map(lambda found: "".join(found)[:LONGEST])


def as_bytes(drawn: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """The same in UTF-8, sometimes with a byte that is none."""
    return st.builds(
        lambda text, odd, at: text[:at].encode(errors="replace") + odd + text[at:].encode(errors="replace"),
        drawn,
        st.sampled_from([b"", b"", b"", b"\xff", b"\xc3", b"\x00", b"\xed\xa0\x80"]),
        st.integers(0, 200),
    )


def nested(times: int, *, lists: bool) -> Any:
    value: Any = None
    for _ in range(times):
        value = [value] if lists else {"a": value}
    return value


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    texts("a", "true", "10m", "*", "https://git.example/a", "v1", most=4),
    st.builds(lambda times, lists: nested(times, lists=lists), st.sampled_from([2, 30, 150]), st.booleans()),
    st.builds(lambda times: [{"name": "a"}] * times, st.sampled_from([1, 3, 2_000])),
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)


def gone_wrong(*documents: Any) -> st.SearchStrategy[Any]:
    """One of `documents`, which are right, with up to four values changed, left out, or put elsewhere."""

    @st.composite
    def changed(draw: Draw) -> Any:
        document = draw(st.sampled_from(documents))
        for _ in range(draw(st.integers(0, 4))):
            places = list(_places(document, ()))
            place = draw(st.sampled_from(places))
            value = draw(st.one_of(JSON, LEAVES, st.sampled_from(places).map(functools.partial(_at, document))))
            document = _with(document, place, value, leave_out=draw(st.integers(0, 5)) == 0)
        return document

    return changed()


def as_json(drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return drawn.map(orjson.dumps)


@st.composite
def archives(draw: Draw, names: Sequence[str], contents: st.SearchStrategy[bytes]) -> bytes:
    """A tar, packed or not, of files, links, devices and lies, and perhaps not whole."""
    out = io.BytesIO()
    spoken = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    with tarfile.open(fileobj=out, mode="w", format=spoken) as archive:
        for _ in range(draw(st.integers(0, 6))):
            named = st.one_of(st.sampled_from(names), texts("chart/", "../", "/", "Chart.yaml", most=4))
            entry = tarfile.TarInfo(draw(named).replace("\0", "")[:3_000])
            entry.type = draw(st.sampled_from([tarfile.REGTYPE] * 5 + [b"1", b"2", b"3", b"5", b"6", b"S", b"z"]))
            entry.linkname = draw(st.sampled_from(["", *names, "/etc/hostname"]))
            content = draw(contents) if entry.type == tarfile.REGTYPE else b""
            entry.size, entry.mode = len(content), draw(st.sampled_from([0o644, 0o755, 0, 0o7777]))
            archive.addfile(entry, io.BytesIO(content))
    data = bytearray(gzip.compress(out.getvalue(), 1) if draw(st.booleans()) else out.getvalue())
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.sampled_from([len(data)] * 4 + [len(data) // 2]))])


def _places(value: Any, at: PathTo) -> Iterator[PathTo]:
    yield at
    inside: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, one in list(inside)[:50]:
        if len(at) < 12:
            yield from _places(one, (*at, name))


def _at(value: Any, place: PathTo) -> Any:
    for name in place:
        value = value[name]
    return value


def _with(value: Any, place: PathTo, new: Any, *, leave_out: bool) -> Any:
    if not place:
        return new
    head, rest = place[0], place[1:]
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    if rest or not leave_out:
        copy[head] = _with(value[head], rest, new, leave_out=leave_out)
    else:
        del copy[head]
    return copy
