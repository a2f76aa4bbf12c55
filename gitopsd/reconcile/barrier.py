"""The prune barrier: no object goes while an application that may want it has not been asked at this epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.words import without_credentials

EVERYWHERE = None  # the place of a reader that may declare applications for any cluster, or whose place is not known


@dataclass(slots=True)
class _Readers:
    """Of one repository: whose target is not known at its epoch."""

    unwalked: set[int] = field(default_factory=set)  # moves of which it is not known yet whom they touch
    late: dict[ClusterId | None, dict[AppName, int]] = field(default_factory=dict)  # by cluster → since which move
    untried: dict[ClusterId | None, dict[AppName, int]] = field(default_factory=dict)  # those that had no pass since
    claims: dict[ClusterId, set[AppName]] = field(default_factory=dict)  # who waits for the untried


class Barrier:
    """Which applications have no target yet at their repositories' newest epoch.

    An object that moves from one application to another in a commit leaves the first one's target before the
    second one has it. So a prune waits for every application that reads the same repositories and writes to the
    same cluster; of all others the last known target counts (decision 20).

    A move is a new epoch of a repository, or a new reader of it; moves are counted over all repositories.
    """

    def __init__(self, wake: Callable[[AppName], None] = lambda _: None) -> None:
        """Make a barrier that is open; `wake` is told of every application that waited, once it need not any more."""
        self._wake = wake
        self._waiting: dict[AppName, tuple[ClusterId, frozenset[RepoUrl]]] = {}
        self._claiming: dict[AppName, tuple[ClusterId, frozenset[RepoUrl]]] = {}
        self._repos: dict[RepoUrl, _Readers] = {}
        self._passed: dict[AppName, int] = {}
        # So far, the mark to give to `passed`: epochs that are told of from now on are not in the target to be found.
        self.moves = 0

    def moved(self, repo: RepoUrl) -> int:
        """Note that `repo` has a new epoch; until `walked` is told of it, all its readers count as late."""
        self.moves += 1
        self._repos.setdefault(repo, _Readers()).unwalked.add(self.moves)
        return self.moves

    def walked(
        self, repo: RepoUrl, move: int, touched: Mapping[AppName, ClusterId | None]
    ) -> Mapping[AppName, ClusterId | None]:
        """Note whom the new epoch of `move` touches, each with where it writes; return who must look again.

        That is also who has not passed an earlier move: where it looked at that one's epoch is not known yet. It is
        not who has passed since: its target is of this epoch or a later one.
        """
        readers = self._repos.setdefault(repo, _Readers())
        earlier = {
            app: cluster for cluster, late in readers.late.items() for app, since in late.items() if since < move
        }
        again = {app: at for app, at in {**earlier, **touched}.items() if self._passed.get(app, 0) < move}
        for app, cluster in again.items():
            self._drop(repo, app)
            _put(readers, cluster, app, move)
        readers.unwalked.discard(move)
        self._let_go(repo)
        return again

    def joined(self, app: AppName, cluster: ClusterId | None, repos: Collection[RepoUrl]) -> None:
        """Note that `app` is new, or declared otherwise than before: what it wants of `cluster` is not known."""
        self.moves += 1
        for repo in repos:
            self._drop(repo, app)
            _put(self._repos.setdefault(repo, _Readers()), cluster, app, self.moves)

    def passed(self, app: AppName, mark: int, repos: Collection[RepoUrl]) -> None:
        """Note that the target of `app` is known at the epochs that its repositories had at `mark`."""
        self._passed[app] = max(mark, self._passed.get(app, 0))
        for repo in repos:
            self._drop(repo, app, mark)
            self._let_go(repo)

    def tried(self, app: AppName, mark: int, repos: Collection[RepoUrl]) -> None:
        """Note that `app` had a pass that began at `mark`, whether or not its target is known by it."""
        for repo in repos:
            if repo in self._repos:
                _take(self._repos[repo].untried, app, mark)
                self._let_claim(repo)

    def gone(self, app: AppName, repos: Collection[RepoUrl]) -> None:
        """Note that there is no such application any more."""
        self._passed.pop(app, None)
        self._waiting.pop(app, None)
        self._unclaim(app)
        for repo in repos:
            self._drop(repo, app)
            self._let_go(repo)

    def waits_for(self, app: AppName, cluster: ClusterId, repos: frozenset[RepoUrl]) -> tuple[AppName, ...]:
        """Return the applications that a prune of `app` has to wait for, sorted; empty when it may go on.

        Where not even that is known, it is a text in their place. `app` is told by `wake` when it may go on.

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

    def claim(self, app: AppName, cluster: ClusterId, repos: frozenset[RepoUrl]) -> bool:
        """Tell whether others may want in `cluster` what `app` wants for the first time, and had no pass to say so.

        So of two that come with one commit, neither has a common object applied before the other is asked. Unlike a
        delete it waits for nobody whose pass came to nothing. `app` is told by `wake` when it may go on.
        """
        self._unclaim(app)
        if not self._untried(cluster, repos):
            return False
        self._claiming[app] = cluster, repos
        for repo in repos:
            self._repos.setdefault(repo, _Readers()).claims.setdefault(cluster, set()).add(app)
        return True

    def _untried(self, cluster: ClusterId, repos: Collection[RepoUrl]) -> bool:
        read = (self._repos[repo] for repo in repos if repo in self._repos)
        return any(readers.unwalked or EVERYWHERE in readers.untried or cluster in readers.untried for readers in read)

    def _unclaim(self, app: AppName) -> None:
        cluster, repos = self._claiming.pop(app, (ClusterId(""), ()))
        for repo in repos:
            self._repos[repo].claims[cluster].discard(app)

    def _let_claim(self, repo: RepoUrl) -> None:
        """Wake who claims something that readers of `repo` might have wanted too."""
        for cluster, apps in self._repos[repo].claims.items():
            if not apps or self._untried(cluster, (repo,)):
                continue
            for app in sorted(apps):
                if not self._untried(*self._claiming[app]):
                    self._unclaim(app)
                    self._wake(app)

    def _late_in(self, cluster: ClusterId, repos: Collection[RepoUrl]) -> tuple[AppName, ...]:
        names: set[AppName] = set()
        for repo in repos:
            readers = self._repos.get(repo)
            if readers is None:
                continue
            if readers.unwalked:
                names.add(AppName(f"the readers of {without_credentials(repo)}"))
            for scope in (EVERYWHERE, cluster):
                names.update(readers.late.get(scope, ()))
        return tuple(sorted(names))

    def _drop(self, repo: RepoUrl, app: AppName, mark: float = math.inf) -> None:
        readers = self._repos.get(repo)
        if readers is None:
            return
        for places in (readers.late, readers.untried):
            _take(places, app, mark)

    def _let_go(self, repo: RepoUrl) -> None:
        """Wake who waited for readers of `repo` and need not any more."""
        for app, (cluster, repos) in list(self._waiting.items()):
            if repo in repos and not self._late_in(cluster, repos):
                del self._waiting[app]
                self._wake(app)
        if repo in self._repos:
            self._let_claim(repo)


def _put(readers: _Readers, cluster: ClusterId | None, app: AppName, move: int) -> None:
    for places in (readers.late, readers.untried):
        places.setdefault(cluster, {})[app] = move


def _take(places: dict[ClusterId | None, dict[AppName, int]], app: AppName, mark: float) -> None:
    for cluster, apps in list(places.items()):
        if app in apps and apps[app] <= mark:
            del apps[app]
        if not apps:
            del places[cluster]
