"""No object of a cluster is so odd that reading it raises: that would stop the mirror, and so the daemon."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from gitopsd.live.decode import Decoder
from gitopsd.model.health import HealthStatus
from gitopsd.model.manifest import GVK

ODD: tuple[Any, ...] = (None, True, 1.5, 2**63, "x", [], [7], {"x": 7}, [{"x": {}}])
CONDITION = {"type": "Ready", "status": "True", "reason": "Done", "message": "ok", "observedGeneration": 3}
ENTRY = {
    "manager": "gitopsd",
    "operation": "Apply",
    "apiVersion": "v1",
    "time": "2026-01-01T00:00:00Z",
    "fieldsType": "FieldsV1",
    "fieldsV1": {
        "f:spec": {
            "f:replicas": {},
            "f:containers": {".": {}, 'k:{"name":"web"}': {"f:image": {}}},
            "f:set": {"v:1": {}},
        }
    },
}
META = {
    "name": "web",
    "namespace": "shop",
    "uid": "6f1dd0a2-97c5-4a4e-8c4e-0a4b2a1c9f00",
    "resourceVersion": "7",
    "generation": 3,
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "finalizers": ["gitopsd.io/hook"],
    "labels": {"app": "web"},
    "annotations": {
        "gitopsd.io/tracking-id": "shop:/Pod:shop/web",
        "argocd.argoproj.io/tracking-id": "shop:/Pod:shop/web",
        "argocd.argoproj.io/sync-wave": "3",
        "argocd.argoproj.io/ignore-restart-policy": "true",
        "link.argocd.argoproj.io/x": "https://example.com",
        "autoscaling.alpha.kubernetes.io/conditions": '[{"type": "AbleToScale"}]',
    },
    "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u", "controller": True}],
    "managedFields": [ENTRY, {**ENTRY, "manager": "argocd-controller", "operation": "Update"}],
}
CONTAINER = {
    "name": "web",
    "image": "web:1",
    "ready": True,
    "restartCount": 1,
    "state": {
        "waiting": {"reason": "CrashLoopBackOff", "message": "m"},
        "terminated": {"exitCode": 1, "reason": "OOMKilled"},
    },
    "lastState": {"terminated": {"exitCode": 1}},
}
RULE = {"host": "shop.example", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]}}
SPEC = {
    "replicas": 2,
    "containers": [CONTAINER],
    "initContainers": [CONTAINER],
    "nodeName": "n1",
    "restartPolicy": "Always",
    "set": [1, 2],
    "type": "LoadBalancer",
    "selector": {"app": "web"},
    "defaultBackend": {"service": {"name": "web"}},
    "rules": [{**RULE, "backendRefs": [{"name": "web"}]}],
    "tls": [{"hosts": ["shop.example"]}],
    "http": [{"route": [{"destination": {"host": "web.shop.svc"}}]}],
    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
    "suspend": False,
    "paused": False,
    "names": {"plural": "boats"},
}
STATUS = {
    "phase": "Running",
    "replicas": 2,
    "readyReplicas": 2,
    "updatedReplicas": 2,
    "availableReplicas": 2,
    "currentRevision": "a",
    "updateRevision": "a",
    "desiredNumberScheduled": 2,
    "updatedNumberScheduled": 2,
    "numberAvailable": 2,
    "observedGeneration": 3,
    "conditions": [CONDITION, {**CONDITION, "type": "Established"}, {**CONDITION, "type": "Progressing"}],
    "containerStatuses": [CONTAINER],
    "initContainerStatuses": [CONTAINER],
    "loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]},
    "active": [{"name": "x"}],
    "lastScheduleTime": "2026-01-01T00:00:00Z",
    "lastSuccessfulTime": "2026-01-01T00:00:00Z",
    "currentHealthy": 1,
    "desiredHealthy": 1,
    "currentMetrics": [{"type": "Resource"}],
}
KINDS = [
    "/v1/Namespace", "/v1/Pod", "/v1/Service", "/v1/PersistentVolumeClaim", "/v1/ConfigMap",
    "apps/v1/Deployment", "apps/v1/ReplicaSet", "apps/v1/StatefulSet", "apps/v1/DaemonSet",
    "batch/v1/Job", "batch/v1/CronJob",
    "autoscaling/v1/HorizontalPodAutoscaler", "autoscaling/v2/HorizontalPodAutoscaler",
    "policy/v1/PodDisruptionBudget", "networking.k8s.io/v1/Ingress", "argoproj.io/v1alpha1/Workflow",
    "apiextensions.k8s.io/v1/CustomResourceDefinition", "apiregistration.k8s.io/v1/APIService", "example.com/v1/Boat",
    "gateway.networking.k8s.io/v1/HTTPRoute", "networking.istio.io/v1/VirtualService",
]  # fmt: skip


def edited(value: Any, spoil: Any) -> Iterator[Any]:
    """Yield `value` with `spoil` in place of each of its parts in turn."""
    yield spoil
    if isinstance(value, dict):
        for name, item in value.items():
            for each in edited(item, spoil):
                yield {**value, name: each}
    if isinstance(value, list):
        for place, item in enumerate(value):
            for each in edited(item, spoil):
                yield [*value[:place], each, *value[place + 1 :]]


def gvk_of(text: str) -> GVK:
    return GVK(*text.split("/"))


@pytest.mark.parametrize("kind", KINDS)
def test_object_with_any_field_of_any_type_is_read(kind: str) -> None:
    gvk, decoder = gvk_of(kind), Decoder({"argocd-controller"})
    fixed = {"apiVersion": gvk.api_version, "kind": gvk.kind}
    for part, whole in (("metadata", META), ("spec", SPEC), ("status", STATUS)):
        for spoil in ODD:
            for found in edited(whole, spoil):
                manifest = {**fixed, "metadata": META, "spec": SPEC, "status": STATUS, part: found}
                before = copy.deepcopy(manifest) if spoil is None else manifest
                key = decoder.key(gvk, manifest)
                if key is not None:
                    decoder.live(key, manifest)
                assert before == manifest


def test_object_with_nothing_but_a_name_is_read() -> None:
    gvk = gvk_of("/v1/Pod")
    manifest = {"metadata": {"name": "web"}}
    key = Decoder(()).key(gvk, manifest)
    assert key is not None

    found = Decoder(()).live(key, manifest)

    assert ("", "", (), None, 0.0) == (found.uid, found.resource_version, found.owners, found.tracking, found.created_s)


@pytest.mark.parametrize(
    ("meta", "kept"),
    [
        ({}, False),
        ({"annotations": {"gitopsd.io/tracking-id": "shop:/Service:shop/web"}}, True),
        ({"ownerReferences": [{"uid": "u"}]}, True),
    ],
)
def test_where_traffic_goes_is_kept_of_what_a_tree_may_show(meta: Any, kept: bool) -> None:  # noqa: FBT001 - a row
    gvk = gvk_of("/v1/Service")
    manifest = {"metadata": {"name": "web", "namespace": "shop", **meta}, "spec": {"selector": {"app": "web"}}}
    key = Decoder(()).key(gvk, manifest)
    assert key is not None

    assert kept == (Decoder(()).live(key, manifest).network is not None)


def nested(depth: int, name: str) -> Any:
    found: Any = {}
    for _ in range(depth):
        found = {name: found}
    return found


@pytest.mark.parametrize("depth", [200, 300, 1000, 5000])
def test_object_that_is_nested_without_an_end_is_read_and_never_taken_for_what_it_was(depth: int) -> None:
    gvk, decoder = gvk_of("example.com/v1/Boat"), Decoder(())

    def read(version: str) -> Any:
        entry = {**ENTRY, "fieldsV1": {"f:spec": nested(depth, "f:a")}}
        meta = {"name": "web", "resourceVersion": version, "managedFields": [entry]}
        status = {"conditions": [CONDITION], "deep": nested(depth, "a")}
        manifest = {"metadata": meta, "spec": nested(depth, "a"), "status": status}
        key = decoder.key(gvk, manifest)
        assert key is not None
        return decoder.live(key, {**manifest, "apiVersion": "example.com/v1", "kind": "Boat"})

    first, again, later = read("7"), read("7"), read("8")

    assert first.health is not None
    assert HealthStatus.HEALTHY is first.health.status
    assert first.view is not None
    assert first.view == again.view
    assert depth < 250 or first.view != later.view
