"""A Secret's values never show, and still compare."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.objects.mask import masked, without_values
from tests.core.frozen import frozen

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(**fields: Any) -> Any:
    return frozen({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, **fields})


def test_equal_values_look_equal_and_different_ones_differ() -> None:
    one, other = masked(secret(data={"a": "QQ==", "b": "Qg=="}), secret(data={"a": "QQ==", "b": "Qw=="}))

    assert one["data"]["a"] == other["data"]["a"]
    assert one["data"]["b"] != other["data"]["b"]


@given(one=st.dictionaries(st.sampled_from("ab"), st.text()), other=st.dictionaries(st.sampled_from("ab"), st.text()))
def test_masked_secrets_are_equal_exactly_where_the_values_are(one: dict[str, str], other: dict[str, str]) -> None:
    hidden_one, hidden_other = masked(secret(data=one), secret(data=other))

    assert (one == other) == (hidden_one == hidden_other)


@pytest.mark.parametrize("fields", [{"data": "hunter2"}, {"data": ["hunter2"]}, {"stringData": {"a": "hunter2"}},
                                    {"data": {"a": {"b": "hunter2"}}}, {"spec": {"a": "hunter2"}}])  # fmt: skip
def test_value_is_masked_wherever_it_was_put(fields: Any) -> None:
    (hidden,) = masked(secret(**fields))

    assert b"hunter2" not in orjson.dumps(hidden)


def test_annotations_that_may_hold_the_values_are_masked() -> None:
    annotations = {LAST_APPLIED: '{"data":{"a":"hunter2"}}', "gitopsd.io/tracking-id": "shop:/Secret:prod/x"}

    (hidden,) = masked(secret(metadata={"name": "x", "annotations": annotations}))

    assert {LAST_APPLIED: "++++++++", "gitopsd.io/tracking-id": "shop:/Secret:prod/x"} == hidden["metadata"][
        "annotations"
    ]


def test_what_is_no_secret_is_left_as_it_is() -> None:
    other = frozen({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}})

    assert (other,) == masked(other)


def test_refusal_is_shown_without_the_value_in_any_form() -> None:
    encoded = base64.b64encode(b'hunter"2').decode()
    text = f'cannot take "{encoded}", which is hunter"2 or hunter\\"2 or 12345'

    shown = without_values(text, secret(data={"a": encoded, "b": 12345}))

    assert 'cannot take "++++++++", which is ++++++++ or ++++++++ or ++++++++' == shown


def test_value_of_one_letter_is_masked_only_where_it_stands_alone() -> None:
    assert 'object is bad, not "++++++++"' == without_values('object is bad, not "b"', secret(data={"a": "Yg=="}))
