"""YAML and JSON text → documents, with kubectl's meaning and within limits. Runs in a worker.

Built from the parser's events with a stack of its own: depth cannot overflow the C stack, every alias shares
what it names instead of copying it, and what aliases would expand to is counted before anybody writes it out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs forget it

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.scalars import NotAValue, json_key, json_value, plain, tagged
from gitopsd.settings import RenderSettings

EXPANDED_FREELY = 1 << 20  # bytes: aliases in a small document harm nobody
EXPANDED_AT_MOST = 48 << 20  # bytes: what a worker can answer
BOM = "\ufeff"
UTF_16 = (
    b"\xff\xfe",
    b"\xfe\xff",
)  # what a file in it begins with; libyaml's family, kubectl among it, reads that, too
MERGE_TAG = "tag:yaml.org,2002:merge"
_MERGE = object()  # the key `<<`


@dataclass(frozen=True, slots=True)
class Document:
    line: int  # on which it begins, from 1
    value: Any  # JSON; what an alias names is shared, so it must not be changed


@dataclass(frozen=True, slots=True)
class Parsed:
    documents: tuple[Document, ...]  # in order; empty ones are left out
    warnings: tuple[tuple[int, str], ...] = ()  # line and what is odd there


def parse(name: str, data: bytes, limits: RenderSettings, *, by_lines: bool = False) -> Parsed:
    """Return the documents of a YAML or JSON file as kubectl reads them; `name` is for the errors.

    Files of manifests are read `by_lines`, so that the last one has an end, which a block of text shows.

    Raises:
        InvalidManifest: it is not UTF-8, not YAML, has no JSON form, or is over a limit; names file and line.
    """
    text = _text(name, data)
    if by_lines and not text.endswith("\n"):
        text += "\n"
    if text.lstrip().startswith("{") and (parsed := _as_json(name, text, limits)) is not None:
        return parsed
    builder = _Builder(name, text, limits)
    try:
        return Parsed(tuple(builder.documents()), tuple(builder.warnings))
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        words = " ".join(word for word in (err.context, err.problem) if word)
        raise InvalidManifest(f"{name}:{mark.line + 1 if mark else 1}: {words}", remedy="mend the YAML") from err
    except yaml.YAMLError as err:  # the reader's: a character YAML does not allow
        words = str(err).replace("\n", " ").strip()
        raise InvalidManifest(f"{name}:1: {words}", remedy="remove the character, or write it as an escape") from err


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-16" if data.startswith(UTF_16) else "utf-8").removeprefix(BOM)
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise InvalidManifest(f"{name}:{line}: not UTF-8", remedy="save the file as UTF-8") from err


def _as_json(name: str, text: str, limits: RenderSettings) -> Parsed | None:
    """Return the JSON objects of `text`, one after the other; None where it is not JSON and so may be YAML."""
    try:
        values = [(1, orjson.loads(text))]
    except orjson.JSONDecodeError:
        try:
            values = list(_json_stream(text, limits))
        except (ValueError, RecursionError):
            return None
    try:
        return Parsed(tuple(Document(line, _checked(name, line, value, limits)) for line, value in values))
    except NotAValue:
        return None


def _json_stream(text: str, limits: RenderSettings) -> Iterator[tuple[int, Any]]:
    decoder, at, line = json.JSONDecoder(), 0, 1
    for _ in range(limits.max_documents):
        start = at
        while text[at : at + 1].isspace():
            at += 1
        if at == len(text):
            return
        line += text.count("\n", start, at)
        value, end = decoder.raw_decode(text, at)
        yield line, value
        line += text.count("\n", at, end)
        at = end
    raise ValueError("too many documents")


def _checked(name: str, line: int, value: Any, limits: RenderSettings, depth: int = 1) -> Any:
    if depth > limits.max_depth:
        raise _too_deep(name, line, limits)
    if isinstance(value, dict):
        return {key: _checked(name, line, one, limits, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_checked(name, line, one, limits, depth + 1) for one in value]
    return json_value(value)


def _too_deep(name: str, line: int, limits: RenderSettings) -> InvalidManifest:
    return InvalidManifest(
        f"{name}:{line}: nested more than {limits.max_depth} deep", remedy="flatten it, or raise render.max_depth"
    )


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is not closed yet."""

    into: dict[str, Any] | list[Any]
    anchor: str | None
    line: int
    before: int  # expanded size of all before it
    key: Any = None  # of a mapping: the one whose value comes next, or _MERGE; None: a key comes next
    merged: frozenset[str] = frozenset()  # keys that came by `<<`


class _Builder:
    """Turns the events of one file into documents."""

    def __init__(self, name: str, text: str, limits: RenderSettings) -> None:
        self._name = name
        self._limits = limits
        self._allowed = max(EXPANDED_FREELY, min(EXPANDED_AT_MOST, limits.max_growth * len(text)))
        self._events = CParser(text).get_event
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}  # value and expanded size; None: still open
        self._size = 0  # of the document so far, aliases expanded
        self._root: tuple[int, Any] = (1, None)  # line and value
        self.warnings: list[tuple[int, str]] = []

    def documents(self) -> Iterator[Document]:
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }
        while (event := self._events()) is not None:
            handle = handlers.get(type(event))
            if handle is not None:
                handle(event)
            elif type(event) is yaml.DocumentEndEvent:
                line, value = self._root
                if value is not None:
                    yield Document(line, value)
                self._anchors, self._size = {}, 0

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        self._size += len(text) + 1
        tag = event.tag
        is_plain = tag is None and event.implicit[0]
        try:
            value = plain(text) if is_plain else tagged(tag, text) if tag not in (None, "!") else text
        except NotAValue as err:
            raise self._refused(_line(event), str(err), "write a value of the tag's type") from err
        if event.anchor is not None:
            self._anchors[event.anchor] = value, len(text) + 1
        if is_plain and text.startswith("---") and event.start_mark.column == 0:
            # YAML makes a key of it, and one mapping of two documents; kubectl refuses it.
            raise self._refused(_line(event), f"{text[:40]!r} is no separator", "write --- on a line of its own")
        is_merge = (is_plain and text == "<<") or tag == MERGE_TAG
        self._put_scalar(_MERGE if is_merge and self._wants_key else value, _line(event))

    @property
    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].key is None and isinstance(self._open[-1].into, dict)

    def _put_scalar(self, value: Any, line: int) -> None:
        try:
            if self._wants_key:
                self._open[-1].key = value if value is _MERGE else json_key(value)
            else:
                self._put(json_value(value), line)
        except NotAValue as err:
            raise self._refused(line, str(err), "put it in quotes") from err

    def _begin(self, event: Any) -> None:
        if self._wants_key:
            raise self._refused(_line(event), "a key is a mapping or a list", "put it in quotes")
        if len(self._open) >= self._limits.max_depth:
            raise _too_deep(self._name, _line(event), self._limits)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        into: dict[str, Any] | list[Any] = {} if type(event) is yaml.MappingStartEvent else []
        self._open.append(_Open(into, event.anchor, _line(event), self._size))
        self._size += 1

    def _end(self, _: Any) -> None:
        done = self._open.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = done.into, self._size - done.before
        self._put(done.into, done.line)

    def _alias(self, event: Any) -> None:
        line = _line(event)
        if event.anchor not in self._anchors:
            raise self._refused(
                line, f"unknown anchor {event.anchor!r}", "anchors hold within one document: define it above"
            )
        named = self._anchors[event.anchor]
        if named is None:
            raise self._refused(line, f"anchor {event.anchor!r} contains itself", "repeat the part instead")
        value, size = named
        self._size += size
        if self._size > self._allowed:
            raise self._refused(
                line, "its aliases expand beyond all measure", "write it without them, or raise render.max_growth"
            )
        if not isinstance(value, (dict, list)):
            self._put_scalar(value, line)
        elif self._wants_key:
            raise self._refused(line, "a key is a mapping or a list", "put it in quotes")
        else:
            self._put(value, line)

    def _put(self, value: Any, line: int) -> None:
        if not self._open:
            self._root = line, value
            return
        top = self._open[-1]
        if isinstance(top.into, list):
            top.into.append(value)
            return
        key, top.key = top.key, None
        if key is _MERGE:
            self._merge(top, top.into, value, line)
            return
        if key in top.into and key not in top.merged:
            self.warnings.append((line, f"{key!r} is written twice, the last one counts"))
        top.into[key] = value

    def _merge(self, top: _Open, into: dict[str, Any], value: Any, line: int) -> None:
        """Merge as kubectl does: in place, over what is above it; of a list the earlier mapping wins."""
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            raise self._refused(line, "<< takes a mapping or a list of mappings", "name an anchor of one")
        merged = {key: one for mapping in reversed(mappings) for key, one in mapping.items()}
        overridden = sorted(merged.keys() & into.keys() - top.merged)
        self.warnings += [(line, f"<< overrides {key!r} above it, so write it first") for key in overridden]
        self._size += sum(len(key) + 2 for key in merged)
        into.update(merged)
        top.merged |= merged.keys()

    def _refused(self, line: int, what: str, remedy: str) -> InvalidManifest:
        return InvalidManifest(f"{self._name}:{line}: {what}", remedy=remedy)


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
