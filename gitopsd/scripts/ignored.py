"""What users' jq expressions leave out of a comparison; each is tried in a worker, under limits."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsd.errors import WorkerFailed
from gitopsd.model.manifest import Manifest
from gitopsd.ports import Clock, Workers
from gitopsd.runtime.lanes import stepping_aside
from gitopsd.runtime.rests import Rests
from gitopsd.scripts.jq import PATHS
from gitopsd.settings import ScriptSettings


class JqPaths:
    """Implements `ports.IgnoredPaths`."""

    def __init__(self, workers: Workers, limits: ScriptSettings, now_s: Clock) -> None:
        self._workers = workers
        self._limits = limits
        self._now_s = now_s
        self._rests: Rests[tuple[str, ...]] = Rests()  # every pass would kill a worker

    async def paths(
        self, expressions: Sequence[str], documents: Sequence[Manifest]
    ) -> Sequence[tuple[tuple[str, ...], ...]]:
        key = tuple(expressions)
        left_s, reason = self._rests.left_s(key, self._now_s())
        if left_s:
            raise _failed(reason)
        try:
            async with stepping_aside():
                answer = await self._workers.call(PATHS, expressions, documents, deadline_s=self._limits.deadline_s)
        except WorkerFailed as err:
            self._rests.stopped(key, self._now_s(), err.what)
            raise _failed(err.what) from err
        self._rests.went_well(key)
        return [tuple(tuple(str(part) for part in path) for path in paths_of_one) for paths_of_one in answer]


def _failed(reason: str) -> WorkerFailed:
    return WorkerFailed(f"jqPathExpressions of ignoreDifferences: {reason}", remedy="write a simpler expression")
