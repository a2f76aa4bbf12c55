from __future__ import annotations

import secrets

from tests.contract.kubernetes.api import Api, until
from tests.contract.kubernetes.objects import config_map, config_maps


async def test_new_namespace_is_active_and_labelled_with_its_name(api: Api, namespace: str) -> None:
    found = (await api.get(f"/api/v1/namespaces/{namespace}")).ok()

    assert "Active" == found["status"]["phase"]
    assert ["kubernetes"] == found["spec"]["finalizers"]
    assert namespace == found["metadata"]["labels"]["kubernetes.io/metadata.name"]


async def test_object_in_a_missing_namespace_is_not_found(api: Api) -> None:
    posted = await api.post(config_maps("nowhere"), config_map("a"))
    applied = await api.apply(config_maps("nowhere", "a"), config_map("a"), dryRun="All")

    assert (404, "NotFound", "namespaces") == (posted.status, posted.reason, posted.body["details"]["kind"])
    assert 'namespaces "nowhere" not found' == posted.body["message"]
    assert (404, "NotFound") == (applied.status, applied.reason)


async def test_deleted_namespace_is_emptied_then_gone(api: Api) -> None:
    name = f"gone-{secrets.token_hex(4)}"
    path = f"/api/v1/namespaces/{name}"
    (await api.post("/api/v1/namespaces", {"metadata": {"name": name}})).ok()
    (await api.post(config_maps(name), config_map("a"))).ok()
    (await api.post(config_maps(name), config_map("held", finalizers=["example.com/hold"]))).ok()

    deleted = (await api.delete(path)).ok()
    assert "Terminating" == deleted["status"]["phase"]
    assert deleted["metadata"]["deletionTimestamp"]
    await api.gone(config_maps(name, "a"))
    refused = await api.post(config_maps(name), config_map("late"))
    assert (403, "Forbidden") == (refused.status, refused.reason)
    assert "NamespaceTerminating" == refused.body["details"]["causes"][0]["reason"]
    assert 200 == (await api.get(path)).status

    (await api.patch(config_maps(name, "held"), {"metadata": {"finalizers": None}})).ok()
    await api.gone(path)


async def test_terminating_namespace_says_what_remains(api: Api) -> None:
    name = f"stuck-{secrets.token_hex(4)}"
    (await api.post("/api/v1/namespaces", {"metadata": {"name": name}})).ok()
    (await api.post(config_maps(name), config_map("held", finalizers=["example.com/hold"]))).ok()
    (await api.delete(f"/api/v1/namespaces/{name}")).ok()

    found = await until(
        lambda: api.get(f"/api/v1/namespaces/{name}"),
        lambda answer: any(
            condition["type"] == "NamespaceFinalizersRemaining" and condition["status"] == "True"
            for condition in answer.body.get("status", {}).get("conditions", [])
        ),
    )

    assert "example.com/hold" in str(found.body["status"]["conditions"])
    (await api.patch(config_maps(name, "held"), {"metadata": {"finalizers": None}})).ok()
    await api.gone(f"/api/v1/namespaces/{name}")


async def test_new_namespace_gets_its_default_account_and_root_certificate(api: Api, namespace: str) -> None:
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"

    await until(lambda: api.get(account), lambda answer: answer.status == 200)
    await until(lambda: api.get(config_maps(namespace, "kube-root-ca.crt")), lambda answer: answer.status == 200)
