"""A client is patient with a busy server, bounded towards it, and turns the network's errors into ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from gitopsd.errors import ClusterUnreachable, TooSlow
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.lines import Lines
from gitopsd.settings import ClusterSettings, Secret
from tests.clusters import Cluster, free_ports
from tests.kube.fake import Fake, refuses, rests, says, serving
from tests.kube.kit import client_of
from tests.live.kit import until
from tests.live.script import sends_and_holds


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with serving() as server:
        yield server


async def test_a_busy_server_is_asked_again_when_it_says(fake: Fake) -> None:
    fake.script("/x", rests(0), refuses(503, **{"Retry-After": "0"}), says({"a": 1}))
    seen: list[tuple[str, int]] = []
    settings = ClusterSettings("fake", server=fake.url)

    async with KubeClient(settings, on_request=lambda verb, code, _: seen.append((verb, code))) as client:
        reply = await client.request("GET", "/x")

    assert (200, {"a": 1}) == (reply.code, reply.body)
    assert [("GET", 429), ("GET", 503), ("GET", 200)] == seen


async def test_a_server_busy_for_longer_than_the_deadline_is_a_refusal(fake: Fake) -> None:
    fake.script("/x", rests(5))

    async with fake.client(request_deadline_s=4.0) as client:
        reply = await client.request("GET", "/x")

    assert (429, 5.0) == (reply.code, reply.retry_after_s)


async def test_a_server_that_wants_a_rest_is_asked_nothing_meanwhile_and_others_are(fake: Fake) -> None:
    loop = asyncio.get_running_loop()

    async def asks(client: KubeClient, path: str) -> float:
        assert (await client.request("GET", path)).ok
        return loop.time()

    fake.script("/x", rests(1), says({}))
    fake.script("/w", rests(1), sends_and_holds(fake, b"{}\n"))
    fake.script("/y", says({}))
    async with fake.client() as client, fake.client() as elsewhere, asyncio.TaskGroup() as group:
        x = group.create_task(asks(client, "/x"))
        await until(client._budget.rest_s, "told to rest")  # noqa: SLF001 - nothing else shows it
        told_s = loop.time()
        assert 0.0 == elsewhere._budget.rest_s()  # noqa: SLF001
        assert await asks(client, "/y") >= told_s + 0.9
        assert await x >= told_s + 0.9
        assert b"{}" == await _first_line(client)

    assert 16 > client._budget.limit  # noqa: SLF001
    assert 32 == elsewhere._budget.limit  # noqa: SLF001


async def test_a_kind_whose_storage_is_not_ready_holds_up_no_other(fake: Fake) -> None:
    broken = refuses(429, "storage is (re)initializing: conversion webhook failed", **{"Retry-After": "1"})
    fake.script("/broken", broken, broken)
    fake.script("/w", broken)
    fake.script("/y", says({}))
    async with fake.client(request_deadline_s=1.5) as client:
        reply = await client.request("GET", "/broken")
        async with client.watch("/w", {}, idle_s=30) as refused:
            assert isinstance(refused, Reply)

        assert 0.0 == client._budget.rest_s()  # noqa: SLF001 - nothing else shows it
        assert 32 == client._budget.limit  # noqa: SLF001
    assert (429, 429) == (reply.code, refused.code)
    assert "storage" in reply.message


async def test_a_server_that_says_nothing_is_too_slow(fake: Fake) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await fake.hold()
        return web.Response()

    fake.script("/x", never)
    async with fake.client(request_deadline_s=0.1) as client:
        with pytest.raises(TooSlow, match="GET /x on cluster fake"):
            await client.request("GET", "/x")


async def test_no_more_requests_than_allowed_are_in_flight_and_watches_do_not_count(fake: Fake) -> None:
    running, most = 0, 0

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return web.json_response({})

    fake.script("/x", slow)
    fake.script("/w", sends_and_holds(fake, b"{}\n"))
    async with fake.client(requests_at_once=3) as client, asyncio.TaskGroup() as group:
        watches = [group.create_task(_first_line(client)) for _ in range(5)]
        for _ in range(20):
            group.create_task(client.request("GET", "/x"))

    assert 3 == most
    assert [b"{}"] * 5 == [watch.result() for watch in watches]


async def _first_line(client: KubeClient) -> bytes:
    async with client.watch("/w", {}, idle_s=30) as lines:
        assert isinstance(lines, Lines)
        async for batch in lines.batches():
            return batch[0]
    raise AssertionError("the watch ended")


async def test_nobody_there_is_unreachable() -> None:
    settings = ClusterSettings("gone", server=f"http://127.0.0.1:{free_ports(1)[0]}")
    async with KubeClient(settings) as client:
        with pytest.raises(ClusterUnreachable, match="cluster gone does not answer"):
            await client.request("GET", "/x")


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a":'])
async def test_an_answer_that_is_no_json_is_unreachable(fake: Fake, body: bytes) -> None:
    fake.script("/x", says(body))
    async with fake.client() as client:
        with pytest.raises(ClusterUnreachable):
            await client.request("GET", "/x")


async def test_an_error_page_is_a_refusal_with_its_words(fake: Fake) -> None:
    fake.script("/x", says(b"bad gateway\n", 502))
    async with fake.client() as client:
        assert (502, "bad gateway") == ((reply := await client.request("GET", "/x")).code, reply.message)


async def test_an_answer_without_end_is_not_kept(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitopsd.kube.client.MAX_BODY_BYTES", 1000)
    fake.script("/x", says(b'"' + b"x" * 5000 + b'"'))
    async with fake.client() as client:
        with pytest.raises(ClusterUnreachable, match="more than 1000 bytes"):
            await client.request("GET", "/x")


async def test_a_redirect_does_not_take_the_token_elsewhere(fake: Fake) -> None:
    fake.script("/x", says({}, 302, Location="/elsewhere"))
    async with fake.client() as client:
        assert 302 == (await client.request("GET", "/x")).code
    assert [] == fake.queries("/elsewhere")


async def test_a_token_that_ended_is_read_again(fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")

    async def knows_new(request: web.Request) -> web.StreamResponse:
        known = request.headers["Authorization"] == "Bearer new"
        file.write_text("new\n")
        return web.json_response({}, status=200 if known else 401)

    fake.script("/x", knows_new)
    async with fake.client(token=Secret(file=file)) as client:
        assert 200 == (await client.request("GET", "/x")).code
    assert 2 == len(fake.asked)


async def test_a_token_that_is_not_known_is_unreachable_and_not_told(fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("hunter2")
    fake.script("/x", refuses(401, "Unauthorized"))
    async with fake.client(token=Secret(file=file)) as client:
        with pytest.raises(ClusterUnreachable, match="401") as failure:
            await client.request("GET", "/x")
        with pytest.raises(ClusterUnreachable, match="401"):
            async with client.watch("/x", {}, idle_s=1):
                pass
    assert "hunter2" not in str(failure.value)


async def test_a_certificate_of_another_authority_is_not_trusted(cluster: Cluster) -> None:
    async with KubeClient(ClusterSettings("other", server=cluster.server)) as client:
        with pytest.raises(ClusterUnreachable, match="certificate"):
            await client.request("GET", "/version")


async def test_a_client_certificate_of_a_kubeconfig_is_ours(cluster: Cluster) -> None:
    async with client_of(cluster) as client:
        assert 200 == (await client.request("GET", "/api/v1/namespaces/default")).code
