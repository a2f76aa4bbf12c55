"""One snapshot of all refs of a repository, and what a declaration's ref names in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gitopsd.core.source.semver import Version, newest, parse_constraint
from gitopsd.git.objects import ARTIFACT

HEAD = "refs/gitopsd/HEAD"
KEPT = "refs/gitopsd/commit/"  # + SHA, as somebody named it: kept though no branch may reach it
OTHER = "refs/gitopsd/other/"  # + full name: a ref that is neither branch nor tag
FULL_SHA = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
SHA = re.compile(r"[0-9a-fA-F]{7,64}")  # full or short
LISTING = "--format=%(refname) %(objectname) %(objecttype) %(*objectname) %(*objecttype)"
REF_CHARACTER = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]+")


@dataclass(frozen=True, slots=True)
class Epoch:
    number: int  # counts up; a fetch that changed nothing keeps it
    taken_s: float  # Unix time at which the fetch began that last confirmed it
    refs: Mapping[str, str]  # full name in the mirror → commit; tags are peeled, those of anything else left out
    # Tag prefix and semver range → tag, found once.
    ranges: dict[tuple[str, str], str | None] = field(default_factory=dict, compare=False)

    def named(self, ref: str, tag_prefix: str = "") -> str | None:
        """Return the commit that `ref` names by itself, None where the epoch has no such ref.

        `HEAD`, a full name, a range over tags, a branch, a tag, a SHA that was asked for: the first that there is.
        Other SHAs are the object database's business. A version or range is of the tags that begin with `tag_prefix`,
        without it.

        Source: Argo CD, util/git/client.go (LsRemote): a range that some tag satisfies goes before names, and
        branches before tags.
        """
        if ref in ("", "HEAD"):
            return self.refs.get(HEAD)
        if f"{ARTIFACT}{ref}" in self.refs:
            return self.refs[f"{ARTIFACT}{ref}"]
        if ref.startswith("refs/"):
            return self.refs.get(ref) or self.refs.get(f"{OTHER}{ref}")
        tag = self._newest_in_range(ref, tag_prefix)
        if tag is not None:
            return self.refs[f"refs/tags/{tag}"]
        names = (f"refs/heads/{ref}", f"refs/tags/{ref}", f"{KEPT}{ref.lower()}")
        return next((self.refs[name] for name in names if name in self.refs), None)

    def tag(self, ref: str, tag_prefix: str = "") -> str | None:
        """Return the full name of the tag that `ref` names, by itself or as a range; None where it names no tag."""
        if ref.startswith("refs/"):
            return ref if ref.startswith("refs/tags/") and ref in self.refs else None
        tag = self._newest_in_range(ref, tag_prefix) if ref not in ("", "HEAD") else None
        if tag is None and f"refs/heads/{ref}" not in self.refs and f"refs/tags/{ref}" in self.refs:
            tag = ref
        return None if tag is None else f"refs/tags/{tag}"

    def _newest_in_range(self, ref: str, prefix: str) -> str | None:
        if (prefix, ref) not in self.ranges:
            self.ranges[prefix, ref] = self._newest(ref, prefix)
        return self.ranges[prefix, ref]

    def _newest(self, ref: str, prefix: str) -> str | None:
        begin = f"refs/tags/{prefix}"
        if prefix and Version.parse(ref) is not None:
            return f"{prefix}{ref}" if begin + ref in self.refs else None
        constraint = parse_constraint(ref)
        if constraint is None:
            return None
        tag = newest(constraint, (name.removeprefix(begin) for name in self.refs if name.startswith(begin)))
        return None if tag is None else prefix + tag


def is_ref_name(name: str) -> bool:
    """Tell whether git could have a ref `name`, and would take it for nothing else; `git check-ref-format` in short."""
    return (
        len(name) <= 1024  # noqa: PLR2004 - longer than any file system allows
        and REF_CHARACTER.fullmatch(name) is not None
        and not name.startswith(("-", "/", "."))
        and not name.endswith(("/", ".", ".lock"))
        and not any(part in name for part in ("..", "//", "@{", "/.", ".lock/"))
        and name != "@"
    )


def lines_of(listing: str) -> list[str]:
    """Return the lines that git wrote; "\\n" alone ends one, and names may hold what else Python takes for an end."""
    return listing.removesuffix("\n").split("\n") if listing else []


def read_refs(listing: bytes, peeled: Callable[[str], str | None]) -> dict[str, str]:
    """Return full name → commit from `git for-each-ref` with `LISTING`.

    `peeled` gives the commit of what is neither a commit nor a tag of one, or None; without one there is no such ref.
    """
    refs = {}
    for line in lines_of(listing.decode(errors="backslashreplace")):
        name, oid, kind, tagged, tagged_kind = line.split(" ")
        commit = oid if kind == "commit" else tagged if tagged_kind == "commit" else peeled(oid)
        if commit is not None:
            refs[name] = commit
    return refs


def fingerprint(refs: Mapping[str, str]) -> str:
    """Return a hash of all refs, 128 bits as hex."""
    text = "\n".join(f"{name} {oid}" for name, oid in sorted(refs.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
