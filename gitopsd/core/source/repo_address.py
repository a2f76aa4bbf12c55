"""The parts of a repository's URL, and which URLs name one repository or lie under another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from gitopsd.core.source.repo_url import url_fault
from gitopsd.model.chart import bare

LONGEST = 2048  # characters of a URL

_WITH_SCHEME = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/?#@]*(?:@[^/?#@]*)*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]]*)(?::(?P<port>[0-9]{0,5}))?(?P<path>/[^?#]*)?(?P<rest>[?#].*)?"
)
_SCP = re.compile(r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:\s@\[\]]+):(?P<path>.+)")
_PORTS = {"https": "443", "http": "80", "ssh": "22", "oci": "443"}
_ALIASES = ("altssh.", "ssh.")  # hosts that speak SSH on the HTTPS port are named so


@dataclass(frozen=True, slots=True)
class RepoAddress:
    """Where a repository is, spelled in one way: no credentials, host in lower case, no `.git`, no empty parts."""

    scheme: str  # https | http | ssh | file | oci
    user: str  # of an SSH login; "" elsewhere
    host: str
    port: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, url: str) -> RepoAddress | None:
        """Return the address that `url` names, or None where git could not fetch from it, or should not."""
        url = bare(url)  # its host and its credentials are those of the URL itself
        if len(url) > LONGEST or url_fault(url):
            return None
        if url.startswith("/"):
            return cls("file", "", "", "", _parts(url))
        if "://" in url:
            return cls._with_scheme(url)
        found = _SCP.fullmatch(url)
        if found is None or found["host"].startswith("-") or (found["user"] or "").startswith("-"):
            return None
        return cls("ssh", found["user"] or "", found["host"].lower(), "22", _parts(found["path"]))

    @classmethod
    def _with_scheme(cls, url: str) -> RepoAddress | None:
        found = _WITH_SCHEME.fullmatch(url)
        if found is None or found["rest"]:
            return None
        scheme, host, user = found["scheme"].lower(), found["host"].lower(), found["user"] or ""
        parts = _parts(unquote(found["path"] or ""))
        if scheme == "file":
            return cls("file", "", "", "", parts) if not host and not user else None
        if scheme not in _PORTS or not host or host.startswith("-") or user.startswith("-"):
            return None
        login = user.partition(":")[0] if scheme == "ssh" else ""
        return cls(scheme, login, host, found["port"] or _PORTS[scheme], parts)

    def under(self, prefix: RepoAddress) -> bool:
        """Tell whether the address is `prefix` or below it; whole parts count, so `/org-2` is not below `/org`."""
        return (self.scheme, self.host, self.port) == (prefix.scheme, prefix.host, prefix.port) and (
            self.parts[: len(prefix.parts)] == prefix.parts
        )

    @property
    def key(self) -> str:
        """A name that HTTPS, SSH and scp-like URLs of one repository share.

        Ports differ between them and letter case does not matter to the large hosts, so both are left out: two
        repositories that share a key cost each other a fetch, no more.
        """
        host = next((self.host.removeprefix(alias) for alias in _ALIASES if self.host.startswith(alias)), self.host)
        return f"{host}/{'/'.join(self.parts)}".casefold()


def repository_key(url: str) -> str | None:
    """Return the name under which a webhook's URLs and a declaration's meet; None where `url` names no repository."""
    address = RepoAddress.parse(url)
    return address.key if address is not None else None


def same_repository(one: str, other: str) -> bool:
    """Tell whether two URLs may name one repository, whatever their scheme, user, port, case and `.git`."""
    key = repository_key(one)
    return key is not None and key == repository_key(other)


def _parts(path: str) -> tuple[str, ...]:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if parts and parts[-1] != ".git":
        parts[-1] = parts[-1].removesuffix(".git")
    return tuple(parts)
