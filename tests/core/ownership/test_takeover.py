"""A takeover joins entries and spares subresources; what goes with it is told beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.compare.prediction import settle
from gitopsd.core.ownership.takeover import has_legacy, taken_away, taken_over
from gitopsd.model.command import Predicted
from gitopsd.model.comparison import Explanation, Item, SyncStatus
from tests.core.bodies import body, doubt, named
from tests.core.objects.managed_fields import FIELDS, entry, live

TAKEOVER = ("kubectl-client-side-apply", "argocd-controller")
KUBECTL = {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1"}
WEB = Item((("name", "web"),))


def test_takeover_joins_legacy_entries_into_ours_and_keeps_the_rest() -> None:
    autoscaler = entry({"f:spec": {"f:replicas": {}}}, "argocd-controller", "Update", subresource="scale")
    other = entry({"f:spec": {"f:paused": {}}}, "someone", "Update")
    manifest = live(
        entry({"f:spec": {"f:a": {}, "f:t": {}}}, time="2026-01-01T00:00:00Z"),
        entry({"f:spec": {"f:b": {}, "f:t": {"f:x": {}}}}, "argocd-controller", "Update", time="2026-01-02T00:00:00Z"),
        entry({"f:metadata": {"f:labels": {"f:x": {}}}}, "kubectl-client-side-apply", "Update"),
        autoscaler,
        other,
    )

    joined: dict[str, Any] = {
        "f:spec": {"f:a": {}, "f:t": {".": {}, "f:x": {}}, "f:b": {}},
        "f:metadata": {"f:labels": {"f:x": {}}},
    }
    mine = {**entry(joined), "fieldsType": "FieldsV1", "time": "2026-01-02T00:00:00Z"}
    assert (mine, autoscaler, other) == taken_over(manifest, "apps/v1", TAKEOVER)


def test_takeover_makes_our_entry_where_we_have_none() -> None:
    manifest = live(entry({"f:spec": {"f:a": {}}}, "argocd-controller", "Update"))

    found = taken_over(manifest, "apps/v1", TAKEOVER)

    assert found is not None
    assert [("gitopsd", "Apply", {"f:spec": {"f:a": {}}})] == [
        (one["manager"], one["operation"], one["fieldsV1"]) for one in found
    ]


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        (("apps/v1beta1",), "apps/v1beta1"),
        (("apps/v1beta1", "apps/v1beta2"), "apps/v1beta2"),
        (("apps/v1beta1", "apps/v1"), "apps/v1"),
    ],
)
def test_takeover_makes_one_entry_of_one_version(versions: tuple[str, ...], chosen: str) -> None:
    entries = [
        entry({version: {}}, "argocd-controller", "Update", apiVersion=version, time=f"2026-01-0{day}T00:00:00Z")
        for day, version in enumerate(versions, start=1)
    ]

    found = taken_over(live(*entries), "apps/v1", TAKEOVER)

    assert found is not None
    assert [(chosen, {chosen: {}})] == [(one["apiVersion"], one["fieldsV1"]) for one in found]


def test_nothing_to_take_over_is_none() -> None:
    manifest = live(entry(FIELDS), entry({}, "argocd-controller", "Update", subresource="status"))

    assert taken_over(manifest, "apps/v1", TAKEOVER) is None
    assert not has_legacy(manifest, TAKEOVER)


def adopted(fields: Any, theirs: Any, *others: Any, **content: Any) -> Any:
    """Return a prediction of `content`, of which we apply `fields` and kubectl has set `theirs`."""
    managed = [entry(fields, apiVersion="v1"), {**KUBECTL, "fieldsV1": theirs}, *others]
    return {"apiVersion": "v1", "kind": "Any", "metadata": {"name": "x", "managedFields": managed}, **content}


@pytest.mark.parametrize(
    ("theirs", "goes"),
    [
        ({"f:data": {".": {}, "f:a": {}, "f:old": {}}}, [("data", "old")]),
        ({"f:data": {".": {}, "f:gone": {}}}, []),
        ({"f:spec": {"f:replicas": {}}}, [("spec", "replicas")]),
        ({"f:spec": {"f:ports": {".": {}, 'k:{"name":"x"}': {".": {}, "f:name": {}}}}}, [("spec", "ports")]),
        ({"f:args": {"i:1": {}, 'v:"a"': {}}}, [("args", 1), ("args", 0)]),
        ({"f:set": {'v:"a"': {}, 'v:"b"': {}}}, [("set", 0)]),
        ({"f:items": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:v": {}}}}, [("items", WEB, "v")]),
        ({"f:items": {'k:{"name":"b"}': {".": {}, "f:name": {}}}}, [("items", Item((("name", "b"),)))]),
        ({"f:whole": {"f:below": {}}}, []),
    ],
)
def test_what_goes_is_what_only_the_legacy_manager_set(theirs: Any, goes: Any) -> None:
    target = {
        "data": {"a": "1"},
        "items": [{"name": "web", "image": "web:1"}],
        "whole": {"below": 1},
        "set": ["b", "c"],
    }
    predicted = adopted(
        {},
        theirs,
        data={"a": "1", "old": "2"},
        spec={"replicas": 3, "ports": [{"name": "x"}]},
        args=["a", "b"],
        items=[{"name": "web", "image": "web:1", "v": 1}, {"name": "b"}],
        whole={"below": 1},
        set=["a", "b"],
    )

    assert tuple(goes) == taken_away(target, predicted, TAKEOVER)


def test_what_others_have_set_too_or_have_something_in_does_not_go() -> None:
    theirs: dict[str, Any] = {"f:spec": {"f:a": {}, "f:b": {".": {}, "f:x": {}, "f:y": {}}}}
    scaler = {"manager": "scaler", "operation": "Update", "apiVersion": "v1", "subresource": "scale"}
    others = [{**scaler, "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {"f:x": {}}}}}]

    goes = taken_away({}, adopted({}, theirs, *others, spec={"a": 1, "b": {"x": 1, "y": 2}}), TAKEOVER)

    assert (("spec", "b", "y"),) == goes


def test_who_is_left_with_a_map_alone_keeps_nothing_in_it() -> None:
    theirs = {"f:metadata": {"f:labels": {".": {}, "f:team": {}}}, "f:data": {".": {}, "f:old": {}}}
    others = [entry({"f:metadata": {"f:labels": {}}, "f:data": {}}, "controller", "Update", apiVersion="v1")]
    predicted = adopted({}, theirs, *others, data={"old": "1"})
    predicted["metadata"]["labels"] = {"team": "x"}

    assert (("metadata", "labels", "team"), ("data", "old")) == taken_away({}, predicted, TAKEOVER)


def test_what_tools_keep_for_themselves_is_not_told_and_other_labels_are() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "argocd.argoproj.io/tracking-id": "a"}
    theirs = {"f:metadata": {"f:annotations": {".": {}, **named(annotations)}, "f:labels": {".": {}, "f:team": {}}}}
    predicted = adopted({}, theirs)
    predicted["metadata"] |= {"annotations": annotations, "labels": {"team": "x"}}

    assert (("metadata", "labels", "team"),) == taken_away({}, predicted, TAKEOVER)


def test_what_would_go_is_out_of_sync_and_to_adopt() -> None:
    theirs = {**KUBECTL, "fieldsV1": {"f:data": {".": {}, "f:a": {}, "f:old": {}}}}
    before = body({"a": "1", "old": "2"}, fields=None)
    before = {**before, "metadata": {**before["metadata"], "managedFields": [theirs]}}
    predicted = body({"a": "1"})

    settled = settle(doubt(view=None), Predicted(predicted, (("data", "old"),)), before)

    assert (SyncStatus.OUT_OF_SYNC, True) == (settled.status, settled.adopt)
    assert [(".data.old", Explanation.TAKEN_OVER)] == [(each.path, each.explanation) for each in settled.differences]
    assert ["kubectl-client-side-apply"] == [each.manager for each in settled.differences[0].writers]


def test_what_would_go_and_is_filled_in_again_is_in_sync_and_to_adopt() -> None:
    before = body({"a": "1", "old": "2"}, fields=None)

    settled = settle(doubt(view=None), Predicted(body({"a": "1", "old": "2"}), (("data", "old"),)), before)

    assert (SyncStatus.SYNCED, True) == (settled.status, settled.adopt)


@pytest.mark.parametrize("garbage", [None, "text", [None, 5, "x"], {"manager": "kubectl-client-side-apply"}])
def test_managed_fields_of_a_wrong_shape_are_nobodys(garbage: Any) -> None:
    manifest = {"apiVersion": "v1", "metadata": {"managedFields": garbage}}

    assert not has_legacy(manifest, TAKEOVER)
    assert () == taken_away({}, manifest, TAKEOVER)


def test_what_the_server_does_not_take_as_it_is_is_never_in_sync() -> None:
    theirs = body({"a": "1", "b": "2"}, fields={"f:data": {"f:a": {}}})
    predicted = body({"a": "1", "b": "3"}, fields={"f:data": {"f:a": {}}})

    assert SyncStatus.SYNCED is settle(doubt(), Predicted(predicted), theirs).status
    assert SyncStatus.OUT_OF_SYNC is settle(doubt(), Predicted(predicted, blocked=True), theirs).status


def test_what_is_in_the_way_of_what_is_ours_is_an_edit_or_a_default_and_nothing_to_adopt() -> None:
    edit = {**KUBECTL, "manager": "kubectl-edit", "fieldsV1": {"f:data": {"f:by": {}}}}
    before = body({"a": "1", "by": "hand", "default": "x"}, fields={"f:data": named({"a": "1"})})
    meta = {**before["metadata"], "managedFields": [*before["metadata"]["managedFields"], edit]}
    takes = (("data", "by"), ("data", "default"))

    settled = settle(doubt(), Predicted(body({"a": "1"}), takes), {**before, "metadata": meta})

    assert (SyncStatus.OUT_OF_SYNC, False) == (settled.status, settled.adopt)
    assert {".data.by": Explanation.DRIFT, ".data.default": Explanation.DEFAULTED} == {
        each.path: each.explanation for each in settled.differences
    }
