"""What is known of one repository while it is polled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gitopsd.errors import GitopsError, NotFetchedYet, RevisionNotFound
from gitopsd.git.epoch import Epoch
from gitopsd.git.mirror import GitMirror
from gitopsd.model.ids import RepoUrl
from gitopsd.words import without_credentials

MAX_ARTIFACTS = 5000  # that are followed in one repository


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
    peeled: dict[str, str | None] = field(default_factory=dict)  # of this epoch: object name → commit
    poller: asyncio.Task[None] | None = None
    tidying: asyncio.Task[None] | None = None
    tidied: int = -1  # the epoch after which it last began

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
            return NotFetchedYet(
                f"{without_credentials(self.url)} was not asked for {ref[:200]!r} yet", remedy="wait for its answer"
            )
        why = self.error or self.mirror.faults.get(ref)
        if why is not None:
            return why.again()
        return RevisionNotFound(
            f"{without_credentials(self.url)} has no {ref[:200]!r}",
            remedy="name a tag, version, range or digest that is there",
        )
