"""What users' jq expressions leave out of a comparison; each is tried in a worker, under limits."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsd.errors import WorkerFailed
from gitopsd.model.manifest import Manifest
from gitopsd.ports import Clock, Workers
from gitopsd.scripts.jq import PATHS
from gitopsd.settings import ScriptSettings

RESTS_S = 60.0  # expressions that had to be killed are not tried for so long: every pass would kill a worker
MOST_RESTING = 10_000


class JqPaths:
    """Implements `ports.IgnoredPaths`."""

    def __init__(self, workers: Workers, limits: ScriptSettings, now_s: Clock) -> None:
        self._workers = workers
        self._limits = limits
        self._now_s = now_s
        self._resting: dict[tuple[str, ...], tuple[float, str]] = {}  # until when, and why

    async def paths(
        self, expressions: Sequence[str], documents: Sequence[Manifest]
    ) -> Sequence[tuple[tuple[str, ...], ...]]:
        key = tuple(expressions)
        until_s, why = self._resting.get(key, (0.0, ""))
        if self._now_s() < until_s:
            raise _failed(why)
        try:
            found = await self._workers.call(PATHS, expressions, documents, deadline_s=self._limits.deadline_s)
        except WorkerFailed as err:
            if len(self._resting) >= MOST_RESTING:
                self._resting.clear()
            self._resting[key] = self._now_s() + RESTS_S, err.what
            raise _failed(err.what) from err
        self._resting.pop(key, None)
        return [tuple(tuple(str(part) for part in path) for path in each) for each in found]


def _failed(why: str) -> WorkerFailed:
    return WorkerFailed(f"jqPathExpressions of ignoreDifferences: {why}", remedy="write a simpler expression")
