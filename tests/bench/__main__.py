"""`python -m tests.bench`: every budget of docs/bench.md, measured; a table, and JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from tests.bench import browser, hostile, many, push, readers, small, sources, sync
from tests.bench.figures import Figure, table
from tests.bench.world import Options
from tests.clusters import find_control_plane

Measure = Callable[[Options, frozenset[str]], Coroutine[Any, Any, list[Figure]]]
GROUPS: Mapping[tuple[str, ...], Measure] = {  # rows that share a world → what measures them
    push.ROWS: push.measure,
    sync.ROWS: sync.measure,
    many.ROWS: many.measure,
    small.ROWS: small.measure,
    sources.ROWS: sources.measure,
    hostile.ROWS: hostile.measure,
    browser.ROWS: browser.measure,
    readers.ROWS: readers.measure,
}
ROWS = tuple(row for rows in GROUPS for row in rows)
FULL = {"apps": 1000, "pushes": 40, "heals": 40, "sync_objects": 2000, "live_objects": 100_000, "steady_s": 30.0}
QUICK = {"apps": 200, "pushes": 15, "heals": 15, "sync_objects": 500, "live_objects": 20_000, "steady_s": 10.0}


def main() -> None:
    """Measure, print the table, write the JSON."""
    arguments = _arguments()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every start would compile everything anew
    options = _options(arguments)
    rows = frozenset(arguments.only or ROWS)
    figures: list[Figure] = []
    for group, measure in GROUPS.items():
        if rows & set(group):
            began_s = time.monotonic()
            figures += asyncio.run(measure(options, rows & set(group)))
            sys.stderr.write(f"{', '.join(sorted(rows & set(group)))}: {time.monotonic() - began_s:.0f} s\n")
    sys.stdout.write(f"{_machine()}\n\n{table(figures)}\n")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": _machine(), "at": time.time(), "figures": [figure.as_json() for figure in figures]}
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_rows, default=None, metavar="ROW,…", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="a fifth of everything; for a look, not for a record")
    parser.add_argument("--apps", type=int, help="applications of one repository; default: 1000")
    parser.add_argument("--simulated", action="store_true", help="no real API server, even where there is one")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where the JSON goes")
    return parser.parse_args()


def _rows(text: str) -> list[str]:
    rows = text.split(",")
    for row in rows:
        if row not in ROWS:
            raise argparse.ArgumentTypeError(f"there is no row {row}; there are {', '.join(ROWS)}")
    return rows


def _options(arguments: argparse.Namespace) -> Options:
    sizes = dict(QUICK if arguments.quick else FULL)
    if arguments.apps:
        sizes["apps"] = arguments.apps
    plane = None if arguments.simulated else find_control_plane()
    return Options(**sizes, clusters=10, control_plane=plane)  # type: ignore[arg-type]  # every size is of its type


def _machine() -> str:
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
