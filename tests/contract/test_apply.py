"""What a cluster answers to our writes: the same on a real API server and on the simulated one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.managed_fields import view_hash
from gitopsd.errors import ClusterRefused, InvalidManifest, UnknownCluster
from gitopsd.kube.client import JSON_PATCH, Client
from gitopsd.model.command import (
    Accepted,
    Apply,
    CreateNamespace,
    Inapplicable,
    ObjectRef,
    Predicted,
    Prune,
    Refused,
)
from gitopsd.model.ids import ClusterId, ResourceVersion, TargetHash, Uid
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, gvk_of, key_of
from tests.clusters import Cluster
from tests.kube.kit import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    SERVICE,
    client_as,
    client_of,
    served,
)

HERE = ClusterId("here")
TAKEOVER = ("kubectl-client-side-apply", "argocd-controller")
RESOLVE = served(CONFIG_MAP, SECRET, SERVICE, NAMESPACE, DEPLOYMENT)
MERGE = "application/merge-patch+json"


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    async with client_of(cluster) as opened:
        yield opened


@pytest.fixture
def applier(client: Client) -> ClusterApplier:
    return ClusterApplier({HERE: client}, RESOLVE, TAKEOVER)


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


async def test_apply_creates_and_tells_version_and_view(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)

    answer = await accepted(applier, manifest)

    found = await live(applier, manifest)
    version = found["metadata"]["resourceVersion"]
    assert Accepted(key_of(manifest), changed=True, resource_version=version, view=view_hash(found)) == answer
    assert {"a": "1"} == found["data"]


async def test_unchanged_apply_moves_nothing(client: Client, namespace: str) -> None:
    versions: dict[ResourceKey, ResourceVersion | None] = {}
    applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER, lambda _, key: versions.get(key))
    manifest = deployment(namespace)
    first = await accepted(applier, manifest)
    # A controller may write status at any time, so it is the view that must not move, and the version only if spec did.
    versions[key_of(manifest)] = ResourceVersion((await live(applier, manifest))["metadata"]["resourceVersion"])

    second = await accepted(applier, manifest)

    assert first.view == second.view
    assert second.changed is (second.resource_version != versions[key_of(manifest)])


async def test_known_version_makes_changed_exact(client: Client, namespace: str) -> None:
    versions: dict[ResourceKey, ResourceVersion | None] = {}
    applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER, lambda _, key: versions.get(key))
    manifest = config_map(namespace)
    versions[key_of(manifest)] = (await accepted(applier, manifest)).resource_version

    unchanged = await accepted(applier, manifest)
    changed = await accepted(applier, config_map(namespace, a="2"))

    assert (False, True) == (unchanged.changed, changed.changed)


async def test_what_git_no_longer_sets_is_gone_from_live_and_what_others_set_stays(
    applier: ClusterApplier, client: Client, namespace: str
) -> None:
    await accepted(applier, config_map(namespace, a="1", b="2"))
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    await client.request("PATCH", path, query={"fieldManager": "me"}, body={"data": {"c": "3"}}, content_type=MERGE)

    await accepted(applier, config_map(namespace, a="1"))

    assert {"a": "1", "c": "3"} == (await live(applier, config_map(namespace)))["data"]


async def test_apply_takes_a_field_back_from_who_changed_it(
    applier: ClusterApplier, client: Client, namespace: str
) -> None:
    await accepted(applier, config_map(namespace))
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    await client.request("PATCH", path, query={"fieldManager": "me"}, body={"data": {"a": "9"}}, content_type=MERGE)

    await accepted(applier, config_map(namespace))

    assert {"a": "1"} == (await live(applier, config_map(namespace)))["data"]


async def test_dry_run_predicts_and_writes_nothing(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    created = await accepted(applier, manifest)

    answer = await applier.dry_run(HERE, config_map(namespace, a="2"))

    assert isinstance(answer, Predicted)
    assert {"a": "2"} == answer.live["data"]
    # The version that is answered is of the live object: it tells which state the prediction started from.
    assert created.resource_version == answer.live["metadata"]["resourceVersion"]
    assert {"a": "1"} == (await live(applier, manifest))["data"]


async def test_dry_run_of_an_unchanged_target_answers_the_live_object(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)

    answer = await applier.dry_run(HERE, manifest)

    assert isinstance(answer, Predicted)
    assert await live(applier, manifest) == answer.live


async def test_dry_run_of_a_new_object_predicts_it(applier: ClusterApplier, namespace: str) -> None:
    answer = await applier.dry_run(HERE, config_map(namespace))

    assert isinstance(answer, Predicted)
    assert "resourceVersion" not in answer.live["metadata"]
    assert await applier.read(HERE, ref(config_map(namespace))) is None


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


async def test_a_kind_that_discovery_does_not_tell_of_yet_is_asked_for(client: Client, namespace: str) -> None:
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


async def prune_of(applier: ClusterApplier, manifest: Manifest, **more: Any) -> Prune:
    meta = (await live(applier, manifest))["metadata"]
    return Prune(key_of(manifest), Uid(meta["uid"]), ResourceVersion(meta["resourceVersion"]), **more)


async def test_prune_deletes_what_was_compared(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)

    answer = await applier.run(HERE, await prune_of(applier, manifest, propagation="Background"))

    assert Accepted(key_of(manifest), changed=True) == answer
    assert await applier.read(HERE, ref(manifest)) is None


async def test_prune_of_what_has_changed_since_is_refused(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)
    command = await prune_of(applier, manifest)
    await accepted(applier, config_map(namespace, a="2"))

    answer = await applier.run(HERE, command)

    assert isinstance(answer, Refused)
    assert (409, True) == (answer.code, answer.retryable)
    assert (await live(applier, manifest))["data"] == {"a": "2"}


async def test_prune_of_another_object_of_that_name_is_refused(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)
    command = await prune_of(applier, manifest)
    other = Prune(command.key, Uid("00000000-0000-0000-0000-000000000000"), command.resource_version)

    answer = await applier.run(HERE, other)

    assert isinstance(answer, Refused)
    assert 409 == answer.code
    assert await applier.read(HERE, ref(manifest)) is not None


async def test_prune_of_what_is_gone_is_accepted(applier: ClusterApplier, namespace: str) -> None:
    key = ResourceKey("", "ConfigMap", namespace, "gone")

    answer = await applier.run(HERE, Prune(key, Uid("u"), ResourceVersion("1")))

    assert Accepted(key, changed=False) == answer


@pytest.mark.parametrize(("uid", "version"), [("", "1"), ("u", "")])
async def test_prune_without_what_was_compared_is_refused_unsent(
    applier: ClusterApplier, namespace: str, uid: str, version: str
) -> None:
    manifest = config_map(namespace)
    await accepted(applier, manifest)

    answer = await applier.run(HERE, Prune(key_of(manifest), Uid(uid), ResourceVersion(version)))

    assert isinstance(answer, Refused)
    assert await applier.read(HERE, ref(manifest)) is not None


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


async def test_prune_of_what_finalizers_hold_tells_that_it_is_still_there(
    applier: ClusterApplier, client: Client, namespace: str
) -> None:
    manifest = config_map(namespace)
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    await accepted(applier, manifest)

    answer = await applier.run(HERE, await prune_of(applier, manifest, propagation="Background"))

    held = await live(applier, manifest)
    assert Accepted(key_of(manifest), changed=True, resource_version=held["metadata"]["resourceVersion"]) == answer
    assert "deletionTimestamp" in held["metadata"]
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    release = [{"op": "remove", "path": "/metadata/finalizers"}]
    await client.request("PATCH", path, body=release, content_type=JSON_PATCH)
    assert await applier.read(HERE, ref(manifest)) is None


async def test_create_namespace_only_creates(applier: ClusterApplier, client: Client, namespace: str) -> None:
    name = f"{namespace}-made"

    first = await applier.run(HERE, CreateNamespace(name))
    await client.request(
        "PATCH", f"/api/v1/namespaces/{name}", body={"metadata": {"labels": {"x": "y"}}}, content_type=MERGE
    )
    second = await applier.run(HERE, CreateNamespace(name))

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (True, False) == (first.changed, second.changed)
    found = await applier.read(HERE, ObjectRef(ResourceKey("", "Namespace", "", name), GVK("", "v1", "Namespace")))
    assert found is not None
    assert "y" == found["metadata"]["labels"]["x"]
    assert {"gitopsd-namespace"} <= {entry["manager"] for entry in found["metadata"]["managedFields"]}
    await client.request("DELETE", f"/api/v1/namespaces/{name}")


async def test_create_namespace_without_the_right_is_fine_where_it_is_there(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["reader"])
    async with client_as(cluster, "TEST_TOKEN") as client:
        applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER)

        there = await applier.run(HERE, CreateNamespace(namespace))
        missing = await applier.run(HERE, CreateNamespace(f"{namespace}-missing"))

    assert isinstance(there, Accepted)
    assert there.changed is False
    assert isinstance(missing, Refused)
    assert 403 == missing.code


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


async def test_takeover_removes_what_the_legacy_manager_set_and_git_does_not(
    applier: ClusterApplier, client: Client, namespace: str
) -> None:
    theirs = config_map(namespace, a="0", old="x")
    theirs["metadata"]["annotations"] = {LAST_APPLIED: "{}"}
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    await client.request("POST", path, query={"fieldManager": "kubectl-client-side-apply"}, body=theirs)
    await client.request(
        "PATCH",
        f"{path}/settings",
        query={"fieldManager": "someone"},
        body={"data": {"kept": "y"}},
        content_type=MERGE,
    )

    await accepted(applier, config_map(namespace), takeover=True)

    found = await live(applier, config_map(namespace))
    assert {"a": "1", "kept": "y"} == found["data"]
    assert "annotations" not in found["metadata"]
    assert {("gitopsd", "Apply"), ("someone", "Update")} == {
        (entry["manager"], entry["operation"]) for entry in found["metadata"]["managedFields"]
    }


async def test_takeover_spares_the_replicas_that_an_autoscaler_chose(
    applier: ClusterApplier, client: Client, namespace: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    await client.request("POST", path, query={"fieldManager": "argocd-controller"}, body=deployment(namespace))
    await client.request(
        "PATCH",
        f"{path}/web/scale",
        query={"fieldManager": "argocd-controller"},
        body={"spec": {"replicas": 7}},
        content_type=MERGE,
    )

    await accepted(applier, deployment(namespace), takeover=True)

    assert 7 == (await live(applier, deployment(namespace)))["spec"]["replicas"]


async def test_without_takeover_what_others_set_stays(applier: ClusterApplier, client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    await client.request(
        "POST", path, query={"fieldManager": "argocd-controller"}, body=config_map(namespace, a="0", old="x")
    )

    await accepted(applier, config_map(namespace))

    assert {"a": "1", "old": "x"} == (await live(applier, config_map(namespace)))["data"]


async def test_takeover_of_an_absent_object_creates_it(applier: ClusterApplier, namespace: str) -> None:
    answer = await accepted(applier, config_map(namespace), takeover=True)

    assert answer.changed is True
