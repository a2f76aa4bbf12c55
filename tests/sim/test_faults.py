"""Faults on order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from tests.clusters import Cluster, call, clear_faults, order_fault
from tests.contract.kubernetes.api import Api, connect
from tests.contract.kubernetes.objects import config_map, config_maps

MAPS = config_maps("default")


@pytest.fixture(scope="module")
def cluster(fast: Cluster) -> Cluster:
    return fast


@pytest.fixture(autouse=True)
async def none_left(cluster: Cluster) -> AsyncIterator[None]:
    """No fault outlives its test."""
    yield
    clear_faults(cluster)


async def test_delay_makes_a_request_wait(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="delay", path="configmaps", seconds=0.4)

    begun = time.monotonic()
    await api.get(MAPS)
    delayed = time.monotonic() - begun

    assert delayed >= 0.4
    assert 200 == (await api.get(MAPS)).status


async def test_throttle_answers_429_with_retry_after(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="throttle", verb="create", seconds=7)

    read = await api.get(MAPS)
    refused = await api.post(MAPS, config_map("throttled"))
    again = await api.post(MAPS, config_map("throttled"))

    assert (200, 429, 201) == (read.status, refused.status, again.status)
    assert ("7", "text/plain") == (refused.headers["Retry-After"], refused.headers["Content-Type"].partition(";")[0])


async def test_error_strikes_as_often_as_ordered(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="error", path="^/api/v1/namespaces/default/configmaps$", verb="list", count=2)

    answers = [(await api.get(MAPS)).status for _ in range(3)]

    assert [500, 500, 200] == answers


async def test_forbidden_kind_stays_so_until_cleared(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="forbid", path="/secrets", count=0)

    refused = [await api.get("/api/v1/secrets") for _ in range(3)]
    others = await api.get(MAPS)
    clear_faults(cluster)
    after = await api.get("/api/v1/secrets")

    assert [(403, "Forbidden")] * 3 == [(one.status, one.reason) for one in refused]
    assert (200, 200) == (others.status, after.status)


async def test_cut_ends_open_watches_at_once(cluster: Cluster, api: Api) -> None:
    async with api.watch(MAPS) as events:
        await events.until(lambda kind, _: kind == "ADDED")
        order_fault(cluster, fault="cut", path="configmaps")

        with pytest.raises((aiohttp.ClientError, AssertionError)):
            await events.until(lambda kind, _: kind == "never")


async def test_cut_ends_new_watches_after_their_time(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="cut", path="secrets", seconds=0.2)

    with pytest.raises((aiohttp.ClientError, AssertionError)):
        async with api.watch("/api/v1/secrets", resourceVersion="1") as events:
            await events.next()


async def test_expired_watch_ends_with_the_event_410_and_expired_list_is_one(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="expire", path="configmaps", count=2)

    async with api.watch(MAPS) as events:
        kind, status = await events.next()
    listed = await api.get(MAPS)

    assert ("ERROR", 410, "Expired") == (kind, status["code"], status["reason"])
    assert (410, "Expired") == (listed.status, listed.reason)


async def test_stalled_request_is_never_answered_and_harms_no_other(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="stall", path="configmaps")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await api.get(MAPS)
    assert 200 == (await api.get(MAPS)).status


async def test_discovery_can_fail_too(cluster: Cluster, api: Api) -> None:
    order_fault(cluster, fault="error", path="^/apis$", verb="discover")

    assert (500, 200) == ((await api.get("/apis")).status, (await api.get("/apis")).status)


async def test_only_administrators_order_faults(cluster: Cluster) -> None:
    async with connect(cluster, "reader") as reader:
        assert 403 == (await reader.post("/_sim/faults", {"fault": "error"})).status


@pytest.mark.parametrize(
    "body", [{}, {"fault": "flood"}, {"fault": "error", "path": "("}, {"fault": "error", "count": -1}, []]
)
def test_impossible_faults_are_refused(cluster: Cluster, body: object) -> None:
    assert 400 == call(cluster, "POST", "/_sim/faults", body)[0]


async def test_watch_that_falls_behind_the_history_is_gone(new_clusters: Callable[..., list[Cluster]]) -> None:
    (cluster,) = new_clusters(1, "--history", "20", "--no-controllers")
    async with connect(cluster) as api:
        start = (await api.get(MAPS)).ok()["metadata"]["resourceVersion"]
        for number in range(30):
            (await api.post(MAPS, config_map(f"m{number}"))).ok()
        async with api.watch(MAPS, resourceVersion=start) as events:
            kind, status = await events.next()

    assert ("ERROR", 410) == (kind, status["code"])
