"""What the demo says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from gitopsd.demo.api import AppState
from gitopsd.demo.observer import Announcement, What


def program() -> str:
    """Return how to call gitopsd from any directory."""
    return str(Path(sys.argv[0]).absolute())


def table(apps: Sequence[AppState]) -> Iterator[str]:
    """Yield a line for each application: where it is, and how it is."""
    rows = [("APPLICATION", "CLUSTER", "NAMESPACE", "SYNC", "HEALTH", "REVISION")]
    rows += [(app.name, app.cluster, app.namespace, app.sync, app.health, app.revision[:8]) for app in apps]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def introduction(*, port: int, token: str, directory: Path) -> str:
    return f"""
See it all, signed in: http://127.0.0.1:{port}/#token={token}

The API is at the same address, probes and metrics at http://127.0.0.1:{port + 1}/metrics.
The clusters are simulated; settings, logs and data are in {directory}.

To ask the daemon, in another terminal:

    export GITOPSD_SERVER=http://127.0.0.1:{port}
    export GITOPSD_AUTH_TOKEN={token}
    {program()} app list
"""


def things_to_try(apps: Sequence[AppState], repo_url: str) -> str:
    first, second, third = (apps[index % len(apps)].name for index in range(3))
    return f"""
Three things to try there; what comes of each is told here.

 1. Commit a change:

    cd "$(mktemp -d)" && git clone {repo_url} && cd fleet
    sed -i "s/GREETING: .*/GREETING: hello at $(date +%T)/" fleet/{first}/settings.yaml
    git -c user.name=me -c user.email=me@localhost commit -am "Greet anew" && git push

 2. Edit a live object:

    {program()} demo edit {second} --replicas 9

 3. Delete one:

    {program()} demo delete {third}

Ctrl-C ends the demo and leaves nothing behind.
"""


def told(announcement: Announcement) -> str:
    """Return one line about a change."""
    after = "" if announcement.after_s is None else _span(announcement.after_s)
    match announcement.what:
        case What.LIVE:
            return f"live      {announcement.key}, {after} after the push of {announcement.by[:8]}"
        case What.PRUNED:
            return f"pruned    {announcement.key}, {after} after the push of {announcement.by[:8]}"
        case What.EDITED:
            return f"edited    {announcement.key}, by {announcement.by}"
        case What.HEALED:
            return f"healed    {announcement.key}, {after} after the edit"
        case What.DELETED:
            return f"deleted   {announcement.key}"
        case What.RESTORED:
            return f"restored  {announcement.key}, {after} after it was deleted"
        case _:
            assert_never(announcement.what)


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
