"""Our writes: server-side apply, its dry run, and taking over from others, on both kinds of servers."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.core.objects.managed_fields import view_hash
from gitopsd.core.target.target import apply_form
from gitopsd.kube.client import KubeClient
from gitopsd.model.command import (
    Accepted,
    Predicted,
)
from gitopsd.model.ids import AppName, ResourceVersion
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from tests.contract.applying import (
    HERE,
    MERGE,
    RESOLVE,
    TAKEOVER,
    accepted,
    config_map,
    deployment,
    live,
    ref,
)


async def test_apply_creates_and_tells_version_and_view(applier: ClusterApplier, namespace: str) -> None:
    manifest = config_map(namespace)

    answer = await accepted(applier, manifest)

    found = await live(applier, manifest)
    version = found["metadata"]["resourceVersion"]
    assert Accepted(key_of(manifest), changed=True, resource_version=version, view=view_hash(found)) == answer
    assert {"a": "1"} == found["data"]


async def test_unchanged_apply_moves_nothing(client: KubeClient, namespace: str) -> None:
    versions: dict[ResourceKey, ResourceVersion | None] = {}
    applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER, lambda _, key: versions.get(key))
    manifest = deployment(namespace)
    first = await accepted(applier, manifest)
    # A controller may write status at any time, so it is the view that must not move, and the version only if spec did.
    versions[key_of(manifest)] = ResourceVersion((await live(applier, manifest))["metadata"]["resourceVersion"])

    second = await accepted(applier, manifest)

    assert first.view == second.view
    assert second.changed is (second.resource_version != versions[key_of(manifest)])


async def test_known_version_makes_changed_exact(client: KubeClient, namespace: str) -> None:
    versions: dict[ResourceKey, ResourceVersion | None] = {}
    applier = ClusterApplier({HERE: client}, RESOLVE, TAKEOVER, lambda _, key: versions.get(key))
    manifest = config_map(namespace)
    versions[key_of(manifest)] = (await accepted(applier, manifest)).resource_version

    unchanged = await accepted(applier, manifest)
    changed = await accepted(applier, config_map(namespace, a="2"))

    assert (False, True) == (unchanged.changed, changed.changed)


async def test_what_git_no_longer_sets_is_gone_from_live_and_what_others_set_stays(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    await accepted(applier, config_map(namespace, a="1", b="2"))
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    await client.request("PATCH", path, query={"fieldManager": "me"}, body={"data": {"c": "3"}}, content_type=MERGE)

    await accepted(applier, config_map(namespace, a="1"))

    assert {"a": "1", "c": "3"} == (await live(applier, config_map(namespace)))["data"]


async def test_apply_takes_a_field_back_from_who_changed_it(
    applier: ClusterApplier, client: KubeClient, namespace: str
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


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


async def test_takeover_removes_what_the_legacy_manager_set_and_git_does_not(
    applier: ClusterApplier, client: KubeClient, namespace: str
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
    applier: ClusterApplier, client: KubeClient, namespace: str
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


async def test_without_takeover_what_others_set_stays(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    await client.request(
        "POST", path, query={"fieldManager": "argocd-controller"}, body=config_map(namespace, a="0", old="x")
    )

    await accepted(applier, config_map(namespace))

    assert {"a": "1", "old": "x"} == (await live(applier, config_map(namespace)))["data"]


async def test_takeover_of_an_absent_object_creates_it(applier: ClusterApplier, namespace: str) -> None:
    answer = await accepted(applier, config_map(namespace), takeover=True)

    assert answer.changed is True


async def test_dry_run_of_a_takeover_predicts_what_goes_and_what_is_filled_in(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    theirs = deployment(namespace, replicas=3, minReadySeconds=5, paused=True)
    theirs["metadata"] |= {"annotations": {LAST_APPLIED: "{}"}, "labels": {"team": "x"}}
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    await client.request("POST", path, query={"fieldManager": "kubectl-client-side-apply"}, body=theirs)
    wanted = deployment(namespace, paused=True)

    plain = await applier.dry_run(HERE, wanted)
    answer = await applier.dry_run(HERE, wanted, takeover=True)
    before = await live(applier, wanted)
    await accepted(applier, wanted, takeover=True)

    assert isinstance(plain, Predicted)
    assert 5 == plain.live["spec"]["minReadySeconds"]
    assert isinstance(answer, Predicted)
    assert (3, 5) == (before["spec"]["replicas"], before["spec"]["minReadySeconds"])
    assert answer.live["spec"] == (await live(applier, wanted))["spec"]
    assert 1 == answer.live["spec"]["replicas"]
    assert "minReadySeconds" not in answer.live["spec"]
    assert "labels" not in answer.live["metadata"]
    assert {("spec", "minReadySeconds"), ("spec", "replicas")} <= set(answer.takes)


async def test_dry_run_of_a_takeover_that_takes_nothing_away_is_a_plain_one(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    query = {"fieldManager": "kubectl-client-side-apply"}
    await client.request("POST", path, query=query, body=config_map(namespace, a="0"))

    answer = await applier.dry_run(HERE, config_map(namespace), takeover=True)

    assert isinstance(answer, Predicted)
    assert () == answer.takes


@pytest.mark.parametrize("name", ["serviceAccountName", "serviceAccount"])
async def test_account_that_git_drops_goes_under_both_its_names(
    applier: ClusterApplier, namespace: str, name: str
) -> None:
    def form(**spec: Any) -> Manifest:
        made = deployment(namespace)
        made["spec"]["template"] = {**made["spec"]["template"], "spec": {**made["spec"]["template"]["spec"], **spec}}
        return apply_form(made, AppName("shop"), namespace, namespaced=True).manifest

    await accepted(applier, form(**{name: "web"}))
    before = (await live(applier, form()))["spec"]["template"]["spec"]
    await accepted(applier, form())
    after = (await live(applier, form()))["spec"]["template"]["spec"]

    assert ("web", "web") == (before["serviceAccountName"], before["serviceAccount"])
    assert not {"serviceAccountName", "serviceAccount"} & after.keys()
