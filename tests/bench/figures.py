"""A measured figure beside its budget and its floor; as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

COLUMNS = ("row", "what", "measured", "budget", "floor", "times", "met")


@dataclass(frozen=True, slots=True)
class Budget:
    """A goal: `limit` in the figure's unit, or so many times the floor."""

    limit: float
    of_floor: bool = False
    at_least: bool = False  # the figure is to reach it; else to stay below

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {_short(self.limit)}{' floors' if self.of_floor else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, and what it stands beside."""

    row: str  # name of the row that measured it
    what: str
    value: float
    unit: str
    budget: Budget | None = None
    floor: float | None = None  # in the same unit, timed in the same run by a process of its own
    floor_what: str = ""
    server: str = ""  # the API server's version; "" where none is part of it
    note: str = ""

    @property
    def times(self) -> float | None:
        """Return how many times the floor it is; None without one."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Tell whether the budget is kept; None without one, or without the floor that it is of."""
        if self.budget is None:
            return None
        value = self.times if self.budget.of_floor else self.value
        if value is None:
            return None
        return value >= self.budget.limit if self.budget.at_least else value <= self.budget.limit

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "times": self.times, "met": self.met}

    def cells(self) -> tuple[str, ...]:
        """Return the texts under `COLUMNS`."""
        return (
            self.row,
            self.what,
            f"{_short(self.value)} {self.unit}".strip(),
            str(self.budget or ""),
            f"{_short(self.floor)} {self.unit}".strip() if self.floor is not None else "",
            _short(self.times) if self.times is not None else "",
            {True: "yes", False: "NO", None: ""}[self.met],
        )


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that `share` of `values` does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of plain text, and their notes under it."""
    rows = [COLUMNS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    floors = {f"{figure.row}: the floor is {figure.floor_what}": None for figure in figures if figure.floor_what}
    servers = {f"{figure.row}: {figure.server}": None for figure in figures if figure.server}
    notes = {f"{figure.row}: {figure.note}": None for figure in figures if figure.note}
    return "\n".join([*lines, "", *servers, *floors, *notes])


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
