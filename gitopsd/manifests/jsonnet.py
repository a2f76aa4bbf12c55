"""One Jsonnet file → manifests; what it imports is read from the tree, and from nowhere else. Runs in a worker."""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gitopsd.errors import GitopsError, InvalidManifest, NotSupported, PathNotFound
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.validate import Nameless, manifests_of
from gitopsd.manifests.yaml import parse
from gitopsd.model.application import JsonnetOptions, JsonnetVariable
from gitopsd.ports import Tree

SHOWN_LINES = 3  # of Jsonnet's own words: what, and where


@dataclass(frozen=True, slots=True)
class Evaluated:
    size: int  # bytes of text, imports included
    manifests: tuple[bytes, ...]  # JSON
    nameless: tuple[str, ...] = ()


def evaluated(tree: Tree, path: str, file: str, options: JsonnetOptions, context: RenderContext) -> Evaluated:
    """Return what the file `file` of the directory `path` evaluates to: an object or a list, its nulls left out.

    Raises:
        InvalidManifest: it fails, or gives something else.
        PathNotFound: an import leads out of the repository.
        NotSupported: there is no Jsonnet.
    """
    text = tree.read(file, max_bytes=context.limits.max_bytes)
    if text is None:
        raise PathNotFound(f"{file} was there and is gone", remedy="check the mirror's disk")
    # As the reference importer: beside the importing file, then in the libraries, the later ones first.
    imports = _Imports(
        tree, (*(lib.lstrip("/") for lib in reversed(options.libs)), path), context.limits.max_bytes, len(text)
    )
    answer = _evaluate(file, text, imports, _variables(options, context))
    values = list(_manifests(file, answer, context))
    manifests = tuple(orjson.dumps(one) for one in values if not isinstance(one, Nameless))
    return Evaluated(imports.size, manifests, tuple(one.what for one in values if isinstance(one, Nameless)))


def _evaluate(file: str, text: bytes, imports: _Imports, variables: dict[str, dict[str, str]]) -> str:
    try:
        library: Any = importlib.import_module("_gojsonnet")
    except ImportError as err:
        raise NotSupported(
            f"{file} is Jsonnet, and there is none here",
            remedy="install gitopsd[jsonnet], leave it out by directory.exclude, or commit what it renders",
        ) from err
    try:
        answer: str = library.evaluate_snippet(file, text.decode(), import_callback=imports.read, **variables)
    except UnicodeDecodeError as err:
        raise InvalidManifest(f"{file}: not UTF-8", remedy="save the file as UTF-8") from err
    except RuntimeError as err:  # the library's own
        if imports.error is not None:
            raise imports.error from err
        words = " ".join(" ".join(str(err).split("\n")[:SHOWN_LINES]).split())
        raise InvalidManifest(f"{file}: {words}", remedy="mend the Jsonnet") from err
    if imports.error is not None:
        raise imports.error
    return answer


@dataclass(slots=True)
class _Imports:
    """Reads what is imported, and counts it."""

    tree: Tree
    libs: Sequence[str]
    max_bytes: int
    size: int
    error: GitopsError | None = None  # of the first import that failed
    _read: set[str] = field(default_factory=set)

    def read(self, directory: str, name: str) -> tuple[str, bytes]:
        """Return path and content of what a file in `directory` imports as `name`.

        It never raises: the library reads beyond the message of an error that a callback raises. What went wrong is
        kept in `error`, and whatever is evaluated then counts for nothing.
        """
        try:
            imported = self._found(directory, name)
        except GitopsError as err:
            self.error = self.error or err
            imported = None
        else:
            if imported is None:
                self.error = self.error or InvalidManifest(
                    f"{directory}: the import {name[:200]!r} is neither there nor in {', '.join(self.libs)}",
                    remedy="add it in Git, or its directory to directory.jsonnet.libs",
                )
        return imported or (name, b"error 'no such import'")

    def _found(self, directory: str, name: str) -> tuple[str, bytes] | None:
        outside: PathNotFound | None = None
        for file in dict.fromkeys(_candidates(directory, name, self.libs)):
            try:
                content = self.tree.read(file, max_bytes=self.max_bytes)
            except PathNotFound as err:
                outside = outside or err
                continue
            if content is not None:
                self._count(file, len(content))
                return file, content
        if outside is not None:
            raise outside
        return None

    def _count(self, file: str, size: int) -> None:
        if file in self._read:
            return
        self._read.add(file)
        self.size += size
        if self.size > self.max_bytes:
            raise InvalidManifest(
                f"{file} and what is imported besides have more than {self.max_bytes} bytes",
                remedy="import less, or raise render.max_bytes",
            )


def _candidates(directory: str, name: str, libs: Iterable[str]) -> Iterator[str]:
    for base in (directory, *libs):
        yield posixpath.normpath(posixpath.join(base, name))


def _variables(options: JsonnetOptions, context: RenderContext) -> dict[str, dict[str, str]]:
    def values(variables: Sequence[JsonnetVariable], *, code: bool) -> dict[str, str]:
        return {
            variable.name: context.variables.expand(variable.value) for variable in variables if variable.code is code
        }

    return {
        "ext_vars": values(options.ext_vars, code=False),
        "ext_codes": values(options.ext_vars, code=True),
        "tla_vars": values(options.tlas, code=False),
        "tla_codes": values(options.tlas, code=True),
    }


def _manifests(file: str, answer: str, context: RenderContext) -> Iterator[Any]:
    # In a mapping, so that a list is read by the rules of JSON, too.
    (document,) = parse(file, b'{"is":' + answer.encode(errors="replace") + b"}", context.limits).documents
    value = document.value["is"]
    if value is None:
        return
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        if one is not None:
            yield from manifests_of(f"{file} [{number}]" if isinstance(value, list) else file, one)
