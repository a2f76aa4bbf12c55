"""Whose an object is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.target.tracking import (
    ARGOCD_TRACKING_ID,
    INSTALLATION_ID,
    TRACKING_ID,
    Tracking,
    other_installation,
    track,
    tracking_of,
)
from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import ResourceKey

SHOP = AppName("shop")
WEB = ResourceKey("apps", "Deployment", "prod", "web")


def deployment(**annotations: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "prod", "annotations": annotations},
    }


def test_tracked_object_tells_its_application_again() -> None:
    assert (TrackingId(SHOP, WEB), False) == tracking_of(track(deployment(), SHOP))


def test_tracking_leaves_the_given_manifest_alone() -> None:
    given = deployment(owner="me")

    tracked = track(given, SHOP)

    assert {"owner": "me"} == given["metadata"]["annotations"]
    assert {"owner": "me", TRACKING_ID: "shop:apps/Deployment:prod/web"} == tracked["metadata"]["annotations"]


@pytest.mark.parametrize("annotations", [None, {}])
def test_object_without_annotations_can_be_tracked(annotations: Any) -> None:
    given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod", "annotations": annotations}}

    assert {TRACKING_ID: "shop:/Namespace:/prod"} == track(given, SHOP)["metadata"]["annotations"]


def test_argocds_annotation_is_read_and_told_apart() -> None:
    found = tracking_of(deployment(**{ARGOCD_TRACKING_ID: "shop:apps/Deployment:prod/web"}))

    assert (TrackingId(SHOP, WEB), True) == found


def test_our_annotation_counts_before_argocds() -> None:
    both = {TRACKING_ID: "ours:apps/Deployment:prod/web", ARGOCD_TRACKING_ID: "theirs:apps/Deployment:prod/web"}

    assert (TrackingId(AppName("ours"), WEB), False) == tracking_of(deployment(**both))


@pytest.mark.parametrize("text", ["", "shop", "shop:Deployment:prod/web", 5, None, {"a": "b"}, "a:b/c:d"])
def test_unreadable_tracking_id_names_nobody(text: Any) -> None:
    assert (None, False) == tracking_of(deployment(**{TRACKING_ID: text}))


@pytest.mark.parametrize("manifest", [{}, {"metadata": None}, {"metadata": []}, {"metadata": {"annotations": ["x"]}}])
def test_object_of_odd_shape_is_nobodys(manifest: Any) -> None:
    assert (None, False) == tracking_of(manifest)


def test_tracking_id_copied_to_a_child_does_not_name_it() -> None:
    copied = TrackingId(SHOP, WEB)

    assert copied.names(WEB)
    assert not copied.names(ResourceKey("apps", "ReplicaSet", "prod", "web"))
    assert not copied.names(ResourceKey("apps", "Deployment", "prod", "web-2"))
    assert not copied.names(ResourceKey("apps", "Deployment", "test", "web"))


def test_cluster_scoped_object_is_named_whatever_namespace_argocd_wrote() -> None:
    written = TrackingId(SHOP, ResourceKey("", "Namespace", "argocd-default", "prod"))

    assert written.names(ResourceKey("", "Namespace", "", "prod"))


LABEL = Tracking("app.kubernetes.io/instance", reads_label=True)


def labelled(kind: str = "Deployment", group: str = "apps", **meta: Any) -> dict[str, Any]:
    labels = {LABEL.label: "shop"}
    return {
        "apiVersion": f"{group}/v1" if group else "v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "prod", "labels": labels, **meta},
    }


OURS = {"manager": "gitopsd", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {}}


def test_label_is_written_beside_the_annotation() -> None:
    tracked = track(deployment(), SHOP, Tracking("team.example/app"))

    assert {"team.example/app": "shop"} == tracked["metadata"]["labels"]
    assert (TrackingId(SHOP, WEB), False) == tracking_of(tracked)


def test_label_that_is_only_written_is_cut_and_one_that_is_read_refused() -> None:
    long = AppName("a" * 62 + "-b")

    assert "a" * 62 == track(deployment(), long, Tracking("l"))["metadata"]["labels"]["l"]
    with pytest.raises(InvalidManifest, match="does not fit"):
        track(deployment(), long, LABEL)


def test_label_tells_the_application_where_the_method_says_so() -> None:
    assert (None, False) == tracking_of(labelled())
    assert (TrackingId(SHOP, WEB), True) == tracking_of(labelled(), LABEL), "Argo CD may have written it"
    assert (TrackingId(SHOP, WEB), False) == tracking_of(labelled(managedFields=[OURS]), LABEL)


@pytest.mark.parametrize(
    "copy",
    [
        labelled("Endpoints", ""),
        labelled("EndpointSlice", "discovery.k8s.io"),
        labelled(ownerReferences=[{"uid": "u"}]),
        {**labelled(), "metadata": {"name": "web", "labels": {LABEL.label: 5}}},
    ],
)
def test_label_that_may_be_a_copy_tells_nothing(copy: Any) -> None:
    assert (None, False) == tracking_of(copy, LABEL)


def test_annotation_counts_before_the_label() -> None:
    both = labelled(annotations={TRACKING_ID: "other:apps/Deployment:prod/web"})

    assert (TrackingId(AppName("other"), WEB), False) == tracking_of(both, LABEL)


def test_objects_of_another_installation_are_not_ours() -> None:
    mine, theirs = Tracking(installation="one"), Tracking(installation="two")
    tracked = track(deployment(), SHOP, mine)

    assert {"one"} == {tracked["metadata"]["annotations"][INSTALLATION_ID]}
    assert (TrackingId(SHOP, WEB), False) == tracking_of(tracked, mine)
    assert (None, False) == tracking_of(tracked, theirs)
    assert (None, False) == tracking_of(track(deployment(), SHOP), mine), "of none"
    assert (None, False) == tracking_of(labelled(managedFields=[OURS]), replace(LABEL, installation="one"))


def test_object_of_another_installation_says_of_which() -> None:
    tracked = track(deployment(), SHOP, Tracking(installation="one"))
    copied = {**tracked, "metadata": {**tracked["metadata"], "name": "copy"}}
    wanted = Tracking(installation="two")

    assert "one" == other_installation(tracked, wanted)
    assert ["", ""] == [other_installation(tracked, Tracking(installation=each)) for each in ("one", "")]
    assert ["", ""] == [other_installation(each, wanted) for each in (copied, deployment())]
