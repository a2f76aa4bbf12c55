"""The prune barrier: no object goes while an application that may want it has not been asked at this epoch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from gitopsd.model.ids import AppName, ClusterId, RepoUrl


@dataclass(frozen=True, slots=True)
class _Late:
    cluster: ClusterId | None  # where it writes; None: not known
    move: int  # the epoch move that made it late


class Barrier:
    """Which applications have no target yet at their repositories' newest epoch.

    An object that moves from one application to another in a commit leaves the first one's target before the
    second one has it. So a prune waits for every application that reads the same repositories and writes to the
    same cluster; of all others the last known target counts (ARCHITECTURE section 7, 1).
    """

    def __init__(self, wake: Callable[[AppName], None] = lambda _: None) -> None:
        """Make a barrier that is open; `wake` is told of every application that waited, once it need not any more."""
        self._wake = wake
        self._waiting: dict[AppName, tuple[ClusterId, frozenset[RepoUrl]]] = {}
        self._late: dict[RepoUrl, dict[AppName, _Late]] = {}
        self._moves = 0

    def mark(self) -> int:
        """Return what to give to `passed`: epochs that are told of from now on are not in the target to be found."""
        return self._moves

    def moved(self, repo: RepoUrl, readers: Iterable[tuple[AppName, ClusterId | None]]) -> frozenset[AppName]:
        """Note that `repo` has a new epoch, at which the targets of `readers` are not known; return who is new to that.

        A cluster that is None is not known either, and stands for every cluster.
        """
        self._moves += 1
        late = self._late.setdefault(repo, {})
        before = set(late)
        late.update({app: _Late(cluster, self._moves) for app, cluster in readers})
        return frozenset(late.keys() - before)

    def untouched(self, repo: RepoUrl, apps: Iterable[AppName]) -> None:
        """Note that the new epoch of `repo` leaves the targets of `apps` as they were."""
        for app in apps:
            self._late.get(repo, {}).pop(app, None)
        self._let_go()

    def passed(self, app: AppName, mark: int) -> None:
        """Note that the target of `app` is known at the epochs that its repositories had at `mark`."""
        for late in self._late.values():
            if app in late and late[app].move <= mark:
                del late[app]
        self._let_go()

    def gone(self, app: AppName) -> None:
        """Note that there is no such application any more."""
        self.passed(app, self._moves)

    def waits_for(self, app: AppName, cluster: ClusterId, repos: frozenset[RepoUrl]) -> tuple[AppName, ...]:
        """Return the applications that a prune of `app` has to wait for, sorted; empty when it may go on.

        Args:
            app: that deletes; it waits for itself too, should its repositories have moved on meanwhile.
            cluster: where an object is to be deleted.
            repos: what `app` reads.
        """
        late = self._late_in(cluster, repos)
        if late:
            self._waiting[app] = cluster, repos
        else:
            self._waiting.pop(app, None)
        return late

    def _let_go(self) -> None:
        for app, (cluster, repos) in list(self._waiting.items()):
            if not self._late_in(cluster, repos):
                del self._waiting[app]
                self._wake(app)

    def _late_in(self, cluster: ClusterId, repos: Collection[RepoUrl]) -> tuple[AppName, ...]:
        late = {
            name for repo in repos for name, late in self._late.get(repo, {}).items() if late.cluster in (None, cluster)
        }
        return tuple(sorted(late))
