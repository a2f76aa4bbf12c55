"""What errors carry beside their words comes along wherever they go."""

from __future__ import annotations

import orjson
import pytest

from gitopsd.errors import (
    BaseNotLent,
    Details,
    GitopsError,
    InvalidManifest,
    InvalidPolicy,
    LfsObject,
    NotLent,
    PartNotFetched,
    PolicyLines,
    Submodule,
    WorkerFailed,
    error_from_json,
    error_to_json,
)

CARRY = [
    PartNotFetched("a submodule", remedy="wait", details=Submodule("m", "lib", "a" * 40)),
    PartNotFetched("an object", remedy="wait", details=LfsObject("m", "b" * 64, 7)),
    BaseNotLent("two bases", remedy="wait", details=NotLent(("base/x", "base/y"))),
    InvalidPolicy("two lines", remedy="mend them", details=PolicyLines(("policy.csv:1", "policy.csv:3"))),
    InvalidManifest("a.yaml:3: no kind", remedy="write one"),
]


@pytest.mark.parametrize("err", CARRY)
def test_error_comes_out_of_json_as_it_went_in(err: GitopsError) -> None:
    back = error_from_json(*orjson.loads(orjson.dumps(error_to_json(err))))

    assert (type(err), err.what, err.remedy, err.details) == (type(back), back.what, back.remedy, back.details)


def test_every_kind_of_details_goes_through_json() -> None:
    carried = {type(err.details).__name__ for err in CARRY if err.details is not None}

    assert {kind.__name__ for kind in Details.__subclasses__()} == carried


def test_error_of_a_class_that_is_not_known_is_a_failed_worker() -> None:
    back = error_from_json("Details", "odd", "mend it")

    assert (WorkerFailed, "Details: odd") == (type(back), back.what)


@pytest.mark.parametrize("err", CARRY)
def test_error_in_other_words_is_another_one_that_carries_the_same(err: GitopsError) -> None:
    other = err.again("otherwise")

    assert other is not err
    assert (type(err), "otherwise", err.remedy, err.details) == (type(other), other.what, other.remedy, other.details)
