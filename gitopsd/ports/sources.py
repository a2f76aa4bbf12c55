"""What a pass needs of Git and of what renders: repositories, their trees, signatures, renderers, workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gitopsd.errors import PartNotFetched
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.model.manifest import Manifest
from gitopsd.model.project import IntegrityPolicy


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a ref names in a repository's epoch."""

    revision: Revision
    epoch: int  # counts up; 0 is the first snapshot of this process
    taken_s: float  # Unix time at which the epoch was last confirmed by a fetch


class Sources(Protocol):
    """Git: one epoch per repository."""

    def resolve(self, repo: RepoUrl, ref: str, tag_prefix: str = "") -> Resolved:
        """Return what `ref` is in the repository's epoch, without traffic; versions are of tags with `tag_prefix`.

        Raises:
            RepositoryUnreachable: the repository has no epoch yet; carries the last fetch's error.
            RevisionNotFound: the epoch has no such ref.
        """
        ...

    async def fetch(self, repo: RepoUrl) -> None:
        """Bring the repository's epoch up to date; one fetch at a time, callers meanwhile share the next one."""
        ...


class Parts(Protocol):
    """What a render may need beside a commit: submodules, and files in Git LFS."""

    async def fetch(self, err: PartNotFetched, permits: Callable[[RepoUrl], bool]) -> None:
        """Fetch the part whose lack `err` tells of; `permits` tells whether it may come from a repository.

        Raises:
            NotPermitted: it may not.
            RevisionNotFound, InvalidDeclaration: there is no such part.
            RepositoryUnreachable, RepositoryTooLarge, TooSlow: it cannot be had now.
        """
        ...


class Signatures(Protocol):
    """Whether commits are signed by those whom a project trusts."""

    async def verify(
        self, repo: RepoUrl, ref: str, revision: Revision, policy: IntegrityPolicy, tag_prefix: str = ""
    ) -> None:
        """Return if `revision`, which `ref` was resolved to, satisfies `policy`.

        Raises:
            NotTrusted: it does not; names the commit and why.
            RepositoryUnreachable, TooSlow: that cannot be told now.
        """
        ...


@dataclass(frozen=True, slots=True)
class RenderedSource:
    """The desired manifests of one source at one revision."""

    manifests: tuple[Manifest, ...]  # in the order of the files; Lists flattened; every one has apiVersion, kind, name
    source_type: str  # "Directory" …
    warnings: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()  # `file:line` of each manifest
    key: str = ""  # of the cache: equal where the inputs and all that was read are
    looked_up: tuple[str, ...] = ()  # where the render looked, variables included (keys of a closure)
    announced: tuple[Mapping[str, Any], ...] = ()  # parameters of its plugin, as Argo CD's ParameterAnnouncement
    nameless: tuple[str, ...] = ()  # objects left out because they have no name: where, and what


@dataclass(frozen=True, slots=True)
class Lent:
    """A source that lends its files to others of its application by its `ref`, at its epoch's revision."""

    source: Source
    revision: Revision


class Renderer(Protocol):
    """Git tree → desired manifests, by closure from the cache or by a worker."""

    async def render(
        self,
        app: AppName,
        source: Source,
        revision: Revision,
        variables: Mapping[str, str] = ...,
        lent: Sequence[Lent] = ...,
    ) -> RenderedSource:
        """Return the desired manifests of `source` at `revision`; `variables` is the build environment.

        It may read from what other sources lend it.

        Raises:
            PathNotFound, InvalidManifest, NotSupported, WorkerFailed: Terminal for this revision.
            RepositoryUnreachable, TooSlow: Retryable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory in a Git tree."""

    name: str
    kind: str  # "blob" | "tree" | "link" | "commit" (a submodule)
    executable: bool = False


class Tree(Protocol):
    """The files of one revision, read from the object database; every look-up is recorded (D1).

    Paths are relative to the repository's root, with "/" and without "." and "..": what leaves the root raises
    `PathNotFound`. Links inside the repository are followed, and recorded with what they point at.
    """

    revision: Revision

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """Return a file's content; None where there is no file. More than `max_bytes` raises InvalidManifest."""
        ...

    def blob(self, path: str) -> str | None:
        """Return what names a file's content: its object id (hex), or more; None where there is no file."""
        ...

    def list(self, path: str) -> Sequence[Entry] | None:
        """Return a directory's entries sorted by name; None where there is no directory."""
        ...

    def real(self, path: str) -> str:
        """Return where `path` leads once its links are followed, "" for the root; nothing need be there."""
        ...

    def closure(self) -> Mapping[str, str]:
        """Return every look-up so far: `kind:path` → what was seen ("" for what was not there).

        Kinds: `file` → mode, object id, and what a checkout makes of it; `list` → hash of the entries' names and types;
        `link` → object id.
        """
        ...

    def links(self) -> Mapping[str, str]:
        """Return every link followed so far: its path → what it points at, which is inside the repository."""
        ...

    def seen(self, looked_up: Iterable[str]) -> Mapping[str, str]:
        """Look up what another render looked up (keys of `closure()`), and return it in the same form."""
        ...


class Workers(Protocol):
    """The pool of killable processes."""

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        """Run `module:function` with JSON values in a worker and return its JSON value.

        Raises:
            WorkerFailed: the worker crashed, hit a limit, or its deadline passed; names the job.
            GitopsError: raised by the job itself, of the class it was raised with.
        """
        ...
