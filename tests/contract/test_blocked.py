"""What of a live object is in the way of Git is taken away in the write that needs it gone, or named."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import APPLY_PATCH, JSON_PATCH, KubeClient
from gitopsd.kube.paths import object_path
from gitopsd.model.command import Accepted, Applied, Apply, DryRun, Inapplicable, Predicted, Refused, Write
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from tests.contract.applying import HERE, TAKEOVER, accepted, apply, deployment, live, pod
from tests.kube.kit import CONFIG_MAP, DEPLOYMENT, SERVICE, resource, served

BINDING = resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
RESOURCES = {each.gvk: each for each in (CONFIG_MAP, DEPLOYMENT, SERVICE, BINDING)}
FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
CONTAINER = "/spec/template/spec/containers/0"


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(*RESOURCES.values()), TAKEOVER)


def path(manifest: Manifest) -> str:
    key = key_of(manifest)
    return object_path(RESOURCES[gvk_of(manifest)], key.namespace, key.name)


def service(namespace: str, **spec: Any) -> dict[str, Any]:
    meta = {"name": "web", "namespace": namespace}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def binding(namespace: str, role: str) -> dict[str, Any]:
    ref = {"apiGroup": BINDING.gvk.group, "kind": "Role", "name": role}
    meta = {"name": "web", "namespace": namespace}
    return {"apiVersion": f"{BINDING.gvk.group}/v1", "kind": "RoleBinding", "metadata": meta, "roleRef": ref}


def volume(namespace: str, **kind: Any) -> dict[str, Any]:
    found = deployment(namespace)
    found["spec"]["template"]["spec"]["volumes"] = [{"name": "data", **kind}]
    return found


async def by_hand(client: KubeClient, manifest: Manifest, where: str, value: Any) -> None:
    """Replace a value as `kubectl edit` does."""
    patch = [{"op": "replace", "path": where, "value": value}]
    query = {"fieldManager": "kubectl-edit"}
    reply = await client.request("PATCH", path(manifest), query=query, body=patch, content_type=JSON_PATCH)
    assert reply.ok, reply.message


async def by_apply(client: KubeClient, manifest: Manifest, body: Manifest) -> None:
    """Apply a part of the object as another manager."""
    identity = {name: manifest[name] for name in ("apiVersion", "kind")} | {"metadata": {"name": "web"}}
    query = {"fieldManager": "tuner"}
    reply = await client.request(
        "PATCH", path(manifest), query=query, body={**identity, **body}, content_type=APPLY_PATCH
    )
    assert reply.ok, reply.message


async def test_a_default_beside_what_git_changes_to_goes_in_the_same_write(
    applier: ClusterApplier, namespace: str
) -> None:
    await accepted(applier, deployment(namespace))
    wanted = deployment(namespace, strategy={"type": "Recreate"})

    asked = await applier.dry_run(HERE, wanted)
    checked = await applier.run(HERE, DryRun(key_of(wanted), wanted))
    before = await live(applier, wanted)
    await accepted(applier, wanted)

    assert isinstance(asked, Predicted)
    assert {"type": "Recreate"} == asked.live["spec"]["strategy"]
    assert (("spec", "strategy", "rollingUpdate"),) == asked.takes
    assert isinstance(checked, Accepted)
    assert "RollingUpdate" == before["spec"]["strategy"]["type"]
    found = await live(applier, wanted)
    assert {"type": "Recreate"} == found["spec"]["strategy"]
    assert isinstance(await applier.dry_run(HERE, wanted), Predicted)


EDITS: dict[str, tuple[dict[str, Any], str, Any]] = {  # Git's spec, where it is edited, to what
    "a variable's source": (
        {"template": pod(env=[{"name": "A", "value": "1"}])},
        f"{CONTAINER}/env/0",
        {"name": "A", "valueFrom": FIELD},
    ),
    "a variable's value": (
        {"template": pod(env=[{"name": "A", "valueFrom": FIELD}])},
        f"{CONTAINER}/env/0",
        {"name": "A", "value": "1"},
    ),
    "a probe's handler": (
        {"template": pod(livenessProbe={"httpGet": {"port": 80}})},
        f"{CONTAINER}/livenessProbe",
        {"tcpSocket": {"port": 80}},
    ),
    "a strategy": ({"strategy": {"type": "Recreate"}}, "/spec/strategy", {"type": "RollingUpdate"}),
}


@pytest.mark.parametrize("name", EDITS)
async def test_what_a_person_wrote_in_the_place_of_what_git_says_goes(
    applier: ClusterApplier, client: KubeClient, namespace: str, name: str
) -> None:
    spec, where, value = EDITS[name]
    wanted = deployment(namespace, **spec)
    await accepted(applier, wanted)
    before = (await live(applier, wanted))["spec"]
    await by_hand(client, wanted, where, value)

    asked = await applier.dry_run(HERE, wanted)
    await accepted(applier, wanted)

    assert isinstance(asked, Predicted)
    assert asked.takes
    assert before == (await live(applier, wanted))["spec"] == asked.live["spec"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"emptyDir": {}}, {"configMap": {"name": "x"}}),
        ({"configMap": {"name": "x"}}, {"secret": {"secretName": "x"}}),
    ],
)
async def test_another_type_of_a_volume_goes(
    applier: ClusterApplier, client: KubeClient, namespace: str, ours: Any, theirs: Any
) -> None:
    wanted = volume(namespace, **ours)
    await accepted(applier, wanted)
    before = (await live(applier, wanted))["spec"]
    await by_hand(client, wanted, "/spec/template/spec/volumes/0", {"name": "data", **theirs})

    await accepted(applier, wanted)

    assert before == (await live(applier, wanted))["spec"]


async def test_another_number_of_one_of_several_ports_goes(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    ports = [{"name": "web", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    wanted = service(namespace, ports=ports)
    await accepted(applier, wanted)
    await by_hand(client, wanted, "/spec/ports/1/port", 54)

    await accepted(applier, wanted)

    assert [80, 53] == [port["port"] for port in (await live(applier, wanted))["spec"]["ports"]]


async def test_another_number_of_a_port_goes(applier: ClusterApplier, client: KubeClient, namespace: str) -> None:
    wanted = service(namespace)
    await accepted(applier, wanted)
    await by_hand(client, wanted, "/spec/ports/0/port", 82)

    await accepted(applier, wanted)

    assert [80] == [port["port"] for port in (await live(applier, wanted))["spec"]["ports"]]


async def test_what_another_manager_applied_is_named_and_stays(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    await accepted(applier, deployment(namespace))
    tuned = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "X", "value": "1"}]}]}}}}
    await by_apply(client, deployment(namespace), tuned)
    wanted = deployment(namespace)
    wanted["spec"]["template"]["spec"]["containers"] = [{"name": "app", "image": "web:1"}]

    asked = await applier.dry_run(HERE, wanted)
    checked = await applier.run(HERE, DryRun(key_of(wanted), wanted))
    answer = await applier.run(HERE, apply(wanted))

    assert isinstance(asked, Inapplicable)
    assert ".spec.template.spec.containers[name=web] is held by tuner" in asked.message
    for refusal in (checked, answer):
        assert isinstance(refusal, Refused)
        assert (422, True) == (refusal.code, refusal.by_live)
        assert "containers[name=web] is held by tuner" in refusal.remedy
    assert ["web"] == [each["name"] for each in (await live(applier, wanted))["spec"]["template"]["spec"]["containers"]]


async def test_content_that_is_not_valid_by_itself_is_refused_and_takes_nothing_away(
    applier: ClusterApplier, namespace: str
) -> None:
    await accepted(applier, deployment(namespace))
    before = await live(applier, deployment(namespace))

    answer = await applier.run(HERE, apply(deployment(namespace, strategy={"type": "Recreate"}, replicas=-1)))

    assert isinstance(answer, Refused)
    assert (422, False) == (answer.code, answer.by_live)
    assert before["spec"] == (await live(applier, before))["spec"]


async def write(applier: ClusterApplier, manifest: Manifest, **how: Any) -> Applied:
    return await applier.run(HERE, Apply(key_of(manifest), manifest, TargetHash("0"), how=Write(**how)))


@pytest.mark.parametrize("how", [{}, {"replace": True}])
async def test_force_makes_anew_what_refuses_in_other_words(applier: ClusterApplier, namespace: str, how: Any) -> None:
    wanted = service(namespace)
    await accepted(applier, wanted)
    first = await live(applier, wanted)

    refused = await write(applier, service(namespace, clusterIP="None"), **how)
    answer = await write(applier, service(namespace, clusterIP="None"), recreate=True, **how)

    assert isinstance(refused, Refused)
    assert refused.by_live
    assert "Force=true" in refused.remedy
    assert isinstance(answer, Accepted), answer
    second = await live(applier, wanted)
    assert "None" == second["spec"]["clusterIP"]
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_force_deletes_nothing_that_would_be_refused_as_new(applier: ClusterApplier, namespace: str) -> None:
    wanted = deployment(namespace)
    await accepted(applier, wanted)
    before = (await live(applier, wanted))["metadata"]["uid"]

    answer = await write(applier, deployment(namespace, replicas=-1), recreate=True)

    assert isinstance(answer, Refused)
    assert before == (await live(applier, wanted))["metadata"]["uid"]


async def test_a_binding_of_another_role_is_made_anew(applier: ClusterApplier, namespace: str) -> None:
    await accepted(applier, binding(namespace, "one"))
    wanted = binding(namespace, "two")

    checked = await applier.run(HERE, DryRun(key_of(wanted), wanted))
    await accepted(applier, wanted)

    assert isinstance(checked, Accepted)
    assert "two" == (await live(applier, wanted))["roleRef"]["name"]
