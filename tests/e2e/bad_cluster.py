"""What tests of bad cluster and their neighbours share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.clusters import Cluster
from tests.e2e.conftest import Own
from tests.e2e.proxy import Proxy, proxy
from tests.e2e.world import HERE, THERE, World


@asynccontextmanager
async def behind_a_proxy(
    own: Own, pair: Mapping[str, Cluster], changes: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[World, Proxy]]:
    """Give a daemon that reaches the cluster under test through a proxy, and the other one as usual."""
    async with proxy(pair[HERE]) as between:
        there = {"name": THERE, "kubeconfig": str(pair[THERE].kubeconfig)}
        clusters = [between.settings(HERE), there]
        environ = {"E2E_CLUSTER": pair[HERE].tokens["admin"]}
        async with own(changes={"clusters": clusters, **(changes or {})}, environ=environ) as shop:
            yield shop, between
