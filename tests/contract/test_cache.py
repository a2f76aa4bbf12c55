"""What a cache promises, asked of a real redis-server: hits, misses, and no harm from whoever else writes there."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import redis.asyncio

from gitopsd.manifests.cache import PREFIX, Breaker, Cache
from tests.redisserver import RedisServer, redis_server

KEY = bytes(range(32))
SHORT_S = 0.3  # the deadline where no answer comes
LONG_S = 30.0  # the deadline where one does: a busy machine is no lost Redis


@dataclass
class Told:
    """Counts what caches tell."""

    events: Counter[str] = field(default_factory=Counter)

    def __call__(self, event: str) -> None:
        self.events[event] += 1


@pytest.fixture
async def server() -> AsyncIterator[RedisServer]:
    async with redis_server() as server:
        yield server


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def cache(server: RedisServer, told: Told) -> AsyncIterator[Cache]:
    async with Cache(server.url, KEY, deadline_s=LONG_S, on_event=told) as cache:
        yield cache


async def raw(client: redis.asyncio.Redis, name: str) -> bytes:
    stored = await client.get(PREFIX + name)
    assert isinstance(stored, bytes)
    return stored


async def until_back(cache: Cache, deadline_s: float = LONG_S) -> None:
    async with asyncio.timeout(deadline_s):
        while cache.state.degraded:
            await cache.get(["probe"])
            await asyncio.sleep(0.01)


async def test_what_was_put_is_got_in_the_order_asked(cache: Cache) -> None:
    await cache.put("a", b"one")
    await cache.put("b", b"two")

    assert [b"two", None, b"one"] == await cache.get(["b", "c", "a"])


async def test_large_entries_come_back_whole(cache: Cache) -> None:
    large = os.urandom(3 << 20)
    await cache.put("large", large)

    assert [large] == await cache.get(["large"])


async def test_nothing_is_in_redis_in_the_clear(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"password: hunter2 " * 50)

    async with server.client() as client:
        stored = await raw(client, "a")
    assert b"hunter2" not in stored
    assert len(stored) < 200  # compressed before it was sealed


async def test_an_entry_lives_on_while_it_is_read(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"one")
    async with server.client() as client:
        await client.expire(PREFIX + "a", 100)

        await cache.get(["a"])

        assert 7 * 86400 - 5 < await client.ttl(PREFIX + "a")


async def test_a_poisoned_entry_is_a_miss(cache: Cache, server: RedisServer, told: Told) -> None:
    await cache.put("a", b"good")
    async with server.client() as client:
        sealed = await raw(client, "a")
        for poison in (b"evil", b"", bytes(28), bytes([*sealed[:-1], sealed[-1] ^ 1]), bytes(sealed[:20])):
            await client.set(PREFIX + "a", poison)

            assert [None] == await cache.get(["a"])
    assert 4 == told.events["unsealed"]  # all but the empty one


async def test_an_entry_of_another_type_is_a_miss_and_is_replaced(cache: Cache, server: RedisServer) -> None:
    async with server.client() as client:
        await client.rpush(PREFIX + "a", "evil")
    assert [None] == await cache.get(["a"])

    await cache.put("a", b"good")

    assert [b"good"] == await cache.get(["a"])


async def test_entries_swapped_between_two_names_are_misses(cache: Cache, server: RedisServer) -> None:
    await cache.put("staging", b"replicas: 1")
    await cache.put("production", b"replicas: 9")
    async with server.client() as client:
        await client.copy(PREFIX + "staging", PREFIX + "production", replace=True)

    assert [b"replicas: 1", None] == await cache.get(["staging", "production"])


async def test_entries_sealed_under_another_key_are_misses(cache: Cache, server: RedisServer, told: Told) -> None:
    await cache.put("a", b"old")
    async with Cache(server.url, bytes(32), deadline_s=LONG_S, on_event=told) as rotated:
        assert [None] == await rotated.get(["a"])
        await rotated.put("a", b"new")
        assert [b"new"] == await rotated.get(["a"])
    assert 1 == told.events["unsealed"]


async def test_a_flushed_redis_is_a_miss(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"one")
    async with server.client() as client:
        await client.flushall()

    assert [None] == await cache.get(["a"])
    assert not cache.state.degraded


async def test_a_killed_redis_is_a_miss_and_is_found_again(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"one")
    await server.stop()

    assert [None] == await cache.get(["a"])
    await cache.put("b", b"two")
    assert "Redis does not answer" in cache.state.reason

    await server.start()
    await until_back(cache)
    await cache.put("a", b"again")
    assert [b"again"] == await cache.get(["a"])


async def test_a_stalled_redis_costs_one_deadline_and_not_one_a_call(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"one")
    clock = asyncio.get_running_loop().time
    server.stall()

    async with Cache(server.url, KEY, deadline_s=SHORT_S) as hasty:
        started_s = clock()
        assert [[None]] * 100 == [await hasty.get(["a"]) for _ in range(100)]
        assert SHORT_S <= clock() - started_s < 50 * SHORT_S  # of 100 calls
        assert hasty.state.degraded

        server.go_on()
        await until_back(hasty)
    assert [b"one"] == await cache.get(["a"])


async def test_every_command_is_told_of_with_its_time(server: RedisServer) -> None:
    commands: list[tuple[bool, bool]] = []
    async with Cache(
        server.url, KEY, deadline_s=LONG_S, on_command=lambda s, failed: commands.append((s >= 0.0, failed))
    ) as cache:
        await cache.put("a", b"one")
        await server.stop()
        await cache.get(["a"])
        await cache.get(["a"])  # not asked for: it has just been found gone

    assert [(True, False), (True, True)] == commands


async def test_many_callers_share_few_connections(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"one")

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(cache.get(["a"])) for _ in range(500)]

    assert {(b"one",)} == {tuple(call.result()) for call in calls}
    async with server.client() as client:
        assert 70 > (await client.info("clients"))["connected_clients"]


async def test_answers_stay_with_their_questions_when_callers_give_up(cache: Cache) -> None:
    for number in range(20):
        await cache.put(str(number), str(number).encode())
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(cache.get([str(number % 20)])) for number in range(200)]
        await asyncio.sleep(0)
        for call in calls[::3]:
            call.cancel()

    for number in range(20):
        assert [str(number).encode()] == await cache.get([str(number)])


async def test_a_redis_that_refuses_writes_is_degraded_and_still_read(cache: Cache, server: RedisServer) -> None:
    await cache.put("a", b"one")
    async with server.client() as client:
        await client.config_set("maxmemory", "1")
        await cache.put("b", b"two")

        assert "refuses" in cache.state.reason
        assert [b"one", None] == await cache.get(["a", "b"])

        await client.config_set("maxmemory", "0")
        await cache.put("b", b"two")
    assert not cache.state.degraded


async def test_a_wrong_password_is_degraded_and_not_an_error(server: RedisServer) -> None:
    async with server.client() as client:
        await client.config_set("requirepass", "right")
    async with Cache(server.url, KEY, password="wrong") as cache:  # noqa: S106 - a test's
        assert [None] == await cache.get(["a"])
        assert cache.state.degraded


async def test_no_redis_at_all_is_degraded_and_not_an_error() -> None:
    async with Cache("redis://127.0.0.1:1", KEY, deadline_s=SHORT_S) as cache:
        await cache.put("a", b"one")
        assert [None] == await cache.get(["a"])
        assert cache.state.degraded


@pytest.mark.looptime
async def test_one_caller_at_a_time_tries_a_redis_that_is_gone() -> None:
    breaker = Breaker(SHORT_S)
    tries: list[float] = []
    clock = asyncio.get_running_loop().time

    async def hang() -> int:
        tries.append(clock())
        await asyncio.Event().wait()
        return 1

    assert await breaker.run(hang) is None
    async with asyncio.TaskGroup() as group:
        for tenth in range(600):
            group.create_task(ask_at(breaker, hang, 0.1 * tenth))

    waits = [round(later - earlier, 1) for earlier, later in pairwise(tries)]
    assert [0.8, 1.3, 2.3, 4.3, 8.3, 16.3] == waits[:6]  # the deadline, then a pause that doubles


@pytest.mark.looptime
async def test_a_cancellation_that_comes_with_the_answer_is_not_lost() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    breaker = Breaker(SHORT_S)

    async def command() -> int:
        # As redis.asyncio sends a command. Python 3.11 swallows the cancellation.
        return await asyncio.wait_for(answer, SHORT_S)  # noqa: TID251 - what this test is about

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(breaker.run(command))
        await asyncio.sleep(SHORT_S / 10)
        answer.set_result(1)
        asking.cancel()
    assert asking.cancelled()


async def ask_at(breaker: Breaker, command: Callable[[], Awaitable[int]], after_s: float) -> None:
    await asyncio.sleep(after_s)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(breaker.run(command))
