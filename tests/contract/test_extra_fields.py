"""What a person or a tool has added is taken away, alone: on each kind of server."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.ownership.extra import extra_fields
from gitopsd.kube.client import JSON_PATCH, KubeClient
from gitopsd.kube.paths import object_path
from gitopsd.model.command import Accepted, Applied, Apply, Refused, Write
from gitopsd.model.comparison import FieldPath, Item
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from tests.contract.applying import HERE, TAKEOVER, accepted, config_map, deployment, live
from tests.kube.kit import CONFIG_MAP, DEPLOYMENT, SERVICE, served

RESOURCES = {each.gvk: each for each in (CONFIG_MAP, DEPLOYMENT, SERVICE)}
WEB = Item((("name", "web"),))
MOST_TRIES = 100  # a Deployment's controller writes its status some times after each change
POD: FieldPath = ("spec", "template", "spec", "containers")


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(*RESOURCES.values()), TAKEOVER)


async def add(client: KubeClient, manifest: Manifest, where: str, value: Any, manager: str = "kubectl-edit") -> None:
    """Add a value as `kubectl edit` does."""
    key = key_of(manifest)
    path = object_path(RESOURCES[gvk_of(manifest)], key.namespace, key.name)
    patch = [{"op": "add", "path": where, "value": value}]
    reply = await client.request("PATCH", path, query={"fieldManager": manager}, body=patch, content_type=JSON_PATCH)
    assert reply.ok, reply.message


async def healed(applier: ClusterApplier, wanted: Manifest, *extra: FieldPath) -> Applied:
    """Have `extra` taken away; again where controllers write in between, as the next step of a sync would."""
    for _ in range(MOST_TRIES):
        result = await applier.run(HERE, Apply(key_of(wanted), wanted, TargetHash("0"), how=Write(extra=extra)))
        if isinstance(result, Accepted) or not result.retryable:
            return result
    raise AssertionError("there is no end of conflicts")


EDITS: dict[str, tuple[str, Any, FieldPath]] = {  # where something is added, what, and the way that is told
    "a container": (
        "/spec/template/spec/containers/-",
        {"name": "side", "image": "side:1"},
        (*POD, Item((("name", "side"),))),
    ),
    "ports": ("/spec/template/spec/containers/0/ports", [{"containerPort": 80}], (*POD, WEB, "ports")),
    "variables": ("/spec/template/spec/containers/0/env", [{"name": "A", "value": "1"}], (*POD, WEB, "env")),
    "a label": ("/metadata/labels", {"team": "x"}, ("metadata", "labels", "team")),
    "an annotation": ("/metadata/annotations/note", "x", ("metadata", "annotations", "note")),
    "a switch": ("/spec/paused", True, ("spec", "paused")),
}


@pytest.mark.parametrize("name", EDITS)
async def test_what_a_person_added_is_told_and_goes(
    applier: ClusterApplier, client: KubeClient, namespace: str, name: str
) -> None:
    where, value, way = EDITS[name]
    wanted = deployment(namespace)
    wanted["metadata"]["annotations"] = {"ours": "1"}  # there are some, before a controller adds its own
    await accepted(applier, wanted)
    before = await live(applier, wanted)
    assert () == extra_fields(wanted, before)
    await add(client, wanted, where, value)

    found = extra_fields(wanted, await live(applier, wanted))
    result = await healed(applier, wanted, *found)

    assert (way,) == found
    assert isinstance(result, Accepted)
    after = await live(applier, wanted)
    assert () == extra_fields(wanted, after)
    assert before["spec"] == after["spec"]
    assert (before["metadata"].get("labels"), None) == (
        after["metadata"].get("labels"),
        (after["metadata"].get("annotations") or {}).get("note"),
    )


async def test_only_what_is_asked_for_goes_and_the_rest_stays_whose_it_is(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    wanted = config_map(namespace)
    await accepted(applier, wanted)
    await add(client, wanted, "/data/b", "2")
    await add(client, wanted, "/data/c", "3")
    await add(client, wanted, "/data/d", "4", "some-controller")

    result = await healed(applier, wanted, ("data", "b"), ("data", "d"), ("data", "gone"))

    assert isinstance(result, Accepted)
    after = await live(applier, wanted)
    assert {"a": "1", "c": "3", "d": "4"} == after["data"]
    assert (("data", "c"),) == extra_fields(wanted, after)


async def test_a_map_that_is_left_to_somebody_else_hides_nothing_in_it(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    wanted = config_map(namespace)
    await accepted(applier, wanted)
    await add(client, wanted, "/metadata/labels", {"made": "1"}, "some-controller")
    await add(client, wanted, "/metadata/labels", {"team": "x"})

    found = extra_fields(wanted, await live(applier, wanted))
    result = await healed(applier, wanted, *found)

    assert (("metadata", "labels", "team"),) == found
    assert isinstance(result, Accepted)
    assert not (await live(applier, wanted))["metadata"].get("labels")


async def test_what_the_server_made_of_what_was_added_goes_with_it(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    meta, spec = {"name": "web", "namespace": namespace}, {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    wanted = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    await accepted(applier, wanted)
    before = (await live(applier, wanted))["spec"]
    await add(client, wanted, "/spec/type", "NodePort")

    result = await healed(applier, wanted, *extra_fields(wanted, await live(applier, wanted)))

    assert isinstance(result, Accepted)
    after = await live(applier, wanted)
    assert (before, ()) == (after["spec"], extra_fields(wanted, after))


async def test_replicas_that_were_scaled_are_nobodys_extra(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    wanted = deployment(namespace)
    await accepted(applier, wanted)
    path = object_path(DEPLOYMENT, namespace, "web")
    body = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
    query = {"fieldManager": "kubectl"}
    reply = await client.request("PATCH", f"{path}/scale", query=query, body=body, content_type=JSON_PATCH)
    assert reply.ok, reply.message

    assert () == extra_fields(wanted, await live(applier, wanted))


async def test_what_cannot_be_without_it_is_refused_and_nothing_is_claimed(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    wanted = config_map(namespace)
    await accepted(applier, wanted)
    await add(client, wanted, "/data/b", "2")
    await add(client, wanted, "/immutable", value=True)
    before = await live(applier, wanted)

    result = await healed(applier, wanted, *extra_fields(wanted, before))

    assert isinstance(result, Refused)
    assert not result.retryable
    after = await live(applier, wanted)
    assert before["metadata"]["managedFields"] == after["metadata"]["managedFields"]
