"""A verdict with what is live beside Git: counted, or out of sync, as is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.compare.extra import after_heal, extra_of, fields_to_heal, is_asked_about, with_extra
from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, NO_RULES, ExpressionPaths, Rules
from gitopsd.model.application import ExtraFields
from gitopsd.model.comparison import Compared, Difference, Explanation, Pair, SyncStatus
from tests.core.bodies import KEY, TARGET, body
from tests.core.lives import config_key, found, manifest_of

PERSON = {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "v1"}
SYNCED = Compared(Pair(KEY, TARGET, found(KEY)), SyncStatus.SYNCED)


def edited(**data: str) -> Any:
    """Return the target with `data` that a person has added."""
    made = body({"a": "1"})
    meta = made["metadata"]
    theirs = {**PERSON, "fieldsV1": {"f:data": {f"f:{name}": {} for name in data}}}
    return {**made, "metadata": {**meta, "managedFields": [*meta["managedFields"], theirs]}, "data": {"a": "1", **data}}


def extra(live: Any, rules: Rules = NO_RULES, places: ExpressionPaths = NO_EXPRESSION_PATHS) -> tuple[Difference, ...]:
    return extra_of(TARGET, live, rules, places)


def test_extra_is_told_with_who_added_it() -> None:
    (only,) = extra(edited(b="2"))

    assert (".data.b", "2", "(absent)", "(absent)") == (only.path, only.live, only.predicted, only.target)
    assert (Explanation.ADDED, "kubectl-edit") == (only.explanation, only.writers[0].manager)


def test_shown_it_counts_and_the_object_stays_synced() -> None:
    told = with_extra(SYNCED, extra(edited(b="2", c="3")), ExtraFields.SHOW)

    assert (SyncStatus.SYNCED, 2, (), "") == (told.status, len(told.extra), told.differences, told.reason)


def test_to_be_healed_it_is_out_of_sync_and_what_goes_is_known() -> None:
    told = with_extra(SYNCED, extra(edited(b="2")), ExtraFields.HEAL)

    assert (SyncStatus.OUT_OF_SYNC, told.extra) == (told.status, told.differences)
    assert (("data", "b"),) == fields_to_heal(told)
    assert {"a": "1"} == after_heal(edited(b="2"), told)["data"]


@pytest.mark.words
def test_to_be_healed_it_says_who_added_how_many_fields() -> None:
    healed = with_extra(SYNCED, extra(edited(b="2")), ExtraFields.HEAL)

    assert "1 field that Git does not have, added by kubectl-edit" == healed.reason


def test_what_the_server_refuses_is_not_made_to_look_checked() -> None:
    refused = replace(SYNCED, status=SyncStatus.OUT_OF_SYNC, reason="refused", refused=True)

    told = with_extra(refused, extra(edited(b="2")), ExtraFields.HEAL)

    assert ((), 1) == (told.differences, len(told.extra))


def test_what_is_ignored_does_not_count_by_pointer_manager_or_expression() -> None:
    live = edited(b="2")

    assert () == extra(live, Rules(pointers=(("data", "b"),)))
    assert () == extra(live, Rules(managers=("kubectl-edit",)))
    assert () == extra(live, Rules(expressions=(".data.b",)), ExpressionPaths(live=(("data", "b"),)))
    assert 1 == len(extra(live, Rules(pointers=(("data", "c"),))))


def test_a_secrets_added_values_are_masked() -> None:
    key = config_key(kind="Secret")
    live = {**edited(b="aGlkZGVu"), "kind": "Secret"}

    (only,) = extra_of(manifest_of(key, data={"a": "1"}), live, NO_RULES, NO_EXPRESSION_PATHS)

    assert "++++++++" == only.live


def test_what_was_never_applied_or_is_going_or_unknown_is_not_asked_about() -> None:
    assert is_asked_about(SYNCED)
    for live in (found(KEY, view=None), found(KEY, deleting=True)):
        assert not is_asked_about(replace(SYNCED, pair=replace(SYNCED.pair, live=live)))
    assert not is_asked_about(replace(SYNCED, status=SyncStatus.UNKNOWN))
    assert not is_asked_about(replace(SYNCED, pair=replace(SYNCED.pair, target=None)))
