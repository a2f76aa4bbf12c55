"""`.helmignore`: files of a chart's directory that are no part of the chart."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from gitopsd.core.text.globs import GO_PATH, Glob, compiled
from gitopsd.errors import InvalidManifest

FILE = ".helmignore"
ALWAYS = "templates/.?*"  # Helm's own


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: Glob
    whole: bool  # of the path below the chart; else of its last name alone
    directories: bool  # and nothing else
    negated: bool

    def matches(self, path: str) -> bool:
        return self.pattern.matches(path if self.whole else posixpath.basename(path))


@dataclass(frozen=True, slots=True)
class HelmIgnore:
    """The rules of one chart."""

    rules: tuple[Rule, ...]

    def __contains__(self, path: str) -> bool:
        """Tell whether the file at `path`, below the chart, or the directory where it ends in "/", is left out.

        A negated rule leaves out whatever it does not name, as in Helm, not as in Git.
        """
        is_directory, path = path.endswith("/"), path.rstrip("/")
        for rule in self.rules:
            if rule.negated:
                if (rule.directories and not is_directory) or not rule.matches(path):
                    return True
            elif (is_directory or not rule.directories) and rule.matches(path):
                return True
        return False


def ignored(file: str, text: str) -> HelmIgnore:
    """Return the rules of the file `file`; "" has Helm's own alone.

    Raises:
        InvalidManifest: a rule cannot be read.

    Source: Helm, pkg/ignore.
    """
    return HelmIgnore(tuple(_rules(file, f"{text}\n{ALWAYS}")))


def _rules(file: str, text: str) -> Iterator[Rule]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        if "**" in rule:
            raise InvalidManifest(
                f"{file}:{number}: Helm knows no '**' there", remedy="name the directories one by one"
            )
        name = rule.removeprefix("!")
        bare = name.removesuffix("/")
        yield Rule(
            compiled(bare.removeprefix("/"), GO_PATH),
            whole="/" in bare,
            directories=name.endswith("/"),
            negated=rule.startswith("!"),
        )
