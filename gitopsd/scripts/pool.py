"""The worker processes that users' code runs in."""

from __future__ import annotations

from collections.abc import Callable

from gitopsd.runtime.workers import Limits, WorkerPool
from gitopsd.settings import ScriptSettings

WORKER_BYTES = 192 << 20  # what a worker takes itself, and an object as Python and as text


def script_workers(
    settings: ScriptSettings, on_job: Callable[[str, float, str], None] = lambda _job, _seconds, _outcome: None
) -> WorkerPool:
    """Return the pool that the settings describe; `on_job` as in `WorkerPool`."""
    limits = Limits(deadline_s=settings.deadline_s, data_bytes=WORKER_BYTES + settings.memory_bytes)
    return WorkerPool(settings.workers, limits, preload=("gitopsd.scripts.lua",), on_job=on_job)
