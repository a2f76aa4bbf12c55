from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gitopsd.manifests.closure import LookedUp
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.ids import AppName
from gitopsd.runtime.workers import JobLimits, WorkerPool
from tests.gitserver import Repo
from tests.manifests.staging import Stage, cache_on
from tests.redisserver import redis_server


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    jobs: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    closures: dict[AppName, LookedUp | None] = {}
    repo = Repo(tmp_path / "fleet.git")
    pool = WorkerPool(1, JobLimits(deadline_s=20), on_job=lambda job, _seconds, _outcome: jobs.update([job]))
    async with redis_server() as server, cache_on(server) as cache, pool:
        renderer = ClosureRenderer(
            pool,
            cache,
            lambda _url: str(repo.path),
            work_dir=tmp_path / "work",
            on_closure=lambda app, _source, looked_up: closures.update({app: looked_up}),
            on_render=lambda outcome, _seconds: outcomes.update([outcome]),
        )
        yield Stage(repo, server, renderer, jobs, outcomes, closures)
