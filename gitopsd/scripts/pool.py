"""The worker processes that users' code runs in."""

from __future__ import annotations

from collections.abc import Callable

from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import ScriptSettings

WORKER_BYTES = 192 << 20  # what a worker takes itself, and an object as Python and as text


def script_workers(
    settings: ScriptSettings, module: str, on_job: Callable[[str, float, str], None] = lambda *_: None
) -> WorkerPool:
    """Return a pool as the settings describe it, for the jobs of `module`; `on_job` as in `WorkerPool`.

    One for each language: whose health checks are slow does not hold up comparisons. Workers start when first needed.
    """
    limits = JobLimits(deadline_s=settings.deadline_s, data_bytes=WORKER_BYTES + settings.memory_bytes)
    return WorkerPool(settings.workers, limits, preload=(module,), on_job=on_job)
