"""Which policy of a project the commits of a repository must satisfy."""

from __future__ import annotations

from gitopsd.core.project.access import named
from gitopsd.model.project import AppProject, IntegrityPolicy, Verify


def policy_for(project: AppProject, url: str) -> IntegrityPolicy | None:
    """Return what the commits of `url` must satisfy; None where the project asks for nothing.

    The first policy that one of its globs matches, and none that starts with "!", is the one that counts.

    Source: Argo CD, docs/user-guide/source-integrity-git-gpg.md.
    """
    for policy in project.integrity:
        included = [repo for repo in policy.repos if not repo.startswith("!")]
        denied = [repo[1:] for repo in policy.repos if repo.startswith("!")]
        if named(included, url) and not named(denied, url):
            return None if policy.verify is Verify.NONE else policy
    return None
