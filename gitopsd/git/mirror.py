"""One repository's bare mirror on disk: fetched by git, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import structlog

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import GitopsError, RepositoryTooLarge, RepositoryUnreachable
from gitopsd.git import child, objects
from gitopsd.git.credentials import GitAccess, access
from gitopsd.git.epoch import FULL_SHA, HEAD, KEPT, LISTING, OTHER, fingerprint, read_refs
from gitopsd.git.failures import fetch_failed, is_damage, said
from gitopsd.git.lfs_files import DIRECTORY
from gitopsd.git.objects import DAMAGED
from gitopsd.git.pins import pinned
from gitopsd.git.quick_fetch import QuickFetch
from gitopsd.settings import GitSettings, RepoCredentials
from gitopsd.trust.credentials import CredentialStore
from gitopsd.words import without_credentials

STAMP = "gitopsd-epoch"  # in a mirror: the fingerprint of the refs that its last whole fetch left; mtime: when
LOCAL_S = 60.0  # for what git does on the disk alone
LFS_KEPT_S = 30 * 86400.0  # an object of Git LFS, from when it was fetched
UNUSED_S = 30 * 86400.0  # a mirror that nobody fetched for so long is removed at the start
TIDY_S = 1800.0  # for packing a mirror anew
LONG_LISTING_BYTES = 256 << 10  # of refs: more would hold up the loop
SIZE_EVERY_S = 0.5
REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", f"+HEAD*:{HEAD}*")  # HEAD*: an empty one has none
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CONFIG = (
    "protocol.version=2",
    "protocol.ext.allow=never",
    "credential.helper=",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "http.followRedirects=false",  # git would ask for, and hand over, credentials wherever it is sent
    "transfer.bundleURI=false",  # nor what a server names instead of its own packs
    "fetch.uriProtocols=",
    "gc.auto=0",
    "maintenance.auto=false",
)
LOCAL = GitAccess("")
TIDY = ("gc.auto=2000", "gc.autoPackLimit=40", "gc.autoDetach=false", "gc.pruneExpire=2.weeks.ago")


log = structlog.get_logger()


class Damaged(Exception):
    """git complains about the mirror itself."""


@dataclass(slots=True)
class GitMirror:
    """The mirror of one URL; its caller sees to it that one fetch runs at a time."""

    url: str
    path: Path
    run_dir: Path
    settings: GitSettings
    trust: CredentialStore
    size_bytes: int | None = None  # when it was last looked at
    login_of: str = ""  # of a submodule: the URL whose credentials it is fetched with
    anonymous: bool = False  # of a submodule on another host: it is fetched without
    faults: dict[str, GitopsError] = field(default_factory=dict)  # why what was asked for by name is not there
    quick: QuickFetch | None = field(default=None, init=False)  # tried before git, while there is somebody to keep it
    _swept: bool = False  # no left-overs of a killed git can be there
    _tidying: bool = False

    async def fetch(self, others: Collection[str]) -> dict[str, str]:
        """Bring all branches, tags and HEAD, and `others` (full names), up to date; return full name → commit.

        A mirror that is not there or is damaged is made anew beside, and put in place once it is whole.

        Raises:
            RepositoryUnreachable, TooSlow, RepositoryTooLarge: the mirror is as it was.
            InvalidSettings: credentials cannot be read.
        """
        specs = [*REFSPECS, *(f"+{name}*:{OTHER}{name}*" for name in sorted(others))]
        too_large = (self.size_bytes or 0) > self.settings.max_repo_bytes
        if too_large or not (self.path / "objects").is_dir() or (self.path / DAMAGED).exists():
            return await self._anew(specs)
        await self._sweep()
        began_s = time.monotonic()
        if (refs := await self._quickly(others)) is not None:
            return refs
        try:
            return await self._fetch(self.path, specs, time.monotonic() - began_s)
        except Damaged:
            return await self._anew(specs)

    async def credentials(self) -> RepoCredentials | None:
        """Return what the server is given. Raises as `CredentialStore.credentials` does."""
        if self.anonymous:
            return self.trust.hosts(self.url)
        return await self.trust.credentials(self.login_of or self.url)

    async def keep(self, name: str) -> bool:
        """Keep the commit that SHA `name` names, full or short; tell whether there is one.

        What the mirror lacks the server is asked for, if the SHA is full.
        """
        there = objects.peeled(str(self.path), name)
        try:
            if there is not None:
                await self._git(["--git-dir", str(self.path), "update-ref", f"{KEPT}{name}", there], LOCAL_S)
            elif FULL_SHA.fullmatch(name):
                await self._fetch(self.path, [f"+{name}:{KEPT}{name}"])
        except (RepositoryUnreachable, Damaged):
            return False
        return there is not None or FULL_SHA.fullmatch(name) is not None

    async def refs(self) -> dict[str, str]:
        """Return the refs as they are on the disk."""
        try:
            return await self._refs(self.path)
        except Damaged as err:
            raise RepositoryUnreachable(
                f"the mirror of {without_credentials(self.url)} is damaged", remedy="the next fetch makes it anew"
            ) from err

    async def tidy(self) -> None:
        """Pack the mirror if it has many loose objects or packs; what no ref reaches stays for two weeks.

        Raises:
            RepositoryTooLarge: it is above the limit even so; the next fetch begins anew, or is refused.
        """
        self._tidying = True
        try:
            await self._git(["--git-dir", str(self.path), *_options(TIDY), "gc", "--auto", "--quiet"], TIDY_S)
        except Damaged:
            (self.path / DAMAGED).touch()
        finally:
            self._tidying = False
        await asyncio.to_thread(_remove_old, self.path / DIRECTORY, time.time() - LFS_KEPT_S)
        await self._check_size(self.path)

    def stamp(self, refs: Mapping[str, str], taken_s: float) -> None:
        """Remember that a whole fetch that began at `taken_s` left `refs`."""
        # With a full disk there is nothing to remember, and nothing depends on it but a start without the network.
        with contextlib.suppress(OSError):
            file, text = self.path / STAMP, fingerprint(refs)
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
            os.utime(file, (taken_s, taken_s))

    async def stamped(self) -> tuple[dict[str, str], float] | None:
        """Return the refs of the last whole fetch and when it began; None where the disk holds anything else."""
        file = self.path / STAMP
        try:
            text, taken_s = file.read_text(), file.stat().st_mtime
            refs = await self.refs()
        except (OSError, RepositoryUnreachable):
            return None
        return (refs, taken_s) if text == fingerprint(refs) else None

    async def _anew(self, specs: Sequence[str]) -> dict[str, str]:
        beside, old = self.path.with_suffix(".new"), self.path.with_suffix(".old")
        with _disk(self.url):
            await asyncio.to_thread(_remove, beside, old)
            beside.parent.mkdir(parents=True, exist_ok=True)
        try:
            await self._git(["init", "--bare", "--quiet", "--template=", str(beside)], LOCAL_S)
            refs = await self._fetch(beside, specs)
            await self._check_size(beside)
            with _disk(self.url):
                if self.path.exists():
                    self.path.rename(old)
                    log.warning("git.mirror_rebuilt", repo=without_credentials(self.url), mirror=self.path.name)
                beside.rename(self.path)
        except Damaged as err:
            raise RepositoryUnreachable(
                f"{without_credentials(self.url)} cannot be fetched: {err}",
                remedy="check the repository with git fsck, and the disk",
            ) from err
        finally:
            await asyncio.to_thread(_remove, beside, old)
        self._swept = True
        return refs

    async def _quickly(self, others: Collection[str]) -> dict[str, str] | None:
        if self.quick is None:
            return None
        credentials, deadline_s = await self.credentials(), self.settings.fetch_deadline_s
        refs = await self.quick.fetch(self.url, self.path, credentials, others, deadline_s)
        if refs is not None:
            with _disk(self.url):
                _switch_lfs(self.path / DIRECTORY, on=credentials is not None and credentials.lfs)
        return refs

    async def _fetch(self, path: Path, specs: Sequence[str], spent_s: float = 0.0) -> dict[str, str]:
        speed = (
            f"http.lowSpeedLimit={self.settings.low_speed_bytes}",
            f"http.lowSpeedTime={self.settings.low_speed_s:g}",
        )
        flags = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        quick = ("--no-auto-maintenance", "--no-show-forced-updates")
        self._swept = False
        credentials = await self.credentials()
        pins = await pinned(self.url, credentials, self.trust.reach)
        with access(self.url, credentials, self.run_dir, pins) as granted:
            git = ["--git-dir", str(path), *_options(speed), *_options(granted.config), "fetch", *flags, *quick]
            began_s = time.monotonic()
            deadline_s = max(0.0, self.settings.fetch_deadline_s - spent_s)
            listing = await self._git([*git, "--", granted.url, *specs], deadline_s, granted, path)
        self._swept = True
        with _disk(self.url):
            _switch_lfs(path / DIRECTORY, on=credentials is not None and credentials.lfs)
        if time.monotonic() - began_s > SIZE_EVERY_S:
            await self._check_size(path)
        return await _read(listing, path)

    async def _refs(self, path: Path) -> dict[str, str]:
        listing = await self._git(_listing(path), LOCAL_S)
        return await _read(listing, path)

    async def _git(
        self, arguments: Sequence[str], deadline_s: float, granted: GitAccess = LOCAL, grows: Path | None = None
    ) -> bytes:
        """Run git; return its output, or raise what its failure means.

        `grows`, a mirror, is held to the size limit meanwhile, and its refs are listed after.
        """

        async def watch() -> NoReturn:
            while True:
                await asyncio.sleep(SIZE_EVERY_S)
                await self._check_size(grows or self.path)

        with _disk(self.url):
            ended = await child.run(
                ["git", *_options(CONFIG), *arguments],
                *([["git", *_listing(grows)]] if grows else []),
                env={**environment(self.run_dir, granted.url), **granted.env},
                deadline_s=deadline_s,
                what=f"{'fetching' if grows else 'reading the mirror of'} {without_credentials(self.url)}",
                fds=granted.fds,
                watch=watch if grows else None,
            )
        if ended.code == 0:
            return ended.stdout
        if is_damage(ended.stderr):
            raise Damaged(said(ended.stderr, granted.secrets))
        raise fetch_failed(self.url, ended.stderr or f"git ended with {ended.code}", granted.secrets)

    async def _check_size(self, path: Path) -> None:
        size = self.size_bytes = await asyncio.to_thread(disk_bytes, path / "objects")
        if size > self.settings.max_repo_bytes:
            raise RepositoryTooLarge(
                f"the mirror of {without_credentials(self.url)} has {size} bytes and more to come",
                remedy=f"raise git.max_repo_bytes above {self.settings.max_repo_bytes}, or shrink the repository",
            )

    async def _sweep(self) -> None:
        if not self._swept and not self._tidying:
            # One fetch runs at a time and none does now, so whatever holds a lock is dead.
            await asyncio.to_thread(sweep, self.path)


def _switch_lfs(directory: Path, *, on: bool) -> None:
    if on:
        directory.mkdir(exist_ok=True)
    elif directory.exists():
        _remove(directory)


def _remove_old(directory: Path, before_s: float) -> None:
    """Remove objects fetched before `before_s`; what is still read is fetched again."""
    for file in directory.glob("??/*"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < before_s:
                file.unlink()


async def _read(listing: bytes, path: Path) -> dict[str, str]:
    read = functools.partial(read_refs, listing, functools.partial(objects.peeled, str(path)))
    return await asyncio.to_thread(read) if len(listing) > LONG_LISTING_BYTES else read()


def mirror_path(data_dir: Path, url: str) -> Path:
    """Return where the mirror of `url` is: named by a hash, since a URL may hold a password."""
    return data_dir / "git" / hashlib.sha256(url.encode()).hexdigest()[:32]


def remove_unused(mirrors: Path, now_s: float) -> None:
    """Remove the mirrors below `mirrors` that nobody has fetched for `UNUSED_S`. Blocks."""
    for mirror in mirrors.glob("*"):
        used = mirror / STAMP
        with contextlib.suppress(OSError):
            if (used if used.exists() else mirror).stat().st_mtime < now_s - UNUSED_S:
                _remove(mirror)


def disk_bytes(path: Path) -> int:
    """Return the bytes of all files below `path`; what goes away meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - thousands of files
    return total


def sweep(path: Path) -> None:
    """Remove what a killed git leaves in a mirror: locks, half a pack, half an object."""
    for pattern in (
        "*.lock",
        "refs/**/*.lock",
        "objects/**/*.lock",
        "objects/pack/tmp_*",
        "objects/*/tmp_obj_*",
        "gc.pid",
    ):
        for leftover in path.glob(pattern):
            leftover.unlink(missing_ok=True)
    for leftover in path.glob("objects/tmp_objdir-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def environment(run_dir: Path, url: str = "") -> dict[str, str]:
    """Return the environment of a git that may reach `url`, and nothing else; no configuration but ours holds."""
    address = RepoAddress.parse(url)
    proxies = {name: os.environ[name] for name in (*PROXIES, *map(str.upper, PROXIES)) if name in os.environ}
    return proxies | {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(run_dir),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": address.scheme if address else "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _listing(path: Path) -> list[str]:
    return ["--git-dir", str(path), "for-each-ref", LISTING]


def _options(config: Sequence[str]) -> Iterator[str]:
    for setting in config:
        yield from ("-c", setting)


@contextlib.contextmanager
def _disk(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise RepositoryUnreachable(
            f"the mirror of {without_credentials(url)} cannot be written: {err}",
            remedy="make room in the data directory",
        ) from err
    except child.OutputTooLong as err:
        raise RepositoryTooLarge(
            f"{without_credentials(url)} has more refs than fit {child.STDOUT_BYTES} bytes",
            remedy="remove old branches and tags",
        ) from err


def _remove(*paths: Path) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
