"""Fetches a small change inside the process, over a connection that is kept; whatever is unusual it leaves to git.

A mirror that it changed is as git would have left it: tests/git/test_quick_fetch.py holds the two to each other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pygit2

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import GitopsError
from gitopsd.git import objects, protocol
from gitopsd.git.credentials import http_login
from gitopsd.git.epoch import HEAD, OTHER, is_ref_name
from gitopsd.git.packs import BLOB, COMMIT, MAX_PACK_BYTES, TAG, TREE, Object, Oid, PackReader
from gitopsd.git.protocol import Unsure
from gitopsd.git.reachable import Reachable, read_small
from gitopsd.settings import RepoCredentials
from gitopsd.trust.fetch import OK, UNAUTHORIZED, FetchFailed, HttpAnswer, HttpRequest, HttpSession, Why
from gitopsd.trust.kept import KeptSessions
from gitopsd.trust.reach import Reach

DEADLINE_S = 10.0  # for all of it; what takes longer is no small change
MAX_ADVERTISEMENT_BYTES = 64 << 10
MAX_REFS_BYTES = 4 << 20  # of a server's list: 60,000 refs
MAX_WANTS = 50  # objects that are asked for at once
MAX_MOVED = 500  # refs that are moved or removed, each a file
MAX_NAMED = 4  # commits of webhooks that are remembered until the next fetch
MAX_TIPS = 64  # of ours that the server is told of …
ANCESTORS = 8  # … and for one of them, of ancestors ever further away, for a branch that was rewritten
MOST_RESTED = 63  # fetches that go by git alone, where this way failed again and again
NAMESPACES = ("refs/heads/", "refs/tags/", HEAD)
ORDER = (BLOB, TREE, COMMIT, TAG)  # in which objects are written: never one before what it names
UNUSUAL = (objects.DAMAGED, "shallow", "objects/info/alternates", "gc.pid")  # in a mirror: git is to see to it
ANSWER = "application/x-git-upload-pack-result"
ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
HEADERS = {"Git-Protocol": "version=2", "Accept-Encoding": "identity", "User-Agent": "git/gitopsd"}

COMMIT_ID = re.compile(r"(?!0{40})[0-9a-fA-F]{40}")  # not that of nothing, which stands for a branch that is gone

T = TypeVar("T")
OnQuickFetch = Callable[[str], None]  # "done", or why it was left to git


@dataclass(frozen=True, slots=True)
class MirrorRefs:
    """What a mirror's refs name."""

    objects: Mapping[str, str]  # full name → object
    commits: Mapping[str, str | None]  # object → commit, None where it stands for none


@dataclass(slots=True)
class QuickFetch:
    """This way for one repository."""

    sessions: KeptSessions
    reach: Reach
    on_result: OnQuickFetch = lambda _: None
    named: list[str] = field(
        default_factory=list
    )  # commits that webhooks named: asked for beside the refs, not trusted
    _known: dict[str, str] | None = None  # the server's capabilities
    _asks_login: bool = False
    _failures: int = 0
    _rest: int = 0  # fetches that go by git alone
    _commits: Mapping[str, str | None] = field(default_factory=dict)

    def name(self, commits: Iterable[str]) -> None:
        """Have the next fetch ask for `commits` at once."""
        usable = (commit.lower() for commit in commits if COMMIT_ID.fullmatch(commit))
        self.named = [*self.named, *usable][-MAX_NAMED:]

    async def fetch(
        self, url: str, mirror: Path, credentials: RepoCredentials | None, others: Collection[str], deadline_s: float
    ) -> dict[str, str] | None:
        """Bring the refs of `mirror` up to date as `GitMirror.fetch` does; None where git has to.

        What was written until then is whole, and git goes on from there.
        """
        named, self.named = self.named, []
        if self._rest > 0:
            self._rest -= 1
            return None
        try:
            async with asyncio.timeout(min(DEADLINE_S, deadline_s)):
                refs = await self._fetch(url, mirror, credentials, others, named)
        except (Unsure, FetchFailed, TimeoutError, GitopsError, pygit2.GitError, OSError, ValueError, KeyError) as err:
            self._known, self._failures = None, self._failures + 1
            self._rest = min(2 ** (self._failures - 1) - 1, MOST_RESTED)
            self.on_result(_reason(err))
            return None
        self._failures = 0
        self.on_result("done")
        return refs

    async def _fetch(
        self,
        url: str,
        mirror: Path,
        credentials: RepoCredentials | None,
        others: Collection[str],
        named: Sequence[str],
    ) -> dict[str, str]:
        clean, login, asked = http_login(url, credentials)
        async with self.sessions.use(credentials, clean, deadline_s=DEADLINE_S, reach=self.reach) as http:
            server = _Server(http, clean, asked if self._asks_login else login)
            if self._known is None:
                self._known = await self._capabilities(server, asked)
            known = self._known
            look, listing, answer = await self._look(server, known, mirror, others, named)
            work = _Work(look, others)
            missing = await _thread(work.missing, listing, answer)
            if len(missing) > MAX_WANTS:
                raise Unsure("large")
            if missing:
                answer = await server.ask(protocol.fetch(known, missing, look.haves), MAX_PACK_BYTES)
                await _thread(work.unpack, answer)
            after = await _thread(work.finish)
        self._commits = after.commits
        return {name: commit for name, oid in after.objects.items() if (commit := after.commits[oid]) is not None}

    async def _look(
        self, server: _Server, known: Mapping[str, str], mirror: Path, others: Collection[str], named: Sequence[str]
    ) -> tuple[_Look, bytes, bytes]:
        """Return what there is before, what the server lists, and the answer for what was named, all at once."""
        question = protocol.ls_refs(known, ("HEAD", "refs/heads/", "refs/tags/", *sorted(others)))
        try:
            async with asyncio.TaskGroup() as group:
                listing = group.create_task(server.ask(question, MAX_REFS_BYTES), name="list refs")
                look = await _thread(_look, mirror, self._commits, named)
                answer = await _named(server, known, look) if look.unknown else b""
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        return look, listing.result(), answer

    async def _capabilities(self, server: _Server, asked: dict[str, str]) -> dict[str, str]:
        answer = await server.advertisement()
        if answer.status == UNAUTHORIZED and asked and server.login != asked:
            server.login, self._asks_login = asked, True
            answer = await server.advertisement()
        return protocol.capabilities(_body(answer, ADVERTISEMENT))


@dataclass(slots=True)
class _Server:
    http: HttpSession
    url: str
    login: dict[str, str]

    async def advertisement(self) -> HttpAnswer:
        url = f"{self.url.rstrip('/')}/info/refs?service=git-upload-pack"
        return await self.http.fetch(HttpRequest(url, MAX_ADVERTISEMENT_BYTES, HEADERS, self.login, redirects=0))

    async def ask(self, body: bytes, most_bytes: int) -> bytes:
        kind = {"Content-Type": "application/x-git-upload-pack-request", "Accept": ANSWER}
        url = f"{self.url.rstrip('/')}/git-upload-pack"
        request = HttpRequest(url, most_bytes, {**HEADERS, **kind}, self.login, body=body, redirects=0)
        return _body(await self.http.fetch(request), ANSWER)


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is before."""

    repo: pygit2.Repository
    refs: MirrorRefs
    haves: tuple[str, ...]
    unknown: tuple[str, ...]  # of the commits that webhooks named


@dataclass(slots=True)
class _Work:
    """What is done to the mirror, in threads: each of its methods blocks."""

    look: _Look
    others: Collection[str]
    _wanted: dict[str, str] = field(default_factory=dict)
    _arrived: dict[Oid, Object] = field(default_factory=dict)

    def missing(self, listing: bytes, answer: bytes) -> list[str]:
        """Return the objects that the server lists and that are neither there nor in its answer for what was named."""
        self._wanted = _wanted(protocol.refs_of(listing), self.others)
        with suppress(Unsure):  # a webhook's word may be wrong
            if answer:
                self.unpack(answer)
        odb = self.look.repo.odb
        changed = {oid for name, oid in self._wanted.items() if self.look.refs.objects.get(name) != oid}
        return sorted(oid for oid in changed if bytes.fromhex(oid) not in self._arrived and not odb.exists(_id(oid)))

    def finish(self) -> MirrorRefs:
        """Store what came, move the refs, and return them; nothing is stored of what is not whole."""
        repo, before = self.look.repo, self.look.refs
        moved = {name: oid for name, oid in self._wanted.items() if before.objects.get(name) != oid}
        gone = [name for name in before.objects if name not in self._wanted and _is_ours(name, self.others)]
        if not moved and not gone:
            return before
        if len(moved) + len(gone) > MAX_MOVED:
            raise Unsure("large")
        tips = {*before.commits, *filter(None, before.commits.values())}
        check = Reachable(repo.odb, self._arrived, {bytes.fromhex(oid) for oid in tips})
        _store(repo.odb, check.check(map(bytes.fromhex, moved.values())))
        for name in gone:  # first: what comes may be named like a directory of theirs
            repo.references.delete(name)
        for name, oid in moved.items():
            repo.references.create(name, _id(oid), force=True)
        after = {name: oid for name, oid in before.objects.items() if name not in gone} | moved
        return MirrorRefs(after, _commits(repo, set(after.values()), before.commits))

    def unpack(self, answer: bytes) -> None:
        """Take what an answer brings."""
        odb = self.look.repo.odb

        def base(oid: Oid) -> Object | None:
            try:
                return read_small(odb, oid)
            except KeyError:
                return self._arrived.get(oid)

        self._arrived |= PackReader(protocol.pack_of(answer), base).read()


def _look(mirror: Path, commits: Mapping[str, str | None], named: Sequence[str]) -> _Look:
    repo = objects.fresh_mirror(str(mirror))  # a damaged one is not to be hidden by what was read of it before
    refs = _read_refs(repo, commits)
    if any((mirror / name).exists() for name in UNUSUAL):  # after: what packs refs meanwhile has its mark there before
        raise Unsure("mirror")
    unknown = tuple(oid for oid in dict.fromkeys(named) if not repo.odb.exists(_id(oid)))
    return _Look(repo, refs, tuple(_haves(repo, refs)), unknown)


def _read_refs(repo: pygit2.Repository, before: Mapping[str, str | None]) -> MirrorRefs:
    named = {reference.name: str(reference.target) for reference in repo.references.iterator()}
    return MirrorRefs(named, _commits(repo, set(named.values()), before))


def _commits(
    repo: pygit2.Repository, named: Collection[str], before: Mapping[str, str | None]
) -> dict[str, str | None]:
    return {oid: before[oid] if oid in before else _peeled(repo, oid) for oid in named}


def _peeled(repo: pygit2.Repository, oid: str) -> str | None:
    """Return the commit that an object stands for; None where it is of something else. Raises where it is damaged."""
    value: Any = repo[_id(oid)]
    while isinstance(value, pygit2.Tag):
        value = value.get_object()
    return str(value.id) if isinstance(value, pygit2.Commit) else None


def _haves(repo: pygit2.Repository, refs: MirrorRefs) -> list[str]:
    """Return commits that we have: of HEAD and its ancestors, and of as many refs as need be, branches first."""
    named = sorted(refs.objects, key=lambda name: (name != HEAD, not name.startswith("refs/heads/"), name))
    tips = [commit for name in named if (commit := refs.commits[refs.objects[name]]) is not None]
    haves = dict.fromkeys(tips[:MAX_TIPS])
    ancestor = repo[_id(tips[0])].peel(pygit2.Commit) if tips else None
    for step in range(2**ANCESTORS):
        if ancestor is None or not ancestor.parent_ids:
            break
        ancestor = repo[ancestor.parent_ids[0]].peel(pygit2.Commit)
        if step & (step + 1) == 0:
            haves[str(ancestor.id)] = None
    return list(haves)


def _wanted(listed: Mapping[str, str], others: Collection[str]) -> dict[str, str]:
    """Return the mirror's full name → object of what a server lists."""
    wanted = {}
    for name, oid in listed.items():
        if name == "HEAD":
            wanted[HEAD] = oid
        elif name.startswith(("refs/heads/", "refs/tags/")):
            wanted[name] = oid
        if name.startswith(tuple(others)):
            wanted[f"{OTHER}{name}"] = oid
    if not all(is_ref_name(name) and pygit2.reference_is_valid_name(name) for name in wanted):
        raise Unsure("names")
    return wanted


def _is_ours(name: str, others: Collection[str]) -> bool:
    """Tell whether a fetch removes a ref of the mirror that the server no more has."""
    return name.startswith((*NAMESPACES, *(f"{OTHER}{other}" for other in others)))


def _store(odb: pygit2.Odb, needed: Mapping[Oid, Object]) -> None:
    for kind in ORDER:
        for oid, (its_kind, content) in needed.items():
            if its_kind == kind and odb.write(kind, content).raw != oid:
                raise Unsure("pack")


async def _named(server: _Server, known: Mapping[str, str], look: _Look) -> bytes:
    """Return the answer for what webhooks named, b"" where the server gives none: then the refs decide alone."""
    try:
        return await server.ask(protocol.fetch(known, look.unknown, look.haves), MAX_PACK_BYTES)
    except (Unsure, FetchFailed):
        return b""


def _body(answer: HttpAnswer, kind: str) -> bytes:
    headers = answer.headers
    if answer.status != OK:
        raise Unsure("status")
    if headers.get("Content-Type") != kind or headers.get("Content-Encoding", "identity") != "identity":
        raise Unsure("type")
    return answer.body


async def _thread(work: Callable[..., T], *args: Any) -> T:
    """Run `work` in a thread and stay until it is over: a git that comes after must not meet it."""
    running = asyncio.get_running_loop().run_in_executor(None, work, *args)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait((running,))
        raise


def _id(oid: str) -> pygit2.Oid:
    return pygit2.Oid(hex=oid)


def _reason(err: Exception) -> str:
    match err:
        case Unsure():
            return err.reason
        case FetchFailed(reason=Why.TOO_LARGE):
            return "large"
        case TimeoutError() | FetchFailed(reason=Why.TOO_SLOW):
            return "slow"
        case FetchFailed():
            return "unanswered"
        case GitopsError():
            return "settings"
        case _:
            return "mirror"


def is_quick(url: str) -> bool:
    """Tell whether repositories at `url` may be fetched this way."""
    address = RepoAddress.parse(url)
    return address is not None and address.scheme in ("https", "http")
