"""What tests of namespaces and their neighbours share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gitopsd.kube.client import KubeClient
from tests.clusters import Cluster
from tests.kube.kit import client_of

RBAC = "rbac.authorization.k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
NOT_SERVED = 404
DEADLINE_S = 60.0


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
    for resource in resources:
        await until_allowed(admin, {"namespace": namespace, "verb": "list", "resource": resource}, user)


async def until_allowed(admin: KubeClient, attributes: Mapping[str, str], user: str) -> None:
    """Wait until the API server's own authorizer has heard of a rule; the simulated one knows at once."""
    ask = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    spec = {"user": user, "resourceAttributes": attributes}
    async with asyncio.timeout(DEADLINE_S):
        while True:
            reply = await admin.request("POST", REVIEWS, body={**ask, "spec": spec})
            if reply.code == NOT_SERVED or reply.body["status"]["allowed"]:
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened
