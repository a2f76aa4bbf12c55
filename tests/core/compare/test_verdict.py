"""Verdicts in both directions: what differs is never green, what does not differ is never red."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.compare.ignore_rules import Rules
from gitopsd.core.compare.pairing import pairs
from gitopsd.core.compare.prediction import settle
from gitopsd.core.compare.verdict import Basis, Doubtful, comparison, extra, verdict, verdicts
from gitopsd.core.target.target import target_of
from gitopsd.core.target.tracking import ARGOCD_TRACKING_ID, TRACKING_ID, Tracking, track
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.command import Inapplicable, Predicted
from gitopsd.model.comparison import (
    Absent,
    Compared,
    Difference,
    Explanation,
    Pair,
    Reading,
    Remembered,
    SyncStatus,
    Unreadable,
    Unserved,
)
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import ResourceVersion, TargetHash, ViewHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.reconcile.compare import question_of
from tests.core.bodies import BASIS, KEY, SHOWN, TARGET, body, doubt, named
from tests.core.frozen import frozen
from tests.core.lives import SHOP, config_key, found, live_of, manifest_of


def test_same_four_hashes_are_in_sync_without_asking() -> None:
    pair = Pair(KEY, TARGET, found(KEY))

    assert Compared(pair, SyncStatus.SYNCED) == verdict(pair, TARGET, BASIS, SHOWN)


@pytest.mark.parametrize(
    "remembered",
    [
        None,
        Remembered(TargetHash("other"), ViewHash("view"), "", "adm"),
        Remembered(TargetHash("t"), ViewHash("other"), "", "adm"),
        Remembered(TargetHash("t"), ViewHash("view"), "other", "adm"),
        Remembered(TargetHash("t"), ViewHash("view"), "", "other"),
    ],
    ids=["nothing", "target", "view", "rules", "admission"],
)
def test_any_other_hash_is_doubtful(remembered: Remembered | None) -> None:
    assert isinstance(verdict(Pair(KEY, TARGET, found(KEY)), TARGET, BASIS, remembered), Doubtful)


def test_object_we_do_not_own_is_doubtful() -> None:
    assert isinstance(verdict(Pair(KEY, TARGET, found(KEY, view=None)), TARGET, BASIS, SHOWN), Doubtful)


@pytest.mark.parametrize(
    ("reading", "status", "health"),
    [
        (Absent(), SyncStatus.OUT_OF_SYNC, HealthStatus.MISSING),
        (Unserved(), SyncStatus.OUT_OF_SYNC, HealthStatus.MISSING),
        (Unreadable("403"), SyncStatus.UNKNOWN, HealthStatus.UNKNOWN),
        (Unreadable("listing", pending=True), SyncStatus.UNKNOWN, HealthStatus.UNKNOWN),
    ],
)
def test_what_is_not_there_and_what_is_not_known_are_two_things(
    reading: Any, status: SyncStatus, health: HealthStatus
) -> None:
    found_so = verdict(Pair(KEY, TARGET, reading), TARGET, BASIS, SHOWN)

    assert isinstance(found_so, Compared)
    assert status is found_so.status
    assert found_so.health is not None
    assert health is found_so.health.status


def test_equal_prediction_is_in_sync_and_remembered() -> None:
    settled = settle(doubt(), Predicted(body()), body())

    assert SyncStatus.SYNCED is settled.status
    assert SHOWN == settled.remember
    assert not settled.adopt


def test_any_changed_value_is_out_of_sync_with_its_path() -> None:
    settled = settle(doubt(), Predicted(body({"a": "1"})), body({"a": "2"}))

    assert SyncStatus.OUT_OF_SYNC is settled.status
    assert [(".data.a", "2", "1")] == [(each.path, each.live, each.predicted) for each in settled.differences]
    assert settled.remember is None


@pytest.mark.parametrize(
    ("predicted", "live"),
    [
        ({"a": None}, {}),
        ({"a": True}, {"a": 1}),
        ({"a": 0}, {"a": False}),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}),
        ({"a": {}}, {"a": []}),
        ({"a": ""}, {"a": None}),
    ],
)
def test_values_that_only_look_alike_differ(predicted: Any, live: Any) -> None:
    settled = settle(doubt(), Predicted(body({"d": predicted})), body({"d": live}))

    assert SyncStatus.OUT_OF_SYNC is settled.status
    assert settled.differences


@pytest.mark.parametrize(
    ("predicted_version", "live_version"), [("8", "7"), ("7", "8"), ("8", "8")], ids=["server", "body", "mirror"]
)
def test_answer_about_another_version_says_nothing(predicted_version: str, live_version: str) -> None:
    settled = settle(doubt(), Predicted(body(version=predicted_version)), body(version=live_version))

    assert SyncStatus.UNKNOWN is settled.status
    assert settled.remember is None


def test_object_that_went_meanwhile_is_unknown() -> None:
    assert SyncStatus.UNKNOWN is settle(doubt(), Predicted(body()), None).status


def test_values_of_the_server_alone_do_not_count() -> None:
    predicted, live = body(), body()
    predicted = {**predicted, "metadata": {**predicted["metadata"], "generation": 2}}

    assert SyncStatus.SYNCED is settle(doubt(), Predicted(predicted), live).status


def test_equal_values_owned_by_others_are_synced_and_to_adopt() -> None:
    settled = settle(doubt(view=None), Predicted(body()), body(fields=None))

    assert (SyncStatus.SYNCED, True, None) == (settled.status, settled.adopt, settled.remember)


OURS = "shop:/ConfigMap:prod/x"
TRACKED = track(TARGET, SHOP)


@pytest.mark.parametrize("annotations", [None, {}, {"note": "x"}, {ARGOCD_TRACKING_ID: OURS}])
def test_object_that_was_never_ours_lacks_no_tracking_id(annotations: Any) -> None:
    predicted = body(annotations={**(annotations or {}), TRACKING_ID: OURS})
    asked = doubt(target=TRACKED, view=None, tracking=None)

    settled = settle(asked, Predicted(predicted), body(annotations=annotations, fields=None))

    assert (SyncStatus.SYNCED, True) == (settled.status, settled.adopt)


@pytest.mark.parametrize(
    ("annotations", "view"),
    [
        ({TRACKING_ID: "other:/ConfigMap:prod/x"}, None),
        ({ARGOCD_TRACKING_ID: "other:/ConfigMap:prod/x"}, None),
        ({}, ViewHash("view")),
    ],
    ids=["another application's", "another one's in Argo CD", "ours, and its tracking id was taken away"],
)
def test_tracking_id_that_somebody_changed_is_a_difference(annotations: Any, view: Any) -> None:
    predicted = body(annotations={**annotations, TRACKING_ID: OURS})

    settled = settle(doubt(target=TRACKED, view=view), Predicted(predicted), body(annotations=annotations))

    assert SyncStatus.OUT_OF_SYNC is settled.status
    assert ["tracking-id" in each.path for each in settled.differences] == [True]


def test_label_and_installation_that_are_to_come_are_no_drift_of_what_was_never_ours() -> None:
    tracking = Tracking("app.kubernetes.io/instance", installation="one")
    labelled = frozen(track(TARGET, SHOP, tracking))
    basis = Basis(TargetHash("t"), admission="adm", tracking=tracking)
    live = body(fields={})
    fields = {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": named(labelled["metadata"]["labels"])}}
    meta = {**body(fields=fields)["metadata"], **labelled["metadata"]}
    predicted = {**body(), "metadata": meta}

    settled = settle(doubt(basis, target=labelled, view=None), Predicted(predicted), live)
    other = {**live, "metadata": {**live["metadata"], "labels": {tracking.label: "other"}}}
    labelled_otherwise = settle(doubt(basis, target=labelled, view=None), Predicted(predicted), other)

    assert (SyncStatus.SYNCED, True) == (settled.status, settled.adopt)
    assert SyncStatus.OUT_OF_SYNC is labelled_otherwise.status


def test_field_that_somebody_took_from_us_is_to_adopt() -> None:
    settled = settle(doubt(), Predicted(body()), body(fields={"f:data": {}}))

    assert (SyncStatus.SYNCED, True, None) == (settled.status, settled.adopt, settled.remember)


def test_ignored_path_does_not_count_and_is_not_taken_back() -> None:
    basis = Basis(TargetHash("t"), Rules((("data", "a"),)), "adm")

    settled = settle(doubt(basis), Predicted(body({"a": "1"})), body({"a": "2"}, fields={"f:data": {}}))

    assert (SyncStatus.SYNCED, False) == (settled.status, settled.adopt)
    assert Remembered(TargetHash("t"), ViewHash("view"), basis.rules.hash, "adm") == settled.remember


def test_ignored_path_hides_no_other() -> None:
    basis = Basis(TargetHash("t"), Rules((("data", "a"),)), "adm")

    settled = settle(doubt(basis), Predicted(body({"a": "1", "b": "1"})), body({"a": "2", "b": "2"}))

    assert [".data.b"] == [each.path for each in settled.differences]


def test_refused_target_is_out_of_sync_with_the_servers_words() -> None:
    settled = settle(doubt(), Inapplicable(422, "spec.x: Invalid value", "invalid"), body())

    assert (SyncStatus.OUT_OF_SYNC, True, False) == (settled.status, settled.refused, settled.unconfirmed)
    assert "spec.x: Invalid value" in settled.reason


@pytest.mark.parametrize("kind", ["forbidden", "no-dry-run"])
def test_where_nobody_may_ask_it_is_out_of_sync_unconfirmed(kind: str) -> None:
    settled = settle(doubt(), Inapplicable(403, "no", kind), None)

    assert (SyncStatus.OUT_OF_SYNC, False, True) == (settled.status, settled.refused, settled.unconfirmed)


def test_refused_secret_keeps_its_value_to_itself() -> None:
    key = config_key(kind="Secret")
    target = manifest_of(key, data={"a": "aHVudGVyMg=="})

    settled = settle(doubt(key=key, target=target), Inapplicable(422, "hunter2 or aHVudGVyMg==", "invalid"), None)

    assert "hunter2" not in settled.reason
    assert "aHVudGVyMg==" not in settled.reason


@pytest.mark.parametrize("pointer", [("kind",), ("metadata",), ("apiVersion",)])
def test_no_rule_lifts_the_mask_of_a_secret(pointer: tuple[str, ...]) -> None:
    basis = Basis(TargetHash("t"), Rules((pointer,)), "adm")
    predicted, live = body({"a": "c2VjcmV0MQ=="}), body({"a": "c2VjcmV0Mg=="})

    settled = settle(doubt(basis), Predicted({**predicted, "kind": "Secret"}), {**live, "kind": "Secret"})

    assert SyncStatus.OUT_OF_SYNC is settled.status
    assert "c2VjcmV0" not in repr(settled.differences)


def test_deeply_nested_live_object_is_unknown_and_does_not_raise() -> None:
    one: Any = 1
    other: Any = 1
    for _ in range(3000):
        one, other = {"a": one}, {"a": other}

    deep, live = body(), body()
    settled = settle(doubt(), Predicted({**deep, "data": one}), {**live, "data": other})

    assert SyncStatus.UNKNOWN is settled.status


def test_extra_object_requires_pruning() -> None:
    assert SyncStatus.OUT_OF_SYNC is extra(Pair(KEY, None, found(KEY))).status


def of(status: SyncStatus, target: Any = TARGET, **live: Any) -> Compared:
    return Compared(Pair(KEY, target, found(KEY, **live)), status)


@pytest.mark.parametrize(
    ("expected", "statuses"),
    [
        (SyncStatus.SYNCED, []),
        (SyncStatus.SYNCED, [SyncStatus.SYNCED]),
        (SyncStatus.OUT_OF_SYNC, [SyncStatus.SYNCED, SyncStatus.OUT_OF_SYNC]),
        (SyncStatus.UNKNOWN, [SyncStatus.OUT_OF_SYNC, SyncStatus.UNKNOWN]),
    ],
)
def test_application_is_unknown_before_it_is_out_of_sync(expected: SyncStatus, statuses: list[SyncStatus]) -> None:
    assert expected is comparison(map(of, statuses), TargetHash("all")).status


def test_extraneous_object_that_says_so_does_not_count() -> None:
    marks = (("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),)

    assert SyncStatus.SYNCED is comparison([of(SyncStatus.OUT_OF_SYNC, None, marks=marks)], None).status
    assert SyncStatus.OUT_OF_SYNC is comparison([of(SyncStatus.OUT_OF_SYNC, TARGET, marks=marks)], None).status


def test_application_does_as_badly_as_its_worst_object() -> None:
    bad = Health(HealthStatus.DEGRADED, "crash")
    resources = [of(SyncStatus.SYNCED), Compared(Pair(KEY, TARGET, Absent()), SyncStatus.SYNCED, health=bad)]

    assert bad == comparison(resources, None).health


def test_whole_application_is_judged_by_its_own_rules_and_hashes() -> None:
    manifests = [manifest_of(config_key(name)) for name in "abc"]
    target = target_of(SHOP, "prod", manifests, lambda _: True)
    a, b, c, old = (config_key(name) for name in ("a", "b", "c", "old"))
    readings: dict[ResourceKey, Reading] = {a: found(a), b: found(b), c: Absent(), old: found(old)}
    remembered = {key: Remembered(target.hashes[key], ViewHash("view"), "", "adm") for key in (a, b)}
    ignored = [IgnoreDifference("", "ConfigMap", name="b", json_pointers=("/data",))]

    settled, doubtful = verdicts(pairs(SHOP, target.objects, readings), target, remembered, ignored, lambda _: "adm")

    assert [(a, SyncStatus.SYNCED), (c, SyncStatus.OUT_OF_SYNC), (old, SyncStatus.OUT_OF_SYNC)] == [
        (each.pair.key, each.status) for each in settled
    ]
    assert [b] == [each.pair.key for each in doubtful]


def test_question_changes_with_the_live_object() -> None:
    one = doubt()

    assert question_of(one) == question_of(doubt())
    assert question_of(one) != question_of(doubt(resource_version=ResourceVersion("8")))
    assert live_of(KEY).resource_version in question_of(one)


def test_object_that_was_there_and_is_gone_has_drifted() -> None:
    missing = Pair(KEY, TARGET, Absent())

    gone, fresh = (verdict(missing, TARGET, BASIS, remembered) for remembered in (SHOWN, None))

    assert isinstance(gone, Compared)
    assert isinstance(fresh, Compared)
    assert (Explanation.DRIFT, Explanation.NOT_APPLIED) == (gone.explanation, fresh.explanation)
    assert Explanation.REMOVED is extra(Pair(KEY, None, found(KEY))).explanation


def test_reason_of_a_difference_is_told_by_what_was_shown_in_sync_before() -> None:
    pair = Pair(KEY, TARGET, found(KEY, view=ViewHash("other")))
    reasons: list[Difference] = []
    for remembered in (SHOWN, Remembered(TargetHash("other"), ViewHash("view"), "", "adm")):
        asked = verdict(pair, TARGET, BASIS, remembered)
        assert isinstance(asked, Doubtful)
        reasons += settle(asked, Predicted(body({"a": "1"})), body({"a": "2"})).differences

    assert [Explanation.DRIFT, Explanation.NOT_APPLIED] == [each.explanation for each in reasons]
    assert ["1", "1"] == [each.target for each in reasons]


def test_target_of_a_secret_is_masked_like_its_states() -> None:
    key = ResourceKey("", "Secret", "prod", "x")
    target = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "namespace": "prod"},
        "data": {"a": "eA=="},
    }
    predicted, live = ({**body({"a": value}), "kind": "Secret"} for value in ("eA==", "eQ=="))

    (difference,) = settle(doubt(key=key, target=target), Predicted(predicted), live).differences

    assert difference.target == difference.predicted
    assert difference.target != difference.live
    assert {"+"} == set(difference.target) | set(difference.live)
