"""The errors raised on purpose: what happened, to what, and what to do; the class says who must act."""

from __future__ import annotations


class GitopsError(Exception):
    """Base of every error raised on purpose: what happened, to what, and the remedy."""

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class Retryable(GitopsError):
    """The world may get better by itself: try again, later each time."""


class Terminal(GitopsError):
    """A person must change Git, settings or rights: report it, and wait for a change."""


class TooSlow(Retryable):
    """A deadline passed; names what was slow."""


class ClusterUnreachable(Retryable):
    """The API server of a cluster does not answer."""


class ClusterRefused(Terminal):
    """The API server of a cluster does not let us read something."""


class RepositoryUnreachable(Retryable):
    """A fetch failed: the network, the server, its certificate, or its patience."""


class NotFetchedYet(RepositoryUnreachable):
    """The first fetch is under way; the epoch that it brings asks for a pass by itself."""


class PartNotFetched(RepositoryUnreachable):
    """A render needs a submodule or an LFS object that is not fetched yet; in `git.missing` the words are made."""


class BaseNotLent(RepositoryUnreachable):
    """A render needs repositories that nobody lent it: `core.source.remote_base` makes words of their names."""


class StoreFailed(Retryable):
    """The store could not write: a full disk, a read-only file system."""


class StoreUnusable(Terminal):
    """The store's file is damaged, too new, or another daemon's; never replaced silently."""


class WorkspaceUnusable(Retryable):
    """Files could not be laid out for a program that renders: a full disk, a read-only directory."""


class WorkerFailed(Terminal):
    """A worker crashed or broke a limit on this input: the same input would do it again."""


class InvalidManifest(Terminal):
    """A manifest of Git is not one Kubernetes could accept."""


class NotYaml(InvalidManifest):
    """A file is no YAML with a JSON form: perhaps it was never meant to be a manifest."""


class InvalidDeclaration(Terminal):
    """An Application or AppProject manifest does not say what to do."""


class InvalidSettings(Terminal):
    """The settings file does not say what to do."""


class InvalidPayload(Terminal):
    """A webhook's body is not what its sender documents."""


class RepositoryTooLarge(Terminal):
    """A mirror grew past the limit of the settings."""


class NotPermitted(Terminal):
    """The application's project does not allow it."""


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


class NotFound(Terminal):
    """What was asked for by name does not exist."""


class Conflict(Terminal):
    """The state of what was named does not allow what was asked of it."""
