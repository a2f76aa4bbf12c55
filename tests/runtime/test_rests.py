"""How long an input rests that had to be stopped."""

from __future__ import annotations

from gitopsd.runtime.rests import FIRST_S, LONGEST_S, Rests


def test_each_stop_of_the_same_content_makes_the_rest_longer() -> None:
    rests: Rests[str] = Rests()

    assert [FIRST_S, 2 * FIRST_S, 4 * FIRST_S] == [rests.stopped("x", 0.0, "slow", content="a") for _ in range(3)]
    assert LONGEST_S == [rests.stopped("x", 0.0, "slow", content="a") for _ in range(60)][-1]
    assert (LONGEST_S - 10, "slow") == rests.left_s("x", 10.0, "a")
    assert (0.0, "slow") == rests.left_s("x", LONGEST_S, "a")


def test_another_content_rests_as_long_as_the_last_try_took() -> None:
    rests: Rests[str] = Rests()
    rests.stopped("x", 100.0, "slow", took_s=30.0, content="a")

    assert 20.0 == rests.left_s("x", 110.0, "b")[0]
    assert 0.0 == rests.left_s("x", 130.0, "b")[0]
    assert FIRST_S == rests.stopped("x", 200.0, "slow", took_s=30.0, content="b")


def test_what_went_well_and_what_is_another_does_not_rest() -> None:
    rests: Rests[str] = Rests()
    rests.stopped("x", 0.0, "slow")
    rests.went_well("x")

    assert (0.0, "") == rests.left_s("x", 1.0)
    assert (0.0, "") == rests.left_s("y", 1.0)
