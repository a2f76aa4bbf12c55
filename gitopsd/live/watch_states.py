"""The list-watches of a cluster, as an operator looks at them."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.live.kinds import ListWatchState, VersionStore
from gitopsd.model.cluster import WatchState


def states_of(sinks: Iterable[ListWatchState | VersionStore], now_s: float) -> tuple[WatchState, ...]:
    """Return the state of each list-watch, sorted by kind and namespace."""
    states = (
        WatchState(
            sink.gvk,
            sink.namespace,
            sink.count(),
            max(0.0, now_s - sink.heard_s),
            sink.problem,
            sink.last_error,
            None if sink.last_error_s is None else now_s - sink.last_error_s,
        )
        for sink in sinks
    )
    return tuple(sorted(states, key=lambda state: (state.gvk, state.namespace)))
