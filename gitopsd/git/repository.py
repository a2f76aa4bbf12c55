"""What is known of one repository while it is polled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gitopsd.errors import GitopsError
from gitopsd.git.epoch import Epoch
from gitopsd.git.mirror import Mirror
from gitopsd.model.ids import RepoUrl


@dataclass(slots=True)
class Repository:
    """Its mirror, its epoch, how its fetches went, and what was asked for by name."""

    url: RepoUrl
    mirror: Mirror
    key: str | None  # what a webhook's URLs are matched with
    epoch: Epoch | None = None
    error: GitopsError | None = None  # of the last fetch; None: it succeeded
    failures: int = 0
    begun: int = 0  # fetches …
    ended: int = 0  # … the last of them that came to its end
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)
    poke: asyncio.Event = field(default_factory=asyncio.Event)
    others: set[str] = field(default_factory=set)  # refs beside branches and tags that somebody named
    commits: dict[str, int] = field(default_factory=dict)  # SHAs that somebody named → the fetch that asks next
    peeled: dict[str, str | None] = field(default_factory=dict)  # of this epoch: object name → commit
    poller: asyncio.Task[None] | None = None
    tidying: asyncio.Task[None] | None = None
    tidied: int = -1  # the epoch after which it last began
