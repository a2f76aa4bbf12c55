"""The gate between Git and rendering: what a project does not trust goes no further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitopsd.core.project.source_integrity import policy_for
from gitopsd.model.application import Application, Source
from gitopsd.model.project import DEFAULT
from gitopsd.ports import Applications, Resolved, Signatures


@dataclass(frozen=True, slots=True)
class IntegrityGate:
    """Holds every source of an application to the policy that its project has for the source's repository."""

    apps: Applications
    signatures: Signatures

    async def check(self, app: Application, sources: Sequence[Source], resolved: Sequence[Resolved]) -> None:
        """Return if all `sources` may be rendered as `resolved`; a source that only lends files counts as well.

        Raises:
            NotTrusted: one has commits that the project does not trust.
            RepositoryUnreachable, TooSlow: that cannot be told now.
        """
        project = self.apps.project(app.project) or DEFAULT
        for source, at in zip(sources, resolved, strict=True):
            policy = policy_for(project, source.repo_url)
            # Charts and artifacts hold no commits; their digests are checked where they are fetched.
            if policy is not None and not source.chart and not source.repo_url.startswith("oci://"):
                await self.signatures.verify(
                    source.repo_url, source.target_revision, at.revision, policy, source.tag_prefix
                )
