"""Where traffic may go for somebody: to public addresses, and to what the settings or the operator's Secrets name.

Whoever writes a URL into a repository has it asked from where the daemon stands. So an address that is not public
(private, link-local, loopback, reserved) is asked only where an operator named it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from gitopsd.core.source.repo_address import RepoAddress, host_of
from gitopsd.core.text.globs import matches
from gitopsd.settings import Settings

Address = IPv4Address | IPv6Address
Place = tuple[str, str]  # a host in the spelling of `host_of`, and a port

NAT64 = ip_network("64:ff9b::/96")
COMPATIBLE = ip_network("::/96")
USUAL = {"https": 443, "http": 80, "ssh": 22}


class OutOfReach(OSError):
    """An address that is not public, and that nobody named."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached. Names are resolved here, once for a session or a git, which then keep to the answer."""

    named: Callable[[], Collection[Place]] = frozenset
    private: tuple[str, ...] = ()  # network.private of the settings
    local: tuple[Path, ...] = ()  # git.local_repositories
    everywhere: bool = False  # for a person who names every place himself

    def allows(self, host: str, port: int, address: Address) -> bool:
        """Tell whether `host`, which is at `address`, may be asked at `port`."""
        if self.everywhere or is_public(address):
            return True
        plain = _unbracketed(host_of(host) or host.lower())
        if (plain, str(port)) in {(_unbracketed(name), at) for name, at in self.named()}:
            return True
        return any(_covers(entry, plain, address) for entry in self.private)

    def check(self, url: str) -> None:
        """Raise OutOfReach where the host of `url` is an address that may not be asked; a name is not resolved."""
        parts = urlsplit(url)
        address = _address(parts.hostname or "")
        port = parts.port or USUAL.get(parts.scheme, 0)
        if address is not None and not self.allows(parts.hostname or "", port, address):
            raise OutOfReach(f"{parts.hostname} is no public address, and the settings do not name it")

    async def resolved(self, host: str, port: int) -> tuple[str, ...]:
        """Return the addresses of `host` that may be asked. Raises OutOfReach where none may, OSError without any."""
        host = _unbracketed(host)
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(str(info[4][0]) for info in infos))
        return self._allowed(host, port, addresses)

    def _allowed(self, host: str, port: int, addresses: Iterable[str]) -> tuple[str, ...]:
        allowed = tuple(address for address in addresses if self.allows(host, port, ip_address(address)))
        if not allowed:
            raise OutOfReach(f"{host} has no public address, and the settings do not name it")
        return allowed

    def holds(self, path: Path) -> bool:
        """Tell whether the repository at `path` lies below a directory of the settings, and is what it says. Blocks.

        Neither the way there nor its `.git` is a link, and it borrows no objects: else what a rule reads is one
        repository, and what git reads another. Git looks for `path`.git as well.
        """
        if self.everywhere:
            return True
        places = [path, path.with_name(f"{path.name}.git")]
        there = [candidate for candidate in places if candidate.exists() or candidate.is_symlink()]
        return all(self._is_below(candidate) and _is_itself(candidate) for candidate in there or [path])

    def _is_below(self, path: Path) -> bool:
        real = path.resolve()
        return any(path.is_relative_to(root) and real == root.resolve() / path.relative_to(root) for root in self.local)


EVERYWHERE = Reach(everywhere=True)


def reach_of(settings: Settings, declared: Callable[[], Iterable[str]]) -> Reach:
    """Return what the daemon may reach under `settings`; `declared` are the URLs of the operator's Secrets."""
    fixed = [
        *(source.repo_url for source in settings.declarations if source.repo_url),
        *settings.charts.dependencies,
        *settings.charts.value_files,
        *settings.tools.kustomize_remote_bases,
    ]

    def named() -> Collection[Place]:
        return {endpoint for url in (*fixed, *declared()) if (endpoint := _place(url)) is not None}

    addresses = [RepoAddress.parse(url) for url in fixed]
    ours = [Path("/", *address.parts) for address in addresses if address is not None and address.scheme == "file"]
    return Reach(named, settings.network.private, (*settings.git.local_repositories, *ours))


def is_public(address: Address) -> bool:
    """Tell whether an address is of the public network; one that stands for another is what that is."""
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return is_public(within)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class PinnedResolver(AbstractResolver):
    """Resolves for one session what it may reach; the session keeps the answers. A proxy may be anywhere."""

    def __init__(self, reach: Reach, proxy: str | None) -> None:
        parts = urlsplit(proxy or "")
        self._reach, self._proxy = reach, (parts.hostname, parts.port or USUAL.get(parts.scheme))
        self._inner = ThreadedResolver()
        self._given: set[tuple[str, int, Address]] = set()

    def still_allows(self) -> bool:
        """Tell whether all that was resolved may be asked now, too: for a session that is kept."""
        return all(self._reach.allows(*given) for given in self._given)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        hosts = await self._inner.resolve(host, port, family)
        if (host, port) == self._proxy:
            return hosts
        allowed = [info for info in hosts if self._reach.allows(host, port, ip_address(info["host"]))]
        if not allowed:
            raise OutOfReach(f"{host} has no public address, and the settings do not name it")
        self._given |= {(host, port, ip_address(info["host"])) for info in allowed}
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def _is_itself(path: Path) -> bool:
    """Tell whether the repository at `path` has its own refs and objects, as far as a look tells."""
    git = path / ".git"
    inside = git if git.exists() or git.is_symlink() else path
    if inside.is_symlink() or inside.is_file():
        return False
    links = ("objects", "refs", "HEAD", "packed-refs", "config", "objects/pack")
    borrows = ("commondir", "objects/info/alternates", "objects/info/http-alternates")
    return not any((inside / name).is_symlink() for name in links) and not any(
        (inside / name).exists() for name in borrows
    )


def _place(url: str) -> Place | None:
    address = RepoAddress.parse(url)
    return (address.host, address.port) if address is not None and address.host else None


def _covers(entry: str, host: str, address: Address) -> bool:
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return matches(entry.lower(), host)


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _unbracketed(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")
