"""What puts an object out of sync is what Git says or has said, not what admission makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.compare.prediction import settle
from gitopsd.core.compare.verdict import Basis, Doubtful, verdict
from gitopsd.model.command import Inapplicable, Predicted
from gitopsd.model.comparison import Pair, Remembered, SyncStatus
from gitopsd.model.ids import TargetHash, ViewHash
from gitopsd.reconcile.compare import question_of
from tests.core.bodies import KEY, SHOWN, TARGET, body, doubt
from tests.core.lives import found

POLICYS: Any = {"a": "1", "policy": "12:00"}


@pytest.mark.parametrize(
    ("predicted", "live"),
    [(POLICYS, {"a": "1"}), ({"a": "1"}, POLICYS), (POLICYS, {"a": "1", "policy": "11:00"})],
    ids=["added", "removed", "changed"],
)
def test_what_a_policy_does_to_a_field_that_git_never_set_puts_nothing_out_of_sync(predicted: Any, live: Any) -> None:
    ours: Any = {"f:data": {"f:a": {}}}

    settled = settle(doubt(), Predicted(body(predicted, fields=ours)), body(live, fields=ours))

    assert (SyncStatus.SYNCED, SHOWN, ()) == (settled.status, settled.remember, settled.differences)


def test_what_a_policy_does_counts_where_the_application_asks_for_it() -> None:
    ours: Any = {"f:data": {"f:a": {}}}
    asked = replace(doubt(), mutations=True)

    settled = settle(asked, Predicted(body(POLICYS, fields=ours)), body({"a": "1"}, fields=ours))

    assert SyncStatus.OUT_OF_SYNC is settled.status
    assert question_of(asked) != question_of(doubt())


@pytest.mark.parametrize(
    ("predicted", "live"),
    [
        (body({"a": "2"}), body({"a": "1"})),
        (body({"a": "1", "b": "1"}), body({"a": "1"})),
        (body({"a": "1"}), body({"a": "1", "b": "1"})),
        (body(POLICYS, fields={"f:data": {}}), body({"a": "1"}, fields={"f:data": {"f:a": {}}})),
        (body(POLICYS, fields=None), body({"a": "1"})),
        (body(POLICYS, fields={"f:data": {"f:a": {}, "f:b": 1}}), body({"a": "1"})),
    ],
    ids=["a policy changes it", "Git sets it", "Git has set it", "ours whole", "ours unknown", "ours unreadable"],
)
def test_what_happens_to_a_field_that_git_sets_or_has_set_puts_it_out_of_sync(predicted: Any, live: Any) -> None:
    assert SyncStatus.OUT_OF_SYNC is settle(doubt(), Predicted(predicted), live).status


def test_names_of_another_version_do_not_tell_whose_a_difference_is() -> None:
    live = body({"a": "1"}, fields={"f:data": {"f:a": {}}})
    (entry,) = live["metadata"]["managedFields"]
    old = {**live, "metadata": {**live["metadata"], "managedFields": [{**entry, "apiVersion": "v1beta1"}]}}

    settled = settle(doubt(), Predicted(body(POLICYS, fields={"f:data": {"f:a": {}}})), old)

    assert SyncStatus.OUT_OF_SYNC is settled.status


@pytest.mark.parametrize("kind", ["invalid", "forbidden", "no-dry-run"])
def test_what_is_as_it_was_shown_in_sync_stays_so_though_the_server_would_not_take_it_again(kind: Any) -> None:
    asked = verdict(Pair(KEY, TARGET, found(KEY)), TARGET, Basis(TargetHash("t"), admission="later"), SHOWN)
    assert isinstance(asked, Doubtful)

    settled = settle(asked, Inapplicable(422, "denied by a policy", kind), body())

    assert (SyncStatus.SYNCED, None) == (settled.status, settled.remember)
    assert "denied by a policy" in settled.reason


@pytest.mark.parametrize(
    "remembered",
    [
        Remembered(TargetHash("other"), ViewHash("view"), "", "adm"),
        Remembered(TargetHash("t"), ViewHash("other"), "", "adm"),
        Remembered(TargetHash("t"), ViewHash("view"), "other", "adm"),
    ],
    ids=["target", "view", "rules"],
)
def test_refusal_of_anything_else_is_out_of_sync(remembered: Remembered) -> None:
    asked = verdict(Pair(KEY, TARGET, found(KEY)), TARGET, Basis(TargetHash("t"), admission="later"), remembered)
    assert isinstance(asked, Doubtful)

    assert SyncStatus.OUT_OF_SYNC is settle(asked, Inapplicable(422, "denied", "invalid"), body()).status
