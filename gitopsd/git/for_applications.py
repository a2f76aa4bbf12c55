"""What applications are told of repositories: all that could not be reached is one sentence, whatever the reason.

Closed, not there, another certificate, no answer: whoever may write a URL could look around by the difference. The log
has the details, and so has `/api/v1/repositories`, which is the operator's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from gitopsd.errors import NotFetchedYet, PartNotFetched, RepositoryUnreachable, TooSlow
from gitopsd.git.parts import GitParts
from gitopsd.git.repositories import Repositories
from gitopsd.model.ids import RepoUrl
from gitopsd.ports import Resolved
from gitopsd.words import without_credentials

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SourcesForApplications:
    """`ports.Sources`, for who tells applications of it."""

    repositories: Repositories

    def resolve(self, repo: RepoUrl, ref: str, tag_prefix: str = "") -> Resolved:
        with _one_sentence(without_credentials(repo)):
            return self.repositories.resolve(repo, ref, tag_prefix)

    async def fetch(self, repo: RepoUrl) -> None:
        with _one_sentence(without_credentials(repo)):
            await self.repositories.fetch(repo)

    async def want(self, repo: RepoUrl, name: str) -> Resolved:
        with _one_sentence(without_credentials(repo)):
            return await self.repositories.want(repo, name)


@dataclass(frozen=True, slots=True)
class PartsForApplications:
    """`ports.Parts`, for who tells applications of it."""

    parts: GitParts

    async def fetch(self, err: PartNotFetched, permits: Callable[[RepoUrl], bool]) -> None:
        with _one_sentence("a submodule or a file in Git LFS"):
            await self.parts.fetch(err, permits)


@contextmanager
def _one_sentence(what: str) -> Iterator[None]:
    try:
        yield
    except (NotFetchedYet, PartNotFetched):
        raise  # they say nothing of any server
    except (RepositoryUnreachable, TooSlow) as err:
        log.debug("git.not_had", what=what, error=str(err))  # polls tell of it louder
        raise RepositoryUnreachable(
            f"{what} cannot be fetched",
            remedy="check that it is there, and the credentials for it; gitopsd's log says more",
        ) from None
