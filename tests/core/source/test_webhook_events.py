from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.source.repo_address import repository_key
from gitopsd.core.source.webhook import PROVIDERS, WebhookProvider, providers_of
from gitopsd.core.source.webhook_events import (
    MOST_URLS,
    IgnoredEvent,
    PingEvent,
    PushEvent,
    WebhookEvent,
    azure_devops,
    bitbucket_server,
    generic,
    gitea,
    harbor,
)
from gitopsd.errors import InvalidPayload
from tests.webhooks import AZURE, BITBUCKET_SERVER, DELIVERIES, PACKAGE, Delivery, credential

SECRET = b"bot:between the two of us"


def parsed(delivery: Delivery, payload: Any = None) -> WebhookEvent:
    provider = next(each for each in PROVIDERS if each.name == delivery.provider)
    return provider.parse(delivery.event, orjson.dumps(delivery.payload if payload is None else payload))


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_push_meets_the_repository_that_is_declared(name: str) -> None:
    delivery = DELIVERIES[name]
    event = parsed(delivery)

    assert isinstance(event, PushEvent)
    assert repository_key(delivery.declared) in {repository_key(url) for url in event.urls}
    assert delivery.refs == event.refs


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a push at GitHub", {"after": "1" * 40}),
        ("a push at Gitea", {"after": "1" * 40}),
        ("a tag at Gitea", {"after": None, "sha": "1" * 40}),
        ("a push at GitLab", {"after": "1" * 40}),
        ("a push at Bitbucket", {"push": {"changes": [{"new": {"name": "main", "target": {"hash": "1" * 40}}}, {}]}}),
        ("a push at Bitbucket Server", {"changes": [{"ref": {"id": "refs/heads/main"}, "toHash": "1" * 40}]}),
        ("a push at Azure DevOps", {}),
    ],
)
def test_commit_of_a_push_is_named(name: str, more: dict[str, Any]) -> None:
    event = parsed(DELIVERIES[name], {**DELIVERIES[name].payload, **more})

    assert isinstance(event, PushEvent)
    assert ("1" * 40,) == event.commits


@pytest.mark.parametrize("name", DELIVERIES)
def test_who_sends_is_known_by_the_headers_and_shows_its_secret(name: str) -> None:
    delivery, body = DELIVERIES[name], b"{}"
    headers = {**delivery.headers, **credential(delivery, SECRET, body)}
    likely = [each for each in providers_of(headers) if each.credential in headers]
    provider = next(each for each in likely if each.name == delivery.provider)
    own = headers[provider.credential]

    assert provider == next(each for each in likely if each.genuine(SECRET, body, own))
    assert not provider.genuine(b"another:one", body, own)
    assert not provider.genuine(b"", body, own)
    assert not provider.genuine(SECRET, body, own + "x")
    assert not provider.genuine(SECRET, body, "")
    assert provider.signs is not provider.genuine(SECRET, b"{ }", own)


def test_what_moves_no_ref_is_ignored() -> None:
    assert IgnoredEvent() == gitea("issues", b"whatever")
    assert IgnoredEvent() == parsed(DELIVERIES["a push at GitLab"], {"object_kind": "merge_request"})
    assert IgnoredEvent() == bitbucket_server("pr:opened", b"whatever")
    assert PingEvent() == bitbucket_server("diagnostics:ping", b'{"test": true}')
    assert IgnoredEvent() == azure_devops("", orjson.dumps({"eventType": "git.pullrequest.created"}))
    assert IgnoredEvent() == harbor("", orjson.dumps({"type": "PULL_ARTIFACT", "event_data": {}}))
    assert IgnoredEvent() == harbor("", orjson.dumps({"type": ["PUSH_ARTIFACT"]}))
    assert IgnoredEvent() == parsed(DELIVERIES["a push at GitLab"], {"object_kind": {"push": 1}})
    package = {"package": {**PACKAGE, "ecosystem": "npm", "package_type": "npm"}}
    assert IgnoredEvent() == parsed(DELIVERIES["a package at ghcr.io"], package)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("a push at Azure DevOps", {**AZURE, "resource": {**AZURE["resource"], "refUpdates": []}}),
        ("a push at Azure DevOps", {"eventType": "git.push", "resource": None}),
        ("a push at Bitbucket Server", {**BITBUCKET_SERVER, "repository": {"links": {"clone": {"href": None}}}}),
        ("a push at Bitbucket Server", {**BITBUCKET_SERVER, "repository": {"links": {"clone": [1, None, []]}}}),
        ("a push at Bitbucket Server", {**BITBUCKET_SERVER, "repository": {"links": {"clone": [{"href": None}]}}}),
        ("a push at Bitbucket", {"push": {"changes": "x"}, "repository": {"full_name": "a/b"}}),
        ("a push at Gogs", {"ref": "refs/heads/main"}),
        ("a push at Gogs", {"ref": "refs/heads/main", "repository": None}),
        ("a push at GitLab", {"object_kind": "push", "ref": "refs/heads/main", "project": [1]}),
        ("a package at ghcr.io", {"package": {"package_type": "CONTAINER", "namespace": "..", "name": None}}),
        ("an artifact at Harbor", {"type": "PUSH_ARTIFACT", "event_data": {"resources": [{"resource_url": 7}]}}),
        ("a program's word", {"repository": "--upload-pack=id"}),
        ("a program's word", []),
    ],
)
def test_a_push_of_another_shape_is_refused(name: str, payload: Any) -> None:
    with pytest.raises(InvalidPayload):
        parsed(DELIVERIES[name], payload)


def test_one_push_names_no_more_than_a_few_repositories() -> None:
    urls = [f"https://git.example/{number}" for number in range(1000)]

    event = generic("", orjson.dumps({"repositories": urls}))

    assert isinstance(event, PushEvent)
    assert MOST_URLS >= len(event.urls)


NAMES = sorted({name for each in DELIVERIES.values() for name in orjson.dumps(each.payload).decode().split('"')[1::2]})
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)
EVENTS = st.sampled_from(sorted({each.event for each in DELIVERIES.values()})) | st.text(max_size=20)


@given(st.sampled_from(PROVIDERS), EVENTS, JSON)
def test_no_json_raises_anything_else(provider: WebhookProvider, event: str, payload: Any) -> None:
    with contextlib.suppress(InvalidPayload):
        provider.parse(event, json.dumps(payload).encode())


@given(st.sampled_from(PROVIDERS), st.binary(max_size=50), st.text(max_size=60))
def test_absurd_credentials_are_just_not_genuine(provider: WebhookProvider, body: bytes, presented: str) -> None:
    assert not provider.genuine(SECRET, body, presented)
