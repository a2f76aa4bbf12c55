"""What every application wants of the clusters, and so what no other may write or delete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
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
from gitopsd.reconcile.barrier import Barrier


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
