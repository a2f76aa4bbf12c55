"""What a list of applications is asked for: the filters and the page, read once from the query."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from multidict import MultiMapping

from gitopsd.api.answers import BadRequest
from gitopsd.api.backend import AppView
from gitopsd.api.selector import Matches, selector
from gitopsd.core.source.repo_address import same_repository
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.health import HealthStatus
from gitopsd.model.manifest import labels_of


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


def filters_of(query: MultiMapping[str]) -> Filters:
    """Read the filters; raises BadRequest on a broken selector or an unknown status."""
    return Filters(
        name=query.get("name", ""),
        repo=query.get("repo", ""),
        projects=_names(query, "projects", "project"),
        labels=selector(query.get("selector", "")),
        clusters=_names(query, "cluster", "clusters"),
        sync=_known(_names(query, "sync", "syncStatus"), {status.value for status in SyncStatus}),
        health=_known(_names(query, "health", "healthStatus"), {status.value for status in HealthStatus}),
    )


def page_of(query: MultiMapping[str]) -> ListPage:
    """Read `limit` and `continue`; raises BadRequest where they are not what an earlier page gave."""
    limit, token = query.get("limit", "0"), query.get("continue", "")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):  # noqa: PLR2004 - below 2 ** 31 in any case
        raise BadRequest(f"limit is {limit!r}", remedy="write a whole number; 0 is all")
    try:
        return ListPage(int(limit), base64.b64decode(token, b"-_", validate=True).decode())
    except (binascii.Error, ValueError) as err:
        raise BadRequest("continue is not a token of an earlier page", remedy="begin with the first page") from err


def selected(views: Iterable[AppView], filters: Filters, page: ListPage) -> Selected:
    """Return the page of the applications that match, sorted by name."""
    matching = sorted(
        (view for view in views if view.application.name > page.after and filters.match(view)),
        key=lambda view: view.application.name,
    )
    if not page.limit or len(matching) <= page.limit:
        return Selected(matching)
    on_page = matching[: page.limit]
    token = base64.urlsafe_b64encode(on_page[-1].application.name.encode()).decode()
    return Selected(on_page, len(matching) - page.limit, token)


def flag(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a boolean of the query; raises BadRequest where it is neither true nor false."""
    text = query.get(name, "")
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    if text:
        raise BadRequest(f"{name} is {text!r}", remedy="write true or false")
    return default


def _names(query: MultiMapping[str], *keys: str) -> frozenset[str]:
    """Return the values of a filter, repeated or comma-separated."""
    values = [value for key in keys for value in query.getall(key, [])]
    return frozenset(name for value in values for name in value.split(",") if name)


def _known(names: frozenset[str], members: set[str]) -> frozenset[str]:
    if unknown := sorted(names - members):
        raise BadRequest(f"{unknown[0]!r} is not a status", remedy=f"write one of {', '.join(sorted(members))}")
    return names


def whole_number(query: MultiMapping[str], name: str) -> int | None:
    """Return the whole number `name` of the query; None where it is not given. Raises BadRequest."""
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 15):  # noqa: PLR2004 - what SQLite holds
        raise BadRequest(f"{name} is {text!r}", remedy="write a whole number")
    return int(text) if text else None
