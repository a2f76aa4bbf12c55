"""The job that finds charts in the index of a chart repository; it runs in a worker, since an index is anybody's.

Of a YAML index only the charts that are asked for become values: some have a thousand, and take 20 MB. libyaml reads
three in a second, so of a large one only the lines of those charts are read where that can be.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from gitopsd.core.source.semver import newest, parse_constraint, range_of
from gitopsd.errors import InvalidManifest, RepositoryUnreachable

FIND = f"{__name__}:find"
MAX_DEPTH = 50
MAX_VALUES = 500_000  # of the charts that are asked for
SHOWN = 100
LARGE = 1 << 20  # bytes; what is smaller is read whole in a moment
TOP = re.compile(rb"^entries:[ \t]*\r?$", re.MULTILINE)
END = re.compile(rb"^[^\s#]", re.MULTILINE)  # what follows the entries
NEXT = re.compile(rb"^(?:  [^\s#-]|[^\s#])", re.MULTILINE)  # what follows one of them

_Events = Iterator[Any]


def find(file: str, repository: str, references: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Return what the index in `file` has for each of `references`, a chart's name and a version or a range of them.

    An answer holds `version`, `digest` ("" where there is none) and `url`, or else `missing`: why there is none.

    Raises:
        InvalidManifest: `file` is no index; names `repository`.
        RepositoryUnreachable: it cannot be read.
    """
    try:
        data = Path(file).read_bytes()
    except OSError as err:
        raise RepositoryUnreachable(
            f"the index of {repository} cannot be read: {err.strerror}", remedy="check the data directory"
        ) from err
    charts = entries_of(data, repository, {chart for chart, _ in references})
    return [found_in(charts.get(chart), repository, chart, version) for chart, version in references]


def found_in(entries: Any, repository: str, chart: str, version: str) -> dict[str, str]:
    """Return what `find` answers for a chart that has these entries."""
    versions = {str(entry.get("version")): entry for entry in _mappings(entries)}
    if not versions:
        return {"missing": f"{repository} has no chart {chart[:SHOWN]!r}"}
    name = _version(version, versions)
    if name is None:
        last = newest_of(versions)
        more = f"; its newest is {last}" if last else ""
        return {"missing": f"{repository} has no {version[:SHOWN]!r} of the chart {chart[:SHOWN]}{more}"}
    urls = versions[name].get("urls")
    if not isinstance(urls, list) or not urls or not isinstance(urls[0], str):
        return {"missing": f"{repository} says not where {chart[:SHOWN]} {name[:SHOWN]} is: it has no urls"}
    return {"version": name, "digest": _digest(versions[name].get("digest")), "url": urls[0]}


def newest_of(versions: Collection[str]) -> str | None:
    """Return the newest version that is no prerelease, else the newest; None where nothing is a version."""
    constraints = (parse_constraint(text) for text in ("*", ">=0-0"))
    candidates = (newest(constraint, versions) for constraint in constraints if constraint is not None)
    return next((candidate for candidate in candidates if candidate is not None), None)


def _version(version: str, versions: Collection[str]) -> str | None:
    """Return the version that `version` is, exactly or but for a `v`; or else the newest in that range.

    Source: Helm, pkg/repo/index.go (IndexFile.Get), to which Argo CD leaves it.
    """
    if version in versions:
        return version
    constraint = range_of(version)
    return newest(constraint, versions) if constraint is not None else None


def _digest(value: Any) -> str:
    """Return a digest as registries write it; "" where the index has none that is SHA-256."""
    text = str(value or "").removeprefix("sha256:").lower()
    whole = len(text) == 64 and all(character in "0123456789abcdef" for character in text)  # noqa: PLR2004 - SHA-256's
    return f"sha256:{text}" if whole else ""


def _mappings(entries: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def entries_of(data: bytes, repository: str, names: Collection[str]) -> Mapping[str, Any]:
    """Return the entries that an index has of the charts `names`. Raises InvalidManifest."""
    try:
        entries = _of_part(data, names)
        if entries is None:
            entries = orjson.loads(data).get("entries") if data[:1] == b"{" else _Reader(data, names).entries()
    except (yaml.YAMLError, ValueError, AttributeError) as err:  # orjson's and Unicode's errors are ValueErrors
        mark = getattr(err, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark is not None else ""
        raise InvalidManifest(
            f"the index of {repository} is no YAML{at}", remedy="check the URL, or make it anew by `helm repo index`"
        ) from None
    if not isinstance(entries, Mapping):
        raise InvalidManifest(
            f"the index of {repository} lists no charts", remedy="check the URL, or make it anew by `helm repo index`"
        )
    return entries


def _of_part(data: bytes, names: Collection[str]) -> Mapping[str, Any] | None:
    """Return the entries of `names` from their own lines, where an index is large and written as Helm writes it.

    None where that is not so, or one of them is not found in that way: then all of it has to be read.
    """
    top = TOP.search(data) if len(data) > LARGE else None
    end = END.search(data, top.end()) if top is not None else None
    if top is None:
        return None
    parts = [b"entries:\n"]
    for name in sorted(names):
        begin = re.compile(rb"^  %b:[ \t]*\r?$" % re.escape(name.encode()), re.MULTILINE).search(data, top.end())
        if begin is None or (end is not None and begin.start() > end.start()):
            return None
        after = NEXT.search(data, begin.end())
        parts.append(data[begin.start() : after.start() if after is not None else len(data)])
    try:
        return _Reader(b"".join(parts), names).entries()
    except yaml.YAMLError:
        return None


class _Reader:
    """Reads the `entries` of an index: scalars are all text, and charts that nobody asked for are passed over."""

    def __init__(self, data: bytes, names: Collection[str]) -> None:
        self._events: _Events = yaml.parse(data, Loader=yaml.CSafeLoader)
        self._names = names
        self._left = MAX_VALUES

    def entries(self) -> dict[str, Any] | None:
        """Return the entries, None where there are none."""
        begun = list(itertools.islice(self._events, 3))  # the stream begins, the document, its mapping
        if not isinstance(begun[-1], yaml.MappingStartEvent):
            return None
        entries: dict[str, Any] | None = None
        for name, value in self._pairs():
            if name == "entries" and isinstance(value, yaml.MappingStartEvent):
                entries = {chart: self._value(begun, 0) for chart, begun in self._pairs() if self._wanted(chart, begun)}
            else:
                self._pass(value)
        return entries

    def _wanted(self, chart: str, begun: Any) -> bool:
        if chart not in self._names:
            self._pass(begun)
        return chart in self._names

    def _pairs(self) -> Iterator[tuple[str, Any]]:
        """Yield each key of a mapping that has begun, with the event by which its value begins."""
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise yaml.YAMLError("a key that is no text")
            yield key.value, next(self._events)

    def _pass(self, event: Any) -> None:
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth <= 0:
                return
            event = next(self._events)

    def _value(self, event: Any, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise yaml.YAMLError("too much")
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if isinstance(event, yaml.MappingStartEvent):
            return {name: self._value(value, depth + 1) for name, value in self._pairs()}
        items = []
        if isinstance(event, yaml.SequenceStartEvent):
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._value(item, depth + 1))
        return items  # an alias is none: what writes an index writes none
