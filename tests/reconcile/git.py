"""Git in memory: commits of one branch, each a mapping of path → manifest, or of path → the error of its render."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gitopsd.core.source.ref_source import lent_key
from gitopsd.errors import GitopsError, RepositoryUnreachable, RevisionNotFound
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.model.manifest import Manifest
from gitopsd.ports import Lent, RenderedSource, Resolved

REPO = RepoUrl("https://git.example.org/fleet.git")
Files = Mapping[str, Manifest | GitopsError]
Told = Callable[[AppName, Source, tuple[str, ...] | None], None]


@dataclass(frozen=True, slots=True)
class FakeEpoch:
    number: int
    taken_s: float
    first: int = 0  # the oldest commit that is still there

    def named(self, ref: str, tag_prefix: str = "") -> str | None:
        if f"{tag_prefix}{ref}" == "main":
            return sha(self.number)
        return ref if ref in {sha(number) for number in range(self.first, self.number + 1)} else None


def sha(number: int) -> Revision:
    return Revision(f"{number:040x}")


async def at_once() -> None:
    """Take no time."""


@dataclass
class FakeGit:
    """Sources, Renderer and the walk of two trees; `commit` is what `git push` is, `fetched` what a fetch finds."""

    now_s: Callable[[], float]
    turn: Callable[[], Awaitable[None]] = at_once
    commits: list[Files] = field(default_factory=list)
    epoch: FakeEpoch | None = None
    on_epoch: Callable[[RepoUrl, FakeEpoch | None, FakeEpoch], None] = lambda *_: None
    on_closure: Told = lambda *_: None
    renders: list[tuple[AppName, Revision]] = field(default_factory=list)
    variables: dict[AppName, Mapping[str, str]] = field(default_factory=dict)  # that the last render was given
    away: GitopsError | None = None  # what `fetch` raises
    first: int = 0  # the oldest commit that a fetch still finds

    def commit(self, files: Files) -> None:
        self.commits.append(files)

    def fetched(self) -> None:
        old, self.epoch = self.epoch, FakeEpoch(len(self.commits) - 1, self.now_s(), self.first)
        if old is None or old.number != self.epoch.number:
            self.on_epoch(REPO, old, self.epoch)

    def push(self, files: Files) -> None:
        self.commit(files)
        self.fetched()

    def resolve(self, repo: RepoUrl, ref: str, tag_prefix: str = "") -> Resolved:
        if self.epoch is None:
            raise RepositoryUnreachable(f"{repo} has not been fetched yet", remedy="wait")
        found = self.epoch.named(ref, tag_prefix)
        if found is None:
            raise RevisionNotFound(f"{repo} has no {ref}", remedy="push it")
        return Resolved(Revision(found), self.epoch.number, self.epoch.taken_s)

    async def fetch(self, repo: RepoUrl) -> None:
        await self.turn()
        if self.away is not None:
            raise self.away
        self.fetched()

    async def render(
        self,
        app: AppName,
        source: Source,
        revision: Revision,
        variables: Mapping[str, str] | None = None,
        lent: Sequence[Lent] = (),
    ) -> RenderedSource:
        await self.turn()
        self.renders.append((app, revision))
        self.variables[app] = dict(variables or {})
        files = _below(self.commits[int(revision, 16)], source.path)
        read = (lent_key(each.source.ref, f"file:lent/{app}") for each in lent)
        self.on_closure(app, source, (f"list:{source.path}", *(f"file:{path}" for path in files), *read))
        for found in files.values():
            if isinstance(found, GitopsError):
                raise found
        named = {path: found for path, found in files.items() if not isinstance(found, GitopsError) and _name(found)}
        return RenderedSource(
            tuple(named.values()),
            "Directory",
            origins=tuple(f"{path}:1" for path in named),
            nameless=tuple(f"{path}:1: the object has no metadata.name" for path in files if path not in named),
        )

    async def walk(self, repo: RepoUrl, old: str, new: str) -> Mapping[str, Any]:
        await self.turn()
        before, after = self.commits[int(old, 16)], self.commits[int(new, 16)]
        paths = before.keys() | after.keys()
        listed = {path.rpartition("/")[0] for path in before.keys() ^ after.keys()}
        return {"files": sorted(path for path in paths if before.get(path) != after.get(path)), "dirs": sorted(listed)}


def _name(manifest: Manifest) -> Any:
    return manifest["metadata"].get("name")


def _below(files: Files, directory: str) -> dict[str, Manifest | GitopsError]:
    return {path: files[path] for path in sorted(files) if path.startswith(f"{directory}/")}
