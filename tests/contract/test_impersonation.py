"""Writing in the name of a project's service account, on a real API server with RBAC and on the simulated one."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import KubeClient
from gitopsd.model.command import (
    Accepted,
    Apply,
    CreateNamespace,
    DryRun,
    Inapplicable,
    ObjectRef,
    Predicted,
    Prune,
    Refused,
)
from gitopsd.model.ids import ClusterId, ResourceVersion, TargetHash, Uid
from gitopsd.model.manifest import Manifest, gvk_of, key_of
from tests.clusters import Cluster
from tests.kube.kit import CONFIG_MAP, NAMESPACE, client_as, served

HERE = ClusterId("here")
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RIGHTS = ["get", "create", "patch", "delete"]


@pytest.fixture
async def deployer(client: KubeClient, namespace: str) -> str:
    """Make a service account that may write ConfigMaps of this test's namespace, and return its user."""
    role = {"kind": "Role", "metadata": {"name": "deployer"}}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": RIGHTS}]
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    made: list[tuple[str, dict[str, Any]]] = [
        (f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "deployer"}}),
        (f"{RBAC}/namespaces/{namespace}/roles", {**role, "rules": rules}),
        (
            f"{RBAC}/namespaces/{namespace}/rolebindings",
            {"metadata": {"name": "deployer"}, "roleRef": ref, "subjects": [subject]},
        ),
    ]
    for path, body in made:
        reply = await client.request("POST", path, body=body)
        assert reply.ok, reply.message
    return f"system:serviceaccount:{namespace}:deployer"


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(CONFIG_MAP, NAMESPACE), ())


def note(namespace: str) -> Manifest:
    meta = {"name": "note", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}}


def apply(manifest: Manifest) -> Apply:
    return Apply(key_of(manifest), manifest, TargetHash("0"))


async def test_what_the_account_may_write_is_written_and_pruned(
    applier: ClusterApplier, namespace: str, deployer: str
) -> None:
    writer, manifest = applier.acting_as(deployer), note(namespace)

    written = await writer.run(HERE, apply(manifest))
    predicted = await writer.dry_run(HERE, manifest)
    live = await writer.read(HERE, ObjectRef(key_of(manifest), gvk_of(manifest)))
    assert live is not None
    meta = live["metadata"]
    gone = await writer.run(HERE, Prune(key_of(manifest), Uid(meta["uid"]), ResourceVersion(meta["resourceVersion"])))

    assert (True, True, True) == (
        isinstance(written, Accepted),
        isinstance(predicted, Predicted),
        isinstance(gone, Accepted),
    )


async def test_what_it_may_not_write_is_refused_though_gitopsd_may(applier: ClusterApplier, deployer: str) -> None:
    writer, elsewhere = applier.acting_as(deployer), note("default")

    answers = [
        await writer.run(HERE, apply(elsewhere)),
        await writer.run(HERE, DryRun(key_of(elsewhere), elsewhere)),
        await writer.run(HERE, CreateNamespace(f"made-{secrets.token_hex(4)}")),
    ]
    predicted = await writer.dry_run(HERE, elsewhere)

    assert [403] * 3 == [answer.code for answer in answers if isinstance(answer, Refused)]
    assert all("system:serviceaccount:" in answer.message for answer in answers if isinstance(answer, Refused))
    assert isinstance(predicted, Inapplicable)
    assert "forbidden" == predicted.kind


async def test_account_that_is_not_there_may_nothing(applier: ClusterApplier, namespace: str) -> None:
    writer = applier.acting_as(f"system:serviceaccount:{namespace}:nobody")

    answer = await writer.run(HERE, apply(note(namespace)))

    assert isinstance(answer, Refused)
    assert 403 == answer.code


async def test_who_may_not_act_for_the_account_is_told_so(
    cluster: Cluster, namespace: str, deployer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["nobody"])
    async with client_as(cluster, "TEST_TOKEN") as client:
        writer = ClusterApplier({HERE: client}, served(CONFIG_MAP), ()).acting_as(deployer)

        answer = await writer.run(HERE, apply(note(namespace)))

    assert isinstance(answer, Refused)
    assert 403 == answer.code
    assert 'User "nobody" cannot impersonate' in answer.message
