"""Health over any tree of health tests: what is said here of each object beside what its test expects.

A test is in Argo CD's form: a file `health_test.yaml` with a list `tests`, of which each has `healthStatus.status` and
`inputPath`, the file of one object, seen from its own directory. Messages are not compared: they are others' words.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitopsd.core.health import health_of
from gitopsd.errors import InvalidManifest
from gitopsd.manifests.yaml import parse
from gitopsd.model.health import HealthStatus
from gitopsd.settings import RenderSettings
from tests.compare.results import Compared, Verdict

TESTS = "health_test.yaml"
PEER = "its health tests"
FALSE_GREEN = "false green: "  # begins what is told of an object that is called Healthy and is not


def compare(tree: Path) -> Iterator[Compared]:
    """Yield how every health test below `tree` compares; one that names no file is none."""
    for file in sorted(tree.rglob(TESTS)):
        for test in (each for each in _value(file).get("tests") or () if "inputPath" in each):
            place = file.parent / test["inputPath"]
            yield _compared(str(place.relative_to(tree)), place, str((test.get("healthStatus") or {}).get("status")))


def _compared(what: str, place: Path, expected: str) -> Compared:
    try:
        value = _value(place)
    except (InvalidManifest, OSError) as err:
        return Compared(what, "Health", PEER, Verdict.FAILS_HERE, str(err))
    found = health_of(value)
    said = found.status.value if found else str(None)
    if said == expected:
        return Compared(what, "Health", PEER, Verdict.ALIKE)
    green = FALSE_GREEN if said == HealthStatus.HEALTHY.value else ""
    told = f"{green}{said} here, {expected} there ({found.message if found else ''})"
    return Compared(what, "Health", PEER, Verdict.DIFFER, told)


def _value(file: Path) -> dict[str, Any]:
    found = parse(file.name, file.read_bytes(), RenderSettings()).documents
    value = found[0].value if found else None
    return value if isinstance(value, dict) else {}
