"""Cases 22 and 60: what tenants write takes time in proportion to its length, and what is said of it is bounded."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gitopsd
from gitopsd.core.source.repo_url import has_credentials
from gitopsd.core.text.globs import matches
from gitopsd.errors import InvalidManifest
from gitopsd.git.failures import fetch_failed
from gitopsd.model.status import Condition
from gitopsd.words import LONGEST_WORDS, without_credentials

METHODS = {"search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"}
# What patterns are tried on: one of these, or a piece of the pattern's own text, again and again.
PIECES = ("a", "0", " ", "-", "/", "://", "@", ":", "a.", "a-", "a ", '"', "[", "{", "\\", "<", "\n", "a\n", "a:", "'")
MORE_PIECES = ("0.", "1-", "a@", "(", ",", "$", "a/", ".", "=", "a=", "git@", "v1.", "*", "repository ", "packfile ")
# These run on text that is short already: by what, and how long it may be.
BOUNDED = {
    ("gitopsd.usecases.selector._COMMA", "split"): "selector() refuses what is longer than LONGEST, 4,096 characters",
    ("gitopsd.core.text.redacted._QUOTED", "sub"): "the first MOST_QUOTED characters of what a program says",
    ("gitopsd.git.failures.DAMAGE", "search"): "the last MOST_READ characters of what git says",
    ("gitopsd.git.failures.REMEDIES", "search"): "the last MOST_READ characters of what git says",
}
SHORT, LONG = 5_000, 20_000  # characters
FAST_S = 0.02  # of CPU: no square of LONG is as fast
MOST_GROWTH = 9.0  # of the time from SHORT to LONG: 4 in proportion, 16 in the square


def modules() -> Iterator[tuple[str, ModuleType, ast.Module]]:
    root = Path(gitopsd.__file__).parent
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        if parts[1] not in {"sim", "demo"} and parts[-1] not in {"__main__", "worker_main"}:
            yield name, importlib.import_module(name), ast.parse(path.read_text())


def patterns_in(value: Any) -> Iterator[re.Pattern[Any]]:
    match value:
        case re.Pattern():
            yield value
        case tuple() | list():
            for each in value:
                yield from patterns_in(each)
        case dict():
            for each in value.values():
                yield from patterns_in(each)
        case _:
            pass


def used() -> dict[tuple[str, str], re.Pattern[Any]]:
    """Return every pattern of the package with the methods it is used by: (where, method) → pattern."""
    found: dict[tuple[str, str], re.Pattern[Any]] = {}
    for name, module, tree in modules():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        named = set()
        for call in calls:
            assert isinstance(call.func, ast.Attribute)
            method, base = call.func.attr, call.func.value
            if method not in METHODS or not isinstance(base, ast.Name):
                continue
            if base.id == "re" and isinstance(call.args[0], ast.Constant):
                found[f"{name}:{call.lineno}", method] = re.compile(call.args[0].value)
            elif isinstance(held := getattr(module, base.id, None), re.Pattern):
                named.add(base.id)
                found[f"{name}.{base.id}", method] = held
        for attribute, value in vars(module).items():
            if attribute in named or isinstance(value, re.Pattern):
                continue
            for number, pattern in enumerate(patterns_in(value)):
                found[f"{name}.{attribute}[{number}]", "sub"] = pattern
    return found


def seconds(pattern: re.Pattern[Any], method: str, piece: str, length: int) -> float:
    text: Any = (piece * (length // len(piece) + 1))[:length]
    if isinstance(pattern.pattern, bytes):
        text = text.encode()
    began_s = time.process_time()
    if method in {"sub", "subn"}:
        pattern.sub(text[:0], text)
    elif method == "finditer":
        list(pattern.finditer(text))
    else:
        getattr(pattern, method)(text)
    return time.process_time() - began_s


def grows(pattern: re.Pattern[Any], method: str) -> str:
    """Return the piece on which the time grows faster than the text; "" where there is none."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    own = re.findall(r"[A-Za-z]{2,}|[^A-Za-z0-9\s\\\[\]()?*+{}|^$]", text)
    pieces: list[str] = [*PIECES, *MORE_PIECES, *own]
    for piece in dict.fromkeys(pieces):
        if seconds(pattern, method, piece, LONG) < FAST_S:
            continue
        best = [min(seconds(pattern, method, piece, size) for _ in range(3)) for size in (SHORT, LONG)]
        if best[1] > FAST_S and best[1] > MOST_GROWTH * best[0]:
            return piece
    return ""


def test_no_expression_takes_time_in_the_square_of_a_text() -> None:
    tried = used()

    slow = {
        where: piece for where, pattern in tried.items() if where not in BOUNDED and (piece := grows(pattern, where[1]))
    }

    assert {} == slow
    assert len(tried) > 100, "the patterns of the package are not found any more"


def test_an_expression_that_is_exempt_is_one_that_is_used() -> None:
    assert {("gitopsd.git.failures.REMEDIES", "search")} == BOUNDED.keys() - used().keys()  # a table, looked through


def test_what_tenants_write_is_cut_where_it_is_said() -> None:
    long = "x" * 1_000_000

    error = InvalidManifest(f"{long} is no key", remedy=f"rename {long}")

    assert [LONGEST_WORDS] * 2 == [len(error.what), len(error.remedy)]
    assert error.what.endswith("…")
    assert LONGEST_WORDS == len(Condition("ComparisonError", long, long).message)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:hunter2@host.example/a", "https://***@host.example/a"),
        ("https://ghp_0123456789abcdef0123@host.example/a", "https://***@host.example/a"),
        ("https://ann:pass@word@host.example/a", "https://***@host.example/a"),
        ("ssh://git@host.example/a", "ssh://git@host.example/a"),
        ("ssh://git:pass@host.example/a", "ssh://***@host.example/a"),
        ("git@host.example:a", "git@host.example:a"),
        ("of https://x@a.example/ and https://b.example/@c", "of https://***@a.example/ and https://b.example/@c"),
    ],
)
def test_logins_in_urls_are_not_shown(url: str, shown: str) -> None:
    assert shown == without_credentials(url)


def test_a_short_user_alone_is_no_password() -> None:
    urls = ["https://org@dev.example/a", "https://ann:x@host.example/a", f"https://{'t' * 40}@host.example/a"]

    assert [False, True, True] == [has_credentials(url) for url in urls]


def test_a_large_text_is_masked_matched_and_reported_at_once() -> None:
    began_s = time.process_time()

    without_credentials("a" * 1_000_000)
    without_credentials("x://" * 250_000)
    fetch_failed("https://host.example/a", "repository " * 100_000, ())
    matches("[" * 20_000, "x")
    matches(f"{'a*' * 1_000}b", "a" * 20_000)

    assert time.process_time() - began_s < 5.0  # in the square of their lengths these took minutes


def test_errors_and_conditions_are_masked_when_they_are_made() -> None:
    url = f"https://ann:hunter2@{'h' * LONGEST_WORDS}/a"

    said = (InvalidManifest(url, remedy=url), Condition("ComparisonError", url, url))

    assert "hunter2" not in f"{said} {said[0]}"
    assert LONGEST_WORDS == len(said[1].message)
