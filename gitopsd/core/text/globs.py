"""Globs, in the dialect of whoever else reads the same text: Argo CD's fields, Helm's files, git's attributes.

All are read into one automaton, so that no glob takes more time than its length and that of a text ask for.
"""

from __future__ import annotations

import enum
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from gitopsd.core.text.automaton import MOST_PLACES, Alternation, Automaton, CharClass, GlobPart, Star, TooLarge
from gitopsd.errors import InvalidManifest

SHOWN = 200  # characters of a glob in an error
MOST_NESTED = 32  # braces
TOO_LONG = f"has more than {MOST_PLACES} characters, stars and sets"
SPECIAL = re.compile(r"[*?\[{\\]")  # what a glob without any of these matches is itself, in every dialect
WILD = re.compile(r"[*?\[{]")  # of these, what may match more than one text
SET = re.compile(r"\[(!?)((?:\\.|[^\]\\])+)\]", re.DOTALL)  # of gobwas
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
RANGE = re.compile(r"(.)-(.)|(.)", re.DOTALL)


class Stars(enum.Enum):
    """What two stars are; one is any number of characters but separators."""

    ONE = enum.auto()  # the same as one
    ANYTHING = enum.auto()  # separators are among them
    DIRECTORIES = enum.auto()  # as a whole name: any directories, none included
    GIT = enum.auto()  # likewise, and so are three and more


class Classes(enum.Enum):
    """How `[…]` is read."""

    GOBWAS = enum.auto()  # one of all others begins with "!", and may be the separator
    GO = enum.auto()  # with "^" or "!"; never the separator
    GIT = enum.auto()  # likewise, with names (`[:alpha:]`)


class InvalidGlob(enum.Enum):
    """What becomes of a glob that cannot be read."""

    REFUSED = enum.auto()
    ITSELF = enum.auto()  # a bracket or a brace that is not closed is a character like others
    NOTHING = enum.auto()  # it matches nothing
    DOUBTED = enum.auto()  # refused, and so is what other readers take otherwise


@dataclass(frozen=True, slots=True, eq=False)  # each is itself: to look one up is to look a glob up
class Dialect:
    """How globs of one kind are read; a backslash, but in classes of Go, always takes the next character as it is."""

    stars: Stars
    classes: Classes
    invalid: InvalidGlob
    separator: str = ""  # a character that `*` and `?` do not match; "": they match everything
    braces: bool = False  # `{a,b}` is either, and may be nested


# Argo CD compiles its own with github.com/gobwas/glob: fields of projects and applications, where "/" parts the names
# of a repository's URL, its policies, and `directory.include` and `exclude`.
FIELD = Dialect(Stars.ANYTHING, Classes.GOBWAS, InvalidGlob.ITSELF, braces=True)
REPOSITORY = Dialect(Stars.ANYTHING, Classes.GOBWAS, InvalidGlob.ITSELF, "/", braces=True)
POLICY = Dialect(Stars.ANYTHING, Classes.GOBWAS, InvalidGlob.DOUBTED, braces=True)
DIRECTORY = Dialect(Stars.ANYTHING, Classes.GOBWAS, InvalidGlob.REFUSED, braces=True)
# `.helmignore`, and the files that plugins are found by: path/filepath.Match of Go.
GO_PATH = Dialect(Stars.ONE, Classes.GO, InvalidGlob.REFUSED, "/")
# Value files, and the globs that plugins are found by: github.com/bmatcuk/doublestar.
DOUBLESTAR = Dialect(Stars.DIRECTORIES, Classes.GO, InvalidGlob.REFUSED, "/", braces=True)
# `.gitattributes`, a byte a character (Latin-1): git's wildmatch.c with WM_PATHNAME, and match_pathname of dir.c, which
# compares what has no wildcard by itself. So `a**/b` begins with a `**` as if "a" were a whole name.
WILDMATCH = Dialect(Stars.GIT, Classes.GIT, InvalidGlob.NOTHING, "/")


def _literal(parts: Sequence[GlobPart]) -> str:
    return "".join(part for part in takewhile(lambda part: isinstance(part, str), parts) if isinstance(part, str))


class Glob:
    """One glob, as it was read."""

    __slots__ = ("_automaton", "_begin", "_end", "_star")

    def __init__(self, parts: Sequence[GlobPart]) -> None:
        self._begin = _literal(parts)
        rest = parts[len(self._begin) :]
        self._end = _literal(rest[::-1])[::-1]
        middle = rest[: len(rest) - len(self._end)]
        # Most globs are a text with one star, or none: there is nothing to be stepped through.
        self._star = middle[0] if len(middle) == 1 and isinstance(middle[0], Star) else None
        self._automaton = Automaton(rest) if middle and self._star is None else None

    def matches(self, text: str) -> bool:
        """Tell whether the whole of `text` is matched."""
        begin, end = len(self._begin), len(text) - len(self._end)
        if begin > end or not (text.startswith(self._begin) and text.endswith(self._end)):
            return False
        if self._automaton is not None:
            return self._automaton.takes(text[begin:])
        if self._star is not None:
            return not self._star.without or self._star.without not in text[begin:end]
        return begin == end


NOTHING = Glob([CharClass()])


def matches(pattern: str, text: str, dialect: Dialect = FIELD) -> bool:
    """Tell whether `pattern` is `text` or matches the whole of it; `*` alone matches everything, separators too."""
    return pattern in ("*", text) or compiled(pattern, dialect).matches(text)


def fault_of(pattern: str) -> str:
    """Return why gobwas/glob, or a reader, would not take `pattern` for what POLICY does; "" where it is sound."""
    try:
        Glob(_GlobParser(pattern, POLICY).parts())
    except _Unreadable as err:
        return str(err)
    except TooLarge:
        return TOO_LONG
    return ""


def expression_of(pattern: str) -> str:
    """Return what matches whatever `pattern`, which has no fault, does as a policy's, as RE2 and re have it.

    It is for engines that take time in the length of a text alone, as RE2 does.
    """
    return _expression(_GlobParser(pattern, POLICY).parts())


@lru_cache(maxsize=1024)
def compiled(pattern: str, dialect: Dialect) -> Glob:
    """Return `pattern` as it is read in `dialect`.

    Raises:
        InvalidManifest: it cannot be read, and the dialect refuses such ones.
    """
    try:
        return Glob(_GlobParser(pattern, dialect).parts())
    except _Unreadable as err:
        fault = str(err)
    except TooLarge:
        fault = TOO_LONG
    if dialect.invalid in (InvalidGlob.ITSELF, InvalidGlob.NOTHING):
        return NOTHING
    raise InvalidManifest(f"the glob {pattern[:SHOWN]!r} cannot be read: it {fault}", remedy="mend the glob")


def is_wild(pattern: str) -> bool:
    """Tell whether `pattern` may match more than itself."""
    return WILD.search(pattern) is not None


def fixed_directory(pattern: str) -> str:
    """Return the directories that `pattern` begins with before its first name that is wild; "" where there are none."""
    wild = WILD.search(pattern)
    return pattern[: wild.start() if wild else None].rpartition("/")[0]


def _expression(parts: Sequence[GlobPart]) -> str:
    return "".join(map(_expression_of_part, parts))


def _expression_of_part(part: GlobPart) -> str:
    match part:
        case Star():
            return "(?s:.*)"
        case CharClass(ranges=()):
            return "(?s:.)"
        case CharClass(ranges, negated):
            spelled = "".join(
                re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges
            )
            return f"[{'^' if negated else ''}{spelled}]"
        case Alternation(of):
            return f"(?:{'|'.join(map(_expression, of))})"
        case _:
            return re.escape(part)


class _Unreadable(Exception):
    """A glob cannot be read; says what it has that is wrong."""


class _GlobParser:
    """Reads one glob, from its begin to its end."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._at = 0
        wild = re.search(r"[*?\[\\]", text)
        self._first = wild.start() if wild else len(text)  # what is not as it is, which git begins a whole name at
        self._last_bracket = text.rfind("]")
        self._parts: list[GlobPart] = []
        self._outer: list[tuple[list[GlobPart], list[list[GlobPart]]]] = []  # before each open brace; choices so far

    def parts(self) -> tuple[GlobPart, ...]:
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == "*":
                self._read_stars()
            elif char == "?":
                self._parts.append(CharClass(negated=True, without=self._dialect.separator))
            elif char == "\\":
                self._parts.append(self._escaped())
            elif char == "[":
                self._parts.append(self._class())
            elif self._dialect.braces and (char == "{" or (char in ",}" and self._outer)):
                self._read_brace(char)
            else:
                self._parts.append(char)
        while self._outer:
            self._read_open_brace()
        return tuple(self._parts)

    def _read_stars(self) -> None:
        begin = self._at - 1
        while self._text.startswith("*", self._at):
            self._at += 1
        count, style = self._at - begin, self._dialect.stars
        star = Star(self._dialect.separator)
        if style is Stars.ANYTHING and count > 1:
            star = Star()
        elif (style is Stars.DIRECTORIES and count == 2) or (style is Stars.GIT and count > 1):  # noqa: PLR2004 - `**`
            first = begin == 0 or (style is Stars.GIT and begin == self._first) or self._text[begin - 1] == "/"
            if first and self._text.startswith("/", self._at):
                self._at += 1
                self._parts.append(Alternation(((), (Star(), "/"))))
                return
            ends = self._at == len(self._text) or (style is Stars.GIT and self._text.startswith("\\/", self._at))
            star = Star() if first and ends else star
        self._parts.append(star)

    def _escaped(self) -> str:
        if self._at == len(self._text):
            if self._dialect.classes is Classes.GIT or self._dialect.invalid is InvalidGlob.DOUBTED:
                raise _Unreadable("ends in a \\ that stands before nothing")
            return "\\"
        self._at += 1
        return self._text[self._at - 1]

    def _read_brace(self, char: str) -> None:
        if char == "{":
            if len(self._outer) == MOST_NESTED:
                raise _Unreadable(f"has more than {MOST_NESTED} braces in one another")
            self._outer.append((self._parts, []))
            self._parts = []
            return
        if not self._parts and self._dialect.invalid is InvalidGlob.DOUBTED:
            raise _Unreadable("has an empty part in braces")
        self._outer[-1][1].append(self._parts)
        self._parts = []
        if char == "}":
            self._parts, choices = self._outer.pop()
            self._parts.append(Alternation(tuple(dict.fromkeys(map(tuple, choices)))))

    def _read_open_brace(self) -> None:
        """Take the innermost brace, which is not closed, and its commas as they are."""
        if self._dialect.invalid is not InvalidGlob.ITSELF:
            raise _Unreadable("has a { without its }")
        outer, choices = self._outer.pop()
        outer.append("{")
        for choice in choices:
            outer += [*choice, ","]
        self._parts = [*outer, *self._parts]

    def _class(self) -> GlobPart:
        """Return what the bracket before this place is."""
        if self._dialect.classes is Classes.GIT:
            return self._class_of_git()
        read = self._class_of_go() if self._dialect.classes is Classes.GO else self._class_of_gobwas()
        if read is None:
            if self._dialect.invalid is InvalidGlob.ITSELF:
                return "["
            raise _Unreadable("has a [ without a set and its ]")
        if self._dialect.invalid is not InvalidGlob.ITSELF:
            for low, high in read.ranges:
                if low > high:
                    raise _Unreadable(f"has the range {low}-{high}, which runs backwards")
        return read

    def _class_of_go(self) -> CharClass | None:
        negated = self._text[self._at : self._at + 1] in ("^", "!")
        begin = self._at + negated
        if begin + 1 > self._last_bracket:
            return None
        end = self._text.index("]", begin + 1)
        self._at = end + 1
        return CharClass(_ranges(self._text[begin:end]), negated, self._dialect.separator)

    def _class_of_gobwas(self) -> CharClass | None:
        """Return a class; one that begins as a range has ranges, any other has what it spells."""
        read = SET.match(self._text, self._at - 1) if self._at <= self._last_bracket else None
        if read is None:
            if not self._text.startswith(("]", "!]"), self._at):
                self._last_bracket = -1  # there is none that closes anything, and nobody looks for it again
            return None
        self._at = read.end()
        members = read[2]
        if members[1:2] != "-":
            spelled = ESCAPED.sub(r"\1", members)
            return CharClass(tuple((char, char) for char in dict.fromkeys(spelled)), bool(read[1]))
        if self._dialect.invalid is InvalidGlob.DOUBTED and len(members) != len("a-z"):
            raise _Unreadable(f"has the set {read[0]}, where one range, low to high, stands alone")
        return CharClass(_ranges(members), bool(read[1]))

    def _class_of_git(self) -> CharClass:
        negated = self._text[self._at : self._at + 1] in ("!", "^")
        self._at += negated
        ranges: list[tuple[str, str]] = []
        before, first = "", True  # what a range may begin with
        while first or not self._text.startswith("]", self._at):
            before, first = self._item_of_git(before, ranges), False
        self._at += 1
        return CharClass(tuple(ranges), negated, self._dialect.separator)

    def _item_of_git(self, before: str, ranges: list[tuple[str, str]]) -> str:
        """Add what stands next in a class to `ranges`; return what a range may begin with then."""
        text, at = self._text, self._at
        if text.startswith("-", at) and before and text[at + 1 : at + 2] not in ("", "]"):
            self._at = at + 1
            ranges.append((before, self._char_of_git()))
            return ""
        if text.startswith("[:", at):
            end = text.find("]", at + 2)
            if end < 0:
                raise _Unreadable("has a [: without its :]")
            if end > at + 2 and text[end - 1] == ":":
                if (named := CLASSES.get(text[at + 2 : end - 1])) is None:
                    raise _Unreadable(f"has the class {text[at : end + 1]}, which there is not")
                ranges += named
                self._at = end + 1
                return ""
        char = self._char_of_git()
        ranges.append((char, char))
        return char

    def _char_of_git(self) -> str:
        self._at += self._text.startswith("\\", self._at)
        if self._at >= len(self._text):
            raise _Unreadable("has a [ without a set and its ]")
        self._at += 1
        return self._text[self._at - 1]


def _ranges(members: str) -> tuple[tuple[str, str], ...]:
    return tuple((low, high) if low else (one, one) for low, high, one in RANGE.findall(members))


def _each(chars: str) -> list[tuple[str, str]]:
    return [(char, char) for char in chars]


CLASSES = {  # of git, which knows no letters beyond ASCII
    "alnum": [("a", "z"), ("A", "Z"), ("0", "9")],
    "alpha": [("a", "z"), ("A", "Z")],
    "blank": _each(" \t"),
    "cntrl": [("\0", "\x1f"), ("\x7f", "\x7f")],
    "digit": [("0", "9")],
    "graph": [("!", "~")],
    "lower": [("a", "z")],
    "print": [(" ", "~")],
    "punct": _each(string.punctuation),
    "space": _each(" \t\r\n"),
    "upper": [("A", "Z")],
    "xdigit": [("0", "9"), ("a", "f"), ("A", "F")],
}
