"""What an admission hash is over, and from when a change of policies counts."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.live.admission import LATE_S, SETTLE_S, Admission
from gitopsd.live.decode import Decoder
from gitopsd.live.kinds import VersionStore
from gitopsd.model.manifest import GVK

POD = GVK("", "v1", "Pod")
HOOKS = GVK("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration")


class World:
    """The webhook configurations of a cluster, and a clock."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.followed: dict[GVK, VersionStore] = {}
        self.admission = Admission(self.followed, {}, self.clock)
        self.hooks = self.followed[HOOKS] = VersionStore(HOOKS, Decoder(()), self.clock, self.admission.changed)

    def clock(self) -> float:
        return self.now_s

    def put(self, version: str) -> None:
        self.hooks.put({"metadata": {"name": "hook", "resourceVersion": version}})

    @property
    def hash(self) -> str:
        return self.admission.hash_of(POD, None)


@pytest.fixture
def world() -> World:
    found = World()
    found.hooks.begin()
    found.put("1")
    found.hooks.end()
    return found


def test_what_was_listed_first_is_in_force(world: World) -> None:
    first = world.hash
    world.now_s += SETTLE_S

    assert first == world.hash  # so that a restart asks for nothing again


def test_hash_of_a_new_policy_is_another_until_the_server_answers_by_it(world: World) -> None:
    hashes: list[Any] = [world.hash]
    world.put("2")
    hashes.append(world.hash)
    world.now_s += SETTLE_S
    hashes.append(world.hash)
    world.now_s += SETTLE_S

    assert 3 == len(set(hashes))
    assert hashes[-1] == world.hash


def test_policy_that_went_counts_like_a_new_one(world: World) -> None:
    first = world.hash
    world.put("2")
    world.now_s += SETTLE_S
    world.hooks.drop({"metadata": {"name": "hook"}})
    soon = world.hash
    world.now_s += SETTLE_S

    assert 3 == len({first, soon, world.hash})


def test_what_is_asked_soon_after_a_change_is_to_be_asked_again_and_once_more(world: World) -> None:
    assert world.admission.settles_s() is None
    world.put("2")
    told, hashes = [], []
    for step_s in (0.0, 1.0, SETTLE_S - 1.0, LATE_S - SETTLE_S):
        world.now_s += step_s
        told.append(world.admission.settles_s())
        hashes.append(world.hash)

    assert [SETTLE_S, SETTLE_S - 1.0, LATE_S - SETTLE_S, None] == told
    assert hashes[0] == hashes[1]
    assert 3 == len(set(hashes))
