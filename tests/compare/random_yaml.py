"""YAML over random documents: what is read here beside what Argo CD's renderer reads in the same file."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.compare.peers import Peer
from tests.compare.results import Compared
from tests.compare.sources import Found, beside, committed

AT_ONCE = 100  # files of one commit
PLAIN = (
    *("a", "''", '"x"', "~", "null", "yes", "No", "on", "True", "y", "1", "-1", "+1", "0777", "0o17", "0x1F", "1_000"),
    *(
        "1e3",
        "1.",
        ".5",
        "12e03",
        "190:20:30",
        "2001-12-15",
        "1e400",
        "9223372036854775808",
        "0b11",
        "1e-3",
        "00",
        "0.10",
    ),
    *(
        "[]",
        "{}",
        "[1, 'a', ~]",
        "{x: 1, y: }",
        "'it''s'",
        '"\\u263a\\n"',
        "!!str 1",
        '!!int "3"',
        "!!binary aGk=",
        "=",
    ),
    *(
        "é",
        "1,2",
        "a #b",
        "&a b",
        "&b {c: d}",
        "~a",
        "0_7",
        "1e",
        "3e12345",
        "0x_1",
        "+.5",
        "-0",
        "0.0",
        "1E5",
        "n",
        "NO",
    ),
)
ODD = ("-.inf", ".nan", "<<", "- a", "a: b", "#c", "@x", "%y", "|", "*a", "\u2028", "? a", "[a", '"', "a: ", "- ")
BLOCKS = ("|", ">", "|-", ">-", "|+", ">+", "|2", ">2-")
TEXTS = ("text", "two\nlines", "  deeper\nthan", "ends\n\n", "\nbegins", "tab\there", "trailing ", "# no comment")
BETWEEN = ("---\n", "--- # next\n", "---\n# only a comment\n---\n", "...\n---\n", "\n---\n\n", "---   \n")


def compare(peers: list[Peer], scratch: Path, count: int, seed: int) -> Iterator[Compared]:
    """Yield how `count` random files compare; `seed` makes the same ones again."""
    able = [peer for peer in peers if peer.renders("Directory")]
    for start in range(0, count if able else 0, AT_ONCE):
        tree = scratch / f"yaml-{seed}-{start}"
        for number in range(start, min(count, start + AT_ONCE)):
            place = tree / str(number)
            place.mkdir(parents=True)
            (place / "a.yaml").write_text(_file(random.Random(f"{seed}/{number}")))  # noqa: S311 - not for secrets
        repository = committed(tree, scratch / f"{tree.name}.git")
        for place in sorted(tree.iterdir()):
            for found in beside(repository, Found(place.name, "Directory"), able, scratch):
                yield replace(found, kind="YAML", told=found.told and f"{found.told}\n{_shown(place)}")


def _shown(place: Path) -> str:
    return textwrap.indent((place / "a.yaml").read_text(), "    ")


def _file(draw: random.Random) -> str:
    text = draw.choice(("", "", "---\n", "# first\n", "\ufeff"))
    for number in range(draw.choice((1, 1, 2, 3))):
        text += draw.choice(BETWEEN) if number else ""
        text += f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: n{number}\ndata:\n"
        text += "".join(_entry(draw, f"k{place}") for place in range(draw.randint(1, 4)))
    return text + draw.choice(("", "", "---\n", "\n\n"))


def _scalar(draw: random.Random) -> str:
    return draw.choice(ODD if draw.random() < 0.03 else PLAIN)


def _entry(draw: random.Random, name: str) -> str:
    key = draw.choice((name, name, name, f'"{name}"', f"? {name}\n  ", _scalar(draw)))
    if draw.random() < 0.4:
        indent = draw.choice(("    ", "     ", "      "))
        body = "".join(f"{indent}{line}\n" for line in draw.choice(TEXTS).split("\n"))
        return f"  {key}: {draw.choice(BLOCKS)}\n{body}{draw.choice(('', '', chr(10)))}"
    if draw.random() < 0.2:
        return f"  {key}:\n{''.join(f'  - {_scalar(draw)}{chr(10)}' for _ in range(2))}"
    return f"  {key}: {_scalar(draw)}{draw.choice(('', ' # c', '  '))}\n"
