"""Which applications of a list are meant, in which order, and which page of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gitopsd.core.source.repo_address import same_repository
from gitopsd.model.application import Application
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.health import HealthStatus
from gitopsd.model.manifest import labels_of
from gitopsd.model.status import AppStatus
from gitopsd.usecases.backend import AppView, Backend
from gitopsd.usecases.selector import Matches

Test = Callable[[Application, AppStatus | None], bool]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which applications are meant; an empty filter excludes nothing."""

    labels: Matches | None = None
    name: str = ""
    search: str = ""  # in names, in any case
    repo: str = ""
    projects: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()  # name or server of the destination
    namespaces: frozenset[str] = frozenset()  # of the destination
    sync: frozenset[str] = frozenset()
    health: frozenset[str] = frozenset()

    def test(self) -> Test:
        """Return what tells whether an application is meant; it asks for no more than was filtered by."""
        tests = [test for wanted, test in self._tests() if wanted]
        if not tests:
            return lambda _, __: True
        if len(tests) == 1:
            return tests[0]
        return lambda app, status: all(test(app, status) for test in tests)

    def _tests(self) -> Sequence[tuple[object, Test]]:
        search = self.search.casefold()
        # Tuples, since identity is quicker than an enumeration's hash.
        sync = tuple(status for status in SyncStatus if status.value in self.sync)
        health = tuple(status for status in HealthStatus if status.value in self.health)
        return (
            (self.name, lambda app, _: app.name == self.name),
            (self.search, lambda app, _: search in app.name.casefold()),
            (self.projects, lambda app, _: app.project in self.projects),
            (self.clusters, lambda app, status: not self.clusters.isdisjoint(_clusters(app, status))),
            (self.namespaces, lambda app, _: app.destination.namespace in self.namespaces),
            (self.sync, lambda _, status: _sync(status) in sync),
            (self.health, lambda _, status: _health(status) in health),
            (self.repo, lambda app, _: any(same_repository(self.repo, source.repo_url) for source in app.sources)),
            (self.labels, lambda app, _: self.labels is None or self.labels(_labels(app))),
        )


def _clusters(app: Application, status: AppStatus | None) -> tuple[str, str, str]:
    return app.destination.name, app.destination.server, status.cluster if status and status.cluster else ""


def _labels(app: Application) -> Mapping[str, str]:
    return labels_of(app.manifest) if app.manifest else {}


def _sync(status: AppStatus | None) -> SyncStatus:
    return status.comparison.status if status else SyncStatus.UNKNOWN


def _health(status: AppStatus | None) -> HealthStatus:
    return status.comparison.health.status if status else HealthStatus.UNKNOWN


SORTS: Mapping[str, Callable[[Application, AppStatus | None], str]] = {  # → what is sorted by before the name
    "name": lambda _, __: "",
    "project": lambda app, _: app.project,
    "cluster": lambda app, _: app.destination.name or app.destination.server,
    "namespace": lambda app, _: app.destination.namespace,
    "sync": lambda _, status: _sync(status).value,
    "health": lambda _, status: _health(status).value,
}


@dataclass(frozen=True, slots=True)
class ListPage:
    """Applications are listed in an order; a page begins after a place in it."""

    limit: int = 0  # 0: all
    after: tuple[str, str] | None = None  # what is sorted by, and the name, of the last one before it
    sort: str = "name"  # of SORTS
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """One page, and what is left behind it."""

    views: Sequence[AppView]
    remaining: int = 0
    next: str = ""  # the `continue` token of the next page; "" on the last one


def selected(backend: Backend, filters: Filters, page: ListPage, *, visible: Callable[[Application], bool]) -> Selected:
    """Return the page of the applications that match and that are `visible`."""
    test, key, after = filters.test(), SORTS[page.sort], page.after
    meant = [known for known in backend.candidates() if test(*known) and visible(known[0])]

    def place(known: tuple[Application, AppStatus | None]) -> tuple[str, str]:
        return key(*known), known[0].name

    if page.sort != "name":
        meant.sort(key=place)
    if page.descending:
        meant.reverse()
    if after is not None:
        meant = [known for known in meant if (place(known) < after if page.descending else place(known) > after)]
    on_page = meant[: page.limit] if page.limit else meant
    rest = len(meant) - len(on_page)
    token = base64.urlsafe_b64encode(json.dumps(place(on_page[-1])).encode()).decode() if rest else ""
    return Selected(tuple(backend.views([app.name for app, _ in on_page])), rest, token)
