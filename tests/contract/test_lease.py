"""Two daemons of one instance and one cluster, on a real API server and on the simulated one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gitopsd.apply.lease import LEASES, ClusterLease, Terms
from gitopsd.kube.client import KubeClient
from gitopsd.model.ids import ClusterId
from tests.e2e.daemon import until

NAME = "gitopsd"
DURATION_S = 3.0  # a busy machine may take a second for a renewal


class Daemon:
    """What a daemon has of a lease; `told` counts how often its applications were to be looked at."""

    def __init__(self, client: KubeClient, namespace: str, identity: str) -> None:
        self.told: list[ClusterId] = []
        terms = Terms(NAME, namespace, identity, duration_s=DURATION_S)
        self.lease = ClusterLease(client, terms, now_s=time.time, on_change=self.told.append)

    async def until(self, good: Callable[[ClusterLease], object]) -> None:
        async def probe() -> bool:
            return bool(good(self.lease))

        await until("the lease is as wanted", probe)


@asynccontextmanager
async def running(*daemons: Daemon) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(daemon.lease.run()) for daemon in daemons]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def stored(client: KubeClient, namespace: str) -> dict[str, Any]:
    reply = await client.request("GET", f"{LEASES}/{namespace}/leases/{NAME}")
    return dict(reply.body["spec"]) if reply.ok else {}


async def test_nothing_may_be_written_before_the_lease_is_held(client: KubeClient, namespace: str) -> None:
    one = Daemon(client, namespace, "one")
    before = one.lease.fenced()

    async with running(one):
        await one.until(lambda lease: not lease.fenced())
        held = await stored(client, namespace)

    assert "is not held" in before
    assert ("one", DURATION_S) == (held["holderIdentity"], held["leaseDurationSeconds"])
    assert 1 == len(one.told)


async def test_second_daemon_writes_nothing_and_both_notice(client: KubeClient, namespace: str) -> None:
    one, two = Daemon(client, namespace, "one"), Daemon(client, namespace, "two")
    async with running(one):
        await one.until(lambda lease: not lease.fenced())
        async with running(two):
            await two.until(lambda lease: "one" in lease.fenced())
            await one.until(lambda lease: "two" in lease.noticed)

            await one.until(lambda lease: not lease.fenced())
            assert "stop one of the two" in two.lease.noticed


async def test_lease_that_is_let_go_of_is_taken_at_once(client: KubeClient, namespace: str) -> None:
    one, two = Daemon(client, namespace, "one"), Daemon(client, namespace, "two")
    async with running(two):
        await two.until(lambda lease: not lease.fenced())
        async with running(one):
            await one.until(lambda lease: "two" in lease.fenced())
    async with running(one):
        await one.until(lambda lease: not lease.fenced())

    assert "" == (await stored(client, namespace))["holderIdentity"]


async def test_lease_of_a_daemon_that_was_killed_is_taken_when_it_has_run_out(
    client: KubeClient, namespace: str
) -> None:
    one = Daemon(client, namespace, "one")
    killed = Daemon(client, namespace, "killed")
    async with running(killed):
        await killed.until(lambda lease: not lease.fenced())
        killed.lease._lease = None  # noqa: SLF001 - a kill lets go of nothing

    async with running(one):
        await one.until(lambda lease: "killed" in lease.fenced())
        await one.until(lambda lease: not lease.fenced())

    assert 2 == (await stored(client, namespace))["leaseTransitions"]


async def test_daemon_finds_its_own_lease_again(client: KubeClient, namespace: str) -> None:
    first, again = Daemon(client, namespace, "one"), Daemon(client, namespace, "one")
    async with running(first):
        await first.until(lambda lease: not lease.fenced())
        async with running(again):
            await again.until(lambda lease: not lease.fenced())

    assert 1 == (await stored(client, namespace))["leaseTransitions"]


async def test_without_the_right_to_keep_a_lease_it_writes_and_says_so(client: KubeClient) -> None:
    one = Daemon(client, "there-is-no-such-namespace", "one")
    async with running(one):
        await one.until(lambda lease: not lease.fenced())

        assert "no lease is kept" in one.lease.noticed
