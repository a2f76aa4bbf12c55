from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gitopsd.errors import Overloaded
from gitopsd.model.ids import AppName
from gitopsd.usecases.watching import ChangeFeed
from tests.api.serving import serving, until
from tests.core.lives import pod_node
from tests.fakes.backend import FakeBackend, app_view

STREAM = "/api/v1/stream/applications"
SHOP, BANK = AppName("shop"), AppName("bank")


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str]]:
    """Yield type and application of each event."""
    async for line in answer.content:
        text = line.removeprefix(b"data: ").strip()
        if text and not text.startswith(b":"):
            result: dict[str, Any] = json.loads(text)["result"]
            yield result["type"], result["application"]["metadata"]["name"]


def fleet() -> FakeBackend:
    return FakeBackend(app_view("shop", project="retail"), app_view("bank", project="money"))


@pytest.mark.parametrize(
    ("accept", "content_type", "prefix"),
    [("text/event-stream", "text/event-stream", b"data: "), ("application/json", "application/json", b"{")],
)
async def test_stream_begins_with_all_applications_and_tells_of_changes(
    accept: str, content_type: str, prefix: bytes
) -> None:
    async with (
        serving(fleet()) as api,
        asyncio.timeout(10),
        api.session.get(api.url + STREAM, headers={"Accept": accept}) as answer,
    ):
        assert content_type == answer.content_type
        told = events(answer)
        assert [("ADDED", "bank"), ("ADDED", "shop")] == [await anext(told), await anext(told)]
        api.changes.changed(SHOP)
        assert ("MODIFIED", "shop") == await anext(told)
        del api.backend.apps[SHOP]
        api.changes.changed(SHOP)
        assert ("DELETED", "shop") == await anext(told)
        api.backend.apps[SHOP] = app_view("shop")
        api.changes.changed(SHOP)
        line = b""
        while not line.startswith(prefix):
            line = await answer.content.readline()
        assert "ADDED" == json.loads(line.removeprefix(b"data: "))["result"]["type"]


async def test_stream_tells_of_what_its_filter_selects() -> None:
    async with (
        serving(fleet()) as api,
        asyncio.timeout(10),
        api.session.get(api.url + STREAM, params={"project": "retail"}) as answer,
    ):
        told = events(answer)
        assert ("ADDED", "shop") == await anext(told)
        api.changes.changed(BANK)
        await asyncio.sleep(0)
        api.backend.apps[SHOP] = app_view("shop", project="money")
        api.changes.changed(SHOP)
        assert ("DELETED", "shop") == await anext(told)


async def test_broken_filter_opens_no_stream() -> None:
    async with serving(fleet()) as api:
        assert 400 == (await api.status("GET", STREAM, params={"selector": "a b"}))[0]


async def test_streams_end_when_the_daemon_stops() -> None:
    async with serving(fleet()) as api, asyncio.timeout(10), api.session.get(api.url + STREAM) as answer:
        api.changes.close()
        rest = await answer.content.read()
        assert rest.endswith(b"\n")
        async with api.session.get(api.url + STREAM) as late:
            await late.content.read()  # ends at once too


async def test_one_stream_too_many_is_refused() -> None:
    async with (
        serving(fleet(), changes=ChangeFeed(max_subscribers=1)) as api,
        api.session.get(api.url + STREAM) as answer,
    ):
        assert 200 == answer.status
        status, body = await api.status("GET", STREAM)
        assert (429, 8) == (status, body["code"])


async def test_client_that_left_is_forgotten() -> None:
    async with serving(fleet(), changes=ChangeFeed(max_subscribers=1)) as api, asyncio.timeout(10):
        answer = await api.session.get(api.url + STREAM)
        answer.close()

        async def there_is_room() -> bool:
            api.changes.changed(SHOP)  # writing is how it is noticed
            async with api.session.get(api.url + STREAM) as answer:
                return answer.status == 200

        await until(there_is_room)


@pytest.mark.looptime
async def test_name_that_changes_often_is_told_once_until_it_is_read() -> None:
    changes = ChangeFeed()
    with changes.subscribe() as subscriber:
        for _ in range(100_000):
            changes.changed(SHOP)
        changes.changed(BANK)
        assert (SHOP, BANK) == await subscriber.next(5)
        began_s = asyncio.get_running_loop().time()
        assert () == await subscriber.next(5)
        assert 5 == asyncio.get_running_loop().time() - began_s
        changes.changed(BANK)
        assert (BANK,) == await subscriber.next(5)


async def test_subscribers_are_counted() -> None:
    changes = ChangeFeed(max_subscribers=1)
    with changes.subscribe(), pytest.raises(Overloaded), changes.subscribe():
        pass
    with changes.subscribe():
        pass


async def test_a_stream_after_a_list_tells_of_changes_alone_also_of_deletions() -> None:
    query = {"resourceVersion": "0", "fields": "result.type,result.application.metadata.name"}
    async with serving(fleet()) as api, asyncio.timeout(10), api.session.get(api.url + STREAM, params=query) as answer:
        lines = (json.loads(line)["result"] async for line in answer.content if line.strip())
        api.changes.changed(SHOP)
        assert {"type": "MODIFIED", "application": {"metadata": {"name": "shop"}}} == await anext(lines)
        del api.backend.apps[BANK]
        api.changes.changed(BANK)
        assert {"type": "DELETED", "application": {"metadata": {"name": "bank"}}} == await anext(lines)


TREE = f"{STREAM}/shop/resource-tree"


async def tree_of(answer: aiohttp.ClientResponse) -> list[str]:
    """Read the next tree; its names."""
    while not (line := (await answer.content.readline()).strip()):
        pass
    return [node["name"] for node in json.loads(line)["result"]["nodes"]]


async def test_a_resource_tree_is_told_as_it_is_and_when_it_has_changed() -> None:
    backend = fleet()
    backend.nodes = [pod_node("web-1")]
    async with serving(backend) as api, asyncio.timeout(10), api.session.get(api.url + TREE) as answer:
        first = await tree_of(answer)
        api.changes.changed(BANK)
        backend.nodes = [pod_node("web-1"), pod_node("web-2")]
        api.changes.changed(SHOP)
        second = await tree_of(answer)
        del backend.apps[SHOP]
        api.changes.changed(SHOP)
        rest = await answer.content.read()

    assert (["web-1"], ["web-1", "web-2"], b"") == (first, second, rest.strip())


async def test_a_tree_of_what_is_not_there_is_not_begun() -> None:
    async with serving(fleet()) as api:
        assert 404 == (await api.status("GET", f"{STREAM}/none/resource-tree"))[0]
