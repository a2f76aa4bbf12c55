"""The errors raised on purpose: what happened, to what, and what to do; the class says who must act."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from gitopsd.words import said


@dataclass(frozen=True, slots=True)
class Details:
    """Base of what an error carries beside its words, for the code that goes by it: nothing is read out of words."""


@dataclass(frozen=True, slots=True)
class Submodule(Details):
    mirror: str  # of the repository that has it: its path below the directory of mirrors
    path: str
    revision: str  # of the repository that has it


@dataclass(frozen=True, slots=True)
class LfsObject(Details):
    mirror: str
    oid: str  # SHA-256
    size: int


@dataclass(frozen=True, slots=True)
class NotLent(Details):
    names: tuple[str, ...]  # by which repositories, charts and files are lent to a render


@dataclass(frozen=True, slots=True)
class PolicyLines(Details):
    lines: tuple[str, ...]  # each as `policy.csv:3`


class GitopsError(Exception):
    """Base of every error raised on purpose: what happened, to what, and the remedy."""

    def __init__(self, what: str, *, remedy: str, details: Details | None = None) -> None:
        self.what = said(what)
        super().__init__(self.what)
        self.remedy = said(remedy)
        self.details = details

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"

    def again(self, what: str | None = None) -> Self:
        """Return the same error for another caller, with other words where `what` is given.

        One exception that is raised twice would grow its traceback for ever.
        """
        return type(self)(self.what if what is None else what, remedy=self.remedy, details=self.details)


class Retryable(GitopsError):
    """The world may get better by itself: try again, later each time."""


class Terminal(GitopsError):
    """A person must change Git, settings or rights: report it, and wait for a change."""


class TooSlow(Retryable):
    """A deadline passed; names what was slow."""


class Overloaded(Retryable):
    """As much as is allowed at once is under way."""


class ClusterUnreachable(Retryable):
    """The API server of a cluster does not answer."""


class ClusterRefused(Terminal):
    """The API server of a cluster does not let us read something."""


class ProviderUnreachable(Retryable):
    """The provider of single sign-on does not answer, or not as one."""


class RepositoryUnreachable(Retryable):
    """A fetch failed: the network, the server, its certificate, or its patience."""


class NotFetchedYet(RepositoryUnreachable):
    """The first fetch is under way; the epoch that it brings asks for a pass by itself."""


class PartNotFetched(RepositoryUnreachable):
    """A render needs what `details` names, a `Submodule` or an `LfsObject`, and that is not fetched yet."""


class BaseNotLent(RepositoryUnreachable):
    """A render needs repositories, charts or files that nobody lent it; `NotLent` names them."""


class StoreFailed(Retryable):
    """The store could not write: a full disk, a read-only file system."""


class StoreUnusable(Terminal):
    """The store's file is damaged, too new, or another daemon's; never replaced silently."""


class WorkspaceUnusable(Retryable):
    """Files could not be laid out for a program that renders: a full disk, a read-only directory."""


class WorkerFailed(Terminal):
    """A worker crashed or broke a limit on this input: the same input would do it again."""


class WorkerStopped(WorkerFailed):
    """A worker or a program took too long or too much and was stopped: its input rests before it is tried again."""


class InvalidManifest(Terminal):
    """A manifest of Git is not one Kubernetes could accept."""


class InvalidDeclaration(Terminal):
    """An Application or AppProject manifest does not say what to do."""


class InvalidSettings(Terminal):
    """The settings file does not say what to do."""


class InvalidPolicy(Terminal):
    """A policy of rights has lines that cannot be used; `PolicyLines` names them."""


class InvalidPayload(Terminal):
    """A webhook's body is not what its sender documents."""


class RepositoryTooLarge(Terminal):
    """A mirror grew past the limit of the settings."""


class NotPermitted(Terminal):
    """The application's project does not allow it, or whoever asks has no right to it."""


class NotTrusted(Terminal):
    """A commit is not signed by anybody whom its application's project trusts."""


class RevisionNotFound(Terminal):
    """A targetRevision names nothing in the repository's epoch."""


class PathNotFound(Terminal):
    """A source's path does not exist at the revision."""


class UnknownCluster(Terminal):
    """A destination names no cluster of the settings."""


class NotSupported(Terminal):
    """A field asks for something this version of gitopsd does not do."""


class NotConfined(Terminal):
    """A program would have more of the machine than the settings allow."""


class NotFound(Terminal):
    """What was asked for by name does not exist."""


class Conflict(Terminal):
    """The state of what was named does not allow what was asked of it."""


class NotAuthenticated(Terminal):
    """Who asks did not show who it is: a wrong password, an account that may not log in."""


class BadRequest(Terminal):
    """The request itself is wrong: its body, its query, its size."""


def error_to_json(err: GitopsError) -> list[Any]:
    """Return `err` as JSON values: its class, its words, its remedy, and its details if any."""
    details = [] if err.details is None else [[type(err.details).__name__, asdict(err.details)]]
    return [type(err).__name__, err.what, err.remedy, *details]


def error_from_json(name: str, what: str, remedy: str, details: list[Any] | None = None) -> GitopsError:
    """Return the error whose parts `error_to_json` wrote; one of a class that is not known here is a `WorkerFailed`."""
    kind = globals().get(name)
    if not (isinstance(kind, type) and issubclass(kind, GitopsError)):
        return WorkerFailed(f"{name}: {what}", remedy=remedy)
    return kind(what, remedy=remedy, details=None if details is None else _details(*details))


def _details(name: str, fields: dict[str, Any]) -> Details:
    kind: type[Details] = globals()[name]
    return kind(**{field: tuple(value) if isinstance(value, list) else value for field, value in fields.items()})
