"""Fetches what a render asks for beside the commit: submodules, and files in Git LFS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import (
    InvalidDeclaration,
    LfsObject,
    NotPermitted,
    PartNotFetched,
    RepositoryTooLarge,
    RepositoryUnreachable,
    RevisionNotFound,
    Submodule,
)
from gitopsd.git import modules
from gitopsd.git.lfs import fetch_object
from gitopsd.git.mirror import GitMirror, disk_bytes
from gitopsd.git.modules import FILE, MAX_BYTES, absolute, module_path, submodules
from gitopsd.git.objects import DAMAGED
from gitopsd.git.tree import open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.words import without_credentials

SCHEMES = {"https": ("https", "ssh"), "http": ("http", "https", "ssh"), "ssh": ("https", "ssh"), "file": ("file",)}


@dataclass(slots=True)
class GitParts:
    """Implements `ports.Parts`. Each part is fetched once, however many renders wait for it."""

    mirrors: Path  # the directory of all mirrors
    mirror_named: Callable[[str], GitMirror | None]  # of a repository that is polled
    _fetching: dict[Submodule | LfsObject, asyncio.Lock] = field(default_factory=dict)

    def knows(self, err: PartNotFetched) -> bool:
        """Tell whether `err` misses a part of a repository that is known here."""
        part = err.details
        return isinstance(part, Submodule | LfsObject) and self._owner(part.mirror) is not None

    async def fetch(self, err: PartNotFetched, permits: Callable[[RepoUrl], bool]) -> None:
        part = err.details
        if not isinstance(part, Submodule | LfsObject) or (owner := self._owner(part.mirror)) is None:
            raise err
        lock = self._fetching.setdefault(part, asyncio.Lock())
        async with lock:
            if isinstance(part, Submodule):
                await self._submodule(part, owner, permits)
            else:
                await self._object(part, owner)
        if not lock.locked():
            self._fetching.pop(part, None)

    async def _submodule(self, part: Submodule, owner: GitMirror, permits: Callable[[RepoUrl], bool]) -> None:
        url, commit = await asyncio.to_thread(_declared, self.mirrors / part.mirror, part)
        target = absolute(owner.url, url)
        _allowed(owner.url, target, part.path, self.mirrors)
        if not permits(RepoUrl(target)):
            raise NotPermitted(
                f"submodule {part.path} is in {without_credentials(target)[:200]}, which the project does not permit",
                remedy="add it to the project's spec.sourceRepos, or set git.submodules to false",
            )
        module = await self._module(owner, target, module_path(str(self.mirrors / part.mirror), url))
        whole = module.path.exists() and not (module.path / DAMAGED).exists()
        if whole and await module.keep(commit):
            return
        await module.fetch(())
        if not await module.keep(commit):
            raise RevisionNotFound(
                f"submodule {part.path} is at {commit[:12]}, which {without_credentials(target)} does not have",
                remedy="push that commit to the submodule's repository",
            )

    async def _object(self, part: LfsObject, owner: GitMirror) -> None:
        directory = self.mirrors / part.mirror
        used_bytes = await asyncio.to_thread(disk_bytes, directory / "lfs")
        most = owner.settings.max_repo_bytes
        if used_bytes + part.size > most:
            raise RepositoryTooLarge(
                f"the LFS objects of {without_credentials(owner.url)} have more than {most} bytes",
                remedy="raise git.max_repo_bytes, or read fewer of them",
            )
        credentials = await owner.credentials()
        await fetch_object(
            owner.url,
            credentials,
            part,
            directory,
            run_dir=owner.run_dir,
            deadline_s=owner.settings.fetch_deadline_s,
            max_bytes=most,
            reach=owner.trust.reach,
        )

    def _owner(self, name: str) -> GitMirror | None:
        """Return the mirror `name`: of a repository, or of a submodule below one."""
        first, *below = name.split("/modules/")
        mirror = self.mirror_named(first)
        for submodule in below:
            if mirror is None:
                return None
            path = mirror.path / "modules" / submodule
            url = _url_of(path)
            mirror = _of_submodule(mirror, url, path) if url else None
        return mirror

    async def _module(self, owner: GitMirror, url: str, path: Path) -> GitMirror:
        await asyncio.to_thread(_note_url, path, url)
        return _of_submodule(owner, url, path)


def _of_submodule(owner: GitMirror, url: str, path: Path) -> GitMirror:
    """Return the mirror of a submodule: fetched as its parent is, where both are on one host, else by nobody.

    The submodule's own credentials are others' rights: by writing a URL into `.gitmodules` nobody gets at them.
    """
    mine, theirs = RepoAddress.parse(owner.url), RepoAddress.parse(url)
    same = (
        mine is not None
        and theirs is not None
        and (mine.scheme, mine.host, mine.port)
        == (
            theirs.scheme,
            theirs.host,
            theirs.port,
        )
    )
    return replace(owner, url=url, path=path, login_of=owner.login_of or owner.url, anonymous=not same, size_bytes=None)


def _allowed(parent: str, url: str, path: str, mirrors: Path) -> None:
    mine, theirs = RepoAddress.parse(parent), RepoAddress.parse(url)
    allowed = mine is not None and theirs is not None and theirs.scheme in SCHEMES.get(mine.scheme, ())
    # The mirrors hold what others' credentials have fetched.
    ours = theirs is not None and theirs.scheme == "file" and Path("/", *theirs.parts).resolve().is_relative_to(mirrors)
    if not allowed or ours:
        raise InvalidDeclaration(
            f"submodule {path} has a URL that is not fetched from: {without_credentials(url)[:200]!r}",
            remedy="write an https:// or ssh:// URL, or one that begins with ../, into .gitmodules",
        )


def _declared(mirror: Path, part: Submodule) -> tuple[str, str]:
    """Return the URL and the commit of a submodule. Blocks."""
    tree = open_tree(str(mirror), part.revision)
    url = submodules((tree.read(FILE, max_bytes=MAX_BYTES) or b"").decode(errors="replace")).get(part.path)
    commit = tree.commit_at(part.path)
    if url is None or commit is None:
        raise RevisionNotFound(f"there is no submodule {part.path}", remedy="name it in .gitmodules")
    return url, commit


def _note_url(path: Path, url: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(modules.URL).write_text(url)
    except OSError as err:
        raise RepositoryUnreachable(
            f"the mirror of a submodule cannot be written: {err.strerror}", remedy="make room in the data directory"
        ) from err


def _url_of(path: Path) -> str:
    """Return the URL of a submodule's mirror, "" where there is none: its parent's was made anew meanwhile."""
    try:
        return path.with_suffix(modules.URL).read_text()
    except OSError:
        return ""
