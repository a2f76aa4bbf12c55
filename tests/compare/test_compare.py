"""The comparison itself, beside a peer that is made up: what it finds, and what it does not call a difference."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compare import random_yaml, sources
from tests.compare.peers import peers
from tests.compare.results import Answer, Verdict, differences, judged, table

# Reads one file of a directory as a whole, with Python's own YAML.
PEER = f"""\
#!{sys.executable}
import json, pathlib, sys, yaml
for line in sys.stdin:
    asked = json.loads(line)
    file = pathlib.Path(asked["root"], asked["source"]["path"], "a.yaml")
    try:
        found = [json.dumps(each) for each in yaml.safe_load_all(file.read_text()) if each]
        print(json.dumps({{"manifests": found}}), flush=True)
    except Exception as err:
        print(json.dumps({{"error": str(err)}}), flush=True)
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: %s}\n"


def config_map(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name}, **more}


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ([config_map("a"), config_map("b")], [config_map("b"), config_map("a")], []),
        ([config_map("a", x=1)], [config_map("a", x=1.0)], []),
        ([config_map("a", x=1)], [config_map("a", x=True)], ["ConfigMap /a.x: 1 here, true there"]),
        ([config_map("a", x=[1, 2])], [config_map("a", x=[1])], ["ConfigMap /a.x: [1, 2] here, [1] there"]),
        ([config_map("a", x=None)], [config_map("a")], ["ConfigMap /a.x: null here, (absent) there"]),
        ([config_map("a")], [], ["ConfigMap /a is here alone"]),
        ([], [config_map("a"), config_map("a")], ["ConfigMap /a is there alone", "ConfigMap /a #2 is there alone"]),
        ([{"metadata": {"generateName": "a-", "name": "a-1"}}], [{"metadata": {"generateName": "a-"}}], []),
    ],
)
def test_differences_are_told_by_object_and_field(ours: list[Any], theirs: list[Any], told: list[str]) -> None:
    assert told == list(differences(ours, theirs))


def test_an_error_is_an_answer() -> None:
    right, wrong = Answer((config_map("a"),)), Answer(error="no")

    assert [Verdict.ALIKE, Verdict.FAILS_HERE, Verdict.FAILS_THERE, Verdict.BOTH_FAIL] == [
        judged(one, other)[0] for one, other in ((right, right), (wrong, right), (right, wrong), (wrong, wrong))
    ]


def test_a_tree_of_sources_is_compared_with_the_peers_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "peers").mkdir()
    program = tmp_path / "peers" / "argocd"
    program.write_text(PEER)
    program.chmod(0o755)
    for name, text in {
        "same": MAP % "y1",
        "other": MAP % "yes1",
        "octal": MAP % "0o17",
        "broken": "kind: [",
        "": "a: b",
    }.items():
        place = tmp_path / "tree" / "repo" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "a.yaml").write_text(text)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    with peers(tmp_path / "peers") as able:
        found = list(sources.compare(tmp_path / "tree", able, scratch, 0))
        drawn = list(random_yaml.compare(able, scratch, 5, 1))

    assert {
        "repo/same": Verdict.ALIKE,
        "repo/other": Verdict.ALIKE,
        "repo/octal": Verdict.DIFFER,
        "repo/broken": Verdict.BOTH_FAIL,
    } == {each.what: each.verdict for each in found}
    assert 'differ: repo/octal (argocd): ConfigMap /a.data.x: 15 here, "0o17" there' in table(found)
    assert ["YAML"] * 5 == [each.kind for each in drawn]
