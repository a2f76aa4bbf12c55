from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote_plus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.source.webhook import verify
from gitopsd.core.source.webhook_events import IgnoredEvent, PingEvent, PushEvent, github
from gitopsd.errors import InvalidPayload

SECRET = b"between us"
PUSH = {
    "ref": "refs/heads/main",
    "repository": {
        "clone_url": "https://github.com/org/repo.git",
        "ssh_url": "git@github.com:org/repo.git",
        "html_url": "https://github.com/org/repo",
        "git_url": "git://github.com/org/repo.git",
    },
}


def signature(body: bytes, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def test_only_the_signature_of_this_body_with_our_secret_is_genuine() -> None:
    body = orjson.dumps(PUSH)

    assert verify(SECRET, body, signature(body))
    assert not verify(SECRET, body + b" ", signature(body))
    assert not verify(SECRET, body, signature(body, b"guessed"))
    assert not verify(SECRET, body, signature(body).removeprefix("sha256="))
    assert not verify(SECRET, body, "sha1=" + hmac.new(SECRET, body, hashlib.sha1).hexdigest())
    assert not verify(SECRET, body, None)
    assert not verify(SECRET, body, "")
    assert not verify(b"", body, signature(body, b""))


@given(st.text(max_size=200))
def test_absurd_signature_is_just_not_genuine(text: str) -> None:
    assert not verify(SECRET, b"{}", text)


def test_push_names_every_fetchable_spelling_of_its_repository() -> None:
    due = PushEvent(
        ("https://github.com/org/repo.git", "git@github.com:org/repo.git", "https://github.com/org/repo"),
        ("refs/heads/main",),
    )

    assert due == github("push", orjson.dumps(PUSH))


def test_push_sent_as_a_form_is_read_alike() -> None:
    form = b"payload=" + quote_plus(orjson.dumps(PUSH)).encode()

    assert github("push", orjson.dumps(PUSH)) == github("push", form)


def test_ping_and_other_events_name_nothing() -> None:
    assert PingEvent() == github("ping", b"whatever")
    assert IgnoredEvent() == github("issues", b"whatever")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"payload=%7B",
        b"[" * 100_000,
        b'{"ref": "refs/heads/main"}',
        b'{"ref": "refs/heads/main", "repository": []}',
        b'{"ref": "refs/heads/main", "repository": {}}',
        b'{"ref": "refs/heads/main", "repository": {"clone_url": {"href": null}}}',
        b'{"ref": "refs/heads/main", "repository": {"clone_url": "ext::sh -c id"}}',
        b'{"ref": 7, "repository": {"clone_url": "https://h/x"}}',
        b'{"ref": "", "repository": {"clone_url": "https://h/x"}}',
    ],
)
def test_absurd_push_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        github("push", body)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*PUSH, *PUSH["repository"]]), inner),
    max_leaves=12,
)


@given(
    st.sampled_from(["push", "ping", "create", "", "\udc80"]), st.binary(max_size=200) | JSON.map(repr).map(str.encode)
)
def test_no_bytes_raise_anything_else(event: str, body: bytes) -> None:
    with contextlib.suppress(InvalidPayload):
        github(event, body)


@given(JSON)
def test_no_json_raises_anything_else(payload: Any) -> None:
    body = json.dumps(payload).encode()
    with contextlib.suppress(InvalidPayload):
        github("push", body)
