"""What policies of a real API server change or refuse on the way in, and what becomes of the verdict."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.compare.ignore_rules import NO_RULES
from gitopsd.core.compare.prediction import settle
from gitopsd.core.compare.verdict import Basis, Doubtful, verdict
from gitopsd.kube.client import JSON_PATCH, KubeClient
from gitopsd.live.decode import Decoder
from gitopsd.model.command import Accepted, Apply, Inapplicable, Predicted
from gitopsd.model.comparison import Compared, Explanation, Found, Pair, Remembered, SyncStatus
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import Manifest, key_of
from tests.clusters import Cluster, call
from tests.kube.kit import CONFIG_MAP, client_of, served

HERE = ClusterId("here")
DEADLINE_S = 60.0
GROUP = "/apis/admissionregistration.k8s.io/v1"
COUNTED, RULED, CLOSED = "counted", "ruled", "closed"  # what a ConfigMap's label `admission` asks for
BASIS = Basis(TargetHash("t"), admission="before")

pytestmark = pytest.mark.usefixtures("policies")


def policy(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """Return a policy on ConfigMaps whose label says `name`."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
    match = {"resourceRules": [rule], "objectSelector": {"matchLabels": {"admission": name}}}
    about = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": f"test-{name}"}}
    return {**about, "spec": {"matchConstraints": match, "failurePolicy": "Fail", **spec}}


def mutating(name: str, expression: str) -> dict[str, Any]:
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    return policy("MutatingAdmissionPolicy", name, mutations=[mutation], reinvocationPolicy="Never")


POLICIES = {
    # Another value at each write, in a field that Git does not set.
    COUNTED: mutating(
        COUNTED,
        'Object{data: {"writes": oldObject == null || !("writes" in oldObject.data)'
        ' ? "1" : string(int(oldObject.data["writes"]) + 1)}}',
    ),
    RULED: mutating(RULED, 'Object{data: {"tier": "gold"}}'),
    # What is there may stay, and not be written again.
    CLOSED: policy(
        "ValidatingAdmissionPolicy",
        CLOSED,
        validations=[{"expression": 'oldObject == null && object.metadata.name != "probe"', "message": "closed"}],
    ),
}


@pytest.fixture(scope="module")
def policies(cluster: Cluster) -> Iterator[None]:
    """The policies, in force; only where the server has them."""
    if cluster.simulated:
        pytest.skip("the simulated cluster has no admission policies")
    if call(cluster, "GET", f"{GROUP}/mutatingadmissionpolicies")[0] == 404:
        pytest.skip("this API server has no MutatingAdmissionPolicy of version v1: it is older than 1.36")
    made = []
    for name, found in POLICIES.items():
        kind = found["kind"]
        more = {} if kind == "MutatingAdmissionPolicy" else {"validationActions": ["Deny"]}
        binding = {**found, "kind": f"{kind}Binding", "spec": {"policyName": f"test-{name}", **more}}
        for plural, body in ((kind.lower()[:-1] + "ies", found), (f"{kind.lower()}bindings", binding)):
            status, answer = call(cluster, "POST", f"{GROUP}/{plural}", body)
            assert 201 == status, answer
            made.append(f"{GROUP}/{plural}/test-{name}")
    _await_force(cluster)
    yield
    for path in made:
        call(cluster, "DELETE", path)


def _await_force(cluster: Cluster) -> None:
    """Wait until each policy has its effect on a dry run."""
    path = "/api/v1/namespaces/default/configmaps?dryRun=All"
    deadline = time.monotonic() + DEADLINE_S
    for name in POLICIES:
        probe = {"metadata": {"name": "probe", "labels": {"admission": name}}, "data": {"tier": "plain"}}
        while call(cluster, "POST", path, probe)[1].get("data") == probe["data"]:
            assert time.monotonic() < deadline, f"policy {name} has no effect"
            time.sleep(0.1)


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with client_of(cluster) as opened:
        yield opened


def target(namespace: str, wants: str, **data: str) -> Manifest:
    """Return a ConfigMap to which the policy `wants` is applied; "" is none."""
    labels = {"admission": wants} if wants else {"plain": "yes"}
    meta = {"name": "web", "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


async def applied(client: KubeClient, wanted: Manifest) -> Remembered:
    """Apply `wanted`; return what is remembered of an object that is in sync."""
    answer = await applier(client).run(HERE, Apply(key_of(wanted), wanted, BASIS.target))
    assert isinstance(answer, Accepted), answer
    assert answer.view
    return Remembered(BASIS.target, answer.view, NO_RULES.hash, BASIS.admission)


def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(CONFIG_MAP), ())


async def judged(
    client: KubeClient, wanted: Manifest, remembered: Remembered | None, admission: str = "later"
) -> Compared:
    """Return the verdict on the live object of `wanted`, for which the server is asked."""
    key = key_of(wanted)
    reply = await client.request("GET", f"/api/v1/namespaces/{key.namespace}/configmaps/{key.name}")
    live = Decoder(()).live(key, reply.body)
    basis = replace(BASIS, admission=admission)
    doubt = verdict(Pair(key, wanted, Found(live)), wanted, basis, remembered)
    assert isinstance(doubt, Doubtful)
    answer = await applier(client).dry_run(HERE, wanted)
    assert isinstance(answer, (Predicted, Inapplicable))
    return settle(doubt, answer, reply.body)


async def test_what_a_policy_writes_anew_each_time_is_in_sync_where_git_does_not_set_it(
    client: KubeClient, namespace: str
) -> None:
    wanted = target(namespace, COUNTED, a="1")
    await applied(client, wanted)

    seen = await judged(client, wanted, None)

    assert (SyncStatus.SYNCED, "") == (seen.status, seen.reason)
    assert seen.remember


async def test_what_a_policy_makes_of_what_git_sets_is_told_as_its_doing(client: KubeClient, namespace: str) -> None:
    plain = target(namespace, "", tier="silver", a="1")
    await applied(client, plain)
    wanted = target(namespace, RULED, tier="silver", a="1")

    (seen,) = [each for each in (await judged(client, wanted, None)).differences if each.path == ".data.tier"]
    await applied(client, wanted)
    after = await judged(client, wanted, None)

    assert (Explanation.MUTATED, "silver", "gold", "silver") == (
        seen.explanation,
        seen.target,
        seen.predicted,
        seen.live,
    )
    assert SyncStatus.SYNCED is after.status  # it is as the server would have it again


async def test_edit_of_what_a_policy_made_of_a_field_of_ours_is_seen(client: KubeClient, namespace: str) -> None:
    wanted = target(namespace, RULED, tier="silver")
    remembered = await applied(client, wanted)
    for edit in (
        {"op": "remove", "path": "/metadata/labels/admission"},
        {"op": "add", "path": "/data/tier", "value": "x"},
    ):
        path, query = f"/api/v1/namespaces/{namespace}/configmaps/web", {"fieldManager": "other"}
        reply = await client.request("PATCH", path, query=query, body=[edit], content_type=JSON_PATCH)
        assert reply.ok, reply

    seen = await judged(client, wanted, remembered)

    assert SyncStatus.OUT_OF_SYNC is seen.status
    assert (".data.tier", "x", "gold") in [(each.path, each.live, each.predicted) for each in seen.differences]


async def test_policy_that_would_refuse_what_is_there_by_now_puts_nothing_out_of_sync(
    client: KubeClient, namespace: str
) -> None:
    wanted = target(namespace, CLOSED, a="1")
    remembered = await applied(client, wanted)

    kept = await judged(client, wanted, remembered)
    changed = await judged(client, {**wanted, "data": {"a": "2"}}, replace(remembered, target=TargetHash("old")))

    assert SyncStatus.SYNCED is kept.status
    assert "closed" in kept.reason
    assert (SyncStatus.OUT_OF_SYNC, True) == (changed.status, changed.refused)
