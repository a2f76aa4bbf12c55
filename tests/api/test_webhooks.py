from __future__ import annotations

import contextlib
import gzip
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import pytest

from gitopsd.api.webhooks import WebhookBounds
from tests.api.serving import Api, connected, serving, until
from tests.fakes.backend import FakeBackend

KEY = b"a-secret-for-tests"
URL = "https://github.com/acme/fleet.git"
BOUNDS = WebhookBounds(max_bytes=1 << 20, deadline_s=30)
PUSH = json.dumps({"ref": "refs/heads/main", "repository": {"clone_url": URL, "url": 7}}).encode()


def signed(body: bytes, key: bytes = KEY) -> str:
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


async def send(api: Api, body: bytes, *, event: str = "push", **headers: str) -> tuple[int, str]:
    """Send `body` without a token, signed unless told otherwise."""
    headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": signed(body), **headers}
    async with (
        aiohttp.ClientSession() as github,
        github.post(f"{api.url}/api/webhook", data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, await answer.text()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(FakeBackend(), secrets={"github": KEY}, webhook_bounds=BOUNDS) as served:
        yield served


async def test_signed_push_asks_for_a_fetch(api: Api) -> None:
    assert (200, '{"status":"accepted"}') == await send(api, PUSH)
    assert [(URL,)] == api.pushes
    assert ["push"] == api.results


async def test_repeated_push_is_taken_again(api: Api) -> None:
    for _ in range(3):
        assert 200 == (await send(api, PUSH))[0]

    assert 3 == len(api.pushes)


@pytest.mark.parametrize(("event", "result"), [("ping", "ping"), ("issues", "ignored"), ("", "ignored")])
async def test_event_by_which_no_repository_moves_is_accepted(api: Api, event: str, result: str) -> None:
    assert 200 == (await send(api, b"{}", event=event))[0]
    assert ([], [result]) == (api.pushes, api.results)


@pytest.mark.parametrize(
    ("body", "headers", "result"),
    [
        (PUSH, {"X-Hub-Signature-256": signed(PUSH, b"wrong")}, "forged"),
        (PUSH, {"X-Hub-Signature-256": signed(PUSH + b" ")}, "forged"),
        (PUSH, {"X-Hub-Signature-256": "sha256="}, "forged"),
        (PUSH, {"X-Hub-Signature-256": "sha1=" + "0" * 40}, "forged"),
        (PUSH, {"X-Hub-Signature-256": "é" * 100}, "forged"),
        (PUSH, {"X-Hub-Signature-256": "é" * 100, "Content-Type": "text/plain"}, "forged"),
        (b"", {}, "invalid"),
        (b"{", {}, "invalid"),
        (b"[]", {}, "invalid"),
        (b"{}", {}, "invalid"),
        (b"\xff\xfe\x00", {}, "invalid"),
        (b"[" * 200_000, {}, "invalid"),
        (b'{"a":' * 200_000, {}, "invalid"),
        (b'{"ref": null, "repository": null}', {}, "invalid"),
        (b'{"ref": "r", "repository": [1]}', {}, "invalid"),
        (b'{"ref": "r", "repository": {"clone_url": ["x"]}}', {}, "invalid"),
        (b'{"ref": {"a": 1}, "repository": {"clone_url": "https://a/b"}}', {}, "invalid"),
        (b'{"ref": "r", "repository": {"clone_url": "ext::sh -c id"}}', {}, "invalid"),
        (b'{"ref": "r", "repository": {"clone_url": "--upload-pack=id"}}', {}, "invalid"),
        (json.dumps({"ref": "r" * 5000, "repository": {"clone_url": URL}}).encode(), {}, "invalid"),
        (gzip.compress(PUSH), {"Content-Encoding": "gzip"}, "invalid"),
    ],
)
async def test_forged_and_absurd_payloads_get_a_4xx_without_detail(
    api: Api, body: bytes, headers: dict[str, str], result: str
) -> None:
    refused = (400, '{"error":"Bad Request","code":3,"message":"Bad Request"}')

    assert refused == await send(api, body, **headers)
    assert ([], [result], []) == (api.pushes, api.results, api.unforeseen)


async def test_unsigned_payload_is_refused_before_its_body_is_read(api: Api) -> None:
    head = b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nContent-Length: 1000000\r\n\r\n"
    async with connected(api.port, head) as reader:
        assert b"HTTP/1.1 400 Bad Request" == (await reader.readline()).strip()

    assert ["unsigned"] == api.results


async def test_body_over_the_bound_is_refused_by_its_length(api: Api) -> None:
    assert 413 == (await send(api, b"x" * (2 << 20)))[0]
    assert ["too-large"] == api.results


async def test_body_over_the_bound_is_refused_while_it_comes(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    # The refusal may be read, or the connection may end under the sender's hands.
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        async with (
            aiohttp.ClientSession(headers={"X-GitHub-Event": "push", "X-Hub-Signature-256": signed(b"")}) as github,
            github.post(f"{api.url}/api/webhook", data=endless()) as answer,
        ):
            assert 413 == answer.status

    assert ["too-large"] == api.results


HEAD = b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=0\r\n"


async def test_body_that_trickles_is_given_up() -> None:
    hasty = WebhookBounds(deadline_s=0.5)
    async with serving(FakeBackend(), secrets={"github": KEY}, webhook_bounds=hasty) as api:
        async with connected(api.port, HEAD + b"Content-Length: 1000\r\n\r\n{") as reader:
            assert b"HTTP/1.1 408 Request Timeout" == (await reader.readline()).strip()

        assert ["slow"] == api.results


@pytest.mark.parametrize("part", [b"Content-Length: 1000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"])
async def test_truncated_body_is_counted_and_harms_nobody(api: Api, part: bytes) -> None:
    async with connected(api.port, HEAD + part):
        pass

    async def counted() -> bool:
        return bool(api.results)

    await until(counted)
    assert ([], []) == (api.pushes, api.unforeseen)
    assert 200 == (await send(api, PUSH))[0]


async def test_broken_chunk_is_refused(api: Api) -> None:
    async with connected(api.port, HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n") as reader:
        assert (await reader.readline()).strip().endswith(b"400 Bad Request")

    assert [] == api.unforeseen


async def test_large_genuine_payload_is_taken(api: Api) -> None:
    payload: dict[str, Any] = json.loads(PUSH) | {"commits": ["c" * 1000] * 900}
    assert 200 == (await send(api, json.dumps(payload).encode()))[0]
    assert 1 == len(api.pushes)


async def test_without_a_secret_there_is_no_webhook() -> None:
    async with serving(FakeBackend()) as api:
        assert 404 == (await send(api, PUSH))[0]
        assert 404 == (await send(api, PUSH, **{"X-Hub-Signature-256": signed(PUSH, b"")}))[0]

    assert ([], ["unconfigured"] * 2) == (api.pushes, api.results)


async def test_strangers_bodies_fill_a_bounded_buffer_together() -> None:
    bounds = WebhookBounds(deadline_s=30, buffer_bytes=100_000)
    async with serving(FakeBackend(), secrets={"github": KEY}, webhook_bounds=bounds) as api:
        body = PUSH + b" " * 50_000

        async def answers(status: int) -> bool:
            return status == (await send(api, body))[0]

        async with connected(api.port, HEAD + b"Content-Length: 200000\r\n\r\n" + b"x" * 90_000):
            await until(partial(answers, 503))
        await until(partial(answers, 200))

    assert "overloaded" in api.results
