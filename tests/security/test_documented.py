"""docs/security.md claims nothing that has no test: every case is in its table, and every test it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
CASES = {int(row[0]): row for row in ROW.findall(PAGE)}
NAMED = re.compile(r"`((?:[a-z0-9_]+/)*(?:test_[a-z_0-9]+\.py|))(?:::(test_[a-z_0-9]+))?`")
NO_TEST = "none: "


def test_every_case_is_in_the_table_with_a_test_or_a_reason() -> None:
    assert list(range(1, 61)) == sorted(CASES)
    for number, row in CASES.items():
        assert NAMED.search(row[4]) or row[4].startswith(NO_TEST), number


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED.findall(PAGE) if path}))
def test_every_file_of_tests_that_is_named_is_there(path: str) -> None:
    assert there(path).exists()


@pytest.mark.parametrize(("path", "name"), sorted({found for found in NAMED.findall(PAGE) if found[1]}))
def test_every_test_that_is_named_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(?:async )?def {name}", there(path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("number", [number for number, row in CASES.items() if not row[4].startswith(NO_TEST)])
def test_a_case_whose_test_is_here_has_its_number_in_it(number: int) -> None:
    """Two or more in one test are named by the first of them."""
    ours = [name for path, name in NAMED.findall(CASES[number][4]) if name and "/" not in path]
    for name in ours:
        first, last = (int(each) for each in (re.findall(r"\d+", name) * 2)[:2])
        assert first <= number <= max(first, last)


def there(path: str) -> Path:
    path = path.removeprefix("tests/")
    return ROOT / "tests" / (path if "/" in path else f"security/{path}")
