"""What works in settings, and leaves a door open: said at the start and by `gitopsd check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from ipaddress import ip_address

from gitopsd.errors import InvalidSettings
from gitopsd.settings.problem import Problems
from gitopsd.settings.schema import ApiSettings, RepoCredentials, Secret, Settings

SHORTEST = 20  # characters of a token or a secret that anybody on the network may guess at


def note_unsafe(settings: Settings, problems: Problems) -> None:
    """Add to `problems` what is unsafe in settings that are otherwise right."""
    if not is_loopback(settings.api.host) and settings.api.cert_file is None:
        what = f"is {settings.api.host[:80]}, and the API has no TLS: its token can be read on the way"
        problems.at(
            "api.host", what, "set api.cert_file and api.key_file, or keep it behind a TLS proxy of this machine"
        )
    for name, secret in _guessed(settings.api):
        if len(_text(secret)) < SHORTEST:
            what = f"has fewer than {SHORTEST} characters, so it can be guessed"
            problems.at(name, what, "make one with `openssl rand -base64 32`")
    for index, credentials in enumerate(settings.git.credentials):
        for what, remedy in unchecked(credentials):
            problems.at(f"git.credentials[{index}]", what, remedy)


def is_loopback(host: str) -> bool:
    """Tell whether what listens on `host` is for this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def unchecked(credentials: RepoCredentials) -> Iterator[tuple[str, str]]:
    """Yield what `credentials` does not check of a server, and what to do instead."""
    if credentials.insecure:
        yield "checks neither certificates nor host keys (insecure)", "name the authority in ca_file"
    elif credentials.insecure_host_key:
        yield "checks no host keys", "name the server's host key in known_hosts"
    if credentials.plain_http:
        yield "speaks to its registry without TLS", "give the registry a certificate, and remove plain_http"


def _guessed(api: ApiSettings) -> Iterator[tuple[str, Secret]]:
    if api.token is not None:
        yield "api.token", api.token
    if api.webhook_secret is not None:
        yield "api.webhook_secret", api.webhook_secret
    for setting in fields(api.webhooks):
        if (secret := getattr(api.webhooks, setting.name)) is not None:
            yield f"api.webhooks.{setting.name}", secret


def _text(secret: Secret) -> str:
    try:
        return secret.read()
    except InvalidSettings:
        return " " * SHORTEST  # it is said elsewhere that it cannot be read
