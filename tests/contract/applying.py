"""Writes to each kind of server, and the objects that are written."""

from __future__ import annotations

from typing import Any

from gitopsd.apply.run import ClusterApplier
from gitopsd.model.command import (
    Accepted,
    Apply,
    ObjectRef,
)
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from tests.kube.kit import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    SERVICE,
    served,
)

HERE = ClusterId("here")
TAKEOVER = ("kubectl-client-side-apply", "argocd-controller")
RESOLVE = served(CONFIG_MAP, SECRET, SERVICE, NAMESPACE, DEPLOYMENT)
MERGE = "application/merge-patch+json"


def config_map(namespace: str, name: str = "settings", **data: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {"a": "1"}}


LABELS = {"app": "web"}


def pod(**container: Any) -> dict[str, Any]:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "web:1", **container}]}}


def deployment(namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"matchLabels": LABELS}, "template": pod(), **spec},
    }


def apply(manifest: Manifest, *, takeover: bool = False) -> Apply:
    return Apply(key_of(manifest), manifest, TargetHash("0"), takeover)


def ref(manifest: Manifest) -> ObjectRef:
    return ObjectRef(key_of(manifest), gvk_of(manifest))


async def accepted(applier: ClusterApplier, manifest: Manifest, *, takeover: bool = False) -> Accepted:
    answer = await applier.run(HERE, apply(manifest, takeover=takeover))
    assert isinstance(answer, Accepted), answer
    return answer


async def live(applier: ClusterApplier, manifest: Manifest) -> dict[str, Any]:
    found = await applier.read(HERE, ref(manifest))
    assert found is not None
    return dict(found)
