"""What a kustomization reads: every file that it and those it names ask for, looked up in the tree, and no other.

Afterwards the tree's closure is what `workspace.lay_out` needs, and what the cache keys by. A file that is missing
is a failed look-up, and kustomize's to report.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

import orjson

from gitopsd.core.source.ref_source import not_lent
from gitopsd.core.source.remote_base import remote_base
from gitopsd.errors import InvalidManifest, NotSupported
from gitopsd.manifests.build_options import Allows
from gitopsd.manifests.inflation import check_globals, check_inflation
from gitopsd.manifests.kustomization import (
    FILES,
    Kustomization,
    canonical,
    chart_entries,
    charts,
    config_names,
    is_document,
    is_inflation,
    is_remote,
    is_url,
    names,
)
from gitopsd.manifests.yaml import parse
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings
from gitopsd.words import without_credentials

MOST_DIRECTORIES = 5000  # with a kustomization
MOST_FILES = 20_000
MOST_BASES = 50  # other repositories, at one revision each
MOST_LEVELS = 100  # of kustomizations that name each other; kustomize takes its time for each, and has no limit

SHOWN = 10  # directories of a circle

NOTHING = Allows()
NOBODY: Mapping[str, Tree] = MappingProxyType({})
OWN, OTHERS = "source", "bases"  # in a workspace

Edit = Callable[[str, Kustomization], Kustomization]  # a kustomization's path and what it says → what it shall say


@dataclass(slots=True)
class KustomizeInputs:
    """What a kustomization reads of one repository."""

    tree: Tree
    layout: str  # the directory of a workspace in which the repository lies
    kustomizations: dict[str, Kustomization] = field(default_factory=dict)  # by their paths
    instead: dict[str, bytes] = field(default_factory=dict)  # contents of those that are to differ, by real paths
    inflates: bool = False  # charts, which may ask what the cluster offers


def follow(  # noqa: PLR0913 - a kustomization, who changes it, and what it may do
    tree: Tree,
    start: str,
    edit: Edit,
    limits: RenderSettings,
    *,
    allows: Allows = NOTHING,
    lent: Mapping[str, Tree] = NOBODY,
) -> list[KustomizeInputs]:
    """Look up all that the kustomization in directory `start` reads, in its own repository, and in those of its bases.

    `edit` may change each of its own before it is followed. What is `lent` by the name of a `RemoteBase` is where bases
    in other repositories are; a kustomization is then to name the copy in the workspace instead.

    Raises:
        InvalidManifest: a kustomization is no YAML, or there are too many files.
        NotSupported: one asks for Helm inflation, or for something outside that is not allowed.
        BaseNotLent: a base is in a repository that is not lent.
        PathNotFound: a path leads out of the repository.
    """
    bases = _Bases(limits, allows, lent)
    own = _KustomizationWalk(KustomizeInputs(tree, OWN), edit, limits, allows, bases)
    own.directory(start)
    while walk := next((walk for walk in (own, *bases.walks.values()) if walk.todo), None):
        walk.step(walk.todo.pop())
    if bases.missing:
        raise not_lent(bases.missing)
    for walk in (own, *bases.walks.values()):
        walk.check_levels()
    return [walk.followed for walk in (own, *bases.walks.values())]


class _Bases:
    """The repositories that bases are taken from, each with a walk of its own."""

    def __init__(self, limits: RenderSettings, allows: Allows, lent: Mapping[str, Tree]) -> None:
        self._limits = limits
        self._allows = allows
        self._lent = lent
        self.missing: set[str] = set()
        self.walks: dict[str, _KustomizationWalk] = {}

    def place(self, path: str, text: str) -> str:
        """Return where the workspace has what `text` names in the kustomization `path`; "" where it is not lent."""
        base = remote_base(text)
        if base is None or not base.under(self._allows.bases):
            raise _remote(path, text)
        if not base.ref:
            raise InvalidManifest(
                f"{path} names {without_credentials(text)[:200]} without a revision",
                remedy="add ?ref= with a tag or a full commit SHA",
            )
        if base.name not in self._lent:
            self.missing.add(base.name)
            return ""
        if base.name not in self.walks:
            if len(self.walks) >= MOST_BASES:
                raise _too_many(f"{MOST_BASES} other repositories", path)
            followed = KustomizeInputs(self._lent[base.name], posixpath.join(OTHERS, str(len(self.walks))))
            self.walks[base.name] = _KustomizationWalk(
                followed, lambda _, value: value, self._limits, self._allows, self
            )
        return self.walks[base.name].directory(base.path)


class _KustomizationWalk:
    def __init__(
        self, followed: KustomizeInputs, edit: Edit, limits: RenderSettings, allows: Allows, bases: _Bases
    ) -> None:
        self._tree = followed.tree
        self._bases = bases
        self._edit = edit
        self._limits = limits
        self._allows = allows
        self._files = 0
        self._places: dict[str, set[str]] = {}  # of directories, their links followed: those they name
        self._at = ""  # the directory whose kustomization is being followed
        self.todo: list[str] = []
        self.followed = followed

    def directory(self, path: str) -> str:
        """Have the kustomization of a directory followed; return where the workspace has it."""
        directory = self._tree.real(path)
        self._add(path, directory)
        return posixpath.join(self.followed.layout, directory)

    def _add(self, path: str, directory: str) -> None:
        if self._at in self._places:
            self._places[self._at].add(directory)
        if directory in self._places:
            return
        if len(self._places) >= MOST_DIRECTORIES:
            raise _too_many(f"{MOST_DIRECTORIES} directories", path)
        self._places[directory] = set()
        self.todo.append(directory)

    def step(self, directory: str) -> None:
        """Follow the kustomization in one directory; where there are several, kustomize refuses them all."""
        self._at = directory
        for name in FILES:
            path = posixpath.join(directory, name)
            data = self._tree.read(path, max_bytes=self._limits.max_bytes)
            if data is not None:
                self._kustomization(path, directory, data)

    def check_levels(self) -> None:
        """Refuse kustomizations that include themselves, or each other too deep."""
        named = {directory: sorted(self._places[directory]) for directory in sorted(self._places)}
        try:
            order = tuple(TopologicalSorter(named).static_order())
        except CycleError as err:
            circle = [directory or "." for directory in err.args[1][:0:-1]]
            first = circle.index(min(circle))
            circle = [*circle[first:], *circle[: first + 1]]
            raise InvalidManifest(
                f"{circle[0]} includes itself: {' → '.join(circle[:SHOWN])}{' → …' * (len(circle) > SHOWN)}",
                remedy="have one of them not name the next",
            ) from err
        levels: dict[str, int] = {}
        for directory in order:
            levels[directory] = 1 + max((levels[below] for below in named[directory]), default=0)
            if levels[directory] > MOST_LEVELS:
                raise InvalidManifest(
                    f"{directory or '.'} names kustomizations that name others, more than {MOST_LEVELS} levels deep",
                    remedy="have it name what it needs itself",
                )

    def _kustomization(self, path: str, directory: str, data: bytes) -> None:
        documents = parse(path, data, self._limits).documents
        written = canonical(documents[0].value if documents else None)
        value, own = self._with_copies(path, directory, self._edit(path, written))
        if value != written:
            self.followed.instead[self._tree.real(path)] = orjson.dumps(value)
        self.followed.kustomizations[path] = value
        named = names(own)
        if named.helm:
            self._charts(path, directory, value)
        for text in named.files:
            self._file(path, directory, text)
        for text in named.files_or_directories:
            if not self._file(path, directory, text):
                self.directory(_below(directory, text))
        for text in named.directories:
            self.directory(_below(directory, text))
        for text in named.configs:
            self._config(path, directory, text)
        if named.configs and self._allows.programs:  # they read what they like
            self._whole("")
        elif named.unknown:  # a field of some later version, which may name files
            self._whole(directory)

    def _with_copies(self, path: str, directory: str, value: Kustomization) -> tuple[Kustomization, Kustomization]:
        """Return `value` with the copies of other repositories where it names these, and without them."""
        copied: dict[str, list[Any]] = {}
        own: dict[str, list[Any]] = {}
        for name in ("resources", "bases", "components"):
            texts = value.get(name)
            elsewhere = (
                {text for text in texts if self._is_elsewhere(directory, text)} if isinstance(texts, list) else ()
            )
            if isinstance(texts, list) and elsewhere:
                own[name] = [text for text in texts if text not in elsewhere]
                copied[name] = [self._copy(path, directory, text) if text in elsewhere else text for text in texts]
        return {**value, **copied}, {**value, **own}

    def _is_elsewhere(self, directory: str, text: Any) -> bool:
        """Tell whether kustomize would fetch `text`; what is there by that name goes first, unless it is a URL."""
        if not isinstance(text, str) or not is_remote(text):
            return False
        below = _below(directory, text)
        return is_url(text) or (self._tree.blob(below) is None and self._tree.list(below) is None)

    def _copy(self, path: str, directory: str, text: str) -> str:
        there = self._bases.place(path, text)
        return posixpath.relpath(there, posixpath.join(self.followed.layout, directory)) if there else text

    def _charts(self, path: str, directory: str, value: Kustomization) -> None:
        """Look up the charts that are in the repository; kustomize could only fetch others."""
        if not self._allows.helm:
            raise _inflation(path)
        self.followed.inflates = True
        check_globals(path, value.get("helmGlobals"))
        for chart in chart_entries(value):
            check_inflation(path, chart)
        home, files = charts(value)
        self._whole(_below(directory, home))
        for text in files:
            self._file(path, directory, text)

    def _file(self, path: str, directory: str, text: str) -> bool:
        """Look up a file; tell whether it is there."""
        if is_url(text):
            raise _remote(path, text)
        self._files += 1
        if self._files > MOST_FILES:
            raise _too_many(f"{MOST_FILES} files", path)
        there = self._tree.blob(_below(directory, text)) is not None
        if not there and is_remote(text):
            raise _remote(path, text)
        return there

    def _config(self, path: str, directory: str, text: str) -> None:
        """Follow the configuration of a generator, transformer or validator: written there, in a file, or generated."""
        if is_document(text):
            self._configs(path, directory, text.encode())
        elif self._file(path, directory, text):
            below = _below(directory, text)
            data = self._tree.read(below, max_bytes=self._limits.max_bytes) or b""
            self._configs(below, directory, data)
        elif self._tree.list(_below(directory, text)) is not None:
            # What it generates is relative to here, and not known before kustomize runs.
            self.directory(_below(directory, text))
            self._whole(directory)

    def _configs(self, path: str, directory: str, data: bytes) -> None:
        for document in parse(path, data, self._limits).documents:
            if is_inflation(document.value):
                one = document.value
                home = {} if one.get("chartHome") is None else {"chartHome": one["chartHome"]}
                self._charts(path, directory, {"helmGlobals": home, "helmCharts": [one]})
            for text in config_names(document.value):
                self._file(path, directory, text)

    def _whole(self, top: str) -> None:
        """Look up every file below a directory; links to directories are not followed."""
        todo = [top]
        while todo:
            directory = todo.pop()
            for entry in self._tree.list(directory) or ():
                below = posixpath.join(directory, entry.name)
                if entry.kind == "tree":
                    todo.append(below)
                elif entry.kind in ("blob", "link"):
                    self._file(below, directory, entry.name)


def _below(directory: str, text: str) -> str:
    """Return the path of `text` in a directory, as kustomize cleans it: before links are followed."""
    return posixpath.normpath(posixpath.join(directory, text))


def _remote(path: str, text: str) -> NotSupported:
    return NotSupported(
        f"{path} names {without_credentials(text)[:200]}, which is outside of the repository",
        remedy="copy it into the repository, or see tools.kustomize_remote_bases (repositories alone, no files)",
    )


def _inflation(path: str) -> NotSupported:
    return NotSupported(
        f"{path} asks for Helm inflation, which is off",
        remedy="make the chart a source of its own, or write --enable-helm in tools.kustomize_build_options",
    )


def _too_many(what: str, path: str) -> InvalidManifest:
    return InvalidManifest(f"more than {what} are named, the last one by {path}", remedy="split the application")
