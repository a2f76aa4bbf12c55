"""Clients of the clusters under test, and the resources that tests write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitopsd.kube.client import KubeClient
from gitopsd.model.cluster import ApiResource
from gitopsd.model.comparison import Reading, Unserved
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import GVK
from gitopsd.settings import ClusterSettings
from tests.clusters import Cluster

ALL_VERBS = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


def client_of(cluster: Cluster, **more: Any) -> KubeClient:
    """Return a client of `cluster` as its administrator, to be opened by `async with`."""
    return KubeClient(ClusterSettings(cluster.name, kubeconfig=cluster.kubeconfig, **more))


def client_as(cluster: Cluster, token_env: str) -> KubeClient:
    """Return a client of `cluster` that sends the token in the environment variable `token_env`."""
    from gitopsd.settings import Secret

    return KubeClient(
        ClusterSettings(cluster.name, server=cluster.server, token=Secret(env=token_env), ca_file=cluster.ca_file)
    )


def served(*resources: ApiResource) -> Callable[[ClusterId, GVK], ApiResource | Reading]:
    """Return a `resolve` that knows `resources` and nothing else, by version or, with "", by kind."""
    by_gvk = {resource.gvk: resource for resource in resources}
    by_kind = {GVK(gvk.group, "", gvk.kind): resource for gvk, resource in by_gvk.items()}

    def resolve(_cluster: ClusterId, gvk: GVK) -> ApiResource | Reading:
        return by_gvk.get(gvk) or by_kind.get(gvk) or Unserved()

    return resolve


def resource(group: str, version: str, kind: str, plural: str, *, namespaced: bool = True) -> ApiResource:
    return ApiResource(GVK(group, version, kind), plural, namespaced, ALL_VERBS, preferred=True)


CONFIG_MAP = resource("", "v1", "ConfigMap", "configmaps")
SECRET = resource("", "v1", "Secret", "secrets")
SERVICE = resource("", "v1", "Service", "services")
NAMESPACE = resource("", "v1", "Namespace", "namespaces", namespaced=False)
DEPLOYMENT = resource("apps", "v1", "Deployment", "deployments")
