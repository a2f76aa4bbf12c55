"""A webhook's payload: was it signed with our secret, and which repositories does it name?"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from gitopsd.core.source.repo_address import repository_key
from gitopsd.errors import InvalidPayload

SIGNATURE = "sha256="
URL_FIELDS = ("clone_url", "ssh_url", "html_url", "git_url", "url")
LONGEST_REF = 1024


@dataclass(frozen=True, slots=True)
class PushEvent:
    """A ref moved, says somebody who knows our secret. A reason to fetch, and nothing else."""

    urls: tuple[str, ...]  # every spelling of the repository's URL that the payload has
    ref: str  # refs/heads/main


@dataclass(frozen=True, slots=True)
class PingEvent:
    """The webhook was set up."""


@dataclass(frozen=True, slots=True)
class IgnoredEvent:
    """An event that no repository moves by."""


def verify(secret: bytes, body: bytes, signature: str | None) -> bool:
    """Tell whether `signature` (X-Hub-Signature-256) is the HMAC of the raw `body`, in constant time.

    Without a secret, or without a signature, nothing is genuine.
    """
    if not secret or signature is None:
        return False
    due = SIGNATURE + hmac.new(secret, body, hashlib.sha256).hexdigest()
    # As bytes: compare_digest raises on a str that is not ASCII, and the header is anybody's.
    return hmac.compare_digest(due.encode(), signature.strip().lower().encode(errors="replace"))


def parse_push(event: str, body: bytes) -> PushEvent | PingEvent | IgnoredEvent:
    """Return what a GitHub webhook says; `event` is its X-GitHub-Event header.

    The body is JSON, or a form with one field `payload` that holds JSON, as GitHub sends by default.

    Raises:
        InvalidPayload: the body is no JSON object, or the push in it names no repository or ref.
    """
    if event == "ping":
        return PingEvent()
    if event != "push":
        return IgnoredEvent()
    payload = _json(body)
    repository, ref = payload.get("repository"), payload.get("ref")
    if not isinstance(repository, dict) or not isinstance(ref, str) or not 0 < len(ref) <= LONGEST_REF:
        raise InvalidPayload("a push names no repository or no ref", remedy="send GitHub's push event")
    urls = [url for field in URL_FIELDS if isinstance(url := repository.get(field), str)]
    usable = tuple(dict.fromkeys(url for url in urls if repository_key(url) is not None))
    if not usable:
        raise InvalidPayload("a push names no repository URL", remedy="send GitHub's push event")
    return PushEvent(usable, ref)


def _json(body: bytes) -> dict[str, Any]:
    text = unquote_to_bytes(body[len(b"payload=") :].replace(b"+", b" ")) if body.startswith(b"payload=") else body
    try:
        payload = orjson.loads(text)
    except orjson.JSONDecodeError as err:
        raise InvalidPayload("the body is not JSON", remedy="set the webhook's content type to JSON") from err
    if not isinstance(payload, dict):
        raise InvalidPayload("the body is not a JSON object", remedy="send GitHub's push event")
    return payload
