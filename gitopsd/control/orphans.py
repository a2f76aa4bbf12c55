"""What lies in the namespace of an application and is of no application, as its project asks."""

from __future__ import annotations

from gitopsd.control.placing import Placing
from gitopsd.core.orphans import orphans, warning
from gitopsd.core.tree import Child
from gitopsd.model.application import Application
from gitopsd.model.ids import ClusterId
from gitopsd.model.status import Condition


def orphans_of(placing: Placing, app: Application, cluster: ClusterId) -> tuple[Child, ...]:
    """Return them, of the kinds that are watched; of memory. None where the project does not ask for them."""
    project, namespace = placing.apps.project(app.project), app.destination.namespace
    if project is None or project.orphans is None or not namespace:
        return ()
    return orphans(
        placing.live.unowned(cluster, namespace),
        project,
        lambda name: placing.apps.get(name) is not None,
        lambda key: bool(placing.wants.inventory.wanted_by(cluster, key)),
    )


def warned(placing: Placing, app: Application, cluster: ClusterId) -> tuple[Condition, ...]:
    """Return what tells of them."""
    project = placing.apps.project(app.project)
    where = f"namespace {app.destination.namespace} of cluster {cluster}"
    return warning(project, orphans_of(placing, app, cluster), where) if project is not None else ()
