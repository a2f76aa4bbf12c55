"""Files over HTTP: within limits, and with a login that its own host alone sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gitopsd.errors import RepositoryTooLarge, RepositoryUnreachable
from gitopsd.trust.fetch import FORBIDDEN, NOT_MODIFIED, OK, UNAUTHORIZED, FetchFailed, HttpRequest, HttpSession, Why
from gitopsd.words import without_credentials


@dataclass(frozen=True, slots=True)
class Download:
    """What is downloaded."""

    url: str
    what: str  # in messages
    most_bytes: int
    setting: str  # that is raised where it is larger
    login: Mapping[str, str] = field(default_factory=dict)  # headers
    etag: str = ""  # of what is there already
    may_go: Callable[[str], bool] = lambda _url: True  # whether a redirect may lead there

    def with_etag(self, etag: str) -> Download:
        return replace(self, etag=etag)


@dataclass(frozen=True, slots=True)
class Downloaded:
    body: bytes
    etag: str


async def download(http: HttpSession, source: Download) -> Downloaded | None:
    """Return what is at a URL; None where it is what has the ETag already.

    Raises:
        RepositoryUnreachable: it cannot be had now.
        RepositoryTooLarge: it is larger than it may be.
    """
    headers = {"If-None-Match": source.etag} if source.etag else {}
    request = HttpRequest(source.url, source.most_bytes, headers, source.login, may_go=source.may_go)
    try:
        answer = await http.fetch(request)
    except FetchFailed as err:
        if err.reason is Why.TOO_LARGE:
            raise RepositoryTooLarge(
                f"{source.what} has more than {source.most_bytes} bytes",
                remedy=f"raise {source.setting}, or use another",
            ) from None
        raise _unreachable(source, str(err)) from None
    if answer.status == NOT_MODIFIED and source.etag:
        return None
    _refuse(source, answer.status)
    return Downloaded(answer.body, answer.headers.get("ETag", ""))


def _refuse(source: Download, status: int) -> None:
    if status in (UNAUTHORIZED, FORBIDDEN):
        raise RepositoryUnreachable(
            f"{source.what} is not given to us ({status})",
            remedy="check user name and password of git.credentials, and their rights",
        )
    if status != OK:
        raise _unreachable(source, f"the answer is {status}")


def _unreachable(source: Download, cause: str) -> RepositoryUnreachable:
    return RepositoryUnreachable(
        f"{source.what} cannot be had: {without_credentials(cause)}", remedy="check the URL, the network and the proxy"
    )
