"""What tests of bad cluster and their neighbours share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.clusters import Cluster
from tests.e2e.conftest import Own
from tests.e2e.proxy import proxy, settings_behind
from tests.e2e.world import HERE, THERE, World
from tests.relay import Relay


@asynccontextmanager
async def behind_a_proxy(
    own: Own, pair: Mapping[str, Cluster], changes: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[World, Relay]]:
    """Give a daemon that reaches the cluster under test through a proxy, and the other one as usual."""
    async with proxy(pair[HERE]) as between:
        there = {"name": THERE, "kubeconfig": str(pair[THERE].kubeconfig)}
        clusters = [settings_behind(between, pair[HERE], HERE), there]
        environ = {"E2E_CLUSTER": pair[HERE].tokens["admin"]}
        async with own(changes={"clusters": clusters, **(changes or {})}, environ=environ) as shop:
            yield shop, between
