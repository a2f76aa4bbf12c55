"""What a list is asked for: the filters and the page, read once from the query."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from multidict import MultiMapping

from gitopsd.errors import BadRequest
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.health import HealthStatus
from gitopsd.usecases.listing import SORTS, Filters, ListPage
from gitopsd.usecases.records import RecordPage
from gitopsd.usecases.selector import selector


def filters_of(query: MultiMapping[str]) -> Filters:
    """Read the filters; raises BadRequest on a broken selector or an unknown status."""
    return Filters(
        name=query.get("name", ""),
        repo=query.get("repo", ""),
        projects=_names(query, "projects", "project"),
        search=query.get("search", ""),
        labels=selector(query.get("selector", "")),
        namespaces=_names(query, "namespace", "namespaces"),
        clusters=_names(query, "cluster", "clusters"),
        sync=_known(_names(query, "sync", "syncStatus"), {status.value for status in SyncStatus}),
        health=_known(_names(query, "health", "healthStatus"), {status.value for status in HealthStatus}),
    )


def page_of(query: MultiMapping[str]) -> ListPage:
    """Read `limit`, `continue` and `sort`; raises BadRequest where they are not what an earlier page gave."""
    limit, sort = query.get("limit", "0"), query.get("sort", "name")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):  # noqa: PLR2004 - below 2 ** 31 in any case
        raise BadRequest(f"limit is {limit!r}", remedy="write a whole number; 0 is all")
    if sort.removeprefix("-") not in SORTS:
        raise BadRequest(
            f"sort is {sort!r}", remedy=f"write one of {', '.join(SORTS)}, with - before it for the other way round"
        )
    return ListPage(int(limit), _place(query.get("continue", "")), sort.removeprefix("-"), sort.startswith("-"))


def _place(token: str) -> tuple[str, str] | None:
    """Return the place in the order that an earlier page ended with."""
    if not token:
        return None
    try:
        match orjson.loads(base64.b64decode(token, b"-_", validate=True)):
            case [str(key), str(name)]:
                return key, name
            case _:
                pass
    except (binascii.Error, ValueError):
        pass
    raise BadRequest("continue is not a token of an earlier page", remedy="begin with the first page")


def continued(page: RecordPage[Any]) -> dict[str, str]:
    """Return the metadata of a list of records; `continue` is there unless it is the last page."""
    return {} if page.next is None else {"continue": str(page.next)}


def text_of(body: Mapping[str, Any], name: str) -> str:
    """Return a string of a body, "" where it is not there; raises BadRequest where it is something else."""
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise BadRequest(f"{name} is not a string", remedy="put it in quotes")
    return value


def number_of(body: Mapping[str, Any], name: str) -> int:
    """Return a whole number of a body, 0 where it is not there, as protobuf writes it: also in quotes."""
    value = body.get(name) or 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:  # noqa: PLR2004 - what SQLite holds
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequest(f"{name} is not a whole number", remedy="write seconds")
    return value


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


def time_of(query: MultiMapping[str], name: str) -> float | None:
    """Return the time `name` of the query in Unix seconds; None where it is not given. Raises BadRequest."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{name} is {text!r}", remedy="write a time as in 2026-01-31T12:00:00Z") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
