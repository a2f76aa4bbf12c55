"""The files of a chart: read from a tree as Helm reads a directory, unpacked, and packed as Helm takes an archive."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, cast

from gitopsd.errors import InvalidManifest, PathNotFound
from gitopsd.manifests.helmignore import FILE, HelmIgnore, ignored
from gitopsd.manifests.yaml import parse
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings

CHART = "Chart.yaml"
ARCHIVES = (".tgz", ".tar.gz")
MOST_BYTES = 40 << 20  # of a chart and all its sub-charts, unpacked
MOST_FILES = 20_000
DEEPEST = 10  # charts in charts

Files = Mapping[str, bytes]  # path below the chart → content


def chart_files(tree: Tree, path: str, limits: RenderSettings) -> dict[str, bytes]:
    """Return the files of the chart in the directory `path`, without what its `.helmignore` names.

    Raises:
        PathNotFound: there is no chart, or a link leads out of the repository.
        InvalidManifest: it is too large, or its `.helmignore` cannot be read.
    """
    file = posixpath.join(path, FILE)
    text = tree.read(file, max_bytes=limits.max_bytes) or b""
    walk = _ChartWalk(tree, limits, path, ignored(file, text.decode(errors="replace")))
    walk.directory("", ())
    if CHART not in walk.contents:
        raise PathNotFound(f"{path} holds no {CHART}", remedy=f"add {CHART}, or mend spec.source.path")
    return walk.contents


@dataclass(slots=True)
class _ChartWalk:
    tree: Tree
    limits: RenderSettings
    path: str  # of the chart
    ignored: HelmIgnore
    remaining: int = MOST_BYTES
    contents: dict[str, bytes] = field(default_factory=dict)

    def directory(self, below: str, above: tuple[str, ...]) -> None:
        """Read what is in a directory; `above` are the directories that it is in, their links followed."""
        directory = posixpath.normpath(posixpath.join(self.path, below))
        real = self.tree.real(directory)
        if real in above:
            raise InvalidManifest(f"{directory} is a link to a directory that it is in", remedy="remove the link")
        for entry in self.tree.list(directory) or ():
            name = posixpath.join(below, entry.name)
            if entry.kind == "tree" or (entry.kind == "link" and self._is_directory(name)):
                if f"{name}/" not in self.ignored:
                    self.directory(name, (*above, real))
            elif entry.kind != "commit" and name not in self.ignored:
                self._file(name)

    def _is_directory(self, name: str) -> bool:
        return self.tree.list(posixpath.join(self.path, name)) is not None

    def _file(self, name: str) -> None:
        file = posixpath.join(self.path, name)
        data = self.tree.read(file, max_bytes=min(self.limits.max_bytes, max(self.remaining, 0)))
        if data is None:
            raise InvalidManifest(f"{file} is a link to nothing", remedy="mend the link, or name it in .helmignore")
        self.remaining -= len(data)
        if len(self.contents) >= MOST_FILES:
            raise _too_many(self.path)
        self.contents[name] = data


def unpacked(files: Files, where: str) -> dict[str, bytes]:
    """Return `files` with every archive of a sub-chart replaced by what is in it.

    Raises:
        InvalidManifest: an archive cannot be read, or is too large; names `where`, the chart.
    """
    budget = _Budget(where, MOST_BYTES - sum(len(data) for data in files.values()))
    return dict(_unpacked(files, budget, 0))


def _unpacked(files: Files, budget: _Budget, depth: int) -> Iterator[tuple[str, bytes]]:
    for name, data in files.items():
        directory, base = posixpath.split(name)
        if posixpath.basename(directory) != "charts" or not base.endswith(ARCHIVES) or base[0] in "._":
            yield name, data
            continue
        if depth >= DEEPEST:
            raise InvalidManifest(f"{budget.where}: more than {DEEPEST} charts are in each other", remedy="remove some")
        inside = archived(data, f"{budget.where}/{name}", budget)
        stem = base.removesuffix(".tgz").removesuffix(".tar.gz")  # two archives of one chart stay two
        for below, content in _unpacked(inside, budget, depth + 1):
            yield f"{directory}/{stem}/{below}", content


@dataclass(slots=True)
class _Budget:
    where: str
    remaining: int
    files: int = MOST_FILES

    def take(self, size: int) -> None:
        self.remaining -= size
        self.files -= 1
        if self.remaining < 0 or self.files < 0:
            raise _too_many(self.where)


@dataclass(slots=True)
class _BoundedArchive:
    """An archive as it is unpacked: it ends at a limit, also where what is huge is no file."""

    stream: gzip.GzipFile
    where: str
    remaining: int = MOST_BYTES + 4 * MOST_FILES * tarfile.BLOCKSIZE

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.remaining -= len(data)
        if self.remaining < 0:
            raise _too_many(self.where)
        return data


def archived(data: bytes, where: str, budget: _Budget | None = None) -> dict[str, bytes]:
    """Return the files of a chart's archive, by their paths below its one directory; links count for nothing.

    Raises:
        InvalidManifest: it is no archive of a chart, or too large.
    """
    bounds = budget or _Budget(where, MOST_BYTES)
    files: dict[str, bytes] = {}
    try:
        whole = _BoundedArchive(gzip.GzipFile(fileobj=io.BytesIO(data)), where)
        with tarfile.open(fileobj=cast("IO[bytes]", whole), mode="r|") as archive:
            for member in archive:
                bounds.take(member.size if member.isfile() else 0)
                content = archive.extractfile(member) if member.isfile() else None
                _, _, name = posixpath.normpath(member.name).partition("/")
                if content is not None and name and not name.startswith("../"):
                    files[name] = content.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as err:
        raise InvalidManifest(f"{where} is no archive of a chart: {err}", remedy="package the chart anew") from err
    if CHART not in files:
        raise InvalidManifest(f"{where} holds no {CHART}", remedy="package the chart by `helm package`")
    return files


def packed(files: Files) -> bytes:
    """Return `files` as an archive that Helm loads."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"chart/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def mapping(where: str, data: bytes, limits: RenderSettings) -> dict[str, Any]:
    """Return what a YAML file of one mapping says; the first document counts, and none is an empty one.

    Raises:
        InvalidManifest: it says something else.
    """
    documents = parse(where, data, limits).documents
    value = documents[0].value if documents else {}
    if not isinstance(value, dict):
        raise InvalidManifest(f"{where} is no mapping", remedy="write `name: value` lines")
    return value


def _too_many(where: str) -> InvalidManifest:
    return InvalidManifest(
        f"{where} is a chart of more than {MOST_BYTES} bytes or {MOST_FILES} files, unpacked",
        remedy="leave out by .helmignore what is no part of the chart",
    )
