"""Health by users' checks: beside the watch, of the newest version, and asked again where no worker took it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gitopsd.live.decode import Decoder
from gitopsd.live.health_checks import PENDING, UNREADABLE, Checking
from gitopsd.live.kinds import KindStore
from gitopsd.live.mirror import LiveMirror
from gitopsd.model.command import HOOK_FINALIZER
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey
from gitopsd.ports import Checked
from tests.live.kit import until
from tests.live.notices import FakeNotices

CERTIFICATE = GVK("cert-manager.io", "v1", "Certificate")
KEY = ResourceKey("cert-manager.io", "Certificate", "web", "one")


class FakeChecks:
    """Answers with the object's own `status.say`, once the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.seen: list[str] = []
        self.busy = 0

    def has(self, kind: GroupKind) -> bool:
        return kind == CERTIFICATE.group_kind

    async def check(self, kind: GroupKind, text: str) -> Checked:
        manifest = json.loads(text)
        self.seen.append(manifest["metadata"]["resourceVersion"])
        assert "managedFields" not in manifest["metadata"]
        await self.gate.wait()
        if self.busy:
            self.busy -= 1
            return Checked(health("Unknown"), again_s=0.01)
        return Checked(health(manifest["status"]["say"]))


def health(status: str) -> Health:
    return Health(HealthStatus(status))


class World:
    def __init__(self) -> None:
        self.checks = FakeChecks()
        self.notices = FakeNotices()
        self.told = self.notices.told
        self.checking = Checking(self.checks)
        self.mirror = LiveMirror(
            Decoder(()),
            lambda: 0.0,
            notices=self.notices,
            on_object=lambda _key, _old, _new: None,
            on_settled=lambda: None,
            checking=self.checking,
        )
        self.kind: KindStore = self.mirror.add(CERTIFICATE)
        self.part = self.kind.part()

    def put(self, say: str, version: str, generation: int = 1, **meta: Any) -> None:
        fixed = {"name": "one", "namespace": "web", "uid": "u", "resourceVersion": version, "generation": generation}
        notes = {"annotations": {"gitopsd.io/tracking-id": f"shop:{KEY}"}, "managedFields": []}
        self.part.put(
            {
                "apiVersion": "cert-manager.io/v1",
                "kind": "Certificate",
                "metadata": {**fixed, **notes, **meta},
                "status": {"say": say},
            }
        )

    @property
    def health(self) -> Health | None:
        return self.kind.objects[KEY].health

    async def until(self, status: str) -> None:
        await until(lambda: self.health == health(status), status)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(found.checking.run(), name="checking")
        yield found
        task.cancel()


async def test_new_object_is_progressing_until_its_check_has_answered(world: World) -> None:
    world.put("Healthy", "1")
    assert PENDING == world.health
    world.told.clear()

    await world.until("Healthy")

    assert ["shop changed"] == world.told


async def test_heartbeat_keeps_the_health_and_a_new_spec_does_not(world: World) -> None:
    world.put("Healthy", "1")
    await world.until("Healthy")

    world.put("Degraded", "2")
    assert health("Healthy") == world.health
    await world.until("Degraded")
    world.put("Healthy", "3", generation=2)
    assert PENDING == world.health


async def test_only_the_newest_version_is_checked_and_counts(world: World) -> None:
    world.checks.gate.clear()
    world.put("Degraded", "1")
    await until(lambda: world.checks.seen, "the first check")
    world.put("Degraded", "2")
    world.put("Healthy", "3")

    world.checks.gate.set()
    await world.until("Healthy")

    assert ["1", "3"] == world.checks.seen


async def test_object_that_is_nested_without_an_end_is_unknown_and_harms_no_other(world: World) -> None:
    world.checks.gate.clear()
    world.put("Healthy", "1")
    deep: Any = {}
    for _ in range(500):
        deep = {"a": deep}
    world.put("Healthy", "2", labels=deep)
    world.checks.gate.set()

    assert UNREADABLE == world.health
    world.put("Healthy", "3")
    await world.until("Healthy")


async def test_object_that_only_came_again_in_a_list_is_not_checked_again(world: World) -> None:
    world.put("Healthy", "1")
    await world.until("Healthy")

    world.put("Healthy", "1")
    world.put("Degraded", "2")
    await world.until("Degraded")

    assert ["1", "2"] == world.checks.seen


async def test_check_that_could_not_be_run_is_asked_again(world: World) -> None:
    world.checks.busy = 2
    world.put("Healthy", "1")

    await world.until("Healthy")

    assert ["1", "1", "1"] == world.checks.seen


async def test_object_that_went_meanwhile_stays_gone(world: World) -> None:
    world.checks.gate.clear()
    world.put("Healthy", "1")
    await until(lambda: world.checks.seen, "the check")
    world.kind.clear()

    world.checks.gate.set()
    world.checks.seen.clear()
    world.put("Degraded", "2")
    await world.until("Degraded")


async def test_object_that_is_being_deleted_is_not_checked(world: World) -> None:
    world.put("Healthy", "1", deletionTimestamp="2030-01-01T00:00:00Z")

    assert Health(HealthStatus.PROGRESSING, "it is being deleted") == world.health
    world.put("Healthy", "2")
    await world.until("Healthy")
    assert ["2"] == world.checks.seen


async def test_hook_that_a_finalizer_holds_is_checked_though_it_is_being_deleted(world: World) -> None:
    world.put("Healthy", "1", deletionTimestamp="2030-01-01T00:00:00Z", finalizers=[HOOK_FINALIZER])

    await world.until("Healthy")
