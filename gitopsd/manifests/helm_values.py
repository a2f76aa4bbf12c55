"""The values that an Application gives a chart, merged as Argo CD does: files, values, parameters, the later ones win.

Value files are looked up in the tree, so one that comes, goes or changes renders anew.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitopsd.core.source.ref_source import not_lent
from gitopsd.core.source.remote_file import ONLY, file_name
from gitopsd.core.text.globs import DOUBLESTAR, compiled, fixed_directory, is_wild
from gitopsd.errors import InvalidDeclaration, InvalidManifest, PathNotFound
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.strvals import NotSettable, set_into
from gitopsd.manifests.whole_numbers import typed_whole
from gitopsd.manifests.yaml import parse
from gitopsd.model.application import HelmOptions
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings
from gitopsd.words import without_credentials

Values = dict[str, Any]

MOST_MATCHES = 1000  # of one glob
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
REFERENCE = re.compile(r"\$(?P<ref>[A-Za-z0-9_-]+)(?=/|$)")
OWN = re.compile(r"ARGOCD_|KUBE_")  # the build environment's variables


def helm_values(tree: Tree, path: str, options: HelmOptions, context: RenderContext) -> Values:
    """Return all that `options` of the chart in `path` gives it; the chart's own values are not among them.

    Raises:
        InvalidManifest: a value file is missing, or no YAML mapping.
        InvalidDeclaration: values or a parameter cannot be read, or a ref is no source's.
        BaseNotLent: a value file is at a URL, and not among `given.refs`.
        PathNotFound: a value file is outside of its repository.
    """
    merged: Values = {}
    for name, data in _files(tree, path, options, context):
        merged = _over(merged, _read(name, data, context.limits))
    written = options.values_object
    if written is None:
        written = _read("spec.source.helm.values", options.values.encode(), context.limits)
    merged = _own(_over(merged, written))
    for parameter in sorted(options.parameters, key=lambda parameter: parameter.force_string):
        convert = str if parameter.force_string else typed_whole
        _set(merged, parameter.name, cleaned(context.variables.expand(parameter.value)), convert)
    for name, file in options.file_parameters.items():
        text = _text(tree, path, file, context)
        _set(merged, name, "text", lambda _, text=text: text)
    return merged


def cleaned(text: str) -> str:
    """Return a parameter's value as `--set` is to read it: commas are its own, unless it is a list in braces."""
    if text.startswith("{") and text.endswith("}"):
        return text
    return re.sub(r"(?<!\\),", r"\\,", text)


def _set(into: Values, name: str, text: str, convert: Any) -> None:
    try:
        set_into(into, f"{name}={text}", convert)
    except NotSettable as err:
        raise InvalidDeclaration(
            f"spec.source.helm: the parameter {name[:80]!r} cannot be set: {err}",
            remedy="write a path such as a.b[0].c, with a backslash before a dot that is part of a name",
        ) from err


def _files(tree: Tree, path: str, options: HelmOptions, context: RenderContext) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each value file; one that is named counts before globs that find it, too."""
    places = [_Place(text, tree, path, context) for text in options.value_files]
    named = {entry.key for entry in places if not entry.is_glob}
    yielded: set[tuple[str, str]] = set()
    for entry in places:
        matches = entry.matches() if entry.is_glob else [entry.key]
        contents = {key: entry.read(key) for key in matches if not entry.is_glob or key not in named}
        if (not matches or None in contents.values()) and not options.ignore_missing_value_files:
            raise InvalidManifest(
                f"the value file {entry.text!r} is not there",
                remedy="add it in Git, mend helm.valueFiles, or set helm.ignoreMissingValueFiles",
            )
        for key, data in contents.items():
            if data and key not in yielded:
                yielded.add(key)
                yield entry.name_of(key), data


class _Place:
    """Where a value file, or a glob, is looked up."""

    def __init__(self, text: str, tree: Tree, path: str, context: RenderContext) -> None:
        self.text = text
        self.ref = self._url = ""
        self.tree = tree
        self._max_bytes = context.limits.max_bytes
        match = REFERENCE.match(text)
        if match is not None and match["ref"] in context.refs:
            self.ref = match["ref"]
            self.tree = context.refs[self.ref]
            below = "/" + context.variables.expand(text[match.end() :])
        elif match is not None and not OWN.match(match["ref"]):
            raise InvalidDeclaration(
                f"the file {text!r} names the ref {match['ref']!r}, which no Git source has",
                remedy="add a source with that ref to spec.sources",
            )
        else:
            below = context.variables.expand(text)
        if URL.match(below):
            self.text = self._url = without_credentials(below)
            self.ref, below = _lent_by(below, context), f"/{ONLY}"
            self.tree = context.refs[self.ref]
        self._path = _inside(text, posixpath.join("" if below.startswith("/") else path, below.lstrip("/")))

    @property
    def key(self) -> tuple[str, str]:
        return self.ref, self._path

    @property
    def is_glob(self) -> bool:
        return is_wild(self._path)

    def name_of(self, key: tuple[str, str]) -> str:
        return self._url or (f"${self.ref}/{key[1]}" if self.ref else key[1])

    def read(self, key: tuple[str, str]) -> bytes | None:
        return self.tree.read(key[1], max_bytes=self._max_bytes)

    def matches(self) -> list[tuple[str, str]]:
        """Return the files that the glob finds, sorted; only directories that may hold some are listed."""
        start = fixed_directory(self._path)
        below = self._path[len(start) :].removeprefix("/") if start else self._path
        glob = compiled(below, DOUBLESTAR)
        deepest = 0 if "**" in below else below.count("/") + 1
        paths = [path for path in self._below(start, "", deepest) if glob.matches(path)]
        if len(paths) > MOST_MATCHES:
            raise InvalidManifest(f"{self.text!r} finds more than {MOST_MATCHES} value files", remedy="name fewer")
        return [(self.ref, posixpath.join(start, path)) for path in sorted(paths)]

    def _below(self, start: str, below: str, deepest: int) -> Iterator[str]:
        for entry in self.tree.list(posixpath.join(start, below)) or ():
            name = posixpath.join(below, entry.name)
            if entry.kind == "blob" or (entry.kind == "link" and self.tree.blob(posixpath.join(start, name))):
                yield name
            elif entry.kind == "tree" and (not deepest or name.count("/") + 1 < deepest):
                yield from self._below(start, name, deepest)


def _lent_by(url: str, context: RenderContext) -> str:
    """Return the name by which the file at `url` is lent. Raises BaseNotLent where it is not yet."""
    name = file_name(url)
    if name is None:
        raise InvalidDeclaration(
            f"the file {without_credentials(url.partition('?')[0])[:200]!r} is at no URL that is fetched from",
            remedy="write an https:// URL without a query, or commit the file",
        )
    if name not in context.refs:
        raise not_lent([name])
    return name


def _text(tree: Tree, path: str, file: str, context: RenderContext) -> str:
    """Return the text of a file that a parameter names; a file that is named must be there."""
    entry = _Place(file, tree, path, context)
    data = entry.read(entry.key)
    if data is None:
        raise InvalidManifest(f"the file {file!r} is not there", remedy="add it in Git, or mend helm.fileParameters")
    return data.decode(errors="replace")


def _inside(text: str, path: str) -> str:
    normal = posixpath.normpath(path)
    if normal == ".." or normal.startswith("../"):
        raise PathNotFound(f"the file {text!r} is outside of the repository", remedy="name one that is inside")
    return normal


def _read(name: str, data: bytes, limits: RenderSettings) -> Values:
    merged: Values = {}
    for document in parse(name, data, limits).documents:
        if not isinstance(document.value, dict):
            raise InvalidManifest(f"{name}:{document.line}: values are no mapping", remedy="write `name: value` lines")
        merged = _over(merged, document.value)
    return merged


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Values:
    """Return both, `above` before `below`; mappings are merged, and null is a value: it removes the chart's own."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        result[name] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def _own(value: Any) -> Any:
    """Return a copy whose mappings and lists are nobody else's."""
    if isinstance(value, Mapping):
        return {str(name): _own(one) for name, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_own(one) for one in value]
    return value
