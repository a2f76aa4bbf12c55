"""Several streams as one: nothing is lost, nothing is read ahead, and all are closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from gitopsd.runtime.merge import in_turn, merged


class Streams:
    def __init__(self) -> None:
        self.closed: list[str] = []
        self.read: list[str] = []

    async def of(self, *items: str, fails: bool = False) -> AsyncGenerator[str]:
        try:
            for item in items:
                await asyncio.sleep(0)
                self.read.append(item)
                yield item
            if fails:
                raise ValueError("broken")
        finally:
            self.closed.append(items[0])


async def test_items_of_all_streams_are_told_each_streams_in_its_order() -> None:
    streams = Streams()
    async with merged([streams.of("a1", "a2", "a3"), streams.of("b1"), streams.of("c1", "c2")]) as items:
        found = [item async for item in items]

    assert ["a1", "a2", "a3", "b1", "c1", "c2"] == sorted(found)
    assert ["a1", "a2", "a3"] == [item for item in found if item[0] == "a"]
    assert ["a1", "b1", "c1"] == sorted(streams.closed)


async def test_streams_of_a_reader_that_leaves_are_closed() -> None:
    streams = Streams()
    async with merged([streams.of("a1", "a2"), streams.of("b1", "b2")]) as items:
        await anext(items)

    assert ["a1", "b1"] == sorted(streams.closed)


async def read(streams: list[AsyncGenerator[str]], *, fails: bool = False) -> None:
    """Read one item and fail, or read them all."""
    async with merged(streams) as items:
        async for _ in items:
            if fails:
                raise KeyError("mine")


async def test_what_the_reader_raises_leaves_as_itself() -> None:
    streams = Streams()
    with pytest.raises(KeyError):
        await read([streams.of("a1"), streams.of("b1")], fails=True)
    assert ["a1", "b1"] == sorted(streams.closed)


async def test_error_of_a_stream_leaves_as_itself_and_closes_the_others() -> None:
    streams = Streams()
    with pytest.raises(ValueError, match="broken"):
        await read([streams.of("a1", fails=True), streams.of(*(f"b{n}" for n in range(1000)))])
    assert ["a1", "b0"] == sorted(streams.closed)


async def test_reader_that_is_slow_is_not_read_ahead_of() -> None:
    streams = Streams()
    async with merged([streams.of(*(f"a{n}" for n in range(1000)))]) as items:
        await anext(items)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(streams.read) <= 4


async def test_generator_that_is_closed_in_the_middle_closes_its_streams() -> None:
    streams = Streams()

    async def outer() -> AsyncGenerator[str]:
        async with merged([streams.of("a1", "a2"), streams.of("b1", "b2")]) as items:
            async for item in items:
                yield item

    generator = outer()
    await anext(generator)
    await generator.aclose()
    assert ["a1", "b1"] == sorted(streams.closed)


async def test_streams_in_turn_are_told_one_after_the_other() -> None:
    streams = Streams()
    async with in_turn([streams.of("a1", "a2"), streams.of("b1")]) as items:
        assert ["a1", "a2", "b1"] == [item async for item in items]
    async with in_turn([streams.of("c1", "c2"), streams.of("d1")]) as items:
        assert "c1" == await anext(items)
    assert {"a1", "b1", "c1"} <= set(streams.closed)
