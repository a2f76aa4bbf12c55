"""Where the settings say that applications are declared: directories, and Git repositories."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitopsd.api.probes import DaemonPart
from gitopsd.daemon.base import Base
from gitopsd.daemon.cluster_secrets import ClusterSecrets
from gitopsd.daemon.sources import GitSide
from gitopsd.declarations.directory import DeclarationDirectory, Secrets
from gitopsd.declarations.repositories import GitDeclarations, Trusted, source_of
from gitopsd.git.signatures import CommitSignatures
from gitopsd.model.ids import RepoUrl
from gitopsd.model.project import IntegrityPolicy, Verify
from gitopsd.reconcile.ownership import Barrier
from gitopsd.settings import DeclarationSource
from gitopsd.trust import secrets as credentials


class DeclarationSources:
    """Every place of declarations, each a service."""

    def __init__(
        self,
        base: Base,
        sources: GitSide,
        barrier: Barrier,
        cluster_secrets: ClusterSecrets,
        on_credentials: Callable[[], None],
    ) -> None:
        self._on_credentials = on_credentials
        self._sources, self._cluster_secrets = sources, cluster_secrets
        self.directories: list[DeclarationDirectory] = []
        self.roots: list[GitDeclarations] = []
        for declarations in base.settings.declarations:
            if declarations.directory is not None:
                directory = DeclarationDirectory(
                    declarations.directory,
                    declarations,
                    base.store,
                    sources.parse,
                    base.now_s,
                    on_secrets=self._on_secrets,
                )
                self.directories.append(directory)
            else:
                source = source_of(
                    declarations.repo_url, declarations.target_revision, declarations.path, recurse=declarations.recurse
                )
                trusted = _trusted(declarations, sources.signatures)
                root = GitDeclarations(
                    source, declarations.prune, sources.git, sources.renderer, base.store, barrier, trusted
                )
                self.roots.append(root)

    @property
    def repositories(self) -> list[RepoUrl]:
        return [root.source.repo_url for root in self.roots]

    def epoch(self, repo: RepoUrl) -> None:
        """Have those read again that lie in `repo`."""
        for root in self.roots:
            root.epoch(repo)

    def parts(self) -> list[DaemonPart]:
        """Return what `/readyz` tells of the directories; repositories are told of elsewhere."""
        return [
            DaemonPart(directory.name, directory.declared.is_set(), "; ".join(directory.problems[:3]))
            for directory in self.directories
        ]

    def _on_secrets(self, source: str, secrets: Secrets) -> Sequence[str]:
        read = credentials.read(secrets)
        if self._sources.trust.declare(source, read.declared):
            self._sources.git.retry()
            self._on_credentials()
        return [*read.errors, *read.warnings, *self._cluster_secrets.told(read.clusters)]


def _trusted(source: DeclarationSource, signatures: CommitSignatures) -> Trusted | None:
    verify = Verify(source.verify)
    policy = IntegrityPolicy((source.repo_url,), verify, source.keys, source.principals)
    return None if verify is Verify.NONE else Trusted(policy, signatures)
