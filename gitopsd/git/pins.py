"""What keeps a git, and the ssh that it starts, to the addresses that were looked at: a name is resolved once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import InvalidDeclaration, RepositoryUnreachable
from gitopsd.settings import RepoCredentials
from gitopsd.trust.http import is_proxied
from gitopsd.trust.reach import OutOfReach, Reach
from gitopsd.words import without_credentials

SSH_PORT = "22"


@dataclass(frozen=True, slots=True)
class Pins:
    config: tuple[str, ...] = ()  # `name=value` for `git -c`
    ssh: tuple[str, ...] = ()  # options


NO_PINS = Pins()


async def pinned(url: str, credentials: RepoCredentials | None, reach: Reach) -> Pins:
    """Return what holds a fetch of `url` to where `reach` allows it to go.

    Behind a proxy names are the proxy's to resolve: then an address in the URL itself is all that is looked at.

    Raises:
        RepositoryUnreachable: its host has no address that may be asked.
        InvalidDeclaration: it is a local repository that the settings do not name.
    """
    address = RepoAddress.parse(url)
    if address is None or reach.everywhere:
        return NO_PINS
    if address.scheme == "file":
        if not await asyncio.to_thread(reach.holds, Path("/", *address.parts)):
            raise InvalidDeclaration(
                f"{without_credentials(url)} lies below no directory of the settings, or is a link out of it",
                remedy="name its directory in git.local_repositories, or serve it over HTTPS or SSH",
            )
        return NO_PINS
    try:
        if address.scheme != "ssh" and is_proxied(credentials or RepoCredentials(url), url):
            reach.check(f"{address.scheme}://{address.authority}")
            return NO_PINS
        addresses = await reach.resolved(address.host, int(address.port))
    except OutOfReach as err:
        raise RepositoryUnreachable(
            f"{without_credentials(url)} cannot be fetched: {err}",
            remedy="name its host in network.private, if it may be asked",
        ) from None
    except OSError as err:
        raise RepositoryUnreachable(
            f"{without_credentials(url)} cannot be fetched: its host is not known ({err.strerror})",
            remedy="check the URL and the network",
        ) from None
    return _of_ssh(address, addresses[0]) if address.scheme == "ssh" else _of_http(address, addresses)


def _of_http(address: RepoAddress, addresses: tuple[str, ...]) -> Pins:
    if _is_literal(address.host):
        return NO_PINS
    places = ",".join(f"[{ip}]" if ":" in ip else ip for ip in addresses)
    return Pins((f"http.curloptResolve={address.host}:{address.port}:{places}",))


def _of_ssh(address: RepoAddress, ip: str) -> Pins:
    """Return the options of ssh; known hosts are looked up by the name, as ever, and its port where it is another."""
    if _is_literal(address.host):
        return NO_PINS
    alias = address.host if address.port == SSH_PORT else f"[{address.host}]:{address.port}"
    return Pins(ssh=(f"HostName={ip}", f"HostKeyAlias={alias}", "CheckHostIP=no"))


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
