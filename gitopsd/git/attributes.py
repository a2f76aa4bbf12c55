"""`.gitattributes`: what a repository says about the files below a directory, as git reads it.

What the machine says, or `info/attributes`, is nobody's word on a repository's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gitopsd.core.text.globs import WILDMATCH, compiled

FILE = ".gitattributes"
MAX_BYTES = 4 << 20  # beyond it a file says nothing (with git, 100 MiB)
KEPT_BYTES = 64 << 10  # of a file that is kept parsed
MAX_LINE_BYTES = 2048  # git passes by what is longer
CHECKED = ("text", "crlf", "eol", "ident", "working-tree-encoding")  # what a checkout asks for, but for filters
BLANK = " \t\r\n"
MACRO = "[attr]"
QUOTED = re.compile(r'"((?:[^"\\]|\\(?:[abfnrtv"\\]|[0-3][0-7]{2}))*)"')
ESCAPE = re.compile(r"\\([0-7]{3}|.)")
ESCAPED = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")

Value = str | bool | None  # None: `!name`, which leaves it as nobody's
Values = tuple[tuple[str, Value], ...]  # in their order; the last of a name counts


@dataclass(frozen=True, slots=True)
class Line:
    pattern: str  # or a macro's name
    values: Values
    macro: bool = False


@dataclass(frozen=True, slots=True)
class AttributeRule:
    base: str  # the directory that it holds in, with "/" after it; "" at the root
    pattern: str
    whole: bool  # of the path below `base`; else of its last name alone
    values: Values


@dataclass(frozen=True, slots=True)
class Attributes:
    """What holds in one directory: all that stands in it and above it."""

    rules: tuple[AttributeRule, ...] = ()  # what is last goes first
    macros: Mapping[str, Values] = field(
        default_factory=lambda: {"binary": (("diff", False), ("merge", False), ("text", False))}
    )
    acts: bool = False  # on any file; else nobody need be asked about one

    def below(self, directory: str, content: bytes) -> Attributes:
        """Return what holds in `directory`, "" for the root, where a file with `content` stands."""
        lines = parsed(content)
        macros = self.macros
        if not directory:
            macros = {**macros, **{line.pattern: line.values for line in lines if line.macro}}
        base = f"{_bytes(directory)}/" if directory else ""
        rules = (
            AttributeRule(base, line.pattern.removeprefix("/"), "/" in line.pattern, line.values)
            for line in lines
            if not line.macro and any(name in CHECKED or name in macros for name, _ in line.values)
        )
        acts = self.acts or any(_acts(*assignment) for line in lines for assignment in line.values)
        return Attributes((*self.rules, *rules), macros, acts)

    def of(self, path: str) -> dict[str, Value]:
        """Return what is said of the file at `path`, from the root; what nobody speaks of is not in it."""
        values: dict[str, Value] = {}
        path = _bytes(path)
        name = path.rpartition("/")[2]
        for rule in reversed(self.rules):
            if compiled(rule.pattern, WILDMATCH).matches(path[len(rule.base) :] if rule.whole else name):
                self._fill(rule.values, values)
        return values

    def _fill(self, values: Values, collected: dict[str, Value]) -> None:
        todo = list(values)  # from its end, each macro at its place
        while todo:
            name, value = todo.pop()
            if name not in collected:
                collected[name] = value
                if value is True:
                    todo.extend(self.macros.get(name, ()))


NONE = Attributes()


def parsed(content: bytes) -> tuple[Line, ...]:
    """Return the lines of a file that say something; what git passes by is not among them.

    Source: git, attr.c.
    """
    if len(content) > MAX_BYTES:
        return ()
    return _kept(content) if len(content) <= KEPT_BYTES else tuple(_lines(content))


@lru_cache(maxsize=32)
def _kept(content: bytes) -> tuple[Line, ...]:
    return tuple(_lines(content))


def _lines(content: bytes) -> Iterator[Line]:
    text = content.decode("latin-1").partition("\0")[0]  # a byte order mark is part of the first pattern
    for line in text.split("\n"):
        words = line.lstrip(BLANK)
        if not words or words[0] == "#" or len(line) >= MAX_LINE_BYTES:
            continue
        quoted = QUOTED.match(words)
        name = _unquoted(quoted[1]) if quoted else re.split(f"[{BLANK}]", words, maxsplit=1)[0]
        rest = words[quoted.end() if quoted else len(name) :]
        macro = name.startswith(MACRO) and name != MACRO
        values = _values(rest)
        if values is None:
            continue
        if macro:
            named = name.removeprefix(MACRO)
            if NAME.fullmatch(named):
                yield Line(named, values, macro=True)
        elif name and name[0] != "!" and name[-1] != "/":  # negated, which git ignores, or of directories
            yield Line(name, values)


def _values(text: str) -> Values | None:
    """Return what a line says; None where one word of it is none, as git passes by such a line."""
    values: list[tuple[str, Value]] = []
    for word in filter(None, re.split(f"[{BLANK}]+", text)):
        name, equals, value = word.partition("=")
        bare = name[1:] if name[0] in "-!" else name
        if NAME.fullmatch(bare) is None:
            return None
        assigned: Value = value if equals else True
        values.append((bare, {"-": False, "!": None}.get(name[0], assigned)))
    return tuple(values)


def _unquoted(text: str) -> str:
    return ESCAPE.sub(
        lambda match: chr(int(match[1], 8)) if len(match[1]) > 1 else ESCAPED.get(match[1], match[1]), text
    )


def _acts(name: str, value: Value) -> bool:
    """Tell whether a checkout may write other bytes because of `value`."""
    return value == "crlf" if name == "eol" else name in ("ident", "working-tree-encoding") and bool(value)


def _bytes(path: str) -> str:
    return path.encode(errors="surrogateescape").decode("latin-1")
