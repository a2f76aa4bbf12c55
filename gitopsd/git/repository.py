"""What is known of one repository while it is polled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gitopsd.errors import GitopsError, NotFetchedYet, RevisionNotFound
from gitopsd.git.epoch import OTHER, Epoch
from gitopsd.git.mirror import GitMirror
from gitopsd.model.ids import RepoUrl
from gitopsd.words import without_credentials

MAX_ARTIFACTS = 5000  # that are followed in one repository
MAX_WANTED = 500  # SHAs and unusual refs of one repository that are asked for by name …
WANTED_S = 86400.0  # … and for how long after somebody last did; well above sync.refresh_s


@dataclass(slots=True)
class GitRepository:
    """Its mirror, its epoch, how its fetches went, and what was asked for by name."""

    url: RepoUrl
    mirror: GitMirror
    key: str | None  # what a webhook's URLs are matched with
    epoch: Epoch | None = None
    error: GitopsError | None = None  # of the last fetch; None: it succeeded
    failures: int = 0
    begun: int = 0  # fetches …
    ended: int = 0  # … the last of them that came to its end
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)
    poke: asyncio.Event = field(default_factory=asyncio.Event)
    asked: dict[str, int] = field(default_factory=dict)  # artifacts that somebody named → the fetch that tells of it
    others: set[str] = field(default_factory=set)  # refs beside branches and tags that somebody named
    commits: dict[str, int] = field(default_factory=dict)  # SHAs that somebody named → the fetch that asks next
    wanted: dict[str, float] = field(default_factory=dict)  # all of them → when somebody last did, the newest last
    peeled: dict[str, str | None] = field(default_factory=dict)  # of this epoch: object name → commit
    poller: asyncio.Task[None] | None = None
    tidying: asyncio.Task[None] | None = None
    tidied: int = -1  # the epoch after which it last began

    @property
    def public_url(self) -> str:
        return without_credentials(self.url)

    def want(self, name: str, now_s: float, *, is_ref: bool) -> bool:
        """Have fetches ask for a commit or for an unusual ref by its name; False where they do already.

        Tenants make up names. Those that the server does not have go first where there are too many, the one that
        somebody asked for longest ago before the others, and what nobody asks for any more goes by itself.
        """
        if self.asked_again(name, now_s):
            return False
        for old in [old for old, at_s in self.wanted.items() if at_s < now_s - WANTED_S]:
            self._let_go(old)
        if len(self.wanted) >= MAX_WANTED:
            self._let_go(next(filter(self._is_missing, self.wanted), next(iter(self.wanted))))
        self.wanted[name] = now_s
        if is_ref:
            self.others.add(name)
        else:
            self.commits[name] = 0
        return True

    def asked_again(self, name: str, now_s: float) -> bool:
        """Take note that somebody needs `name`; False where fetches do not ask for it."""
        if self.wanted.pop(name, None) is None:
            return False
        self.wanted[name] = now_s
        return True

    def is_due(self, name: str) -> bool:
        """Tell whether this fetch asks for the commit `name`."""
        return self.commits.get(name, self.begun + 1) <= self.begun

    def _is_missing(self, name: str) -> bool:
        """Tell whether the server was asked for `name`, and did not have it."""
        if name in self.others:
            return self.epoch is not None and f"{OTHER}{name}" not in self.epoch.refs
        return self.commits[name] > 0

    def _let_go(self, name: str) -> None:
        del self.wanted[name]
        self.others.discard(name)
        self.commits.pop(name, None)

    def ask(self, ref: str) -> None:
        """Have the next fetch bring an artifact, and each that follows; what long nobody asked for is let go."""
        if ref not in self.asked:
            self.poke.set()
        self.asked[ref] = self.asked.pop(ref, self.begun + 1)
        if len(self.asked) > MAX_ARTIFACTS:
            del self.asked[next(iter(self.asked))]

    def missing(self, ref: str) -> GitopsError:
        """Return why the artifact `ref`, which was asked for, is not there."""
        if self.asked[ref] > self.ended:
            return NotFetchedYet(f"{self.public_url} was not asked for {ref[:200]!r} yet", remedy="wait for its answer")
        error = self.error or self.mirror.faults.get(ref)
        if error is not None:
            return error.again()
        return RevisionNotFound(
            f"{self.public_url} has no {ref[:200]!r}",
            remedy="name a tag, version, range or digest that is there",
        )
