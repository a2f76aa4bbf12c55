"""How many failed logins are too many, of an account and of an address."""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address, ip_address

from gitopsd.model.account import LoginFailures

WINDOW_S = 300.0  # from the first failure; then it is counted anew
MOST_OF_ACCOUNT = 10  # in that time
MOST_OF_ADDRESS = 30  # people behind one address share it
BUCKETS = 1024  # in which names that are no accounts are counted, so that guesses at names fill nothing
NETWORK_BITS = 64  # of IPv6 that one client has for itself


def account_key(name: str, *, known: bool, salt: bytes) -> str:
    """Return under what failures of an account are counted; names that are none share buckets, and look the same."""
    if known:
        return f"account:{name}"
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=salt, digest_size=8).digest()
    return f"unknown:{int.from_bytes(digest) % BUCKETS}"


def address_key(address: str, salt: bytes) -> str:
    """Return under what failures of an address are counted: its network in a bucket of many, so nothing can be filled.

    Two addresses that share a bucket share its count too; with 65,536 buckets that is rare.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        network = address
    else:
        network = str(int(ip) >> (128 - NETWORK_BITS)) if isinstance(ip, IPv6Address) else str(ip)
    digest = hashlib.blake2b(network.encode("utf-8", "surrogatepass"), key=salt, digest_size=2).hexdigest()
    return f"address:{digest}"


def wait_s(failures: LoginFailures | None, most: int, now_s: float) -> float:
    """Return how long logins are refused; 0: they are not."""
    if failures is None or failures.count < most:
        return 0.0
    return max(0.0, failures.since_s + WINDOW_S - now_s)


def one_more(failures: LoginFailures | None, now_s: float) -> LoginFailures:
    """Return the failures with another one at `now_s`."""
    if failures is None or now_s >= failures.since_s + WINDOW_S:
        return LoginFailures(1, now_s)
    return LoginFailures(failures.count + 1, failures.since_s)
