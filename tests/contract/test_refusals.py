"""What a server does not take from us is told by whose fault it is, and without secrets."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.errors import ClusterRefused, InvalidManifest, UnknownCluster
from gitopsd.kube.client import KubeClient
from gitopsd.model.command import (
    Accepted,
    Inapplicable,
    Prune,
    Refused,
)
from gitopsd.model.ids import ClusterId, ResourceVersion, Uid
from gitopsd.model.manifest import ResourceKey
from tests.clusters import Cluster
from tests.contract.applying import (
    HERE,
    RESOLVE,
    TAKEOVER,
    accepted,
    apply,
    config_map,
    deployment,
    pod,
    ref,
)
from tests.kube.kit import (
    client_as,
    served,
)

UNTYPED = {
    "an unknown field": deployment("ns", unheardOf=1),
    "a text for a number": deployment("ns", replicas="many"),
    "a list for an object": deployment("ns", strategy=[]),
    "a fraction for a whole number": deployment("ns", replicas=1.5),
    "a quantity that is none": deployment("ns", template=pod(resources={"limits": {"cpu": "lots"}})),
    "a variable twice": deployment("ns", template=pod(env=[{"name": "a"}, {"name": "a"}])),
}


@pytest.mark.parametrize("name", UNTYPED)
async def test_a_manifest_that_does_not_fit_the_schema_is_terminal(
    applier: ClusterApplier, namespace: str, name: str
) -> None:
    manifest = {**UNTYPED[name], "metadata": {"name": "web", "namespace": namespace}}

    asked = await applier.dry_run(HERE, manifest)
    answer = await applier.run(HERE, apply(manifest))

    assert isinstance(asked, Inapplicable)
    assert (500, "invalid") == (asked.code, asked.kind)
    assert isinstance(answer, Refused)
    assert (500, False) == (answer.code, answer.retryable)
    assert "Replace=true" in answer.remedy


async def test_an_invalid_value_is_terminal_and_named(applier: ClusterApplier, namespace: str) -> None:
    manifest = deployment(namespace, replicas=-1)

    asked = await applier.dry_run(HERE, manifest)
    answer = await applier.run(HERE, apply(manifest))

    assert isinstance(asked, Inapplicable)
    assert (422, "invalid") == (asked.code, asked.kind)
    assert isinstance(answer, Refused)
    assert (422, False) == (answer.code, answer.retryable)
    assert "spec.replicas" in answer.message


async def test_an_immutable_field_is_terminal(applier: ClusterApplier, namespace: str) -> None:
    await accepted(applier, deployment(namespace))
    other = deployment(namespace, selector={"matchLabels": {"app": "other"}})
    other["spec"]["template"]["metadata"] = {"labels": {"app": "other"}}

    answer = await applier.run(HERE, apply(other))

    assert isinstance(answer, Refused)
    assert (422, False) == (answer.code, answer.retryable)
    assert "field is immutable" in answer.message


async def test_a_missing_namespace_is_terminal_with_its_remedy(applier: ClusterApplier) -> None:
    answer = await applier.run(HERE, apply(config_map("there-is-no-such-namespace")))

    assert isinstance(answer, Refused)
    assert (404, False) == (answer.code, answer.retryable)
    assert "CreateNamespace=true" in answer.remedy


async def test_a_kind_that_is_not_served_is_terminal(applier: ClusterApplier, namespace: str) -> None:
    manifest = {**config_map(namespace), "apiVersion": "example.com/v1", "kind": "Nothing"}

    asked = await applier.dry_run(HERE, manifest)
    answer = await applier.run(HERE, apply(manifest))

    assert isinstance(asked, Inapplicable)
    assert (404, "invalid") == (asked.code, asked.kind)
    assert isinstance(answer, Refused)
    assert (404, False) == (answer.code, answer.retryable)


async def test_declaration_for_a_cluster_that_takes_none_says_where_it_goes(
    applier: ClusterApplier, namespace: str
) -> None:
    manifest = {**config_map(namespace), "apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}

    answer = await applier.run(HERE, apply(manifest))

    assert isinstance(answer, Refused)
    assert ".spec.destination.name of the application is gitopsd" in answer.remedy


async def test_a_kind_that_discovery_does_not_tell_of_yet_is_asked_for(client: KubeClient, namespace: str) -> None:
    knows_nothing = ClusterApplier({HERE: client}, served(), TAKEOVER)

    assert isinstance(await knows_nothing.run(HERE, apply(config_map(namespace))), Accepted)


async def test_a_user_without_rights_is_forbidden_not_invalid(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["reader"])
    async with client_as(cluster, "TEST_TOKEN") as client:
        applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER)
        for manifest in (config_map(namespace), secret(namespace, {"a": "eA=="})):
            asked = await applier.dry_run(HERE, manifest)
            answer = await applier.run(HERE, apply(manifest))

            assert isinstance(asked, Inapplicable)
            assert (403, "forbidden") == (asked.code, asked.kind)
            assert isinstance(answer, Refused)
            assert (403, False) == (answer.code, answer.retryable)
            assert "rbac" in answer.remedy
            assert 'cannot patch resource "' in answer.message


async def test_read_that_is_forbidden_is_refused_not_absent(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["nobody"])
    async with client_as(cluster, "TEST_TOKEN") as client:
        applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER)

        with pytest.raises(ClusterRefused, match="403"):
            await applier.read(HERE, ref(config_map(namespace)))


async def test_an_unknown_cluster_is_named(applier: ClusterApplier, namespace: str) -> None:
    with pytest.raises(UnknownCluster, match="elsewhere"):
        await applier.run(ClusterId("elsewhere"), apply(config_map(namespace)))


def secret(namespace: str, data: Any) -> dict[str, Any]:
    meta = {"name": "login", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


@pytest.mark.parametrize(
    "broken",
    [{"password": "hunter2 is not base64"}, {"password": ["hunter2"]}, "hunter2", {"password": {"hunter2": "x"}}],
)
async def test_a_refused_secret_does_not_leak(applier: ClusterApplier, namespace: str, broken: Any) -> None:
    manifest = secret(namespace, broken)

    asked = await applier.dry_run(HERE, manifest)
    answer = await applier.run(HERE, apply(manifest))

    assert isinstance(asked, Inapplicable)
    assert isinstance(answer, Refused)
    assert "hunter2" not in asked.message + answer.message + answer.remedy


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a%2fb"])
async def test_a_name_that_would_address_something_else_is_never_sent(
    applier: ClusterApplier, namespace: str, name: str
) -> None:
    await accepted(applier, config_map(namespace))

    with pytest.raises(InvalidManifest):
        await applier.run(HERE, Prune(ResourceKey("", "ConfigMap", namespace, name), Uid("u"), ResourceVersion("1")))
    with pytest.raises(InvalidManifest):
        await applier.run(HERE, apply(config_map(namespace, name)))

    assert await applier.read(HERE, ref(config_map(namespace))) is not None
