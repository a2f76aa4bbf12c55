"""What names an artifact: a repository of a registry, and a tag, a range of versions or a digest in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.core.source.semver import newest, parse_constraint
from gitopsd.errors import InvalidDeclaration

SCHEME = "oci://"
NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
LATEST = "latest"  # the tag that nothing and HEAD stand for
HUB, HUB_API = "docker.io", "registry-1.docker.io"  # whose API is elsewhere


@dataclass(frozen=True, slots=True)
class OciRepository:
    """A repository of a registry."""

    host: str  # with a port where there is one
    name: str

    @classmethod
    def parse(cls, url: str) -> OciRepository:
        """Return the repository that `url`, with or without oci://, names.

        Raises:
            InvalidDeclaration: it names none.
        """
        address = RepoAddress.parse(url if url.startswith(SCHEME) else f"{SCHEME}{url}")
        host, _, name = url.removeprefix(SCHEME).rstrip("/").partition("/")
        if address is None or address.scheme != "oci" or "@" in host or not NAME.fullmatch(name):
            raise InvalidDeclaration(
                f"{url[:200]!r} names no repository of a registry",
                remedy="write oci://HOST/PATH, in lower case, without user, tag or digest",
            )
        if host in (HUB, f"index.{HUB}"):
            return cls(HUB_API, name if "/" in name else f"library/{name}")
        return cls(host.lower(), name)

    def __str__(self) -> str:
        return f"{SCHEME}{self.host}/{self.name}"


def is_digest(reference: str) -> bool:
    return DIGEST.fullmatch(reference) is not None


def is_range(reference: str) -> bool:
    """Tell whether the tags of the repository have to be known to say what `reference` is."""
    return not is_digest(reference) and parse_constraint(reference) is not None


def tag_of(reference: str, tags: Iterable[str]) -> str | None:
    """Return the newest of `tags` in the range `reference`, else the tag of that name; None where there is neither.

    A tag cannot hold the "+" of a version, and has "_" in its place.

    Source: Helm, pkg/registry/util.go (GetTagMatchingVersionOrConstraint).
    """
    names = list(tags)
    constraint = parse_constraint(reference)
    versions = {tag.replace("_", "+"): tag for tag in names}
    version = newest(constraint, versions) if constraint is not None else None
    if version is not None:
        return versions[version]
    plain = reference.replace("+", "_")
    return plain if plain in names else None


def fits(digest: str, content: bytes) -> bool:
    """Tell whether `content` is what `digest` names."""
    algorithm, _, value = digest.partition(":")
    return hashlib.new(algorithm, content).hexdigest() == value
