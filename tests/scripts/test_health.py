"""Users' checks in real workers: what must be killed is, and only its own kind suffers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GroupKind
from gitopsd.runtime.rests import FIRST_S
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.scripts.health import LuaChecks
from gitopsd.scripts.health_checks import load
from gitopsd.settings import HealthCustomization, HealthSettings, ScriptSettings

SCRIPTS = {
    "a.io/Good": 'return {status = "Healthy", message = obj.metadata.name}',
    "a.io/Silent": "return nil",
    "a.io/Odd": 'return {status = "Great"}',
    "a.io/Loops": "while true do end",
    "a.io/Matches": 'return {status = ("a"):rep(200):find((".-"):rep(20) .. "b")}',
    "a.io/Speaks": "return {status = setmetatable({}, {__tostring = function() while true do end end})}",
    "a.io/Grows": "local t = {} while true do t[#t + 1] = {} end",
    "a.io/Opens": 'return {status = io.open("/etc/passwd"):read()}',
}
HEALTHY = Health(HealthStatus.HEALTHY, "x")


@dataclass
class Patient:
    """Workers that give a script its deadline only where it is to be killed: a busy machine may need longer."""

    pool: WorkerPool

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        endless = args[0] in [SCRIPTS[f"a.io/{name}"] for name in ("Loops", "Matches", "Speaks")]
        return await self.pool.call(job, *args, deadline_s=deadline_s if endless else None)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def checks(clock: Clock) -> AsyncIterator[LuaChecks]:
    found = load(
        HealthSettings(tuple(HealthCustomization(name, lua, name == "a.io/Matches") for name, lua in SCRIPTS.items()))
    )
    async with WorkerPool(1, JobLimits(data_bytes=256 << 20), preload=("gitopsd.scripts.lua",)) as pool:
        yield LuaChecks(Patient(pool), found, ScriptSettings(deadline_s=1.0, memory_bytes=16 << 20), clock)


async def asked(checks: LuaChecks, kind: str) -> Health | None:
    return (await checks.check(GroupKind("a.io", kind), '{"metadata": {"name": "x"}}')).health


async def test_check_judges_its_kind(checks: LuaChecks) -> None:
    assert checks.has(GroupKind("a.io", "Good"))
    assert not checks.has(GroupKind("b.io", "Good"))
    assert HEALTHY == await asked(checks, "Good")
    assert await asked(checks, "Silent") is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Odd", "returns status 'Great', which is none"),
        ("Loops", "took more than 1 s and was killed"),
        ("Matches", "took more than 1 s and was killed"),
        ("Speaks", "took more than 1 s and was killed"),
        ("Grows", "needs more than 16777216 bytes"),
        ("Opens", "attempt to index global 'io' (a nil value)"),
    ],
)
async def test_check_that_goes_wrong_is_unknown_for_its_kind_alone(checks: LuaChecks, kind: str, reason: str) -> None:
    found = await asked(checks, kind)

    assert found is not None
    assert HealthStatus.UNKNOWN is found.status
    assert f"the health check of a.io/{kind}: " in found.message
    assert reason in found.message
    assert HEALTHY == await asked(checks, "Good")


async def test_check_that_was_killed_rests_before_it_is_run_again(checks: LuaChecks, clock: Clock) -> None:
    first = await checks.check(GroupKind("a.io", "Loops"), "{}")
    clock.now_s = 10.0

    second = await checks.check(GroupKind("a.io", "Loops"), "{}")

    assert (FIRST_S, FIRST_S - 10.0) == (first.again_s, second.again_s)
    assert first.health == second.health
