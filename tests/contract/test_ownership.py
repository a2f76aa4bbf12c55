"""The owned view in both directions: every change of what we own is seen, and nothing else is.

Other managers' edits are sent as dry runs, which answer the object with its managedFields as they would be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.objects.managed_fields import MANAGER, owned_view, view_hash
from gitopsd.kube.client import APPLY_PATCH, JSON_PATCH, KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.command import Accepted, Apply, Predicted
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import key_of
from gitopsd.runtime.tasks import at_most
from tests.clusters import Cluster
from tests.contract import mixed
from tests.contract.edits import Edit, edits_beside_owned, edits_of_owned
from tests.kube.kit import client_of, served

HERE = ClusterId("here")
DEADLINE_S = 20.0


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        await _define(opened)
        yield opened


async def _define(client: KubeClient) -> None:
    definition = mixed.definition()
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
    query = {"fieldManager": "test", "force": "true"}
    reply = await client.request("PATCH", path, query=query, body=definition, content_type=APPLY_PATCH)
    assert reply.ok, reply
    async with asyncio.timeout(DEADLINE_S):
        while not (await client.request("GET", "/apis/example.com/v1/boats")).ok:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.05)


async def applied(client: KubeClient, kind: str, namespace: str) -> dict[str, Any]:
    """Apply the target of `kind` and return the live object."""
    applier = ClusterApplier({HERE: client}, served(mixed.served_as(kind)), ())
    target = mixed.target(kind, namespace)
    answer = await applier.run(HERE, Apply(key_of(target), target, TargetHash("0")))
    assert isinstance(answer, Accepted), answer
    reply = await client.request("GET", path_of(kind, namespace))
    assert view_hash(reply.body) == answer.view
    found: dict[str, Any] = reply.body
    return found


def path_of(kind: str, namespace: str) -> str:
    return object_path(mixed.served_as(kind), namespace, "web")


def fields_of(live: dict[str, Any]) -> dict[str, Any]:
    entry = next(entry for entry in live["metadata"]["managedFields"] if entry["manager"] == MANAGER)
    found: dict[str, Any] = entry["fieldsV1"]
    return found


async def tried(client: KubeClient, path: str, edits: Iterable[Edit]) -> list[tuple[Edit, dict[str, Any]]]:
    """Return the edits that the server would take, with the object as it would be."""

    async def one(edit: Edit) -> tuple[Edit, Reply | None]:
        for patch in edit.patches:
            query = {"fieldManager": "other", "dryRun": "All"}
            reply = await client.request("PATCH", path, query=query, body=patch, content_type=JSON_PATCH)
            if reply.ok:
                return edit, reply
        return edit, None

    answers = await at_most(16, edits, one)
    return [(edit, reply.body) for edit, reply in answers if reply is not None]


# How many edits a server takes: so that a test that tries nothing does not pass. Immutable fields are refused.
TAKEN = {
    "ConfigMap": 9,
    "Secret": 7,
    "Service": 25,
    "Deployment": 55,
    "StatefulSet": 55,
    "CronJob": 7,
    "Ingress": 8,
    "HorizontalPodAutoscaler": 10,
    "NetworkPolicy": 13,
    "Role": 6,
    "ServiceAccount": 8,
    "PersistentVolumeClaim": 3,
    "PodDisruptionBudget": 11,
    "Boat": 28,
}


@pytest.mark.parametrize("kind", mixed.KINDS)
async def test_every_edit_of_what_we_own_is_seen(client: KubeClient, namespace: str, kind: str) -> None:
    live = await applied(client, kind, namespace)
    base, fields = view_hash(live), fields_of(live)

    taken = await tried(client, path_of(kind, namespace), edits_of_owned(fields, live))

    effective = [(edit, after) for edit, after in taken if not _same(after, live)]
    unseen = [f"{edit.what} {edit.path}" for edit, after in effective if view_hash(after) == base]
    assert [] == unseen
    assert TAKEN[kind] <= len(effective)
    # The view alone sees them as well: where a writer leaves our entry as it is, nothing else would tell.
    blind = [
        f"{edit.what} {edit.path}" for edit, after in effective if owned_view(fields, after) == owned_view(fields, live)
    ]
    assert [] == blind


@pytest.mark.parametrize("kind", mixed.KINDS)
async def test_no_edit_beside_what_we_own_is_seen(client: KubeClient, namespace: str, kind: str) -> None:
    live = await applied(client, kind, namespace)

    taken = await tried(client, path_of(kind, namespace), edits_beside_owned(fields_of(live), live))

    assert [] == [f"{edit.what} {edit.path}" for edit, after in taken if view_hash(after) != view_hash(live)]
    assert taken


@pytest.mark.parametrize("kind", mixed.KINDS)
async def test_view_is_stable_over_unchanged_applies_and_a_dry_run(
    client: KubeClient, namespace: str, kind: str
) -> None:
    first = view_hash(await applied(client, kind, namespace))

    again = {view_hash(await applied(client, kind, namespace)) for _ in range(3)}
    applier = ClusterApplier({HERE: client}, served(mixed.served_as(kind)), ())
    predicted = await applier.dry_run(HERE, mixed.target(kind, namespace))

    assert isinstance(predicted, Predicted)
    assert {first} == again | {view_hash(predicted.live)}


async def test_replicas_and_a_sidecar_that_are_not_ours_are_not_seen(client: KubeClient, namespace: str) -> None:
    live = await applied(client, "Deployment", namespace)
    sidecar = {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "late", "image": "late:1"}}
    scaled = {"op": "replace", "path": "/spec/replicas", "value": 7}
    for patch in (sidecar, scaled):
        reply = await client.request(
            "PATCH",
            path_of("Deployment", namespace),
            query={"fieldManager": "other"},
            body=[patch],
            content_type=JSON_PATCH,
        )
        assert reply.ok, reply

    reply = await client.request("GET", path_of("Deployment", namespace))

    assert 7 == reply.body["spec"]["replicas"]
    assert 3 == len(reply.body["spec"]["template"]["spec"]["containers"])
    assert view_hash(live) == view_hash(reply.body)


async def test_reset_managed_fields_are_seen(client: KubeClient, namespace: str) -> None:
    live = await applied(client, "ConfigMap", namespace)
    reset = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]

    reply = await client.request(
        "PATCH", path_of("ConfigMap", namespace), query={"fieldManager": "other"}, body=reset, content_type=JSON_PATCH
    )

    assert reply.ok, reply
    assert view_hash(live) != view_hash(reply.body)


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret", "Deployment", "Boat"])
async def test_every_key_dropped_from_git_is_gone_from_live(client: KubeClient, namespace: str, kind: str) -> None:
    await applied(client, kind, namespace)
    target = mixed.target(kind, namespace)
    applier = ClusterApplier({HERE: client}, served(mixed.served_as(kind)), ())
    dropped = list(DROPPABLE[kind])
    for path in dropped:
        answer = await applier.dry_run(HERE, _without(target, path))
        assert isinstance(answer, Predicted), answer
        assert _at(answer.live, path) is None, path


CONTAINER = ("spec", "template", "spec", "containers", "web")
DROPPABLE: dict[str, tuple[tuple[str, ...], ...]] = {
    "ConfigMap": (("data", "a"), ("binaryData", "c"), ("metadata", "labels", "app"), ("data",)),
    "Secret": (("data", "password"), ("data",)),
    "Deployment": (
        (*CONTAINER, "env", "B"),
        (*CONTAINER, "env"),
        (*CONTAINER, "args"),
        (*CONTAINER, "resources", "limits"),
        (*CONTAINER, "readinessProbe"),
        ("spec", "template", "spec", "containers", "side"),
        ("spec", "template", "metadata", "annotations", "example.com/note"),
        ("spec", "template", "spec", "tolerations"),
    ),
    "Boat": (
        ("spec", "parts", "mast"),
        ("spec", "limits", "crew"),
        ("spec", "free", "thing", "deep"),
        ("spec", "speed"),
        ("spec", "steps"),
    ),
}


def _without(value: Any, path: tuple[str, ...]) -> Any:
    head, *rest = path
    if isinstance(value, list):
        kept = [item for item in value if rest or item["name"] != head]
        return [_without(item, tuple(rest)) if rest and item["name"] == head else item for item in kept]
    if not rest:
        return {name: inner for name, inner in value.items() if name != head}
    return {**value, head: _without(value[head], tuple(rest))}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if isinstance(value, list):
            value = next((item for item in value if item["name"] == name), None)
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value or None


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether the server made nothing of an edit: it put the default, or the canonical form, back."""
    return _bare(one) == _bare(other)


def _bare(manifest: dict[str, Any]) -> dict[str, Any]:
    meta = {name: value for name, value in manifest["metadata"].items() if name not in SERVERS}
    # The Deployment's controller writes it a moment after the apply, so perhaps between a GET and an edit.
    notes = {
        name: text for name, text in meta.get("annotations", {}).items() if name != "deployment.kubernetes.io/revision"
    }
    return {
        **{name: value for name, value in manifest.items() if name != "status"},
        "metadata": {**meta, "annotations": notes},
    }


SERVERS = {"managedFields", "resourceVersion", "generation"}
