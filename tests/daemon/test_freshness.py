"""What is too old to go by is never shown as Synced or Healthy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gitopsd.core.drift.staleness import STALE, aged_nodes
from gitopsd.core.tree.owners import TreeNode
from gitopsd.daemon.freshness import Freshness, StaleSnapshot, turned
from gitopsd.model.application import Application
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Compared, Comparison, Found, Pair, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import ClusterId, RepoUrl
from gitopsd.model.manifest import GVK, GroupKind
from gitopsd.model.status import AppStatus
from gitopsd.settings import GitSettings, Settings
from tests.core.lives import config_key, live_of
from tests.fakes.backend import REPO, app_view

HEALTHY = Health(HealthStatus.HEALTHY)
CONFIG_MAP, OTHER = GroupKind("", "ConfigMap"), GroupKind("", "Secret")
C1 = ClusterId("c1")
LIVE: LiveObject = live_of(config_key())
PAIR = Pair(config_key(), {}, Found(LIVE))


def status(sync: SyncStatus = SyncStatus.SYNCED, health: Health = HEALTHY) -> AppStatus:
    return AppStatus(Comparison(sync, health, (Compared(PAIR, sync, health=health),)), (), C1)


APP: Application = app_view("shop").application


class World:
    """A repository and a cluster, as old as a test makes them."""

    def __init__(self) -> None:
        self.repo_s: float | None = 0.0
        self.kinds: frozenset[GroupKind] = frozenset()
        self.told: list[tuple[StaleSnapshot, StaleSnapshot]] = []
        self.asked_s = 0.0

    def repositories(self) -> Iterable[RepoUrl]:
        return [REPO]

    def age_s(self, repo: RepoUrl) -> float | None:
        return self.repo_s

    def silent(self, cluster: ClusterId, after_s: float) -> frozenset[GroupKind]:
        self.asked_s = after_s
        return self.kinds

    def freshness(self, **git: Any) -> Freshness:
        settings = replace(Settings(), git=replace(GitSettings(), **git))
        return Freshness(settings, self, self, [C1], lambda *both: self.told.append(both))


def seen(found: AppStatus) -> tuple[Any, ...]:
    (one,) = found.comparison.resources
    assert one.health is not None
    return found.comparison.status, found.comparison.health.status, one.status, one.health.status


def test_fresh_status_is_shown_as_it_is() -> None:
    world, known = World(), status()
    fresh = world.freshness()
    fresh.look()

    assert known is fresh.shown(APP, known)
    assert [] == world.told


def test_old_epoch_takes_synced_away_and_leaves_health() -> None:
    world, known = World(), status()
    fresh = world.freshness()
    world.repo_s = 601.0
    fresh.look()

    found = fresh.shown(APP, known)

    unknown, healthy = SyncStatus.UNKNOWN, HealthStatus.HEALTHY
    assert (unknown, healthy, unknown, healthy) == seen(found)
    assert [STALE] == [each.type for each in found.conditions]
    assert str(REPO) in found.stale[0]
    assert found is fresh.shown(APP, known)  # the same object, so that what was written of it may be kept


def test_silent_watch_takes_both_away_of_whom_it_concerns() -> None:
    world, fresh = World(), None
    fresh = world.freshness()
    world.kinds = frozenset({OTHER})
    fresh.look()
    known = status()
    assert known is fresh.shown(APP, known)

    world.kinds = frozenset({CONFIG_MAP, OTHER})
    fresh.look()

    unknown, unheard = SyncStatus.UNKNOWN, HealthStatus.UNKNOWN
    assert (unknown, unheard, unknown, unheard) == seen(fresh.shown(APP, known))
    assert ["ConfigMap" in text for text in fresh.shown(APP, known).stale] == [True]
    assert 600.0 == world.asked_s


def test_what_is_worse_stays() -> None:
    world = World()
    world.kinds = frozenset({CONFIG_MAP})
    fresh = world.freshness()
    fresh.look()

    found = fresh.shown(APP, status(SyncStatus.OUT_OF_SYNC, Health(HealthStatus.DEGRADED)))

    assert (SyncStatus.OUT_OF_SYNC, HealthStatus.DEGRADED) == seen(found)[:2]


def test_node_of_a_silent_kind_is_not_healthy_and_others_stay() -> None:
    pod, gvk, other = live_of(config_key("p")), GVK("", "v1", "Pod"), GVK("", "v1", "ConfigMap")
    degraded = Health(HealthStatus.DEGRADED)
    nodes = [
        TreeNode(gvk, pod, HEALTHY),
        TreeNode(gvk, pod, degraded),
        TreeNode(gvk, pod, None),
        TreeNode(other, LIVE, HEALTHY),
    ]

    found = [node.health and node.health.status for node in aged_nodes(nodes, {GroupKind("", "Pod")})]

    assert [HealthStatus.UNKNOWN, HealthStatus.DEGRADED, None, HealthStatus.HEALTHY] == found


def test_bound_is_never_below_three_polls() -> None:
    world = World()
    world.repo_s = 2999.0
    fresh = world.freshness(poll_s=1000.0)
    fresh.look()

    assert {} == fresh.now.repos


def test_turning_stale_and_fresh_again_is_told_once_each() -> None:
    world, known = World(), status()
    fresh = world.freshness()
    for age_s in (601.0, 650.0, 1.0, None):
        world.repo_s = age_s
        fresh.look()

    assert 2 == len(world.told)
    assert ["shop"] == turned([APP], lambda _: known, *world.told[0])
    assert [] == turned([APP], lambda _: None, *world.told[0])
