"""Waits for an application to get somewhere: over the daemon's event stream, and through a restart of the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient, DaemonUnreachable, application_path
from gitopsd.errors import NotFound

STREAM = "/api/v1/stream/applications"
IDLE_S = 10.0  # a stream silent for so long is opened anew; also the longest until a lost event is made good
PAUSE_S = 0.5  # before the next try while the daemon is away

Judge = Callable[[status.App], bool]


def wait(
    client: DaemonClient,
    name: str,
    done: Judge,
    *,
    timeout_s: float,
    on_status: Callable[[status.App], None] = lambda _: None,
) -> tuple[status.App, bool]:
    """Follow an application until `done` or until `timeout_s` (0: no limit) is over; return its last state and which.

    `on_status` is called with every state on the way.

    Raises:
        NotFound: the application does not exist, or is deleted meanwhile.
        DaemonUnreachable: no answer to the first request; later the daemon may be away.
    """
    app: status.App = client.get(application_path(name))
    on_status(app)
    if done(app):
        return app, True
    ends = time.monotonic() + timeout_s if timeout_s else float("inf")
    while time.monotonic() < ends:
        try:
            for app in _states(client, name, ends):
                on_status(app)
                if done(app):
                    return app, True
        except DaemonUnreachable:
            time.sleep(min(PAUSE_S, max(0.0, ends - time.monotonic())))
    return app, False


def _states(client: DaemonClient, name: str, ends: float) -> Iterator[status.App]:
    """Yield the application when the stream opens, at each of its events and at each sign of life."""
    idle_s = min(IDLE_S, max(0.1, ends - time.monotonic()))
    for event in client.events(STREAM, {"name": name}, idle_s=idle_s):
        if event is None:
            yield client.get(application_path(name))
        elif status.name(app := status.at(event, "result", "application") or {}) == name:
            if status.at(event, "result", "type") == "DELETED":
                raise NotFound(f"{name} was deleted", remedy="see `gitopsd app list`")
            yield app
        if time.monotonic() >= ends:
            return
