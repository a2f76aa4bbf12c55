"""What a kustomization reads: every file that it and those it names ask for, looked up in the tree, and no other.

Afterwards the tree's closure is what `workspace.lay_out` needs, and what the cache keys by. A file that is missing
is a failed look-up, and kustomize's to report.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter

from gitopsd.core.repo_url import without_credentials
from gitopsd.errors import InvalidManifest, NotSupported
from gitopsd.manifests.build_options import NOTHING, Allows
from gitopsd.manifests.kustomization import (
    FILES,
    Kustomization,
    canonical,
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

MOST_DIRECTORIES = 5000  # with a kustomization
MOST_FILES = 20_000
MOST_LEVELS = 100  # of kustomizations that name each other; kustomize takes its time for each, and has no limit

SHOWN = 10  # directories of a circle

Edit = Callable[[str, Kustomization], Kustomization]  # a kustomization's path and what it says → what it shall say


def follow(
    tree: Tree, start: str, edit: Edit, limits: RenderSettings, allows: Allows = NOTHING
) -> Mapping[str, Kustomization]:
    """Look up all that the kustomization in directory `start` reads; return the kustomizations by their paths.

    `edit` may change each before it is followed.

    Raises:
        InvalidManifest: a kustomization is no YAML, or there are too many files.
        NotSupported: one asks for Helm inflation, or for something outside of the repository.
        PathNotFound: a path leads out of the repository.
    """
    walk = _Walk(tree, edit, limits, allows)
    walk.directory(start)
    while walk.todo:
        walk.step(walk.todo.pop())
    walk.check_levels()
    return walk.found


class _Walk:
    def __init__(self, tree: Tree, edit: Edit, limits: RenderSettings, allows: Allows) -> None:
        self._tree = tree
        self._edit = edit
        self._limits = limits
        self._allows = allows
        self._files = 0
        self._places: dict[str, set[str]] = {}  # of directories, their links followed: those they name
        self._at = ""  # the directory whose kustomization is being followed
        self.todo: list[str] = []
        self.found: dict[str, Kustomization] = {}

    def directory(self, path: str) -> None:
        place = self._tree.real(path)
        if self._at in self._places:
            self._places[self._at].add(place)
        if place in self._places:
            return
        if len(self._places) >= MOST_DIRECTORIES:
            raise _too_many(f"{MOST_DIRECTORIES} directories", path)
        self._places[place] = set()
        self.todo.append(place)

    def step(self, place: str) -> None:
        """Follow the kustomization in one directory; where there are several, kustomize refuses them all."""
        self._at = place
        for name in FILES:
            path = posixpath.join(place, name)
            data = self._tree.read(path, max_bytes=self._limits.max_bytes)
            if data is not None:
                self._kustomization(path, place, data)

    def check_levels(self) -> None:
        """Refuse kustomizations that include themselves, or each other too deep."""
        named = {place: sorted(self._places[place]) for place in sorted(self._places)}
        try:
            order = tuple(TopologicalSorter(named).static_order())
        except CycleError as err:
            circle = [place or "." for place in err.args[1][:0:-1]]
            first = circle.index(min(circle))
            circle = [*circle[first:], *circle[: first + 1]]
            raise InvalidManifest(
                f"{circle[0]} includes itself: {' → '.join(circle[:SHOWN])}{' → …' * (len(circle) > SHOWN)}",
                remedy="have one of them not name the next",
            ) from err
        levels: dict[str, int] = {}
        for place in order:
            levels[place] = 1 + max((levels[below] for below in named[place]), default=0)
            if levels[place] > MOST_LEVELS:
                raise InvalidManifest(
                    f"{place or '.'} names kustomizations that name others, more than {MOST_LEVELS} levels deep",
                    remedy="have it name what it needs itself",
                )

    def _kustomization(self, path: str, place: str, data: bytes) -> None:
        documents = parse(path, data, self._limits).documents
        value = self._edit(path, canonical(documents[0].value if documents else None))
        self.found[path] = value
        named = names(value)
        if named.helm:
            self._charts(path, place, value)
        for text in named.files:
            self._file(path, place, text)
        for text in named.files_or_directories:
            if not self._file(path, place, text):
                self.directory(_below(place, text))
        for text in named.directories:
            _local(path, text)
            self.directory(_below(place, text))
        for text in named.configs:
            self._config(path, place, text)
        if named.configs and self._allows.programs:  # they read what they like
            self._whole("")
        elif named.unknown:  # a field of some later version, which may name files
            self._whole(place)

    def _charts(self, path: str, place: str, value: Kustomization) -> None:
        """Look up the charts that are in the repository; kustomize could only fetch others."""
        if not self._allows.helm:
            raise _inflation(path)
        home, files = charts(value)
        self._whole(_below(place, home))
        for text in files:
            self._file(path, place, text)

    def _file(self, path: str, place: str, text: str) -> bool:
        """Look up a file; tell whether it is there."""
        if is_url(text):
            raise _remote(path, text)
        self._files += 1
        if self._files > MOST_FILES:
            raise _too_many(f"{MOST_FILES} files", path)
        there = self._tree.blob(_below(place, text)) is not None
        if not there:
            _local(path, text)
        return there

    def _config(self, path: str, place: str, text: str) -> None:
        """Follow the configuration of a generator, transformer or validator: written there, in a file, or generated."""
        if is_document(text):
            self._configs(path, place, text.encode())
        elif self._file(path, place, text):
            below = _below(place, text)
            data = self._tree.read(below, max_bytes=self._limits.max_bytes) or b""
            self._configs(below, place, data)
        elif self._tree.list(_below(place, text)) is not None:
            # What it generates is relative to here, and not known before kustomize runs.
            self.directory(_below(place, text))
            self._whole(place)

    def _configs(self, path: str, place: str, data: bytes) -> None:
        for document in parse(path, data, self._limits).documents:
            if is_inflation(document.value):
                one = document.value
                home = {"chartHome": one.get("chartHome")}
                self._charts(path, place, {"helmGlobals": home, "helmCharts": [one]})
            for text in config_names(document.value):
                self._file(path, place, text)

    def _whole(self, place: str) -> None:
        """Look up every file below a directory; links to directories are not followed."""
        todo = [place]
        while todo:
            directory = todo.pop()
            for entry in self._tree.list(directory) or ():
                below = posixpath.join(directory, entry.name)
                if entry.kind == "tree":
                    todo.append(below)
                elif entry.kind in ("blob", "link"):
                    self._file(below, directory, entry.name)


def _below(place: str, text: str) -> str:
    """Return the path of `text` in a directory, as kustomize cleans it: before links are followed."""
    return posixpath.normpath(posixpath.join(place, text))


def _local(path: str, text: str) -> None:
    if is_remote(text):
        raise _remote(path, text)


def _remote(path: str, text: str) -> NotSupported:
    return NotSupported(
        f"{path} names {without_credentials(text)[:200]}, which is outside of the repository",
        remedy="copy it into the repository, or make it a source of its own (spec.sources)",
    )


def _inflation(path: str) -> NotSupported:
    return NotSupported(
        f"{path} asks for Helm inflation, which is off",
        remedy="make the chart a source of its own, or write --enable-helm in tools.kustomize_build_options",
    )


def _too_many(what: str, path: str) -> InvalidManifest:
    return InvalidManifest(f"more than {what} are named, the last one by {path}", remedy="split the application")
