"""What people and tools have added, and nobody else has: told apart by who owns what."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.ownership.extra import extra_fields, without_extra
from gitopsd.model.comparison import Item
from tests.core.frozen import frozen
from tests.core.objects.managed_fields import entry

SIDE = Item((("name", "side"),))
TARGET = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
}
OURS: Any = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}}}},
}
PAUSED: Any = {"f:spec": {"f:paused": {}}}


def live(*entries: Any) -> Any:
    meta = {
        "name": "web",
        "labels": {"app": "web", "team": "x", "kubernetes.io/metadata.name": "web"},
        "annotations": {
            "note": "1",
            "gitopsd.io/adopt": "true",
            "kubectl.kubernetes.io/last-applied-configuration": "",
        },
        "finalizers": ["example.com/keep"],
        "managedFields": [entry(OURS), *entries],
    }
    containers = [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}, {"name": "side", "image": "s"}]
    spec = {"containers": containers, "paused": True, "replicas": 3}
    found = {**TARGET, "metadata": meta, "spec": spec, "status": {"replicas": 3}}
    return frozen(found)


def by(fields: Any, manager: str = "kubectl-edit", operation: str = "Update", **more: Any) -> Any:
    return entry(fields, manager, operation, **more)


@pytest.mark.parametrize(
    ("fields", "extra"),
    [
        (PAUSED, [("spec", "paused")]),
        ({"f:metadata": {"f:labels": {".": {}, "f:team": {}}}}, [("metadata", "labels", "team")]),
        ({"f:metadata": {"f:annotations": {".": {}, "f:note": {}}}}, [("metadata", "annotations", "note")]),
        (
            {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:ports": {}, "f:image": {}}}}},
            [("spec", "containers", Item((("name", "web"),)), "ports")],
        ),
        (
            {"f:spec": {"f:containers": {'k:{"name":"side"}': {".": {}, "f:name": {}, "f:image": {}}}}},
            [("spec", "containers", SIDE)],
        ),
        ({"f:metadata": {"f:labels": {"f:kubernetes.io/metadata.name": {}}}}, []),
        ({"f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/keep"': {}}}}, []),
        ({"f:metadata": {"f:annotations": {"f:gitopsd.io/adopt": {}}}}, []),
        ({"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}}}, []),
        ({"f:status": {"f:replicas": {}}}, []),
        ({"f:metadata": {"f:labels": {"f:app": {}}}}, []),
        ({"f:spec": {"f:gone": {}}}, []),
    ],
)
def test_what_a_person_set_and_git_does_not_is_extra(fields: Any, extra: Any) -> None:
    assert tuple(extra) == extra_fields(TARGET, live(by(fields)))


@pytest.mark.parametrize(
    ("manager", "extra"),
    [
        *((name, True) for name in ("kubectl-edit", "node-fetch", "k9s", "helm", "argocd-controller")),
        *((name, False) for name in ("kube-controller-manager", "gitopsd", "before-first-apply", "vpa")),
    ],
)
def test_whose_fields_are_extra_their_names_tell(manager: str, *, extra: bool) -> None:
    assert extra is bool(extra_fields(TARGET, live(by(PAUSED, manager))))


def test_an_apply_of_a_person_counts_as_well() -> None:
    assert (("spec", "paused"),) == extra_fields(TARGET, live(by(PAUSED, "kubectl", "Apply")))


@pytest.mark.parametrize(
    "other",
    [
        by({"f:spec": {"f:replicas": {}}}, "hpa", subresource="scale"),
        by({"f:spec": {"f:replicas": {}}}, "vpa"),
        entry({"f:spec": {"f:replicas": {}}}),
    ],
    ids=["a subresource", "a controller", "ours"],
)
def test_what_somebody_else_has_too_is_not_extra(other: Any) -> None:
    assert () == extra_fields(TARGET, live(by({"f:spec": {"f:replicas": {}}}), other))


def test_what_a_person_wrote_by_a_subresource_or_at_another_version_is_not_told() -> None:
    scaled = by({"f:spec": {"f:replicas": {}}}, "kubectl-scale", subresource="scale")
    old = by(PAUSED, apiVersion="apps/v1beta1")

    assert () == extra_fields(TARGET, live(scaled, old))


def test_what_goes_is_made_ours_and_nobody_elses_and_the_rest_stays_theirs() -> None:
    theirs = by({"f:spec": {"f:paused": {}, "f:containers": {'k:{"name":"side"}': {".": {}, "f:name": {}}}}})

    goes, entries = without_extra(TARGET, live(theirs), [("spec", "paused"), ("spec", "gone")])

    assert (("spec", "paused"),) == goes
    fields = {each["manager"]: each["fieldsV1"]["f:spec"] for each in entries}
    assert {} == fields["gitopsd"]["f:paused"]
    assert ["f:containers"] == list(fields["kubectl-edit"])


def test_what_is_set_in_git_by_now_or_gone_is_not_taken() -> None:
    wanted = {**TARGET, "spec": {**TARGET["spec"], "paused": True}}  # type: ignore[dict-item]

    assert ((), ()) == without_extra(wanted, live(by(PAUSED)), [("spec", "paused")])
