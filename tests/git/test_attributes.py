"""Files are what `git checkout` makes of them; here git itself is asked."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsd.errors import InvalidManifest
from gitopsd.git import ident, lfs_files
from gitopsd.git.attributes import Attributes
from gitopsd.git.objects import artifact_ref
from gitopsd.git.touched import changes
from gitopsd.git.tree import GitTree, open_tree
from tests.git.touched import APP, URL, index_of
from tests.gitserver import Repo

BARE_MACHINE = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "LC_ALL": "C",
}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


def checked_out(repo: Path, revision: str, into: Path) -> dict[str, bytes]:
    """Return what git writes of a revision: path → content."""
    into.mkdir()
    env = BARE_MACHINE | {"GIT_DIR": str(repo), "GIT_WORK_TREE": str(into), "GIT_INDEX_FILE": f"{into}.index"}
    command = ["git", "checkout", "--quiet", "--force", revision, "--", "."]
    subprocess.run(command, cwd=into, env=env, check=True, capture_output=True)  # noqa: S603 - git
    return {str(file.relative_to(into)): file.read_bytes() for file in into.rglob("*") if file.is_file()}


def read(tree: GitTree, path: str) -> bytes | None:
    return tree.read(path, max_bytes=100_000)


TEXT = b"one\ntwo\r\n$Id$ \xc3\xa9\n"
LF_TEXT = b"one\ntwo\n"
CONTENTS: dict[str, bytes] = {
    "mixed": TEXT,
    "lf": LF_TEXT,
    "old-mac": b"one\rtwo\n",
    "binary": b"a\0b\n",
    "hardly-text": b"\x01\n",
    "text-with-one-control": b"x" * 128 + b"\x01\n",
    "dos-end": b"x\n\x1a",
    "ids": b"$Id$ $Id: 1$ $Id: by hand $ $Id:$ $Id: $Ident$ $$Id$ $Idx$Id:$ $Id: two words$ $Id: \n$Id$ $Id",
    "latin": b"\xe9\n",
    "emoji": "\N{GRINNING FACE}\n".encode(),
    "empty": b"",
}
ENCODINGS = ("UTF-16", "utf-16le", "UTF16BE", "UTF-16LE-BOM", "utf16-be-bom", "UTF-32", "UTF-8", "ISO-8859-1")
OTHERS = ("windows-1252", "SHIFT-JIS", "GB18030", "KOI8-R", "US-ASCII", "nobody-knows-it", "rot13", "unicode_escape")


@pytest.mark.parametrize(
    "said",
    [
        "text",
        "text=auto",
        "eol=lf",
        "eol=crlf",
        "text eol=crlf",
        "text=auto eol=crlf",
        "text=input eol=crlf",
        "-text eol=crlf",
        "!text eol=crlf",
        "binary eol=crlf",
        "eol=CRLF",
        "crlf eol=crlf",
        "-crlf eol=crlf",
        "crlf=auto eol=crlf",
        "text=what crlf=auto eol=crlf",
        "ident",
        "-ident",
        "ident=yes",
        "ident eol=crlf",
        "ident text=auto",
        "ident text=auto eol=lf",
        "ident text=auto eol=crlf",
        "filter=x diff merge=y",
        *(f"working-tree-encoding={name}" for name in (*ENCODINGS, *OTHERS)),
        "-working-tree-encoding",
        "working-tree-encoding=",
        "ident eol=crlf working-tree-encoding=UTF-16LE",
        "ident working-tree-encoding=nobody-knows-it",
    ],
)
def test_file_is_what_a_checkout_writes(repo: Repo, tmp_path: Path, said: str) -> None:
    revision = repo.commit(
        {".gitattributes": f"f/* {said}\n", **{f"f/{name}": data for name, data in CONTENTS.items()}}
    )
    tree = open_tree(str(repo.path), revision)
    written = checked_out(repo.path, revision, tmp_path / "work")

    assert {path: read(tree, path) for path in written} == written


def test_nearest_file_and_last_line_win_and_the_machine_has_no_say(repo: Repo, tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {
        "c/win.txt": LF_TEXT,
        ".gitattributes": "[attr]dos text eol=crlf\n*.txt dos\na/b/* -text\n!x.txt -text\n",
        "b/.gitattributes": "\ufeff* eol=crlf\n",
        "a/.gitattributes": '[attr]dos -text\n*.txt eol=lf\nwin.* dos\n"\\167in2.txt" eol=crlf\n/here.txt dos # no -\n',
        **dict.fromkeys(("x.txt", "a/x.txt", "a/win.txt", "a/win2.txt", "a/b/x.txt", "a/here.txt", "b/x.md"), LF_TEXT),
    }
    revision = repo.commit(files, links={"c/.gitattributes": "../a/.gitattributes"})
    written = checked_out(repo.path, revision, tmp_path / "work")
    (repo.path / "info").mkdir(exist_ok=True)
    (repo.path / "info" / "attributes").write_text("* eol=crlf\n")
    tree = open_tree(str(repo.path), revision)

    found = {path: read(tree, path) for path in written}
    assert written == found
    assert {"x.txt", "a/win2.txt", "a/win.txt", "c/win.txt"} == {
        path for path, data in found.items() if data == b"one\r\ntwo\r\n"
    }


PATTERNS = (
    *("*", "*.txt", "a.txt", "/a.txt", "d/a.txt", "/d/*", "d/**", "**/a.txt", "d/**/a.txt", "d/", "**/", "a**", "/**"),
    *("[ab].txt", "[!a].txt", "[]a].txt", "[[:alpha:]].txt", "[[:nope:]]*", "[a-b].*", "[a", "?.txt", "\\*.txt", "a\\"),
    *('"a b.txt"', "!a.txt", "*/a.txt", "*e*/*a*", "d**/a.txt", "d/***/a.txt", "d\\/a.txt", "**\\/a.txt", "d/e", "A.*"),
)
SAID = (
    *("text", "-text", "!text", "text=auto", "eol=crlf", "eol=lf", "!eol", "ident", "-ident", "mac", "-mac", "!mac"),
    *("binary", "-binary", "working-tree-encoding=UTF-16LE", "!working-tree-encoding", "crlf", "-crlf", "b@d", "-x=y"),
)
PATHS = ("a.txt", "b.txt", "a b.txt", "*.txt", "A.txt", "d/a.txt", "d/e/a.txt", "d/e/b.txt", "e/a.txt", "d/e/d/a.txt")
LINES = st.tuples(
    st.sampled_from(("", "", "", "  ", "#")),
    st.sampled_from((*PATTERNS, *PATTERNS, "[attr]mac")),
    st.sampled_from((" ", "\t", "")),
    st.lists(st.sampled_from(SAID), max_size=3).map(" ".join),
    st.sampled_from(("\n", "\n", "\r\n")),
).map("".join)
FILES = st.lists(LINES, min_size=1, max_size=5).map("".join)
SAYING = st.dictionaries(st.sampled_from(("", "d/", "d/e/")).map(lambda base: f"{base}.gitattributes"), FILES)
PIECES = (b"$", b"Id", b":", b" ", b"\n", b"\r", b"$Id$", b"$Id:", b"$Id: ", b"$Idx", b"x", b"\0", b"\x01", b"\xc3\xa9")
DATA = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@given(SAYING, st.lists(DATA, min_size=len(PATHS), max_size=len(PATHS)))
@settings(max_examples=40, deadline=None)
def test_random_repositories_are_read_as_git_checks_them_out(said: Mapping[str, str], data: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(Path(folder, "r.git"))
        revision = repo.commit({**dict(zip(PATHS, data, strict=True)), **said})
        tree = open_tree(str(repo.path), revision)
        written = checked_out(repo.path, revision, Path(folder, "work"))

        assert {path: read(tree, path) for path in written} == written


@given(SAYING, SAYING)
@settings(max_examples=60, deadline=None)
def test_no_changed_file_goes_unnoticed(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Equal look-ups mean equal bytes (D1), and who would read other bytes is touched (D8)."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(Path(folder))
        same = dict.fromkeys(PATHS, TEXT)
        old, new = repo.rewrite({**same, **before}), repo.rewrite({**same, **after})
        was, then = open_tree(folder, old), open_tree(folder, new)
        first, second = ({path: read(tree, path) for path in PATHS} for tree in (was, then))
        names = [{path: tree.blob(path) for path in PATHS} for tree in (was, then)]
        seen = was.closure()
        later = open_tree(folder, new).seen(seen)

        assert seen == open_tree(folder, old).seen(seen)
        assert (first == second) or (seen != later)
        for path in PATHS:
            assert (first[path] == second[path]) or (names[0][path] != names[1][path])
        if seen != later:
            assert frozenset({APP}) == index_of(seen).touched(URL, "main", changes(folder, old, new))


def test_attributes_that_change_no_file_are_no_part_of_what_was_seen(repo: Repo) -> None:
    plain = open_tree(str(repo.path), repo.commit({"a/x": LF_TEXT}))
    said = open_tree(str(repo.path), repo.commit({".gitattributes": "* text=auto diff=x\n*.png binary\n"}))
    read(plain, "a/x")

    assert plain.closure() == said.seen(plain.closure())
    assert plain.blob("a/x") == said.blob("a/x")


def test_limit_is_of_what_is_read(repo: Repo) -> None:
    tree = open_tree(str(repo.path), repo.commit({".gitattributes": "* eol=crlf\n", "x": b"\n" * 60}))

    with pytest.raises(InvalidManifest, match="120 bytes"):
        tree.read("x", max_bytes=100)


def test_chart_or_artifact_is_not_checked_out(repo: Repo) -> None:
    digest = f"sha256:{'1' * 64}"
    repo.git.references.create(artifact_ref(digest), repo.commit({".gitattributes": "* eol=crlf\n", "x": LF_TEXT}))

    assert open_tree(str(repo.path), digest).read("x", max_bytes=99) == LF_TEXT


def test_what_is_in_lfs_is_as_it_was_stored(repo: Repo) -> None:
    oid = "50adea61fa4e77ab111b814716097abfd05f83a207b47eb4529bbd4f54e111e0"  # of the content below
    place = lfs_files.object_path(str(repo.path), oid)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"hello\n\n")
    pointer = lfs_files.BEGINNING + f"oid sha256:{oid}\nsize 7\n".encode()
    tree = open_tree(str(repo.path), repo.commit({".gitattributes": "* filter=lfs eol=crlf\n", "x": pointer}))

    assert tree.read("x", max_bytes=99) == b"hello\n\n"


@pytest.mark.parametrize("content", [b"$Idx" * 200_000, b"$Id: a b" * 100_000 + b"\n"])
def test_no_content_takes_more_time_than_its_length_asks_for(content: bytes) -> None:
    assert content == ident.streamed(content, "1") == ident.in_memory(content, "1")


def test_file_that_is_too_large_and_lines_that_are_too_long_say_nothing() -> None:
    long = b"x text" + b" " * 2048 + b"\n"

    assert {"ident": True} == Attributes().below("", long + b"x ident\n").of("x")
    assert {} == Attributes().below("", b"x ident\n" + b"#" * (4 << 20)).of("x")
