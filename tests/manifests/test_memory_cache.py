from __future__ import annotations

import os

from gitopsd.manifests.memory_cache import KEPT_S, MemoryCache


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_an_outcome_is_found_by_its_key_alone() -> None:
    near = MemoryCache(Clock())
    near.put("a", b"outcome")

    assert (b"outcome", None) == (near.get("a"), near.get("b"))


def test_the_one_used_longest_ago_makes_room() -> None:
    near = MemoryCache(Clock(), most_bytes=9_000)
    for key in "abcdefgh":
        near.put(key, os.urandom(1_000))
    near.get("a")
    near.put("i", os.urandom(1_000))

    assert near.get("a") is not None
    assert near.get("b") is None


def test_one_that_would_push_out_much_of_the_rest_is_not_kept() -> None:
    near = MemoryCache(Clock(), most_bytes=8_000)
    near.put("a", b"small")
    near.put("b", os.urandom(2_000))

    assert (b"small", None) == (near.get("a"), near.get("b"))


def test_putting_the_same_again_takes_no_more_room() -> None:
    near = MemoryCache(Clock(), most_bytes=9_000)
    near.put("a", b"first")
    for _ in range(20):
        near.put("b", os.urandom(1_000))

    assert b"first" == near.get("a")


def test_after_a_while_it_is_asked_for_elsewhere_so_that_it_lives_on_there() -> None:
    clock = Clock()
    near = MemoryCache(clock)
    near.put("a", b"outcome")
    clock.now_s = KEPT_S + 1

    assert near.get("a") is None
