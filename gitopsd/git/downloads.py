"""Files over HTTP: within limits, and with a login that its own host alone sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin, urlsplit

import aiohttp

from gitopsd.core.source.repo_url import without_credentials
from gitopsd.errors import RepositoryTooLarge, RepositoryUnreachable
from gitopsd.trust.http import whole

MAX_REDIRECTS = 5
OK, NOT_MODIFIED, UNAUTHORIZED, FORBIDDEN = 200, 304, 401, 403  # HTTP's own numbers
REDIRECTS = range(301, 309)


@dataclass(frozen=True, slots=True)
class Download:
    """What is downloaded."""

    url: str
    what: str  # in messages
    most_bytes: int
    setting: str  # that is raised where it is larger
    login: Mapping[str, str] = field(default_factory=dict)  # headers
    etag: str = ""  # of what is there already

    def with_etag(self, etag: str) -> Download:
        return replace(self, etag=etag)


@dataclass(frozen=True, slots=True)
class Downloaded:
    body: bytes
    etag: str


async def download(http: aiohttp.ClientSession, wanted: Download) -> Downloaded | None:
    """Return what is at a URL; None where it is what has the ETag already.

    Raises:
        RepositoryUnreachable: it cannot be had now.
        RepositoryTooLarge: it is larger than it may be.
    """
    url = wanted.url
    for _ in range(MAX_REDIRECTS + 1):
        try:
            headers = dict(wanted.login) if same_host(url, wanted.url) else {}
            headers |= {"If-None-Match": wanted.etag} if wanted.etag else {}
            async with http.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status in REDIRECTS and answer.status != NOT_MODIFIED:
                    url = _onward(wanted, url, answer.headers.get("Location", ""))
                    continue
                if answer.status == NOT_MODIFIED and wanted.etag:
                    return None
                _refuse(wanted, answer.status)
                body = await whole(answer, wanted.most_bytes)
                etag = answer.headers.get("ETag", "")
        except TimeoutError:
            raise _unreachable(wanted, "it takes too long") from None
        except (aiohttp.ClientError, ValueError) as err:
            raise _unreachable(wanted, str(err)[:300]) from None
        if body is None:
            raise RepositoryTooLarge(
                f"{wanted.what} has more than {wanted.most_bytes} bytes",
                remedy=f"raise {wanted.setting}, or use another",
            )
        return Downloaded(body, etag)
    raise _unreachable(wanted, "it is moved on and on")


def same_host(one: str, other: str) -> bool:
    """Tell whether two URLs are of one server, as far as logins go: scheme and port count. Raises ValueError."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)


def _onward(wanted: Download, url: str, location: str) -> str:
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme
    if scheme != "https" and not (scheme == "http" and wanted.url.startswith("http://")):
        raise _unreachable(wanted, "it is moved to a place without TLS")
    return target


def _refuse(wanted: Download, status: int) -> None:
    if status in (UNAUTHORIZED, FORBIDDEN):
        raise RepositoryUnreachable(
            f"{wanted.what} is not given to us ({status})",
            remedy="check user name and password of git.credentials, and their rights",
        )
    if status != OK:
        raise _unreachable(wanted, f"the answer is {status}")


def _unreachable(wanted: Download, why: str) -> RepositoryUnreachable:
    return RepositoryUnreachable(
        f"{wanted.what} cannot be had: {without_credentials(why)}", remedy="check the URL, the network and the proxy"
    )
