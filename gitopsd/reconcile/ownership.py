"""What every application wants of the clusters, who has yet to say so, and so what no other may write or delete."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from gitopsd.core.project.access import ProjectAccess, refuse
from gitopsd.core.sync.deletion import delete_hooks
from gitopsd.core.sync.prune import Guard, approved_s
from gitopsd.core.target.sync_options import parse_options
from gitopsd.core.target.target import Target
from gitopsd.model.application import Application
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.pass_request import PassRequest
from gitopsd.ports import Inventory
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


@dataclass(frozen=True, slots=True)
class TargetIndex:
    """Keeps the index of targets over all applications, and wakes whom a change of it concerns."""

    inventory: Inventory
    barrier: Barrier
    wake: Callable[[AppName], None]  # asks for a pass over another application
    _rivals: dict[AppName, frozenset[AppName]] = field(default_factory=dict)
    # What is wanted for the first time, while others that may want it have not been asked.
    _new: dict[AppName, frozenset[ResourceKey]] = field(default_factory=dict)

    def put(self, app: Application, cluster: ClusterId | None, keys: Collection[ResourceKey], mark: int | None) -> None:
        """Take note of the target of `app`: `keys` in `cluster`, and nothing anywhere else.

        Args:
            cluster: None for one that goes to no cluster.
            keys: what Git holds, hooks included.
            mark: of the prune barrier, from before the target was looked for. None: it is at revisions that a person
                named; it does not take the place of the epoch's in the index, but joins it.
        """
        for elsewhere in {where for where, _ in self.inventory.targets(app.name)} - {cluster}:
            self._put(app.name, elsewhere, frozenset())
        if cluster is not None:
            before = self.of(app.name, cluster)
            targets = frozenset(keys)
            self._put(app.name, cluster, targets | (before if mark is None else frozenset()))
            if mark is not None:
                self._new[app.name] = targets & (self._new.get(app.name, frozenset()) | (targets - before))
        if mark is not None:
            self.barrier.passed(app.name, mark, scopes_of(app))

    def record(self, request: PassRequest, access: ProjectAccess, target: Target) -> None:
        """Take note of what a pass found Git to ask of a cluster: from here on, nobody else prunes it unasked.

        Of an application that is being deleted, what it left in the cluster stays in the index until it is gone.

        Args:
            request: what is asked of the pass.
            access: where its application goes, and what its project permits there.
            target: what Git asks of that cluster.

        Raises:
            NotPermitted: the project does not allow a kind or namespace of the target. What it allows is recorded.
        """
        app, cluster, mark = request.app, access.cluster, request.epoch_mark
        if request.deleting:
            self.keep_last(app)
            self._contend(app.name, cluster, target.objects)
            return
        hooks = (hook.key for hook in target.hooks)
        # What is not placed yet is not written yet, and is asked about once it is.
        candidates = {*target.objects, *hooks} - target.unplaced
        refusals = access.refusals(candidates)
        targets = {*target.objects, *target.held}
        if refusals or target.unplaced:  # what it may not have it cannot contend for
            targets = {key for key in targets if not access.refusals([key])}
        if target.nameless:  # one of them may be any that it had
            targets |= self.of(app.name, cluster)
        self.put(app, cluster, targets, mark)
        self._contend(app.name, cluster, target.objects)
        refuse(refusals)
        if mark is not None:
            self.inventory.put_delete_hooks(app.name, delete_hooks(target.hooks))

    def tried(self, app: Application, mark: int) -> None:
        """Take note of a pass over `app` that began at `mark`, should it have come to nothing."""
        self.barrier.tried(app.name, mark, scopes_of(app))

    def keep_last(self, app: Application) -> None:
        """Take note that `app` may have nothing but what it wanted last, so that nobody's prunes wait for it."""
        self.barrier.passed(app.name, self.barrier.moves, scopes_of(app))

    def guard(  # noqa: PLR0913 - what is looked at, and in which case
        self,
        app: Application,
        cluster: ClusterId,
        keys: Iterable[ResourceKey],
        *,
        deleting: bool,
        prunes: bool = True,
        pinned: bool = False,
        nameless: tuple[str, ...] = (),
    ) -> Guard:
        """Return what `app` must know before it writes `keys`, and above all before it deletes them.

        Args:
            deleting: it goes with all its objects.
            prunes: there may be something to delete, so who else may want it counts.
            pinned: a person named the revisions, so it does not wait for its own target at the epoch.
            nameless: objects of its target that have no name, which may be any.
        """
        options, _ = parse_options(app.sync_policy.options, subject=f"Application {app.name}")
        if deleting and app.propagation:
            options = replace(options, propagation=app.propagation)
        late = self.barrier.waits_for(app.name, cluster, scopes_of(app)) if prunes else ()
        if pinned:
            late = tuple(name for name in late if name != app.name)
        others = {key: others for key in keys if (others := self.inventory.wanted_by(cluster, key) - {app.name})}
        claimed = frozenset() if deleting or pinned else self._claimed(app, cluster)
        approved_s, home = self._approved_s(app), self._home(app) if options.create_namespace else None
        return Guard(app.name, options, late, others, app.adopted, approved_s, deleting, claimed, home, nameless)

    def _home(self, app: Application) -> ResourceKey | None:
        """Return the destination's namespace where the application is to make it, and Git does not hold it."""
        key = ResourceKey("", "Namespace", "", app.destination.namespace)
        is_target = any(target == key for _, target in self.inventory.targets(app.name))
        return key if key.name and not is_target else None

    def _claimed(self, app: Application, cluster: ClusterId) -> frozenset[ResourceKey]:
        """Return what `app` wants for the first time while others that may want it too have not been asked."""
        new = self._new.get(app.name)
        if new and self.barrier.claim(app.name, cluster, scopes_of(app)):
            return new
        self._new.pop(app.name, None)
        return frozenset()

    def _approved_s(self, app: Application) -> float | None:
        """Return when a person last approved deletions, by the declaration's annotation or by asking us."""
        approvals = [
            at_s for at_s in (approved_s(app.manifest), self.inventory.approved_s(app.name)) if at_s is not None
        ]
        return max(approvals, default=None)

    def _contend(self, app: AppName, cluster: ClusterId, keys: Iterable[ResourceKey]) -> None:
        """Take note of who else wants `keys`: should one of them be gone, `app` has another pass."""
        others = [self.inventory.wanted_by(cluster, key) - {app} for key in keys]
        rivals = frozenset[AppName]().union(*others)
        if rivals:
            self._rivals[app] = rivals
        else:
            self._rivals.pop(app, None)

    def forget(self, app: AppName) -> None:
        """Take note that there is no such application any more."""
        self._rivals.pop(app, None)
        self._new.pop(app, None)
        for other, rivals in self._rivals.items():
            if app in rivals:
                self.wake(other)

    def of(self, app: AppName, cluster: ClusterId) -> frozenset[ResourceKey]:
        """Return what `app` wanted last in `cluster`."""
        return frozenset(key for where, key in self.inventory.targets(app) if where == cluster)

    def _put(self, app: AppName, cluster: ClusterId, keys: frozenset[ResourceKey]) -> None:
        before = self.of(app, cluster)
        if keys == before:
            return
        self.inventory.put_targets(app, cluster, keys)
        for key in sorted(before ^ keys):
            for other in sorted(self.inventory.wanted_by(cluster, key) - {app}):
                self.wake(other)


def scopes_of(app: Application) -> frozenset[RepoUrl]:
    return frozenset(source.scope for source in app.sources)


def _put(readers: _Readers, cluster: ClusterId | None, app: AppName, move: int) -> None:
    for places in (readers.late, readers.untried):
        places.setdefault(cluster, {})[app] = move


def _take(places: dict[ClusterId | None, dict[AppName, int]], app: AppName, mark: float) -> None:
    for cluster, apps in list(places.items()):
        if app in apps and apps[app] <= mark:
            del apps[app]
        if not apps:
            del places[cluster]
