"""Health by users' checks: each in a worker, under limits; what fails is Unknown for the objects of its kind alone."""

from __future__ import annotations

from gitopsd.errors import GitopsError, WorkerFailed
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GroupKind
from gitopsd.ports import Checked, Clock, Workers
from gitopsd.runtime.rests import Rests
from gitopsd.scripts.health_checks import CheckScript, CheckScripts
from gitopsd.scripts.lua import HEALTH
from gitopsd.settings import ScriptSettings

BUSY_S = 5.0  # between two tries to get a worker


class LuaChecks:
    """Implements `ports.HealthChecks`."""

    def __init__(self, workers: Workers, checks: CheckScripts, limits: ScriptSettings, now_s: Clock) -> None:
        self._workers = workers
        self._checks = checks
        self._limits = limits
        self._now_s = now_s
        self._rests: Rests[CheckScript] = Rests()  # its objects would kill worker after worker

    def has(self, kind: GroupKind) -> bool:
        return self._checks.of(kind) is not None

    async def check(self, kind: GroupKind, text: str) -> Checked:
        check = self._checks.of(kind)
        if check is None:
            return Checked(None)
        left_s, reason = self._rests.left_s(check, self._now_s())
        if left_s:
            return Checked(_unknown(kind, reason), again_s=left_s)
        options = (check.open_libs, self._limits.memory_bytes)
        try:
            answer = await self._workers.call(HEALTH, check.script, text, *options, deadline_s=self._limits.deadline_s)
        except WorkerFailed as err:
            return Checked(_unknown(kind, err.what), again_s=self._rests.stopped(check, self._now_s(), err.what))
        except GitopsError as err:
            return Checked(_unknown(kind, err.what), again_s=BUSY_S)
        self._rests.went_well(check)
        return Checked(_judged(kind, answer))


def _judged(kind: GroupKind, answer: dict[str, str] | None) -> Health | None:
    if answer is None:
        return None
    if "error" in answer:
        return _unknown(kind, answer["error"])
    try:
        return Health(HealthStatus(answer["status"]), answer["message"])
    except ValueError:
        return _unknown(kind, f"it returns status {answer['status'][:40]!r}, which is none")


def _unknown(kind: GroupKind, reason: str) -> Health:
    return Health(HealthStatus.UNKNOWN, f"the health check of {kind}: {reason}")
