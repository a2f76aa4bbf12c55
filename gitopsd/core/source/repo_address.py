"""The parts of a repository's URL, and which URLs name one repository or lie under another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote, urlsplit

from gitopsd.core.source.repo_url import url_fault
from gitopsd.model.chart import bare

LONGEST = 2048  # characters of a URL

_WITH_SCHEME = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/?#@]*(?:@[^/?#@]*)*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]]*)(?::(?P<port>[0-9]{0,5}))?(?P<path>/[^?#]*)?(?P<rest>[?#].*)?"
)
_SCP = re.compile(r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:\s@\[\]]+):(?P<path>.+)")
_NAMED = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # what ends a host that is an address, however it is written
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
        return _parsed(url)

    @classmethod
    def _read(cls, url: str) -> RepoAddress | None:
        url = bare(url)  # its host and its credentials are those of the URL itself
        if len(url) > LONGEST or url_fault(url):
            return None
        if url.startswith("/"):
            return cls("file", "", "", "", _parts(url))
        if "://" in url:
            return cls._with_scheme(url)
        match = _SCP.fullmatch(url)
        host = host_of(match["host"]) if match is not None else ""
        if match is None or not host or (match["user"] or "").startswith("-"):
            return None
        return cls("ssh", match["user"] or "", host, "22", _parts(match["path"]))

    @classmethod
    def _with_scheme(cls, url: str) -> RepoAddress | None:
        match = _WITH_SCHEME.fullmatch(url)
        if match is None or match["rest"]:
            return None
        scheme, user = match["scheme"].lower(), match["user"] or ""
        parts = _parts(unquote(match["path"] or ""))
        if scheme == "file":
            return cls("file", "", "", "", parts) if not match["host"] and not user else None
        host = host_of(match["host"])
        if scheme not in _PORTS or not host or user.startswith("-"):
            return None
        login = user.partition(":")[0] if scheme == "ssh" else ""
        return cls(scheme, login, host, str(int(match["port"] or _PORTS[scheme])), parts)

    @property
    def authority(self) -> str:
        """Host and port as a URL of the scheme has them: the port where it is not the usual one."""
        return self.host if self.port == _PORTS.get(self.scheme) else f"{self.host}:{self.port}"

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


@lru_cache(maxsize=8192)
def _parsed(url: str) -> RepoAddress | None:
    return RepoAddress._read(url)  # noqa: SLF001 - its own, remembered: a repository is asked about at every pass


def host_of(text: str) -> str:
    """Return the host of a URL in the one spelling that rules compare; "" where it is none.

    What stands for other characters is read, and the dot that ends a full name is left out. An address has one
    spelling: others (`127.1`, `0x7f.0.0.1`) are refused, as are letters that a resolver would turn into others.
    """
    host = unquote(text).lower()
    if host.startswith("["):
        try:
            return f"[{IPv6Address(host[1:-1])}]"
        except ValueError:
            return ""
    host = host.removesuffix(".")
    if not _NAMED.fullmatch(host):
        return ""
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            return ""
    return host


def same_server(one: str, other: str) -> bool:
    """Tell whether two URLs are of one server, as far as logins go: scheme, host and port count, in any spelling."""
    server = _server(one)
    return server is not None and server == _server(other)


def _server(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = host_of(re.sub(r":[0-9]*$", "", parts.netloc.rpartition("@")[2]))
    return (parts.scheme, host, port or int(_PORTS.get(parts.scheme, 0))) if host else None


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
