"""Whose an object is."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.tracking import ARGOCD_TRACKING_ID, TRACKING_ID, names_itself, track, tracking_of
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

    assert names_itself(copied, WEB)
    assert not names_itself(copied, ResourceKey("apps", "ReplicaSet", "prod", "web"))
    assert not names_itself(copied, ResourceKey("apps", "Deployment", "prod", "web-2"))
    assert not names_itself(copied, ResourceKey("apps", "Deployment", "test", "web"))


def test_cluster_scoped_object_is_named_whatever_namespace_argocd_wrote() -> None:
    written = TrackingId(SHOP, ResourceKey("", "Namespace", "argocd-default", "prod"))

    assert names_itself(written, ResourceKey("", "Namespace", "", "prod"))
