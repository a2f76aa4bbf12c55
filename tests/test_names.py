"""What names and sizes keep to, so that a reader finds things by their names and reads them in one go."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gitopsd"
MOST_LINES = 400  # of a file
MOST_FUNCTION_LINES = 60
NAMES_NOTHING = {"found", "told", "why", "place", "left", "shown", "each"}  # what was found has a name: say that
MOST_NAMES_NOTHING = 0.002  # of the names that are bound; well-kept Python has 0.001 to 0.004
WORDED = {"message", "what", "why", "remedy", "reason"}  # fields that are said to people


@cache
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def known(word: str, vocabulary: set[str]) -> bool:
    singular = (word.removesuffix("s"), word.removesuffix("es"), word[:-3] + "y" if word.endswith("ies") else word)
    return bool({word, word + "s", *singular} & vocabulary)


def test_a_class_name_stands_for_one_thing() -> None:
    where = defaultdict(list)
    for path, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(str(path.relative_to(ROOT)))

    assert {} == {name: paths for name, paths in where.items() if len(paths) > 1}


def test_every_module_of_the_core_is_in_a_room() -> None:
    assert ["__init__.py"] == [path.name for path in (PACKAGE / "core").glob("*.py")]


def test_names_are_made_of_the_glossary_and_of_words_that_everybody_knows() -> None:
    vocabulary = set(re.findall(r"[a-z]+", (ROOT / "docs/glossary.md").read_text().lower()))
    lines = (ROOT / "tests/vocabulary.txt").read_text().splitlines()
    vocabulary |= {line for line in lines if not line.startswith("#")}

    assert {} == {name: word for name, word in named_words() if not known(word, vocabulary)}


def named_words() -> Iterator[tuple[str, str]]:
    """Give the words of module names and public class names, each with the name; the simulated cluster has its own."""
    for path, module in modules().items():
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in {"sim", "demo"}:
            continue
        classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
        names = [part for part in parts if not part.startswith("__")]
        for name in (*names, *(name for name in classes if not name.startswith("_"))):
            yield from ((name, word) for word in words(name))


def test_names_that_are_bound_say_what_they_hold() -> None:
    names = [(name, f"{path}:{line}") for path, module in modules().items() for name, line in bound_names(module)]
    empty = [where for name, where in names if name in NAMES_NOTHING]

    assert len(empty) <= MOST_NAMES_NOTHING * len(names), empty


def bound_names(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Give every name that is assigned to, a parameter's too, with its line; as often as it is bound."""
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case _:
                pass


def test_the_map_of_the_flow_names_what_is_there() -> None:
    page = (ROOT / "docs/flow.md").read_text().partition("## Where to look")[2]
    paths = re.findall(r"`([a-z_]+/[a-z_/]+(?:\.py)?)`", page)

    assert paths
    assert [] == [path for path in paths if not (PACKAGE / path).exists()]


def test_files_and_functions_can_be_read_in_one_go() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    long_files = {str(path): lines for path in files if (lines := len(path.read_text().splitlines())) > MOST_LINES}
    functions = {
        f"{path}:{node.name}": lines
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_FUNCTION_LINES
    }

    assert ({}, {}) == (long_files, functions)


def test_hardly_a_function_has_more_than_fifteen_ways() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select=C901", "--config=lint.mccabe.max-complexity=15"]
    run = subprocess.run(  # noqa: S603 - the linter of the development environment
        [*command, "--output-format=concise", "--exit-zero", str(PACKAGE)], capture_output=True, text=True, check=True
    )

    assert len([line for line in run.stdout.splitlines() if "C901" in line]) <= 5, run.stdout


def test_what_is_said_to_people_decides_nothing() -> None:
    """No comparison has a worded field on one side and a text on the other; the tests of noise show the rest."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, module in modules().items()
        if path.relative_to(PACKAGE).parts[0] not in {"sim", "demo", "kube", "git"}  # edges read what others say
        for node in ast.walk(module)
        if isinstance(node, ast.Compare) and decides_by_words(node)
    ]

    assert [] == found


def decides_by_words(node: ast.Compare) -> bool:
    sides = (node.left, *node.comparators)
    worded = any(isinstance(side, ast.Attribute) and side.attr in WORDED for side in sides)
    text = any(isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value for side in sides)
    return worded and text


def test_tests_share_helpers_and_not_each_other() -> None:
    shared = {
        str(path.relative_to(ROOT)): node.module
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and re.fullmatch(r"tests\.(.*\.)?test_\w+", node.module or "")
    }

    assert {} == shared
