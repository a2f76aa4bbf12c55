"""Renders of a tree of sources, beside those of every peer.

Each directory in the tree is a repository; in it, a directory with a kustomization, a `Chart.yaml` or manifests is a
source.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from gitopsd.errors import BaseNotLent, GitopsError, NotSupported, PartNotFetched, error_from_json
from gitopsd.manifests.jobs import render
from gitopsd.manifests.kustomization import FILES
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.tools import Tools
from gitopsd.settings import RenderSettings, ToolSettings
from tests.compare.peers import API_VERSIONS, KUBE_VERSION, NAME, NAMESPACE, Peer, Source
from tests.compare.results import Answer, Compared, Verdict, judged

ELSEWHERE = (BaseNotLent, NotSupported, PartNotFetched)  # errors of what would have to be fetched
VARIABLES = {
    "ARGOCD_APP_NAME": NAME,
    "ARGOCD_APP_NAMESPACE": NAMESPACE,
    "KUBE_VERSION": KUBE_VERSION,
    "KUBE_API_VERSIONS": ",".join(API_VERSIONS),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A source of a tree."""

    path: str
    kind: str  # Helm, Kustomize, Directory
    options: Source = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repository:
    """A directory of sources, and what is in it as a revision of a mirror."""

    root: Path
    mirror: Path
    revision: str


def compare(
    tree: Path, peers: list[Peer], scratch: Path, most: int, parameters: Iterable[tuple[str, str]] = ()
) -> Iterator[Compared]:
    """Yield how each source of `tree`, or a sample of `most`, compares with every peer that renders such.

    Charts are given `parameters`.
    """
    set_to = [{"name": name, "value": value} for name, value in parameters]
    of_charts: Source = {"helm": {"parameters": set_to}} if set_to else {}
    for directory in sorted(each for each in tree.iterdir() if each.is_dir()):
        found = sorted(sources(directory))
        if most and len(found) > most:
            found = sorted(random.Random(0).sample(found, most))  # noqa: S311 - the same one each time
        repository = committed(directory, scratch / directory.name)
        for path, kind in found:
            one = Found(path, kind, of_charts if kind == "Helm" else {})
            yield from beside(repository, one, peers, scratch)
        shutil.rmtree(repository.mirror)


def beside(repository: Repository, found: Found, peers: list[Peer], scratch: Path) -> Iterator[Compared]:
    """Yield how one source compares."""
    what, kind = f"{repository.root.name}/{found.path}", found.kind
    ours, elsewhere = rendered(repository, found, scratch)
    for peer in (each for each in peers if each.renders(kind)):
        if elsewhere:
            yield Compared(what, kind, peer.name, Verdict.ELSEWHERE, ours.error)
            continue
        theirs = peer.render(repository.root, found.path, found.options)
        verdict, told = judged(ours, theirs)
        if verdict is Verdict.DIFFER:
            again = peer.render(repository.root, found.path, found.options)
            verdict = verdict if judged(again, theirs)[0] is Verdict.ALIKE else Verdict.UNSTEADY
        yield Compared(what, kind, peer.name, verdict, told)


def sources(root: Path) -> Iterator[tuple[str, str]]:
    """Yield path and kind of each source below `root`; what is inside a chart is of that chart."""
    for place, directories, files in os.walk(root):
        directories[:] = sorted(each for each in directories if not each.startswith("."))
        path = os.path.relpath(place, root)
        if set(FILES) & set(files):
            yield path, "Kustomize"
        elif "Chart.yaml" in files:
            yield path, "Helm"
            directories.clear()
        elif any(_is_manifest(Path(place, each)) for each in files):
            yield path, "Directory"


def committed(root: Path, mirror: Path) -> Repository:
    """Commit what lies in `root`, ignored files as well, to a mirror of its own."""
    env = {**os.environ, "GIT_DIR": str(mirror), "GIT_WORK_TREE": str(root)} | {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "compare"), ("EMAIL", "compare@localhost"))
    }

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], env=env, cwd=root, capture_output=True, check=True)  # noqa: S603, S607
        return done.stdout.decode().strip()

    subprocess.run(["git", "init", "--quiet", "--bare", str(mirror)], check=True)  # noqa: S603, S607
    git("add", "--all", "--force", ".")
    return Repository(root, mirror, git("commit-tree", "-m", "as it is", git("write-tree")))


def rendered(repository: Repository, found: Found, scratch: Path) -> tuple[Answer, bool]:
    """Return what a render here, in this process, gives, and whether it lacks what is elsewhere."""
    work = scratch / "work"
    work.mkdir(exist_ok=True)
    given = RenderContext.packed(RenderSettings(), Tools(ToolSettings(), work).programs, VARIABLES)
    place = ("gitopsd.git.tree:open_tree", str(repository.mirror), repository.revision)
    try:
        outcome = render((place, ()), "", {"path": found.path, "options": found.options, "keys": None}, given)[
            "outcome"
        ]
    except GitopsError as err:
        return Answer(error=err.what), isinstance(err, ELSEWHERE)
    if "error" in outcome:
        error = error_from_json(*outcome["error"])
        return Answer(error=error.what), isinstance(error, ELSEWHERE)
    return Answer(tuple(orjson.loads(orjson.dumps(outcome["manifests"])))), False


def _is_manifest(file: Path) -> bool:
    if file.suffix not in (".yaml", ".yml", ".json", ".jsonnet") or not file.is_file():
        return False
    return file.suffix == ".jsonnet" or b"kind" in file.read_bytes()
