"""Declarations that are kept in Git: read at each epoch of their repository."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from gitopsd.core.target.target import nameless_refused
from gitopsd.errors import GitopsError
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.model.project import IntegrityPolicy
from gitopsd.ports import Declarations, Renderer, Signatures, Sources
from gitopsd.reconcile.ownership import EVERYWHERE, Barrier
from gitopsd.words import without_credentials

AGAIN_S = 60.0  # after a failure, should no new epoch come before

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose commits of a declaration source count."""

    policy: IntegrityPolicy
    signatures: Signatures


@dataclass(slots=True)
class GitDeclarations:
    """A service that declares what one path of a repository says."""

    source: Source
    prune: bool
    sources: Sources
    renderer: Renderer
    declarations: Declarations
    barrier: Barrier  # until it is read, nobody knows which applications a new epoch brings, and what they want
    trusted: Trusted | None = None  # whose commits count; None: everybody's
    problems: Sequence[str] = ()  # of the last reading, each with its file and line
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return f"git:{without_credentials(self.source.repo_url)}#{self.source.path}"

    def epoch(self, repo: RepoUrl) -> None:
        """Take note of a new epoch of `repo`."""
        if repo == self.source.repo_url:
            self.barrier.joined(self._reader, EVERYWHERE, (repo,))
            self._moved.set()

    async def run(self) -> None:
        while True:
            self._moved.clear()
            again_s = await self.read()
            try:
                async with asyncio.timeout(again_s):
                    await self._moved.wait()
            except TimeoutError:
                continue

    async def read(self) -> float | None:
        """Read once; return after how long to try again, None where only a new epoch can change anything."""
        problems: Sequence[str]
        again_s: float | None = None
        mark = self.barrier.moves
        try:
            at = self.sources.resolve(self.source.repo_url, self.source.target_revision)
            if self.trusted is not None:
                source, policy = self.source, self.trusted.policy
                await self.trusted.signatures.verify(source.repo_url, source.target_revision, at.revision, policy)
            rendered = await self.renderer.render(AppName(""), self.source, at.revision)
            if rendered.nameless:
                raise nameless_refused(rendered.nameless)
            problems = self.declarations.declare(
                self.name, rendered.manifests, rendered.origins, complete=True, prune=self.prune
            )
        except GitopsError as err:
            # What cannot be read declares nothing anew and removes nothing.
            problems, again_s = [str(err)], AGAIN_S
        else:
            self.barrier.passed(self._reader, mark, (self.source.repo_url,))
        for problem in problems:
            if problem not in self.problems:
                log.warning("declarations.problem", source=self.name, problem=problem)
        self.problems = tuple(problems)
        return again_s

    @property
    def _reader(self) -> AppName:
        return AppName(f"the declarations of {self.name}")


def source_of(repo_url: str, target_revision: str, path: str, *, recurse: bool) -> Source:
    """Return the source that a declaration source of the settings stands for."""
    options = {"directory": {"recurse": recurse}}
    return Source(RepoUrl(repo_url), target_revision, path=path, tool="Directory", options=options)
