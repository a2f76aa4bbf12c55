"""What tells of objects that others want, or have, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gitopsd.core.sync.plan import contested, taken
from gitopsd.model.comparison import Found, Reading, installation_of
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.status import Condition, at_most

TYPE = "SharedResourceWarning"
MAX_TOLD = 10  # conditions of one application; the rest is counted


def shared_conditions(
    app: AppName,
    keys: Iterable[ResourceKey],
    readings: Mapping[ResourceKey, Reading],
    others: Mapping[ResourceKey, frozenset[AppName]],
    exists: Callable[[AppName], bool],
) -> tuple[Condition, ...]:
    """Return a condition for each of the target's `keys` that is not the application's alone, at most `MAX_TOLD`.

    Args:
        app: whose target it is.
        keys: of the target.
        readings: of them.
        others: the applications whose target holds an object too.
        exists: tells whether an application is declared. One that is, and wants the object no more, is where it moves
            away from.
    """
    conditions = [
        condition for key in sorted(keys) if (condition := _told(app, key, readings.get(key), others.get(key), exists))
    ]
    return at_most(MAX_TOLD, conditions, "objects are shared")


def _told(
    app: AppName,
    key: ResourceKey,
    reading: Reading | None,
    others: frozenset[AppName] | None,
    exists: Callable[[AppName], bool],
) -> Condition | None:
    if others:
        return Condition(TYPE, f"{key}: {contested(others)}", "it is applied by neither until one yields")
    if installation := installation_of(reading):
        remedy = "it is not applied; where it is to be this one's, take its annotation gitopsd.io/installation-id off"
        return Condition(TYPE, f"{key}: {taken(installation)}", remedy)
    holder = _holder(key, reading)
    if not holder or holder[0] == app or exists(holder[0]):
        return None
    name, of = holder
    return Condition(
        TYPE,
        f"{key}: {of}application {name}, which is not declared here, has it; a sync takes it over",
        "remove it from Git here, or let go of it there",
    )


def _holder(key: ResourceKey, reading: Reading | None) -> tuple[AppName, str] | None:
    live = reading.live if isinstance(reading, Found) else None
    if live is None or live.tracking is None or not live.tracking.names(key):
        return None
    return live.tracking.app, "Argo CD's " if live.by_argocd else ""
