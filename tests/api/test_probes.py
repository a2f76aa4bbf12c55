from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gitopsd.api.app import probe_app
from gitopsd.api.probes import DaemonPart, Probes, Readiness
from gitopsd.runtime.metrics import Meters
from gitopsd.telemetry.metrics import Metrics
from tests.api.serving import listening


class GivenLag:
    def __init__(self, lag_s: float) -> None:
        self.lag_s = lag_s

    def worst_s(self, within_s: float) -> float:
        assert within_s > 0
        return self.lag_s


@contextlib.asynccontextmanager
async def probing(
    readiness: Readiness, lag: GivenLag, meters: Meters | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    app = probe_app(Probes(lag, bound_s=5), readiness, (meters or Meters()).exposition)
    async with listening(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session


@pytest.mark.parametrize(("lag_s", "expected"), [(0.0, 200), (5.0, 200), (5.1, 503)])
async def test_alive_is_who_keeps_up(lag_s: float, expected: int) -> None:
    async with probing(Readiness(tuple), GivenLag(lag_s)) as session, session.get("/healthz") as answer:
        assert expected == answer.status


async def test_ready_when_every_required_part_is_and_stopping_to_the_end() -> None:
    parts = [
        DaemonPart("cluster c1", ready=False, detail="the first lists are under way"),
        DaemonPart("store", ready=True),
    ]
    readiness = Readiness(lambda: parts)
    async with probing(readiness, GivenLag(0)) as session:
        async with session.get("/readyz") as answer:
            body = await answer.json()
            assert (503, "starting") == (answer.status, body["status"])
            assert {"name": "cluster c1", "ready": False, "detail": "the first lists are under way"} == body["parts"][0]
        parts[0] = DaemonPart("cluster c1", ready=True)
        parts.append(DaemonPart("redis", ready=False, detail="redis://:hunter2@r:6379 is away", required=False))
        async with session.get("/readyz") as answer:
            assert (200, "ready") == (answer.status, (await answer.json())["status"])
            assert "hunter2" not in await answer.text()
        readiness.stopping()
        async with session.get("/readyz") as answer:
            assert (503, "stopping") == (answer.status, (await answer.json())["status"])


async def test_metrics_are_scraped() -> None:
    meters = Meters()
    Metrics(meters).rendered()
    async with probing(Readiness(tuple), GivenLag(0), meters) as session, session.get("/metrics") as answer:
        assert (200, "text/plain") == (answer.status, answer.content_type)
        assert "gitopsd_renders_total 1.0" in await answer.text()
