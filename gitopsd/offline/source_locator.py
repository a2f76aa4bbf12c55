"""Where the sources of an application are read when there is no daemon: in working copies, or fetched when asked to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitopsd.core.source.repo_address import RepoAddress, same_repository
from gitopsd.errors import NotFound, PartNotFetched
from gitopsd.git.repositories import ARTIFACTS, Repositories
from gitopsd.git.working_copy import WorkingCopy
from gitopsd.model.application import Source
from gitopsd.model.ids import RepoUrl, Revision
from gitopsd.settings import Settings
from gitopsd.words import without_credentials


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """One source's files."""

    mirror: str
    revision: Revision
    description: str  # where that is, for people


class SourceLocator:
    """Finds the files of sources, each repository once."""

    def __init__(self, named: Sequence[str], nearby: Path, settings: Settings, scratch: Path) -> None:
        """Read from `named`, each a directory or a URL, with `REPOURL=` before it where it is of that repository alone.

        Without any, a repository is looked for around `nearby`. `scratch` is for mirrors of working copies.
        """
        self._named = named
        self._nearby = nearby
        self._settings = settings
        self._scratch = scratch
        self._copies: dict[Path, WorkingCopy] = {}
        self._fetched: Repositories | None = None

    async def find(self, source: Source, repositories: Mapping[RepoUrl, None], revision: str) -> SourceLocation:
        """Return where `source` is, one of an application whose sources have `repositories`.

        `revision` goes before its own target revision. A working copy is read as it is unless a revision is given.

        Raises:
            NotFound: none of the places is of its repository.
            RevisionNotFound, RepositoryUnreachable, InvalidDeclaration: it cannot be read there.
        """
        if source.repository.startswith(ARTIFACTS):
            return await self._artifact(replace(source, target_revision=revision) if revision else source)
        copy = await self._place(source.repo_url, alone=len(repositories) == 1)
        if isinstance(copy, str):
            return await self._fetch(RepoUrl(copy), revision or source.target_revision, source.tag_prefix)
        if copy.top is None or revision:
            snapshot = await copy.at(revision or source.target_revision, source.tag_prefix)
        else:
            snapshot = await copy.now()
        what = " with its changes" if snapshot.changed else f" at {snapshot.revision[:10]}"
        return SourceLocation(snapshot.mirror, Revision(snapshot.revision), f"{copy.directory}{what}")

    async def url(self) -> RepoUrl:
        """Return the URL that the place itself goes by, for a source that nobody declared."""
        copy = await self._at(self._named[0] if self._named else str(self._nearby))
        if isinstance(copy, str):
            return RepoUrl(copy)
        return RepoUrl(next(iter(await copy.urls()), f"file://{copy.directory}"))

    async def completed(self, err: PartNotFetched) -> bool:
        """Fetch what `err` misses, if it is of a repository that was fetched here; tell whether it is."""
        if self._fetched is None or not self._fetched.parts.knows(err):
            return False
        await self._fetched.parts.fetch(err, lambda _repo: True)
        return True

    async def _place(self, url: RepoUrl, *, alone: bool) -> WorkingCopy | str:
        rest = []
        for text in self._named:
            if text.startswith(f"{url}="):
                return await self._at(text.removeprefix(f"{url}="))
            rest.append(text)
        for text in rest or [str(self._nearby)]:
            copy = await self._at(text)
            urls = [copy] if isinstance(copy, str) else [f"file://{copy.directory}", *await copy.urls()]
            if (rest and alone and len(rest) == 1) or any(same_repository(url, remote) for remote in urls):
                return copy
        name = without_credentials(url)
        raise NotFound(
            f"{name} is not here", remedy=f"name a copy by --repo {name}=DIRECTORY, or fetch it by --repo {name}"
        )

    async def _artifact(self, source: Source) -> SourceLocation:
        """Return an artifact or a chart, where one of the places is the URL that it is fetched from or lies below."""
        address = RepoAddress.parse(source.repository)
        prefixes = [prefix for text in self._named if (prefix := RepoAddress.parse(text)) is not None]
        if address is None or not any(address.under(prefix) for prefix in prefixes):
            name = without_credentials(source.repository)
            raise NotFound(f"nothing of {name} is here", remedy=f"fetch it by --repo {name}")
        return await self._fetch(source.repository, source.reference, "")

    async def _at(self, text: str) -> WorkingCopy | str:
        directory = _directory(text)
        return text if directory is None else await self._copy(directory)

    async def _copy(self, directory: Path) -> WorkingCopy:
        copy = self._copies.get(directory)
        if copy is None:
            copy = self._copies[directory] = WorkingCopy(directory, self._scratch / f"mirror-{len(self._copies)}")
            await copy.find()
        return copy

    async def _fetch(self, url: RepoUrl, ref: str, tag_prefix: str) -> SourceLocation:
        if self._fetched is None:
            home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            self._fetched = Repositories(
                self._settings.git,
                data_dir=Path(home) / "gitopsd",
                run_dir=self._scratch,
                now_s=time.time,
                oci=self._settings.oci,
                charts=self._settings.charts,
            )
        if not url.startswith(ARTIFACTS):
            await self._fetched.fetch(url)
        at = await self._fetched.want(url, ref, tag_prefix)
        description = f"{without_credentials(url)} at {_short(at.revision)}"
        return SourceLocation(self._fetched.mirror(url), at.revision, description)


def _short(revision: str) -> str:
    """Return a revision for people: of a commit ten digits, of an artifact the version and twelve of its digest."""
    version, _, digest = revision.rpartition("@")
    return " ".join(filter(None, (version, digest[:19]))) if ":" in digest else digest[:10]


def _directory(text: str) -> Path | None:
    return Path(text) if Path(text).is_dir() else None
