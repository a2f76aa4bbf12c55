"""Which applications of a list are meant, and which page of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gitopsd.core.source.repo_address import same_repository
from gitopsd.model.application import Application
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.health import HealthStatus
from gitopsd.model.manifest import labels_of
from gitopsd.usecases.backend import AppView
from gitopsd.usecases.selector import Matches


@dataclass(frozen=True, slots=True)
class Filters:
    """Which applications are meant; an empty filter excludes nothing."""

    labels: Matches
    name: str = ""
    repo: str = ""
    projects: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()  # name or server of the destination
    sync: frozenset[str] = frozenset()
    health: frozenset[str] = frozenset()

    def match(self, view: AppView) -> bool:
        app, status = view.application, view.status
        sync = status.comparison.status if status else SyncStatus.UNKNOWN
        health = status.comparison.health.status if status else HealthStatus.UNKNOWN
        cluster = {app.destination.name, app.destination.server, status.cluster if status and status.cluster else ""}
        return (
            (not self.name or app.name == self.name)
            and (not self.projects or app.project in self.projects)
            and (not self.clusters or bool(self.clusters & cluster))
            and (not self.sync or sync.value in self.sync)
            and (not self.health or health.value in self.health)
            and (not self.repo or any(same_repository(self.repo, source.repo_url) for source in app.sources))
            and self.labels(labels_of(app.manifest) if app.manifest else {})
        )


@dataclass(frozen=True, slots=True)
class ListPage:
    """Applications are listed by name; a page begins after a name."""

    limit: int = 0  # 0: all
    after: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """One page, and what is left behind it."""

    views: Sequence[AppView]
    remaining: int = 0
    next: str = ""  # the `continue` token of the next page; "" on the last one


def selected(
    views: Iterable[AppView], filters: Filters, page: ListPage, *, visible: Callable[[Application], bool]
) -> Selected:
    """Return the page of the applications that match and that are `visible`, sorted by name."""
    behind = (view for view in views if view.application.name > page.after)
    matching = sorted(
        (view for view in behind if filters.match(view) and visible(view.application)),
        key=lambda view: view.application.name,
    )
    if not page.limit or len(matching) <= page.limit:
        return Selected(matching)
    on_page = matching[: page.limit]
    token = base64.urlsafe_b64encode(on_page[-1].application.name.encode()).decode()
    return Selected(on_page, len(matching) - page.limit, token)
