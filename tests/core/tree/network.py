"""What tests of network and their neighbours share."""

from __future__ import annotations

from typing import Any

from gitopsd.core.tree.network import network_of
from gitopsd.model.cluster import Network
from gitopsd.model.manifest import ResourceKey

INGRESS = ResourceKey("networking.k8s.io", "Ingress", "shop", "web")


def told(key: ResourceKey, *, notes: dict[str, Any] | None = None, **fields: Any) -> Network:
    found = network_of(key, {"metadata": {"annotations": notes}, **fields})
    assert found is not None
    return found
