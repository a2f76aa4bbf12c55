"""Whose webhook a request is, and whether it knows our secret: a table of providers, each with a secret of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from gitopsd.core.source import webhook_events
from gitopsd.core.source.webhook_events import WebhookEvent

SIGNATURE = "sha256="


def verify(secret: bytes, body: bytes, signature: str | None) -> bool:
    """Tell whether `signature` is `sha256=` and the HMAC of the raw `body` in hex, in constant time.

    Without a secret, or without a signature, nothing is genuine.
    """
    return _verified(secret, body, signature, SIGNATURE)


def _verify_bare(secret: bytes, body: bytes, signature: str) -> bool:
    return _verified(secret, body, signature, "")


def _same_token(secret: bytes, _body: bytes, token: str) -> bool:
    return bool(secret) and _same(secret, token.encode(errors="replace"))


def _same_login(secret: bytes, _body: bytes, authorization: str) -> bool:
    """Tell whether the header is HTTP's basic login of `secret`, a user and a password with a colon between them."""
    scheme, _, login = authorization.partition(" ")
    due = base64.b64encode(secret)
    return bool(secret) and scheme.lower() == "basic" and _same(due, login.strip().encode(errors="replace"))


def _verified(secret: bytes, body: bytes, signature: str | None, prefix: str) -> bool:
    if not secret or signature is None:
        return False
    due = prefix + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return _same(due.encode(), signature.strip().lower().encode(errors="replace"))


def _same(due: bytes, presented: bytes) -> bool:
    # As bytes: compare_digest raises on a str that is not ASCII, and the header is anybody's. As digests: the time does
    # not tell how long the secret is, either.
    return hmac.compare_digest(hashlib.sha256(due).digest(), hashlib.sha256(presented).digest())


@dataclass(frozen=True, slots=True)
class WebhookProvider:
    """How one kind of server sends webhooks. All that is read of a request before it is genuine are its headers."""

    name: str  # of the setting with its secret
    mark: str  # the header that its requests have
    credential: str  # the header with the signature, token or login
    parse: Callable[[str, bytes], WebhookEvent]  # event, body
    event: str = ""  # the header that names the event; "": the body does
    genuine: Callable[[bytes, bytes, str], bool] = verify  # secret, body, credential
    signs: bool = True  # the credential is of the body; else it is known whether it is right before the body is read


PROVIDERS = (
    WebhookProvider("generic", "X-Gitopsd-Signature", "X-Gitopsd-Signature", webhook_events.generic),
    # Gitea and Forgejo send the headers of Gogs and GitHub beside their own.
    WebhookProvider("gitea", "X-Gitea-Event", "X-Gitea-Signature", webhook_events.gitea, "X-Gitea-Event", _verify_bare),
    WebhookProvider("gitea", "X-Gogs-Event", "X-Gogs-Signature", webhook_events.gitea, "X-Gogs-Event", _verify_bare),
    WebhookProvider("github", "X-GitHub-Event", "X-Hub-Signature-256", webhook_events.github, "X-GitHub-Event"),
    WebhookProvider(
        "gitlab", "X-Gitlab-Event", "X-Gitlab-Token", webhook_events.gitlab, genuine=_same_token, signs=False
    ),
    WebhookProvider("bitbucket", "X-Hook-UUID", "X-Hub-Signature", webhook_events.bitbucket, "X-Event-Key"),
    WebhookProvider(
        "bitbucket_server", "X-Event-Key", "X-Hub-Signature", webhook_events.bitbucket_server, "X-Event-Key"
    ),
    WebhookProvider(
        "azure_devops",
        "Authorization",
        "Authorization",
        webhook_events.azure_devops,
        genuine=_same_login,
        signs=False,
    ),
    WebhookProvider(
        "harbor", "Authorization", "Authorization", webhook_events.harbor, genuine=_same_token, signs=False
    ),
)


def providers_of(headers: Container[str]) -> Iterator[WebhookProvider]:
    """Give the providers that may have sent a request with `headers`, the likeliest first.

    Whoever sends may choose among them, and needs the secret of the one that is chosen.
    """
    return (provider for provider in PROVIDERS if provider.mark in headers)
