"""YAML means what kubectl says it means, and no text can do harm."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.yaml import parse
from gitopsd.settings import RenderSettings
from tests.manifests.yaml import LIMITS, differential, kubectl, manifests, same_bytes

GOLDEN = json.loads((Path(__file__).parent / "testdata" / "kubectl.json").read_text())
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"


def reads(text: str | bytes, limits: RenderSettings = LIMITS) -> Any:
    """Return the only document of `text`."""
    data = text.encode() if isinstance(text, str) else text
    (document,) = parse("f.yaml", data, limits).documents
    return document.value


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: repr(case["text"][-40:]))
def test_text_is_read_as_kubectl_reads_it(case: dict[str, Any]) -> None:
    assert same_bytes(case["reads"]) == same_bytes(manifests(case["text"]))


SOAK = bool(os.environ.get("GITOPSD_SOAK"))
sampled = settings(
    max_examples=2000 if SOAK else 30,
    deadline=None,
    derandomize=not SOAK,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
WORDS = [
    "yes",
    "n",
    "~",
    "null",
    ".inf",
    "0x",
    "0o",
    "0b",
    "1e",
    "<<",
    "2020-01-01",
    "Off",
    "tRUE",
    "_",
    ".5",
    "-",
    "+",
]
SCALARS = st.lists(st.one_of(st.sampled_from(WORDS), st.text("0123456789abefxoXE+-._~=:", max_size=4)), max_size=3).map(
    "".join
)


@differential
@sampled
@given(st.lists(SCALARS, min_size=20, max_size=60))
def test_any_plain_scalar_is_read_as_kubectl_reads_it(scalars: list[str]) -> None:
    fits = [scalar for scalar in scalars if manifests(f"{HEAD}x:\n- {scalar}\n") is not None]
    text = HEAD + "x:\n" + "".join(f"- {scalar}\n" for scalar in fits)

    assert same_bytes(kubectl(text)) == same_bytes(manifests(text))


KEYS = st.sampled_from(["a", "b", "'c d'", "1", "1.5", "yes", "~", "<<", "'<<'", "? e "])
LEAVES = st.sampled_from(["1", "x", "'yes'", "no", "", "*p", "*q", "!!int '7'", "!!str 8", '"\\u00e9"', "0777", "1e3"])
# No key twice: kubectl does not look at a value that a later one replaces, we refuse it where it is wrong.
NODES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["", "&p ", "&q "]), st.lists(inner, max_size=3)).map(
            lambda found: f"{found[0]}[{', '.join(found[1])}]"
        ),
        st.tuples(
            st.sampled_from(["", "&p ", "&q "]),
            st.lists(st.tuples(KEYS, inner), max_size=4, unique_by=lambda pair: pair[0]),
        ).map(lambda found: found[0] + "{" + ", ".join(f"{key}: {value}" for key, value in found[1]) + "}"),
    ),
    max_leaves=12,
)


@differential
@sampled
@given(st.lists(NODES, min_size=1, max_size=3))
def test_any_structure_is_read_as_kubectl_reads_it(nodes: list[str]) -> None:
    text = (
        HEAD + "p: &p {a: 1, b: 2}\nq: &q {b: 3, c: [4]}\n" + "".join(f"x{n}: {node}\n" for n, node in enumerate(nodes))
    )

    assert same_bytes(kubectl(text)) == same_bytes(manifests(text))


def test_a_key_written_twice_is_told_of() -> None:
    found = parse("f.yaml", b"a: 1\nb: 2\na: 3\n", LIMITS)

    assert {"a": 3, "b": 2} == found.documents[0].value
    assert ((3, "'a' is written twice, the last one counts"),) == found.warnings


def test_a_merge_that_overrides_what_is_above_it_is_told_of() -> None:
    found = parse("f.yaml", b"base: &b {q: 2}\nx:\n  q: own\n  <<: *b\ny1:\n  <<: *b\n  q: own\n", LIMITS)

    assert [(4, "<< overrides 'q' above it, so write it first")] == list(found.warnings)


def test_every_document_knows_its_line() -> None:
    text = "# comment\n\na: 1\n---\n# more\nb: 2\n--- # x\n- c\n---\n---\nd\n"

    assert [3, 6, 8, 11] == [document.line for document in parse("f", text.encode(), LIMITS).documents]


def test_every_json_object_of_a_stream_knows_its_line() -> None:
    assert [1, 4] == [document.line for document in parse("f", b'{"a":\n1}\n\n{"b": 2}\n', LIMITS).documents]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a: 1\nb: \xff\n", "f.yaml:2: not UTF-8"),
        (b"\xfea: 1\n", "f.yaml:1: not UTF-8"),
        (b"a: 1\nb: [\n", "f.yaml:3: "),
        (b"a:\n\tb: 1\n", "f.yaml:2: "),
        (b"a: 1\n  b: 2\n", "f.yaml:2: "),
        (b"a: 'x\n", "f.yaml:2: "),
        (b"a: *nobody\n", "f.yaml:1: unknown anchor 'nobody'"),
        (b"x: &a 1\n---\ny: *a\n", "f.yaml:3: unknown anchor 'a'"),
        (b"a: &a\n  b: *a\n", "f.yaml:2: anchor 'a' contains itself"),
        (b"a: .inf\n", "f.yaml:1: inf has no JSON form"),
        (b"a: {b: 1}\n~: 2\n", "f.yaml:2: null cannot be a key"),
        (b"[a]: 2\n", "f.yaml:1: a key is a mapping or a list"),
        (b"a: \x00\n", "f.yaml:1: .*control characters"),
        (b"a: 1\n...\nb: 2\n", "f.yaml:3: "),  # kubectl drops what follows in silence
    ],
)
def test_a_refusal_names_file_and_line(data: bytes, words: str) -> None:
    with pytest.raises(InvalidManifest, match=words):
        parse("f.yaml", data, LIMITS)


def bomb(levels: int, width: int = 10) -> str:
    lines = [f"l0: &l0 [{', '.join(['lol'] * width)}]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", ["é", "YQ", "/w==", "\u00a1" * 2_000])
def test_binary_that_is_no_base64_of_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidManifest, match="base64"):
        parse("f.yaml", f"a: !!binary {text}\n".encode(), LIMITS)


def test_an_alias_bomb_is_refused_before_it_expands() -> None:
    with pytest.raises(InvalidManifest, match="expand beyond all measure"):
        reads(bomb(12))


def test_a_bomb_of_merges_is_refused_before_it_expands() -> None:
    wide = ", ".join(f"k{n}: {'v' * 50}" for n in range(2000))
    text = f"base: &b {{{wide}}}\n" + "".join(f"m{n}: {{<<: *b}}\n" for n in range(5000))

    with pytest.raises(InvalidManifest, match="expand beyond all measure"):
        reads(text)


def test_aliases_as_people_write_them_are_fine() -> None:
    assert 10**4 == len(json.dumps(reads(bomb(4)))[: 10**4])


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 50_000, "- " * 50_000, '{"a":' * 5000 + "1" + "}" * 5000])
def test_depth_has_a_bound(text: str) -> None:
    with pytest.raises(InvalidManifest, match="nested more than 100 deep"):
        reads(text)


def test_depth_up_to_the_bound_is_fine() -> None:
    assert reads("[" * 100 + "]" * 100)
    assert reads('{"a":' * 99 + "1" + "}" * 99)


def test_what_begins_like_json_may_still_be_yaml() -> None:
    assert {"a": ["b", 1]} == reads("{a: [b, 1.0]}  # flow\n")
