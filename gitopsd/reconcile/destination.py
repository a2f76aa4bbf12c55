"""Where an application goes, and what its project permits there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitopsd.core.declaration import DECLARE, Declare, no_cluster, only_declarations, resolve_destination
from gitopsd.core.project.access import (
    DestinationCluster,
    ProjectAccess,
    account_of,
    namespace_conditions,
    no_project,
    object_conditions,
    placement_conditions,
    refuse,
    source_conditions,
)
from gitopsd.core.project.declaring_rights import ARGOCD_NAMESPACE, Declared, DeclaringRights
from gitopsd.core.sync.windows import WindowSubject, windows_of
from gitopsd.errors import UnknownCluster
from gitopsd.model.application import Application, Mode
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.project import AppProject, SyncWindow
from gitopsd.model.status import Condition
from gitopsd.ports import Applications


@dataclass(frozen=True, slots=True)
class Destinations:
    """What settings, declarations and projects say of where applications go; nothing is written."""

    apps: Applications
    clusters: Mapping[ClusterId, str]  # of the settings → server URL
    mode: Mode  # the daemon's
    home: str = ARGOCD_NAMESPACE  # where Argo CD's applications are that need no sourceNamespaces

    def destination(self, app: Application) -> ClusterId | Declare:
        """Return the cluster of `app`, or DECLARE. Raises UnknownCluster."""
        return resolve_destination(app.destination, self.clusters)

    def cluster_of(self, app: Application) -> ClusterId | None:
        """Return the cluster of `app`; None where it names none that is known."""
        try:
            cluster = self.destination(app)
        except UnknownCluster:
            return None
        return None if cluster is DECLARE else cluster

    def permitted_destination(self, request: PassRequest) -> ClusterId | Declare:
        """Return where an application goes, and may go.

        Raises:
            UnknownCluster: its destination is no cluster of the settings.
            NotPermitted: its project does not exist, or does not allow its sources or destination.
        """
        app, project = request.app, self.apps.project(request.app.project)
        if project is None and not request.deleting:
            raise no_project(app)
        cluster = self.destination(app)
        refuse(self._refusals(app, project, cluster))
        if not request.deleting:
            refuse(self._declared_by(app, project))
        if cluster is not DECLARE:
            self.access(app, cluster)
        return cluster

    def access(self, app: Application, cluster: ClusterId) -> ProjectAccess:
        """Return what is said by now of `app` in `cluster`. Raises NotPermitted where nobody may write for it there."""
        project, server = self.apps.project(app.project), self.clusters[cluster]
        windows, user = self.windows(app, cluster), self.user_of(app, cluster)
        return ProjectAccess(app, cluster, server, project, self.mode_of(app), windows, user)

    def check_declarations(self, app: Application, manifests: Sequence[Manifest], declared: Sequence[Declared]) -> None:
        """Raise UnknownCluster where the manifests of an application of applications are not all declarations.

        Raises NotPermitted where its project does not let it declare what of them can be read, which is `declared`.
        """
        if not only_declarations(manifests):
            raise no_cluster(app.destination)
        refuse(self._rights.conditions(self.project(app), app, declared))

    def mode_of(self, app: Application) -> Mode:
        """Return the strictest mode of daemon, project and application."""
        project = self.apps.project(app.project)
        modes = (self.mode, project.mode if project else Mode.ENFORCE, app.mode)
        return Mode.OBSERVE if Mode.OBSERVE in modes else Mode.ENFORCE

    def user_of(self, app: Application, cluster: ClusterId) -> str:
        """Return in whose name the application is written; "": gitopsd's own. Raises NotPermitted."""
        project = self.apps.project(app.project)
        return account_of(project, self._place(cluster), app.destination.namespace) if project is not None else ""

    def project(self, app: Application) -> AppProject:
        """Return the project of `app`. Raises NotPermitted where there is none."""
        project = self.apps.project(app.project)
        if project is None:
            raise no_project(app)
        return project

    def permitted(self, app: Application, cluster: ClusterId, key: ResourceKey, *, own: bool = True) -> str:
        """Return in whose name the object `key` is written; "": gitopsd's own. Raises NotPermitted.

        What is not the application's `own` was made by controllers, whatever kinds a project permits in Git.
        """
        project, where = self.project(app), self._place(cluster)
        refuse(object_conditions(project, where, [key]) if own else namespace_conditions(project, where, key))
        return account_of(project, where, key.namespace)

    def windows(self, app: Application, cluster: ClusterId) -> tuple[SyncWindow, ...]:
        """Return the sync windows that concern the application in `cluster`."""
        project = self.apps.project(app.project)
        subject = WindowSubject(app.name, (cluster, self.clusters[cluster]), app.destination.namespace)
        return windows_of(project.sync_windows, subject) if project is not None else ()

    def _place(self, cluster: ClusterId) -> DestinationCluster:
        return DestinationCluster(cluster, self.clusters[cluster])

    @property
    def _rights(self) -> DeclaringRights:
        return DeclaringRights(self.clusters, self.apps.project, self.home)

    def _refusals(
        self, app: Application, project: AppProject | None, cluster: ClusterId | Declare
    ) -> Sequence[Condition]:
        if project is None:
            return ()
        if cluster is DECLARE:
            return [*source_conditions(project, app), *self._rights.destination_conditions(project, app)]
        return placement_conditions(project, app, self._place(cluster))

    def _declared_by(self, app: Application, project: AppProject | None) -> Sequence[Condition]:
        """Return why `app`, or its project, may not be what the application says that declares it.

        It was asked when they were declared, and projects change.
        """
        conditions: list[Condition] = []
        for declared in (app, project) if project is not None else (app,):
            parent = self.apps.get(declared.origin.parent) if declared.origin.parent else None
            theirs = self.apps.project(parent.project) if parent is not None else None
            if parent is not None and theirs is not None:
                conditions += self._rights.conditions(theirs, parent, [declared])
        return conditions
