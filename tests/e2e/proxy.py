"""A TCP relay between a daemon and an API server, so that a cluster can go away, stall and return."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.clusters import Cluster
from tests.e2e.daemon import Json
from tests.relay import Relay, relay


@asynccontextmanager
async def proxy(cluster: Cluster) -> AsyncIterator[Relay]:
    """Run a relay before `cluster` for the block."""
    where = urlsplit(cluster.server)
    async with relay(str(where.hostname), where.port or 443) as one:
        yield one


def settings_behind(one: Relay, cluster: Cluster, name: str) -> Json:
    """Return the settings by which a daemon reaches `cluster` through the relay, as its administrator."""
    return {
        "name": name,
        "server": f"https://127.0.0.1:{one.port}",
        "ca_file": str(cluster.ca_file),
        "token": {"env": "E2E_CLUSTER"},
        "request_deadline_s": 2.0,
    }
