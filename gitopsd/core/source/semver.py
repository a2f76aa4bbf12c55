"""Semantic versions and constraints as Masterminds' library, and so Argo CD, reads them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

LONGEST = 256  # characters of a constraint or a tag; longer text is neither
LARGEST = 2**64 - 1  # of one number of a version

_EXTRA = r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_VERSION = re.compile(r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?" + _EXTRA, re.ASCII)
_PART = r"[0-9]+|[xX*]"
_TERM = re.compile(
    r"(?P<op>!=|>=|=>|<=|=<|~>|[=><~^])?\s*"
    rf"(?P<version>v?(?P<major>{_PART})(?:\.(?P<minor>{_PART}))?(?:\.(?P<patch>{_PART}))?{_EXTRA})",
    re.ASCII,
)
_BETWEEN = re.compile(r"\s*,\s*|\s+")
_HYPHEN = re.compile(r"(?<![^\s,])(?P<low>[^\s,]+)\s+-\s+(?P<high>[^\s,]+)")
_SAME = {"=>": ">=", "=<": "<=", "~>": "~", "=": ""}


@dataclass(frozen=True, slots=True)
class Version:
    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    @classmethod
    @functools.lru_cache(maxsize=1 << 15)  # tags stay the same from one epoch to the next, and may be thousands
    def parse(cls, text: str) -> Version | None:
        """Return the version that `text` writes, `v1.2` as 1.2.0, or None where it writes none."""
        match = _VERSION.fullmatch(text) if len(text) <= LONGEST else None
        if match is None:
            return None
        major, minor, patch = (int(match[part] or 0) for part in ("major", "minor", "patch"))
        pre = tuple(match["pre"].split(".")) if match["pre"] else ()
        if max(major, minor, patch) > LARGEST or any(_has_leading_zero(part) for part in pre):
            return None
        return cls(major, minor, patch, pre)

    @property
    def numbers(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch

    @property
    def order(self) -> tuple[Any, ...]:
        """Sort key: a release is above its prereleases, numbers count as numbers and are below words."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return (*self.numbers, not self.pre, parts)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison, such as `>=1.2`; `given` numbers of its version were written, the rest is 0."""

    op: str
    version: Version
    given: int

    def allows(self, version: Version) -> bool:
        return _ALLOWS[self.op](self, version)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Groups of terms: one group must hold in full."""

    groups: tuple[tuple[Term, ...], ...]

    def allows(self, version: Version) -> bool:
        """Tell whether `version` satisfies the constraint.

        A prerelease satisfies only a group in which some term has a prerelease itself, as in `>=1.0-0`.

        Source: Masterminds/semver 3.4, constraints.go (Constraints.Check).
        """
        return any(
            (not version.pre or any(term.version.pre for term in group)) and all(term.allows(version) for term in group)
            for group in self.groups
        )


def parse_constraint(text: str) -> Constraint | None:
    """Return the constraint that `text` writes, or None where it is none; `1.2.3` alone is a version, so None too.

    Source: Argo CD, util/versions/tags.go (MaxVersion): a version is a pin, resolved as a tag's exact name.
    """
    if len(text) > LONGEST or Version.parse(text) is not None:
        return None
    spelled = _HYPHEN.sub(r">= \g<low>, <= \g<high> ", text)
    groups = [_group(part.strip()) for part in spelled.split("||")]
    return None if any(group is None for group in groups) else Constraint(tuple(group for group in groups if group))


def range_of(text: str) -> Constraint | None:
    """Return what `text` allows where Helm reads it: a version allows itself, and part of one all that begin so.

    So `1.2` is `1.2.x` here. Source: Helm, which reads versions of charts by Masterminds' constraints alone.
    """
    return parse_constraint(text) or parse_constraint(f"={text}")


def newest(constraint: Constraint, tags: Iterable[str]) -> str | None:
    """Return the tag with the highest version that `constraint` allows; tags that write no version are passed over."""
    allowed = [
        (version.order, tag)
        for tag in tags
        if (version := Version.parse(tag)) is not None and constraint.allows(version)
    ]
    return max(allowed)[1] if allowed else None


def _has_leading_zero(part: str) -> bool:
    return part.isdigit() and part != "0" and part.startswith("0")


def _group(text: str) -> tuple[Term, ...] | None:
    terms = list(_terms(text))
    parsed = [term for term in terms if term is not None]
    return tuple(parsed) if parsed and len(parsed) == len(terms) else None


def _terms(text: str) -> Iterator[Term | None]:
    at = 0
    while at < len(text) or at == 0:
        match = _TERM.match(text, at)
        if match is None:
            yield None
            return
        yield _term(match)
        gap = _BETWEEN.match(text, match.end())
        if gap is None and match.end() < len(text):
            yield None
        if gap is None or gap.end() == len(text):
            return
        at = gap.end()


def _term(match: re.Match[str]) -> Term | None:
    numbers: list[str] = []
    for part in (match["major"], match["minor"], match["patch"]):
        if part is None or not part.isdigit():
            break
        numbers.append(part)
    written = ".".join([*numbers, "0", "0", "0"][:3])
    version = Version.parse(f"{written}-{match['pre']}" if match["pre"] else written)
    op = match["op"] or ""
    return None if version is None else Term(_SAME.get(op, op), version, len(numbers))


def _equal(term: Term, version: Version) -> bool:
    return version == term.version if term.given == len(version.numbers) else _tilde(term, version)


def _not_equal(term: Term, version: Version) -> bool:
    if term.given == 1:
        return version.major != term.version.major
    if term.given == 2:  # noqa: PLR2004 - major and minor
        return version.numbers[:2] != term.version.numbers[:2] or version.pre != term.version.pre
    return version != term.version


def _greater(term: Term, version: Version) -> bool:
    if term.given in (1, 2):  # >11 is 12.0.0 and up: 11.1.0 is of 11
        return version.numbers[: term.given] > term.version.numbers[: term.given]
    return version.order > term.version.order


def _less_or_equal(term: Term, version: Version) -> bool:
    if term.given == len(version.numbers):
        return version.order <= term.version.order
    written = term.given or 2  # `<=*` reads as <=0.0, which nobody writes, but so it is there
    return version.numbers[:written] <= term.version.numbers[:written]


def _tilde(term: Term, version: Version) -> bool:
    if version.order < term.version.order:
        return False
    if term.version.numbers == (0, 0, 0) and term.given in (0, 3):  # ~0.0.0 and `*` allow whatever is above
        return True
    written = min(max(term.given, 1), 2)
    return version.numbers[:written] == term.version.numbers[:written]


def _caret(term: Term, version: Version) -> bool:
    if term.given == 0:
        return version.order >= term.version.order
    zeros = next((index for index, number in enumerate(term.version.numbers) if number), 2)
    same = min(zeros + 1, term.given)
    return version.order >= term.version.order and version.numbers[:same] == term.version.numbers[:same]


_ALLOWS: dict[str, Callable[[Term, Version], bool]] = {
    "": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": lambda term, version: version.order < term.version.order,
    ">=": lambda term, version: version.order >= term.version.order,
    "<=": _less_or_equal,
    "~": _tilde,
    "^": _caret,
}
