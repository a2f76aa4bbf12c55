"""A base that a kustomization takes from another repository: which one, where in it, at which revision."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote

from gitopsd.core.source.repo_address import RepoAddress

KIND = "base/"  # of the name by which a repository is lent to a render: no ref of a source has a slash
PINNED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

_HEAD = re.compile(
    r"(?P<url>(?:https?|ssh|file)://[^/?#]*/)|(?P<scp>[A-Za-z0-9._-]+@[^/:?#]+[:/])|(?P<hub>(?:www\.)?github\.com[:/])",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:ya?ml|json|tgz|tar\.gz)$", re.IGNORECASE)
_HUB = re.compile(r"github\.com[:/]$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RemoteBase:
    repo: str  # its URL
    ref: str  # a full SHA, or a tag; "" where none is named
    path: str  # of the directory below the repository's root

    @property
    def revision(self) -> str:
        """What `ports.Sources` resolves: a branch is not taken for a tag."""
        return self.ref if PINNED.fullmatch(self.ref) else f"refs/tags/{self.ref}"

    @property
    def name(self) -> str:
        """The name by which the repository at that revision is lent to a render."""
        return f"{KIND}{quote(self.repo, safe='')}/{quote(self.revision, safe='')}"

    def under(self, prefixes: Iterable[str]) -> bool:
        """Tell whether its repository lies under one of the URLs `prefixes`; whole path parts count."""
        address = RepoAddress.parse(self.repo)
        addresses = [trusted for prefix in prefixes if (trusted := RepoAddress.parse(prefix)) is not None]
        return address is not None and any(address.under(prefix) for prefix in addresses)


def remote_base(text: str) -> RemoteBase | None:
    """Return the base that `text` names in another repository; None where that is a file, or nothing to fetch.

    Source: kustomize, api/internal/git/repospec.go: the repository ends at `.git`, at `//`, after `_git/NAME`, or on
    github.com after the two parts that name it there.
    """
    address, _, query = text.removeprefix("git::").partition("?")
    head = _HEAD.match(address)
    if head is None:
        return None
    rest = address[head.end() :]
    begin = f"https://{head['hub'].removesuffix(':').rstrip('/')}/" if head["hub"] else head[0]
    cut = _cut(begin, rest)
    if cut is None or (_FILE.search(rest) and ".git" not in rest and "//" not in rest and not query):
        return None
    repo, path = cut
    parameters = parse_qs(query)
    ref = next(iter(parameters.get("ref", parameters.get("version", []))), "")
    where = posixpath.normpath(path.strip("/") or ".")
    return None if where.startswith("..") or not repo else RemoteBase(begin + repo, ref, where)


def named(name: str) -> tuple[str, str]:
    """Return the repository and the revision that the name of a `RemoteBase` or a `RemoteChart` names."""
    repo, _, revision = name.partition("/")[2].partition("/")
    return unquote(repo), unquote(revision)


def _cut(begin: str, rest: str) -> tuple[str, str] | None:
    """Return the repository and the path in it."""
    azure = re.match(r"(?P<repo>.*?_git/[^/]+)(?P<path>.*)", rest)
    if azure:
        return azure["repo"], azure["path"]
    if "//" in rest:
        repo, _, path = rest.partition("//")
        return repo.rstrip("/"), path
    git = re.match(r"(?P<repo>.+?\.git)(?:/(?P<path>.*))?$", rest)
    if git:
        return git["repo"], git["path"] or ""
    if _HUB.search(begin):
        parts = rest.split("/")
        return ("/".join(parts[:2]), "/".join(parts[2:])) if len(parts) > 1 and parts[1] else None
    return rest.rstrip("/"), ""
