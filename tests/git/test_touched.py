from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsd.errors import PathNotFound, RevisionNotFound
from gitopsd.git import touched
from gitopsd.git.touched import changes
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.model.ids import AppName, RepoUrl
from tests.git.touched import APP, URL, index_of
from tests.gitserver import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


def test_changes_are_the_files_that_differ_and_the_directories_whose_names_do(repo: Repo) -> None:
    old = repo.commit({"same/x": "1", "a/x": "1", "a/y": "1", "gone/d/x": "1", "becomes": "file", "mode": ""})
    new = repo.commit(
        {"a/x": "2", "a/z/new": "1", "gone/d/x": None, "becomes": None, "becomes/dir": "1", "mode": ""},
        executable=["mode"],
    )

    assert {
        "files": ["a/x", "a/z/new", "becomes", "becomes/dir", "gone/d/x", "mode"],
        "dirs": ["", "a", "a/z", "becomes", "gone", "gone/d"],
    } == changes(str(repo.path), old, new)


def test_same_tree_has_no_changes_and_a_lost_past_means_all(repo: Repo) -> None:
    one = repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    again = repo.commit({"a": "1"})

    assert {"files": [], "dirs": []} == changes(str(repo.path), one, again)
    assert changes(str(repo.path), "1" * 40, again) is None
    with pytest.raises(RevisionNotFound):
        changes(str(repo.path), again, "1" * 40)


def test_too_many_changes_mean_all(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "MAX_PATHS", 10)
    old = repo.commit({"a": "1"})

    assert changes(str(repo.path), old, repo.commit({f"d{n}/x": "1" for n in range(11)})) is None


@pytest.mark.parametrize(
    ("seen", "files", "dirs", "hit"),
    [
        ({"file:a/x": "100644 1"}, ["a/x"], [], True),
        ({"file:a/x": "100644 1"}, ["a/xy", "a", "x"], ["a", ""], False),
        ({"list:a": "h"}, ["a/x"], ["a"], True),
        ({"list:a": "h"}, ["a/x", "a/b/c"], ["a/b"], False),
        ({"list:": "h"}, ["new"], [""], True),
        ({"link:a": "1"}, ["a"], [], True),
        ({"file:a/b/c": ""}, ["a/b/c"], ["a/b"], True),
        ({"file:a/b/c": ""}, ["a"], [""], True),
        ({"list:a/b": ""}, ["a/b"], ["a"], True),
        ({"list:a/b": ""}, ["a/b/new"], ["a", "a/b"], True),
        ({"file:a/b/c": ""}, ["a/b/d"], ["a/b"], False),
        (None, ["whatever"], [], True),
        (None, [], [], False),
    ],
)
def test_application_is_touched_by_the_places_it_looked_at(
    seen: Mapping[str, str] | None, files: Sequence[str], dirs: Sequence[str], *, hit: bool
) -> None:
    found = index_of(seen).touched(URL, "main", {"files": files, "dirs": dirs})

    assert (frozenset({APP}) if hit else frozenset()) == found


def test_other_branches_and_repositories_do_not_touch() -> None:
    index = index_of({"file:a": "1"})

    assert frozenset() == index.touched(URL, "next", None)
    assert frozenset() == index.touched(RepoUrl("https://example.org/other"), "main", None)
    assert frozenset({APP}) == index.touched(URL, "main", None)
    assert ("main",) == index.branches(URL)


def test_application_that_is_dropped_or_looks_elsewhere_is_not_touched() -> None:
    index = index_of({"file:a": "1", "file:b/c": ""})
    other = AppName("other")
    index.put(other, {(URL, "main"): {"file:a": "1", "file:b/c": ""}})
    index.put(APP, {(URL, "main"): {"file:z": "1"}})

    assert frozenset({other}) == index.touched(URL, "main", {"files": ["a", "b"], "dirs": []})
    index.drop(other)
    index.drop(other)
    assert frozenset() == index.touched(URL, "main", {"files": ["a", "b"], "dirs": []})
    index.drop(APP)
    assert () == index.branches(URL)


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
LINKS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=3).map(
    lambda parts: "->" + "/".join(parts)
)
CONTENTS = st.dictionaries(PATHS, st.sampled_from(["1", "2"]) | LINKS, max_size=5)
LOOK_UPS = st.lists(st.tuples(st.sampled_from(["read", "list"]), PATHS), min_size=1, max_size=4)


def put(repo: Repo, contents: Mapping[str, str]) -> str:
    """Commit exactly `contents`, `->x` being a link to x; of a path and one below it the first stays."""
    kept: dict[str, str] = {"z": ""}
    for path, what in contents.items():
        if not any(other.startswith(f"{path}/") or path.startswith(f"{other}/") for other in kept):
            kept[path] = what
    links = {path: what[2:] for path, what in kept.items() if what.startswith("->")}
    return repo.rewrite({path: what for path, what in kept.items() if path not in links}, links=links)


def answers(tree: GitTree, look_ups: Sequence[tuple[str, str]]) -> list[object]:
    found: list[object] = []
    for how, path in look_ups:
        try:
            found.append(tree.read(path, max_bytes=99) if how == "read" else tree.list(path))
        except PathNotFound as err:
            found.append(str(err))
    return found


@given(CONTENTS, CONTENTS, LOOK_UPS)
@settings(max_examples=300, deadline=None)
def test_no_changed_answer_goes_unnoticed(
    before: Mapping[str, str], after: Mapping[str, str], look_ups: Sequence[tuple[str, str]]
) -> None:
    """Equal look-ups mean equal answers (D1), and who would get another answer is touched (D8)."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(Path(folder))
        old, new = put(repo, before), put(repo, after)
        was = open_tree(folder, old)
        first = answers(was, look_ups)
        second = answers(open_tree(folder, new), look_ups)
        seen = was.closure()
        later = open_tree(folder, new).seen(seen)
        hit = index_of(seen).touched(URL, "main", changes(folder, old, new))

        assert seen == open_tree(folder, old).seen(seen)
        if first != second:
            assert seen != later
        if seen != later:
            assert frozenset({APP}) == hit
