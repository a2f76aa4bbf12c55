"""Commits that nobody whom a project trusts has signed."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitopsd.errors import NotTrusted
from gitopsd.model.ids import RepoUrl, Revision
from gitopsd.model.project import IntegrityPolicy


@dataclass
class FakeSignatures:
    asked: list[tuple[str, str, IntegrityPolicy]] = field(default_factory=list)  # repository, ref, policy

    async def verify(
        self, repo: RepoUrl, ref: str, revision: Revision, policy: IntegrityPolicy, tag_prefix: str = ""
    ) -> None:
        self.asked.append((repo, ref, policy))
        raise NotTrusted("it is not signed", remedy="sign it")
