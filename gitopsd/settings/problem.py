"""What is wrong with the settings, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingsPlace:
    """A line of a file, or an environment variable."""

    file: str
    line: int = 0  # 0: the file as a whole, or an environment variable


@dataclass(frozen=True, slots=True)
class Problem:
    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.what}; {self.remedy}"


class Problems:
    """All problems of one reading, and where each setting was written."""

    def __init__(self, file: str) -> None:
        self._found: dict[Problem, None] = {}
        self._file = SettingsPlace(file)
        self.places: dict[str, SettingsPlace] = {}  # dotted name → where it is written

    def add(self, where: SettingsPlace, what: str, remedy: str) -> None:
        self._found[Problem(where.file, where.line, what, remedy)] = None

    def at(self, name: str, what: str, remedy: str) -> None:
        """Add a problem of the setting `name`, at its line or at that of what it belongs to."""
        self.add(self.place(name), f"{name} {what}", remedy)

    def place(self, name: str) -> SettingsPlace:
        while name and name not in self.places:
            name = name.rpartition(".")[0]
        return self.places.get(name, self._file)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found, key=lambda problem: (problem.line == 0, problem.file, problem.line)))
