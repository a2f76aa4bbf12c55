"""How far a revision goes from module to module: as short as it is, it stays."""

from __future__ import annotations

import importlib
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import gitopsd
from gitopsd.model.command import Apply
from gitopsd.model.ids import AppName
from tests.reconcile.shell import Shell, app, config, config_key
from tests.reconcile.way import Tracer

PACKAGE = Path(gitopsd.__file__).parent
TESTS = Path(__file__).parents[1]
# Before the stages had modules of their own (c7f22cb): 86 stops in 26 modules, 60 of them returns; with leaves, 192.
MOST_STOPS, MOST_MODULES = 43, 19
MOST_WITH_LEAVES = 172  # nine tenths of that, with room for a helper or two
FILES = {
    "page.py": """
        from followed.stage import look, touch
        from followed.core.room import helped, plain
        from followed.model.noun import noun
        def run(edge):
            noun(), plain()
            look(edge), look(edge)
            return helped([touch(number) for number in range(3)])
    """,
    "stage.py": """
        def look(edge):
            return edge(called_back)
        def touch(number):
            return number
        def called_back():
            pass
    """,
    "core/room.py": """
        from followed.core.leaf import leaf
        def plain():
            return 1
        def helped(numbers):
            return leaf(numbers)
    """,
    "core/leaf.py": """
        def leaf(numbers):
            return sum(numbers)
    """,
    "model/noun.py": """
        def noun():
            pass
    """,
}


async def test_a_revision_that_changes_one_object_goes_no_longer_way_than_now() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/b": config("b")})
    await shell.settle()
    shell.git.push({"apps/shop/a": config("a", "2"), "apps/shop/b": config("b")})
    tracer, run, written = Tracer(PACKAGE, TESTS), shell.clusters.run, []

    async def write(cluster: Any, command: Any) -> Any:
        tracer.end()
        written.append(command)
        return await run(cluster, command)

    shell.clusters.run = write  # type: ignore[method-assign]
    with tracer.following():
        await shell.reconciler.reconcile(AppName("shop"))

    assert [(Apply, config_key("a"))] == [(type(command), command.key) for command in written]
    stops = tracer.stops()
    assert ("reconcile.page", "reconcile.steps") == (stops[0], stops[-1])
    assert len(stops) <= MOST_STOPS, " → ".join(stops)
    assert len(set(stops)) <= MOST_MODULES, sorted(set(stops))
    assert len(tracer.stops(leaves=True)) <= MOST_WITH_LEAVES


def test_stops_are_counted_as_somebody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        file = tmp_path / "followed" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    page = importlib.import_module("followed.page")
    tracer = Tracer(tmp_path / "followed", TESTS)

    with tracer.following():
        page.run(lambda call_back: call_back())

    assert ["page", "stage", "page", "stage", "page", "core.room"] == tracer.stops()
    first = ["page", "core.room", "page", "stage", "page", "stage", "page", "core.room", "core.leaf"]
    assert first == tracer.stops(leaves=True)
