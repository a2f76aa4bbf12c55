"""The worker processes that users' code runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitopsd.runtime.isolation import WorkerView
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import ScriptSettings

WORKER_BYTES = 192 << 20  # what a worker takes itself, and an object as Python and as text


def script_workers(
    settings: ScriptSettings,
    module: str,
    on_job: Callable[[str, float, str], None] = lambda *_: None,
    hidden: Sequence[str] = (),
) -> WorkerPool:
    """Return a pool as the settings describe it, for the jobs of `module`; `on_job` as in `WorkerPool`.

    They see Python, and of that nothing that is `hidden`.

    One for each language: whose health checks are slow does not hold up comparisons. Workers start when first needed.
    """
    limits = JobLimits(deadline_s=settings.deadline_s, data_bytes=WORKER_BYTES + settings.memory_bytes)
    view = WorkerView(hidden=tuple(hidden))
    return WorkerPool(settings.workers, limits, preload=(module,), view=view, on_job=on_job)
