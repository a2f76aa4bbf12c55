"""What tests of namespaces and their neighbours share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gitopsd.kube.client import KubeClient
from tests.clusters import Cluster
from tests.kube.kit import client_of

RBAC = "rbac.authorization.k8s.io"


async def grant(admin: KubeClient, namespace: str, user: str, *resources: str) -> None:
    """Let `user` read some core kinds in `namespace`, by a Role."""
    meta = {"name": "watcher"}
    rules = [{"apiGroups": [""], "resources": list(resources), "verbs": ["get", "list", "watch"]}]
    role = {"apiGroup": RBAC, "kind": "Role", "name": "watcher"}
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": user}]
    base = f"/apis/{RBAC}/v1/namespaces/{namespace}"
    made: Mapping[str, Any] = {"roles": {"rules": rules}, "rolebindings": {"roleRef": role, "subjects": subjects}}
    for plural, body in made.items():
        assert (await admin.request("POST", f"{base}/{plural}", body={"metadata": meta, **body})).ok


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened
