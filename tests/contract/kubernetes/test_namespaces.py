from __future__ import annotations

from tests.clusters import Cluster, call


async def test_new_namespace_is_active(cluster: Cluster, namespace: str) -> None:
    status, found = call(cluster, "GET", f"/api/v1/namespaces/{namespace}")

    assert (200, "Active") == (status, found["status"]["phase"])
