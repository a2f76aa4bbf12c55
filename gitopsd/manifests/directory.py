"""A directory of YAML, JSON and Jsonnet files → manifests, as Argo CD's directory source has it. Runs in a worker."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from cachetools import LRUCache

from gitopsd.core.text.globs import DIRECTORY, Glob, compiled
from gitopsd.errors import InvalidDeclaration, InvalidManifest, PathNotFound
from gitopsd.manifests.jsonnet import evaluated
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.sops import type_of
from gitopsd.manifests.validate import Nameless, is_manifest_like, manifests_of
from gitopsd.manifests.yaml import parse
from gitopsd.model.application import DirectoryOptions
from gitopsd.model.manifest import Manifest
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings

EXTENSIONS = (".yaml", ".yml", ".json")
JSONNET = ".jsonnet"
MARKS = (b"apiVersion", b"kind", b"metadata")  # what a manifest cannot do without
NO_MANIFEST = "holds no manifest, so it was left out; directory.exclude says so for good"
SKIP = b"+argocd:skip-file-rendering"  # anywhere in a file
ENCRYPTED = "is encrypted by SOPS; annotate the application gitopsd.io/decrypt: sops"
WARNINGS = 50  # told of one source; a thousand more say no more
KEPT_BYTES = 64 << 20  # of parsed files in one worker


@dataclass(slots=True)
class Loaded:
    """What a directory holds, in the order of its files."""

    manifests: list[bytes] = field(default_factory=list)  # JSON
    origins: list[str] = field(default_factory=list)  # `file:line`
    warnings: list[str] = field(default_factory=list)
    announced: list[dict[str, Any]] = field(default_factory=list)  # parameters of a plugin
    nameless: list[str] = field(default_factory=list)  # objects that are left out because nobody could find them again

    def add(self, origin: str, manifest: Manifest | Nameless) -> None:
        """Add what is of `origin`, a file or a line of one."""
        if isinstance(manifest, Nameless):
            self.unnamed(origin, manifest.what)
        else:
            self.manifests.append(orjson.dumps(manifest))
            self.origins.append(origin)

    def unnamed(self, origin: str, what: str) -> None:
        if len(self.nameless) < WARNINGS:
            self.nameless.append(f"{origin}: {what}")

    def warn(self, warning: str) -> None:
        if len(self.warnings) < WARNINGS:
            self.warnings.append(warning)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One file, parsed; nothing in it depends on where the file is."""

    size: int  # bytes of text
    manifests: tuple[tuple[int, bytes], ...] = ()  # line and JSON
    warnings: tuple[tuple[int, str], ...] = ()
    nameless: tuple[tuple[int, str], ...] = ()

    @property
    def kept_bytes(self) -> int:
        return 500 + sum(len(manifest) for _, manifest in self.manifests)


def build(tree: Tree, path: str, options: DirectoryOptions, context: RenderContext) -> Loaded:
    """Return the manifests below `path`.

    Raises:
        PathNotFound: there is no such directory, or a link leads out of the repository.
        InvalidManifest: a file is not what it should be, or all together are over a limit; names file and line.
        NotSupported: there is Jsonnet, and nothing to evaluate it.
        InvalidDeclaration: a glob cannot be read.
    """
    loaded, size, limits = Loaded(), 0, context.limits
    for child in _wanted(tree, path, options):
        oid = tree.blob(child)
        if oid is None:
            loaded.warn(f"{child} is a link that leads to no file, so it was left out")
            continue
        if child.endswith(JSONNET):
            file = _jsonnet(tree, path, child, options, context)
        elif child.endswith(EXTENSIONS):
            file = _file(tree, child, oid, limits)
        else:
            file = _perhaps(tree, child, oid, limits)
        size += file.size
        _check(path, size, len(loaded.manifests) + len(file.manifests), limits)
        for line, manifest in file.manifests:
            loaded.manifests.append(manifest)
            loaded.origins.append(f"{child}:{line}")
        for line, what in file.nameless:
            loaded.unnamed(f"{child}:{line}", what)
        for line, warning in file.warnings:
            loaded.warn(f"{child}:{line}: {warning}")
    return loaded


def _check(path: str, size: int, count: int, limits: RenderSettings) -> None:
    if size > limits.max_bytes:
        raise InvalidManifest(
            f"the manifest files of {path} have more than {limits.max_bytes} bytes",
            remedy="split the application, narrow directory.include, or raise render.max_bytes",
        )
    if count > limits.max_documents:
        raise InvalidManifest(
            f"{path} has more than {limits.max_documents} manifests",
            remedy="split the application, or raise render.max_documents",
        )


def _wanted(tree: Tree, path: str, options: DirectoryOptions) -> Iterator[str]:
    include, exclude = (_glob(text) if text else None for text in (options.include, options.exclude))
    for file in _files(tree, path, options):
        below = posixpath.relpath(file, path or ".")
        if exclude is not None and exclude.matches(below):
            continue
        if include is None or include.matches(below):
            yield file


def _glob(text: str) -> Glob:
    try:
        return compiled(text, DIRECTORY)
    except InvalidManifest as err:
        raise InvalidDeclaration(err.what, remedy="mend directory.include or exclude") from err


def _files(tree: Tree, path: str, options: DirectoryOptions) -> Iterator[str]:
    entries = tree.list(path)
    if entries is None:
        raise PathNotFound(f"{path} is no directory at this revision", remedy="mend spec.source.path, or add it in Git")
    for entry in entries:
        child = posixpath.normpath(posixpath.join(path, entry.name))
        if entry.kind == "tree" and options.recurse:
            yield from _files(tree, child, options)
        elif entry.kind in ("blob", "link") and (options.any_extension or entry.name.endswith((*EXTENSIONS, JSONNET))):
            yield child


def _jsonnet(tree: Tree, path: str, file: str, options: DirectoryOptions, context: RenderContext) -> ParsedFile:
    evaluation = evaluated(tree, path, file, options.jsonnet, context)
    manifests = tuple((1, manifest) for manifest in evaluation.manifests)
    return ParsedFile(evaluation.size, manifests, nameless=tuple((1, what) for what in evaluation.nameless))


def _perhaps(tree: Tree, file: str, oid: str, limits: RenderSettings) -> ParsedFile:
    """Return a file whose name does not tell what it is; what cannot be meant as manifests is left out."""
    try:
        return _file(tree, file, oid, limits)
    except InvalidManifest:
        data = tree.read(file, max_bytes=limits.max_bytes) or b""
        if all(mark in data for mark in MARKS):
            raise
        return _no_manifest(data)


def _file(tree: Tree, file: str, oid: str, limits: RenderSettings) -> ParsedFile:
    content = _KEPT.get(oid, limits)
    if content is None:
        data = tree.read(file, max_bytes=limits.max_bytes)
        if data is None:
            raise PathNotFound(f"{file} was there and is gone", remedy="check the mirror's disk")
        content = parsed(file, data, limits)
        _KEPT.put(oid, limits, content)
    return content


def parsed(name: str, data: bytes, limits: RenderSettings) -> ParsedFile:
    """Return the manifests of one file's content; `name` is for the errors.

    A file none of whose documents was meant to be a manifest (values for some tool, a list, text) is left out with a
    warning, as Argo CD does; anything else that is no manifest is an error, because leaving it out would prune.

    Raises:
        InvalidManifest: names file and line.
    """
    if SKIP in data:
        return ParsedFile(len(data))
    content = parse(name, data, limits, by_lines=True)
    if content.documents and not any(is_manifest_like(document.value) for document in content.documents):
        return _no_manifest(data)
    encrypted = ((1, ENCRYPTED),) if type_of(name, data) else ()
    manifests, nameless = [], []
    for document in content.documents:
        for one in manifests_of(f"{name}:{document.line}", document.value):
            if isinstance(one, Nameless):
                nameless.append((document.line, one.what))
            else:
                manifests.append((document.line, _json(name, one)))
    return ParsedFile(len(data), tuple(manifests), (*encrypted, *content.warnings), tuple(nameless))


def _json(name: str, manifest: Manifest) -> bytes:
    try:
        return orjson.dumps(manifest)
    except orjson.JSONEncodeError as err:
        raise InvalidManifest(f"{name}: its text is not Unicode: {err}", remedy="write the character itself") from err


def _no_manifest(data: bytes) -> ParsedFile:
    return ParsedFile(len(data), warnings=((1, NO_MANIFEST),))


class _Kept:
    """The files parsed last, by content; the one place where a worker remembers."""

    def __init__(self, most_bytes: int) -> None:
        self._files: LRUCache[tuple[str, RenderSettings], ParsedFile] = LRUCache(
            most_bytes, getsizeof=lambda file: file.kept_bytes
        )

    def get(self, oid: str, limits: RenderSettings) -> ParsedFile | None:
        return self._files.get((oid, limits))

    def put(self, oid: str, limits: RenderSettings, file: ParsedFile) -> None:
        if file.kept_bytes <= self._files.maxsize // 8:  # else it would push out much of the rest
            self._files[oid, limits] = file


_KEPT = _Kept(KEPT_BYTES)
