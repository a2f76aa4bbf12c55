"""The prune barrier: no object goes while an application that may want it has not been asked at this epoch."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gitopsd.model.ids import AppName, ClusterId, RepoUrl


class Barrier:
    """Which applications have no target yet at their repositories' newest epoch.

    An object that moves from one application to another in a commit leaves the first one's target before the
    second one has it. So a prune waits for every application that reads the same repositories and writes to the
    same cluster; of all others the last known target counts (ARCHITECTURE section 7, 1).
    """

    def __init__(self) -> None:
        self._late: dict[RepoUrl, dict[AppName, ClusterId | None]] = {}

    def moved(self, repo: RepoUrl, touched: Iterable[tuple[AppName, ClusterId | None]]) -> None:
        """Note that `repo` has a new epoch, at which the targets of `touched` are not known.

        A cluster that is None is not known either, and stands for every cluster.
        """
        self._late.setdefault(repo, {}).update(touched)

    def passed(self, app: AppName) -> None:
        """Note that the application has a target at the present epoch of all its repositories, or is gone."""
        for late in self._late.values():
            late.pop(app, None)

    def waits_for(self, app: AppName, cluster: ClusterId, repos: Collection[RepoUrl]) -> tuple[AppName, ...]:
        """Return the applications that a prune of `app` has to wait for, sorted; empty when it may go on."""
        late = {
            name
            for repo in repos
            for name, where in self._late.get(repo, {}).items()
            if name != app and where in (None, cluster)
        }
        return tuple(sorted(late))
