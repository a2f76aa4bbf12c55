from __future__ import annotations

import dataclasses
import json
from typing import Any

import aiohttp
import pytest

from gitopsd.core.source.webhook import PROVIDERS
from gitopsd.settings import Settings
from tests.api.serving import Api, connected, serving
from tests.fakes.backend import FakeBackend
from tests.webhooks import DELIVERIES, Delivery, credential

NAMES = sorted({provider.name for provider in PROVIDERS})
SECRETS = {name: f"bot:{name}-0123456789".encode() for name in NAMES}


async def send(api: Api, delivery: Delivery, secret: bytes, payload: Any = None) -> int:
    body = json.dumps(delivery.payload if payload is None else payload).encode()
    headers = {**delivery.headers, **credential(delivery, secret, body)}
    async with (
        aiohttp.ClientSession() as sender,
        sender.post(f"{api.url}/api/webhook", data=body, headers=headers) as answer,
    ):
        return answer.status


def test_every_provider_has_a_secret_of_its_own_in_the_settings() -> None:
    api = Settings().api

    assert NAMES == sorted(["github", *(field.name for field in dataclasses.fields(api.webhooks))])


@pytest.mark.parametrize("name", DELIVERIES)
async def test_each_providers_push_asks_for_a_fetch(name: str) -> None:
    delivery = DELIVERIES[name]
    async with serving(FakeBackend(), secrets=SECRETS) as api:
        assert 200 == await send(api, delivery, SECRETS[delivery.provider])
        assert (["push"], 1) == (api.results, len(api.pushes))


@pytest.mark.parametrize("name", DELIVERIES)
async def test_the_secret_of_one_provider_opens_no_other(name: str) -> None:
    delivery = DELIVERIES[name]
    others = {other: secret for other, secret in SECRETS.items() if other != delivery.provider}
    async with serving(FakeBackend(), secrets=SECRETS) as api:
        for secret in others.values():
            assert 400 == await send(api, delivery, secret)
        assert {"forged"} == set(api.results)
    async with serving(FakeBackend(), secrets=others) as api:
        assert await send(api, delivery, SECRETS[delivery.provider]) in (400, 404)

    assert [] == api.pushes


@pytest.mark.parametrize("name", DELIVERIES)
async def test_a_provider_without_a_secret_is_off(name: str) -> None:
    async with serving(FakeBackend()) as api:
        assert 404 == await send(api, DELIVERIES[name], b"")

    assert ([], ["unconfigured"]) == (api.pushes, api.results)


async def test_gitea_may_sign_as_github_where_only_that_is_on() -> None:
    delivery = DELIVERIES["a push at Gitea"]
    as_github = dataclasses.replace(delivery, provider="github")
    async with serving(FakeBackend(), secrets={"github": SECRETS["github"]}) as api:
        assert 200 == await send(api, as_github, SECRETS["github"])


@pytest.mark.parametrize("name", ["a push at GitLab", "a push at Azure DevOps", "an artifact at Harbor"])
async def test_a_wrong_token_is_refused_before_the_body_is_read(name: str) -> None:
    delivery = DELIVERIES[name]
    headers = {**delivery.headers, **credential(delivery, b"guessed:one", b"")}
    lines = "".join(f"{header}: {text}\r\n" for header, text in headers.items())
    head = f"POST /api/webhook HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: 1000000\r\n\r\n"
    async with serving(FakeBackend(), secrets=SECRETS) as api, connected(api.port, head.encode()) as reader:
        assert b"HTTP/1.1 400 Bad Request" == (await reader.readline()).strip()

    assert ["forged"] == api.results


@pytest.mark.parametrize("name", DELIVERIES)
async def test_a_genuine_payload_of_another_shape_is_refused(name: str) -> None:
    delivery = DELIVERIES[name]
    async with serving(FakeBackend(), secrets=SECRETS) as api:
        assert 400 == await send(api, delivery, SECRETS[delivery.provider], payload=[])
        deep: Any = json.loads("[" * 500 + "]" * 500)
        assert await send(api, delivery, SECRETS[delivery.provider], payload={"type": deep}) in (200, 400)

    assert ([], []) == (api.pushes, api.unforeseen)
