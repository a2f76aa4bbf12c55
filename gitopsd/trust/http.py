"""An HTTP session as credentials ask for it: certificates, proxy, login."""

from __future__ import annotations

import asyncio
import os
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import aiohttp

from gitopsd.errors import InvalidSettings
from gitopsd.settings import RepoCredentials
from gitopsd.trust.fetch import HttpSession
from gitopsd.trust.reach import PinnedResolver, Reach

CONNECT_S = 15.0
IDLE_S = 15.0
SILENT_S = 30.0  # without a byte: a server that takes requests and says nothing holds up the fetches of others


@asynccontextmanager
async def session(
    credentials: RepoCredentials | None, url: str, *, deadline_s: float, reach: Reach, idle_s: float = IDLE_S
) -> AsyncIterator[HttpSession]:
    """Open a session to the host of `url`, with the certificates and the proxy of `credentials`, and within `reach`.

    A login it does not send by itself; the environment's proxies hold where `credentials` names none. A connection
    by which nothing was asked for `idle_s` is let go.

    Raises:
        InvalidSettings: a certificate or key of `credentials` cannot be used.
    """
    credentials = credentials or RepoCredentials(url)
    context = await asyncio.to_thread(tls, credentials)  # it reads the system's authorities: 20 ms
    limits = aiohttp.ClientTimeout(
        total=deadline_s, sock_connect=min(CONNECT_S, deadline_s), sock_read=min(SILENT_S, deadline_s)
    )
    # Not trust_env: that would take logins from ~/.netrc, too.
    proxy = proxy_of(credentials, url)
    resolver = PinnedResolver(reach, proxy)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=context,
            resolver=resolver,
            ttl_dns_cache=None,  # one answer for all of it
            keepalive_timeout=idle_s,
        ),
        timeout=limits,
        proxy=proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as opened:
        yield HttpSession(opened, reach, resolver)


def proxy_of(credentials: RepoCredentials, url: str) -> str | None:
    """Return the proxy, of `credentials` or of the environment, to the host of `url`; None where it is reached without.

    Raises:
        InvalidSettings: it is one that git alone can use.
    """
    proxy = _proxy(credentials, url)
    if proxy is not None and not proxy.startswith(("http://", "https://")):
        raise InvalidSettings(
            f"the proxy for {credentials.url} is none of HTTP, and registries, Git LFS and GitHub's API need one",
            remedy="write an http:// proxy, or none for them",
        )
    return proxy


def is_proxied(credentials: RepoCredentials, url: str) -> bool:
    """Tell whether the host of `url` is reached by a proxy of any kind."""
    return _proxy(credentials, url) is not None


def _proxy(credentials: RepoCredentials, url: str) -> str | None:
    if credentials.proxy:
        return None if bypasses(credentials.no_proxy, url) else credentials.proxy
    parts, environment = urlsplit(url), getproxies_environment()
    if proxy_bypass_environment(parts.netloc, environment):
        return None
    return environment.get(parts.scheme) or environment.get("all")


def login(credentials: RepoCredentials | None) -> dict[str, str]:
    """Return the headers by which `credentials` logs in at once; none where it holds no login for HTTP."""
    if credentials is not None and credentials.bearer_token is not None:
        return {"Authorization": f"Bearer {credentials.bearer_token.read()}"}
    if credentials is not None and credentials.password is not None:
        return {"Authorization": basic(credentials.username, credentials.password.read())}
    return {}


def basic(user: str, password: str) -> str:
    """Return the value of a header that logs in by user and password."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def bypasses(no_proxy: str, url: str) -> bool:
    """Tell whether the host of `url` is reached without a proxy: by name, by a domain it lies in, by address or `*`."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        if entry in ("*", host) and entry:
            return True
        if entry and host.endswith(f".{entry.lstrip('.')}"):
            return True
        if "/" in entry and _within(host, entry):
            return True
    return False


def tls(credentials: RepoCredentials) -> ssl.SSLContext:
    """Return how TLS is spoken under `credentials`.

    Raises:
        InvalidSettings: a certificate or key cannot be used; it names neither.
    """
    try:
        context = ssl.create_default_context(cafile=credentials.ca_file if not credentials.insecure else None)
        if credentials.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credentials.client_cert is not None and credentials.client_key is not None:
            with in_memory(credentials.client_cert.read()) as cert, in_memory(credentials.client_key.read()) as key:
                context.load_cert_chain(cert, key)
    except (OSError, ValueError) as err:  # ssl.SSLError is an OSError
        reason = err.strerror or type(err).__name__ if isinstance(err, OSError) else type(err).__name__
        raise InvalidSettings(
            f"the certificates for {credentials.url} cannot be used: {reason}",
            remedy="write ca_file, client_cert and client_key as PEM, the key without a passphrase",
        ) from None
    return context


@contextmanager
def in_memory(text: str) -> Iterator[Path]:
    """Have `text` as a file that is on no disk, for what reads files by name."""
    fd = os.memfd_create("gitopsd-credentials")
    try:
        os.write(fd, text.encode())
        yield Path(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def _within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
