"""Whole files, as editors and tools leave them: what they hold is what kubectl says, byte for byte."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.manifests.yaml import differential, kubectl, manifests, same_bytes

SOAK = bool(os.environ.get("GITOPSD_SOAK"))


def config_map(name: str, rest: str = "") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{rest}"


LINES = [
    "x: 1\nx: 2\n",  # a key twice
    "p: &p {a: 1}\nq: {<<: *p, b: 2}\nr: *p\n",
    "x: !!str 7\ny1: !!float 1\nz: !mine a\n",
    "x: [18446744073709551615, 9223372036854775808, -9223372036854775809, 1e3, 1.50, 1e-7, 0777, 1_000]\n",
    "data:\n  x: |\n    l1\n    ---\n    l2\n",
    "data:\n  x: >-\n    a\n    b\n\n    c\n",
    "x: 'a\n\n  b'\n",
    'x: "a\\\n  b\\u2028"\n',
    "x: caf\u00e9 \U0001f600 \u2028 z\n",
    "n: yes\non: {n: ~}\n",
    "# at its end\n",
]
DOCUMENTS = st.one_of(
    st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from(LINES), max_size=1).map("".join)).map(
        lambda found: config_map(*found)
    ),
    st.sampled_from(
        [
            "# only a comment\n",
            "",
            "\n\n",
            "null\n",
            "# before\n" + config_map("d"),
            config_map("e").rstrip("\n"),
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: i}}\n",
            "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: k}}]\n",
            "apiVersion: v1\nkind: List\nitems: []\n",
            "- apiVersion: v1\n",
            "just text\n",
        ]
    ),
)
SEPARATORS = st.sampled_from(["---\n", "\n---\n", "--- # and why\n", "---   \n", " ---\n", "---\t\n", "----\n"])
ENDINGS = st.sampled_from(
    [("\n", "utf-8"), ("\n", "utf-8"), ("\r\n", "utf-8"), ("\n", "utf-8-sig"), ("\r\n", "utf-16")]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    parts = [draw(st.one_of(st.just(""), SEPARATORS)), draw(DOCUMENTS)]
    for _ in range(draw(st.integers(0, 2))):
        parts += [draw(SEPARATORS), draw(DOCUMENTS)]
    parts.append(draw(st.one_of(st.just(""), SEPARATORS)))
    newline, encoding = draw(ENDINGS)
    return "".join(parts).replace("\n", newline).encode(encoding)


@differential
@settings(
    max_examples=3000 if SOAK else 25,
    deadline=None,
    derandomize=not SOAK,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(files())
def test_any_file_holds_what_kubectl_reads_in_it(data: bytes) -> None:
    assert same_bytes(kubectl(data)) == same_bytes(manifests(data))


@pytest.mark.parametrize(
    "data",
    [
        config_map("a").encode() + b"x: \xff\n",
        config_map("a").encode() + b"x: \xed\xa0\x80\n",  # half of a surrogate pair
        config_map("a").encode() + b"x: caf\xe9\n",  # Latin-1
        config_map("a").encode("utf-16")[:-1],
    ],
    ids=repr,
)
def test_what_is_no_text_is_refused_where_kubectl_may_put_question_marks(data: bytes) -> None:
    assert manifests(data) is None


@pytest.mark.parametrize(
    "text",
    [
        config_map("a") + "...\n" + config_map("b"),
        config_map("a") + "---apiVersion: v1\n" + config_map("b"),
        config_map("a") + "\ufeff" + config_map("b"),
    ],
    ids=repr,
)
def test_a_file_of_which_a_document_might_be_lost_is_refused(text: str) -> None:
    assert manifests(text) is None


@pytest.mark.parametrize(
    "text",
    [
        config_map("a", "---\n" + config_map("b")).replace("\n", "\r"),  # kubectl reads one of them
        "--- !!map\n" + config_map("a") + "---\n" + config_map("b"),
        "%YAML 1.1\n---\n" + config_map("a") + "---\n" + config_map("b"),
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}\n---\n' + config_map("b"),
    ],
    ids=repr,
)
def test_what_yaml_allows_and_kubectl_does_not_is_read_whole(text: str) -> None:
    assert ["a", "b"] == [each["metadata"]["name"] for each in manifests(text) or ()]
