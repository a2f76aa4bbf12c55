from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from gitopsd.runtime.queue import KeyQueue, QueueClosed

pytestmark = pytest.mark.looptime


def tenant(key: str) -> str:
    return key.partition("/")[0]


async def drain(queue: KeyQueue[str]) -> list[str]:
    keys = []
    while queue.depth:
        async with queue.next() as key:
            keys.append(key)
    return keys


def fill(queue: KeyQueue[str], keys: Iterable[str]) -> None:
    for key in keys:
        queue.add(key)


async def test_key_added_twice_is_handed_out_once() -> None:
    queue: KeyQueue[str] = KeyQueue()
    fill(queue, ["shop", "shop"])

    assert ["shop"] == await drain(queue)


async def test_key_asked_for_during_its_pass_gets_exactly_one_more() -> None:
    queue: KeyQueue[str] = KeyQueue()
    queue.add("shop")
    async with queue.next():
        fill(queue, ["shop", "shop"])

    assert ["shop"] == await drain(queue)


async def test_key_is_not_handed_out_while_its_pass_runs() -> None:
    queue: KeyQueue[str] = KeyQueue()
    queue.add("shop")
    async with queue.next():
        fill(queue, ["shop", "bank"])
        async with queue.next() as other:
            assert "bank" == other
            assert 1 == queue.depth
            assert 2 == queue.running


async def test_failed_pass_frees_its_key() -> None:
    queue: KeyQueue[str] = KeyQueue()
    queue.add("shop")

    async def fail() -> None:
        async with queue.next() as key:
            queue.add(key)
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await fail()
    assert ["shop"] == await drain(queue)


async def test_delayed_key_comes_at_its_time() -> None:
    queue: KeyQueue[str] = KeyQueue()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    queue.add("shop", after_s=30)
    async with queue.next() as key:
        assert ("shop", 30) == (key, loop.time() - began_s)
    assert 0 == queue.delayed


@pytest.mark.parametrize("delays_s", [(30, 90), (90, 30), (90, 60, 30, 120)])
async def test_earlier_of_several_times_counts_and_the_key_comes_once(delays_s: tuple[float, ...]) -> None:
    queue: KeyQueue[str] = KeyQueue()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for delay_s in delays_s:
        queue.add("shop", after_s=delay_s)
    assert 1 == queue.delayed
    async with queue.next():
        assert 30 == loop.time() - began_s
    await asyncio.sleep(300)

    assert (0, 0) == (queue.depth, queue.delayed)


async def test_immediate_add_takes_the_place_of_a_delayed_one() -> None:
    queue: KeyQueue[str] = KeyQueue()
    queue.add("shop", after_s=30)
    queue.add("shop")
    assert ["shop"] == await drain(queue)
    await asyncio.sleep(60)

    assert 0 == queue.depth


async def test_delayed_add_from_inside_the_pass_counts_after_it() -> None:
    queue: KeyQueue[str] = KeyQueue()
    loop = asyncio.get_running_loop()
    queue.add("shop")
    async with queue.next():
        queue.add("shop", after_s=5)
        await asyncio.sleep(60)  # the time comes while the pass still runs
        assert 1 == queue.depth
    ended_s = loop.time()
    async with queue.next():
        assert ended_s == loop.time()


async def test_tenant_with_a_thousand_keys_delays_the_others_by_one_turn() -> None:
    queue: KeyQueue[str] = KeyQueue(tenant)
    fill(queue, (f"loud/{number}" for number in range(1000)))
    fill(queue, ["calm/1", "calm/2", "mild/1"])
    order = await drain(queue)

    assert ["loud/0", "calm/1", "mild/1", "loud/1", "calm/2", "loud/2"] == order[:6]
    assert 1003 == len(order)


async def test_key_that_asks_for_itself_without_end_does_not_starve_the_others() -> None:
    queue: KeyQueue[str] = KeyQueue()
    fill(queue, ["hot", "cold"])
    seen = []
    for _ in range(3):
        async with queue.next() as key:
            seen.append(key)
            if key == "hot":
                queue.add("hot")

    assert ["hot", "cold", "hot"] == seen


async def test_slow_passes_of_one_tenant_leave_workers_to_the_others() -> None:
    queue: KeyQueue[str] = KeyQueue(tenant, per_group=2)
    fill(queue, (f"slow/{number}" for number in range(10)))
    queue.add("quick/0")
    taken: dict[str, float] = {}

    async def work() -> None:
        while True:
            async with queue.next() as key:
                taken[key] = asyncio.get_running_loop().time()
                await asyncio.sleep(60 if tenant(key) == "slow" else 1)

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work(), name=f"worker {n}") for n in range(4)]
        await asyncio.sleep(30)
        queue.add("quick/1")
        await asyncio.sleep(1)
        assert {"slow/0", "slow/1", "quick/0", "quick/1"} == set(taken)
        await asyncio.sleep(330)
        assert 12 == len(taken)
        for worker in workers:
            worker.cancel()


async def test_waiting_worker_that_is_cancelled_loses_no_key() -> None:
    queue: KeyQueue[str] = KeyQueue()

    async def take() -> str:
        async with queue.next() as key:
            return key

    async with asyncio.TaskGroup() as group:
        first = group.create_task(take(), name="first")
        second = group.create_task(take(), name="second")
        await asyncio.sleep(1)
        queue.add("shop")
        first.cancel()  # woken for the key and cancelled in the same turn of the loop

    assert "shop" == second.result()


async def test_closed_queue_sends_workers_home_and_lets_passes_end() -> None:
    queue: KeyQueue[str] = KeyQueue()
    loop = asyncio.get_running_loop()
    queue.add("shop")
    gone: list[str] = []

    async def work(name: str) -> None:
        try:
            while True:
                async with queue.next():
                    await asyncio.sleep(10)
        except QueueClosed:
            gone.append(name)

    async with asyncio.TaskGroup() as group:
        for name in ("busy", "idle", "idle too"):
            group.create_task(work(name), name=name)
        await asyncio.sleep(1)
        began_s = loop.time()
        fill(queue, ["bank"])
        queue.add("later", after_s=2)
        queue.close()
        fill(queue, ["too late"])

    assert 9 == loop.time() - began_s
    assert {"busy", "idle", "idle too"} == set(gone)
    assert (0, 0, 0) == (queue.depth, queue.running, queue.delayed)
