"""What a real API server tells by its sentences alone: each is read as what it is, and its like as something else."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from gitopsd.apply.refusals import by_rbac, inapplicable, refused
from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import APPLY_PATCH, KubeClient, Reply
from gitopsd.model.command import Accepted, DryRun, Refused
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from tests.clusters import Cluster
from tests.contract.applying import HERE, config_map
from tests.kube.kit import CONFIG_MAP, resource, served

pytestmark = pytest.mark.parametrize("cluster", ["real"], indirect=True)

DEADLINE_S = 60.0
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NOBODY_LISTENS = "https://127.0.0.1:1/"
POD = resource("", "v1", "Pod", "pods")
ROLE_BINDING = resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")


async def tried(client: KubeClient, namespace: str, manifest: Manifest, plural: str = "configmaps") -> Reply:
    """Return the answer to a dry run of `manifest`."""
    version = manifest["apiVersion"]
    path = f"{'/apis' if '/' in version else '/api'}/{version}/namespaces/{namespace}/{plural}"
    query = {"fieldManager": "gitopsd", "force": "true", "dryRun": "All"}
    named = f"{path}/{manifest['metadata']['name']}"
    return await client.request("PATCH", named, query=query, body=manifest, content_type=APPLY_PATCH)


async def refusal(client: KubeClient, namespace: str, manifest: Manifest, plural: str = "configmaps") -> Reply:
    """Return the first answer to it that is a no: what was just made takes a while to count."""
    async with asyncio.timeout(DEADLINE_S):
        while (reply := await tried(client, namespace, manifest, plural)).ok or reply.code == 404:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.1)
    return reply


@asynccontextmanager
async def webhook(client: KubeClient, namespace: str) -> AsyncIterator[str]:
    """Have a webhook that nobody answers for ConfigMaps of the namespace; give the path of its configuration."""
    name = f"w{secrets.token_hex(4)}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    hook = {
        "name": f"{name}.example.com",
        "clientConfig": {"url": NOBODY_LISTENS},
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }
    body = {"metadata": {"name": name}, "webhooks": [hook]}
    assert (await client.request("POST", WEBHOOKS, body=body)).ok
    try:
        yield f"{WEBHOOKS}/{name}"
    finally:
        await client.request("DELETE", f"{WEBHOOKS}/{name}")


async def test_webhook_that_does_not_answer_is_the_servers_fault(client: KubeClient, namespace: str) -> None:
    manifest = config_map(namespace)
    async with webhook(client, namespace):
        reply = await refusal(client, namespace, manifest)

    assert (500, "InternalError") == (reply.code, reply.reason)
    assert inapplicable(key_of(manifest), reply) is None
    assert "failurePolicy" in refused(key_of(manifest), reply).remedy


async def test_webhook_that_takes_no_dry_runs_is_told(cluster: Cluster, client: KubeClient, namespace: str) -> None:
    """No server since 1.22 takes such a configuration, so it is put where one of an older server would be."""
    manifest = config_map(namespace)
    async with webhook(client, namespace) as path:
        found = (await client.request("GET", path)).body
        found["webhooks"][0]["sideEffects"] = "Unknown"
        del found["metadata"]["resourceVersion"]
        await store(cluster, f"/registry/validatingwebhookconfigurations/{found['metadata']['name']}", found)
        async with asyncio.timeout(DEADLINE_S):
            while (reply := await tried(client, namespace, manifest)).code != 400:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.1)
        applier = ClusterApplier({HERE: client}, served(CONFIG_MAP), ())
        checked = await applier.run(HERE, DryRun(key_of(manifest), manifest))

    refusal = inapplicable(key_of(manifest), reply)
    assert refusal is not None
    assert "no-dry-run" == refusal.kind
    assert isinstance(checked, Accepted)


async def store(cluster: Cluster, key: str, body: Any) -> None:
    put = {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(orjson.dumps(body)).decode()}
    async with aiohttp.ClientSession() as session, session.post(f"{cluster.etcd}/v3/kv/put", json=put) as answer:
        assert 200 == answer.status, await answer.text()


async def test_conversion_webhook_that_does_not_answer_is_no_fault_of_the_manifest(
    client: KubeClient, namespace: str
) -> None:
    group = f"g{secrets.token_hex(4)}.example.com"
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"size": {"type": "integer"}}}}
    webhook = {"clientConfig": {"url": NOBODY_LISTENS}, "conversionReviewVersions": ["v1"]}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boats.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "scope": "Namespaced",
            "conversion": {"strategy": "Webhook", "webhook": webhook},
            "versions": [
                {"name": name, "served": True, "storage": name == "v1", "schema": schema} for name in ("v1", "v2")
            ],
        },
    }

    def boat(version: str, size: Any) -> Manifest:
        return {"apiVersion": f"{group}/{version}", "kind": "Boat", "metadata": {"name": "a"}, "size": size}

    assert (await client.request("POST", DEFINITIONS, body=definition)).ok
    converted = await refusal(client, namespace, boat("v2", 1), "boats")
    untyped = await refusal(client, namespace, boat("v1", "big"), "boats")
    await client.request("DELETE", f"{DEFINITIONS}/boats.{group}")

    key = ResourceKey(group, "Boat", namespace, "a")
    assert (500, 500) == (converted.code, untyped.code)
    assert inapplicable(key, converted) is None
    assert refused(key, converted).retryable
    assert not refused(key, untyped).retryable


async def test_want_of_a_right_is_told_from_all_else_that_is_forbidden(client: KubeClient, namespace: str) -> None:
    await limited(client, namespace, "jane")
    jane = client.acting_as("jane")
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"configmaps": "0"}}}
    assert (await client.request("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", body=quota)).ok

    over_quota = await refusal(client, namespace, config_map(namespace))
    without_right = await tried(jane, namespace, config_map(namespace))
    without_class = await tried(client, namespace, pod(namespace), "pods")
    escalating = await tried(jane, namespace, binding("ClusterRole", "cluster-admin"), "rolebindings")

    replies = (without_right, over_quota, without_class, escalating)
    assert [(403, "Forbidden")] * 4 == [(reply.code, reply.reason) for reply in replies]
    assert [True, False, False, False] == [by_rbac(reply) for reply in replies]


async def test_what_names_an_object_that_is_not_there_may_be_refused_for_that(
    client: KubeClient, namespace: str
) -> None:
    await limited(client, namespace, "joe")
    resolve = served(POD, ROLE_BINDING)

    async def asked(client: KubeClient, manifest: Manifest, *, lacks: bool) -> Refused:
        placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
        answer = await ClusterApplier({HERE: client}, resolve, ()).run(
            HERE, DryRun(key_of(placed), placed, lacks_another=lacks)
        )
        assert isinstance(answer, Refused)
        return answer

    joe = client.acting_as("joe")
    without_class = await asked(client, pod(namespace), lacks=True)
    without_role = await asked(joe, binding("Role", "not-there"), lacks=True)
    without_right = await asked(joe, pod(namespace), lacks=True)

    assert [(403, True), (404, True), (403, False)] == [
        (answer.code, answer.lacks_another) for answer in (without_class, without_role, without_right)
    ]
    assert "create what it names" in without_role.remedy
    assert not (await asked(client, pod(namespace), lacks=False)).lacks_another
    assert not (await asked(joe, binding("Role", "not-there"), lacks=False)).lacks_another


def pod(namespace: str) -> Manifest:
    spec = {"priorityClassName": "not-there", "containers": [{"name": "web", "image": "web:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": namespace}, "spec": spec}


def binding(kind: str, role: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bound"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
    }


async def limited(client: KubeClient, namespace: str, user: str) -> None:
    """Let `user` write bindings in the namespace, and nothing else; wait until it counts."""
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create", "patch", "get"]}
    ]
    role = {"metadata": {"name": user}, "rules": rules}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    bound = {**binding("Role", user), "metadata": {"name": user}, "subjects": [subject]}
    for plural, body in (("roles", role), ("rolebindings", bound)):
        assert (await client.request("POST", f"{RBAC}/namespaces/{namespace}/{plural}", body=body)).ok
    asked = binding("ClusterRole", "cluster-admin")
    async with asyncio.timeout(DEADLINE_S):
        while by_rbac(await tried(client.acting_as(user), namespace, asked, "rolebindings")):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.1)
