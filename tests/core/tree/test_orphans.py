"""What is of no application: what a person or a tool made beside them, and nothing that Kubernetes makes itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.tree.orphans import orphans, warning
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey
from gitopsd.model.project import DEFAULT, AppProject, OrphanIgnored, Orphans
from tests.core.lives import SHOP, config_key, live_of

ASKED = replace(DEFAULT, orphans=Orphans())
X = config_key("x")


def nobodys(key: ResourceKey = X, **fields: Any) -> LiveObject:
    return live_of(key, **{"tracking": None, "view": None, **fields})


def found(*lives: LiveObject, project: AppProject = ASKED, wanted: ResourceKey | None = None) -> list[str]:
    children = [(GVK(live.key.group, "v1", live.key.kind), live) for live in lives]
    return [live.key.name for _, live in orphans(children, project, lambda app: app == SHOP, lambda key: key == wanted)]


def test_object_of_no_application_is_an_orphan_where_the_project_asks() -> None:
    assert ["x"] == found(nobodys())
    assert [] == found(nobodys(), project=DEFAULT)
    assert ["a", "x"] == found(nobodys(), nobodys(config_key("a")))


@pytest.mark.parametrize(
    ("live", "is_orphan"),
    [
        (live_of(X), False),
        (live_of(X, tracking=TrackingId(AppName("gone"), X)), True),
        (live_of(X, tracking=TrackingId(SHOP, config_key("another"))), True),
        (nobodys(installation="elsewhere"), False),
        (nobodys(deleting=True), False),
    ],
)
def test_object_of_an_application_that_exists_is_none(live: LiveObject, is_orphan: bool) -> None:  # noqa: FBT001 - a case
    assert is_orphan is bool(found(live))


def test_object_that_an_application_wants_is_none_before_it_is_applied() -> None:
    assert [] == found(nobodys(), wanted=X)


@pytest.mark.parametrize(
    "key",
    [
        ResourceKey("", "ServiceAccount", "prod", "default"),
        ResourceKey("", "ConfigMap", "prod", "kube-root-ca.crt"),
        ResourceKey("", "ConfigMap", "prod", "openshift-service-ca.crt"),
        ResourceKey("", "Service", "default", "kubernetes"),
        ResourceKey("", "Endpoints", "prod", "web"),
        ResourceKey("coordination.k8s.io", "Lease", "prod", "leader"),
    ],
)
def test_what_kubernetes_makes_itself_is_none(key: ResourceKey) -> None:
    assert [] == found(nobodys(key))


def test_claims_of_a_statefulset_are_none() -> None:
    named = {
        name: nobodys(ResourceKey("", "PersistentVolumeClaim", "prod", name))
        for name in ("data-my-db-0", "data-db", "other-1")
    }
    own = live_of(ResourceKey("apps", "StatefulSet", "prod", "my-db"))

    assert ["data-db", "other-1"] == found(own, *named.values())


def test_what_the_project_does_not_permit_is_none() -> None:
    denied = replace(ASKED, namespace_denied=(GroupKind("", "ConfigMap"),))

    assert [] == found(nobodys(), project=denied)


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        (OrphanIgnored(""), []),
        (OrphanIgnored("*", "Config*", "x"), []),
        (OrphanIgnored("", "ConfigMap", "y"), ["x"]),
        (OrphanIgnored("apps"), ["x"]),
    ],
)
def test_what_the_project_ignores_is_none(ignored: OrphanIgnored, left: list[str]) -> None:
    assert left == found(nobodys(), project=replace(ASKED, orphans=Orphans(ignore=(ignored,))))


def test_orphans_are_told_of_by_a_condition_unless_the_project_wants_none() -> None:
    children = [(GVK("", "v1", "ConfigMap"), nobodys(config_key(f"x{place}"))) for place in range(7)]

    (told,) = warning(ASKED, children, "namespace prod of cluster c1")

    assert "OrphanedResourceWarning" == told.type
    assert "7 objects of namespace prod of cluster c1 are of no application: /ConfigMap:prod/x0, " in told.message
    assert told.message.endswith("x4 and 2 more")
    assert () == warning(replace(ASKED, orphans=Orphans(warn=False)), children, "here")
    assert () == warning(ASKED, [], "here")
