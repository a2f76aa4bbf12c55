from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from gitopsd.errors import InvalidManifest, PathNotFound, RepositoryUnreachable, RevisionNotFound
from gitopsd.git.directory import Directory, directory
from gitopsd.git.tree import DirectoryCache, GitTree, open_tree
from gitopsd.ports import Entry, Tree
from tests.gitserver import AUTHOR, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


def tree_of(repo: Repo, revision: str) -> GitTree:
    return open_tree(str(repo.path), revision)


def test_tree_is_the_port(repo: Repo) -> None:
    tree: Tree = tree_of(repo, repo.commit({"a": "1"}))

    assert b"1" == tree.read("a", max_bytes=1)


def test_files_and_directories_are_read_by_revision(repo: Repo) -> None:
    first = repo.commit(
        {"apps/a/x.yaml": "one", "apps/a/run.sh": "#!", "apps/b.yaml": "b"}, executable=["apps/a/run.sh"]
    )
    repo.commit({"apps/a/x.yaml": "two"})
    tree = tree_of(repo, first)

    assert b"one" == tree.read("apps/a/x.yaml", max_bytes=100)
    assert b"one" == tree.read("./apps//a/../a/x.yaml", max_bytes=100)
    assert tree.read("apps/a", max_bytes=100) is None
    assert tree.read("apps/missing/x.yaml", max_bytes=100) is None
    assert tree.read("apps/b.yaml/below", max_bytes=100) is None
    assert tree.list("apps/b.yaml") is None
    assert tree.list("nowhere") is None
    assert (Entry("a", "tree"), Entry("b.yaml", "blob")) == tree.list("apps")
    assert (Entry("run.sh", "blob", executable=True), Entry("x.yaml", "blob")) == tree.list("apps/a")
    assert (Entry("apps", "tree"),) == tree.list(".") == tree.list("")
    assert tree.blob("apps/b.yaml") == str(repo.git.create_blob(b"b"))
    assert tree.blob("apps") is None


def test_file_above_the_limit_is_refused_before_it_is_loaded(repo: Repo) -> None:
    tree = tree_of(repo, repo.commit({"big.yaml": "x" * 1000}))

    with pytest.raises(InvalidManifest, match=r"big\.yaml has 1000 bytes"):
        tree.read("big.yaml", max_bytes=999)


def test_closure_holds_every_look_up_also_the_failed(repo: Repo) -> None:
    tree = tree_of(repo, repo.commit({"a/x": "1"}))
    tree.read("a/x", max_bytes=9)
    tree.read("a/y", max_bytes=9)
    tree.list("a")
    tree.list("b/c")
    seen = tree.closure()

    assert {"file:a/x", "file:a/y", "list:a", "list:b/c"} == set(seen)
    assert f"100644 {tree.blob('a/x')}" == seen["file:a/x"]
    assert ("", "") == (seen["file:a/y"], seen["list:b/c"])
    assert 32 == len(seen["list:a"])


def test_listing_changes_with_names_and_types_not_with_contents(repo: Repo) -> None:
    def listing(revision: str) -> str:
        tree = tree_of(repo, revision)
        tree.list("a")
        return tree.closure()["list:a"]

    first = listing(repo.commit({"a/x": "1", "a/d/y": "1"}))

    assert first == listing(repo.commit({"a/x": "2", "a/d/y": "2", "a/d/z": "new below"}))
    assert first != listing(repo.commit({"a/x": "2"}, executable=["a/x"]))
    assert first != listing(repo.commit({"a/new": ""}))


def test_links_inside_are_followed_and_recorded_as_link_and_place(repo: Repo) -> None:
    tree = tree_of(
        repo,
        repo.commit({"base/x": "1"}, links={"a/up": "../base", "a/b/file": "../up/./x", "top": "a//b/file"}),
    )

    assert b"1" == tree.read("top", max_bytes=9)
    assert (Entry("x", "blob"),) == tree.list("a/up")
    assert {"link:top", "link:a/b/file", "link:a/up", "file:base/x", "list:base"} == set(tree.closure())


@pytest.mark.parametrize(
    ("path", "links", "named"),
    [
        ("../x", {}, r"\.\./x"),
        ("a/../../x", {}, "root"),
        ("/etc/passwd", {}, "absolute"),
    ],
)
def test_what_leads_out_of_the_root_is_refused_by_name(
    repo: Repo, path: str, links: dict[str, str], named: str
) -> None:
    tree = tree_of(repo, repo.commit({"a/x": "1"}, links=links))

    with pytest.raises(PathNotFound, match=named):
        tree.read(path, max_bytes=100)


def test_forty_links_are_followed(repo: Repo) -> None:
    tree = tree_of(repo, repo.commit({"l40": "here"}, links={f"l{n}": f"l{n + 1}" for n in range(40)}))

    assert b"here" == tree.read("l0", max_bytes=9)


def test_names_that_no_path_can_write_are_listed_but_lead_nowhere(repo: Repo) -> None:
    blob = repo.git.create_blob(b"x")
    names = [b"..", b"a/b", b"caf\xe9.yaml"]
    tree_object = b"".join(b"100644 %s\0%s" % (name, blob.raw) for name in names)
    oid = repo.git.odb.write(pygit2.enums.ObjectType.TREE, tree_object)
    tree = tree_of(repo, str(repo.git.create_commit(None, AUTHOR, AUTHOR, "m", oid, [])))

    assert [Entry("..", "blob"), Entry("a/b", "blob"), Entry("caf\\xe9.yaml", "blob")] == list(tree.list("") or ())
    assert tree.read("a/b", max_bytes=9) is None
    with pytest.raises(PathNotFound):
        tree.read("..", max_bytes=9)


def test_submodule_is_an_entry_but_no_file(repo: Repo) -> None:
    builder = repo.git.TreeBuilder()
    builder.insert("sub", repo.git.create_blob(b"x"), 0o160000)
    revision = str(repo.git.create_commit(None, AUTHOR, AUTHOR, "m", builder.write(), []))
    tree = tree_of(repo, revision)

    assert (Entry("sub", "commit"),) == tree.list("")
    assert tree.read("sub", max_bytes=9) is None
    assert tree.read("sub/x", max_bytes=9) is None


@pytest.mark.parametrize("revision", ["0" * 40, "main", "", "abcdef1", "-x", "z" * 40])
def test_revision_that_is_not_there_fails_closed(repo: Repo, revision: str) -> None:
    repo.commit({"a": "1"})

    with pytest.raises(RevisionNotFound):
        tree_of(repo, revision)


def test_tree_or_blob_is_no_revision(repo: Repo) -> None:
    blob = repo.git.create_blob(b"x")

    with pytest.raises(RevisionNotFound):
        tree_of(repo, str(blob))


def test_damaged_object_is_said_and_marks_the_mirror(repo: Repo) -> None:
    revision = repo.commit({"a": "1"})
    blob = str(repo.git.create_blob(b"1"))
    loose = repo.path / "objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"")
    tree = tree_of(repo, revision)

    with pytest.raises(RepositoryUnreachable):
        tree.read("a", max_bytes=9)
    assert (repo.path / "gitopsd-damaged").exists()


def test_mirror_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(RepositoryUnreachable):
        open_tree(str(tmp_path / "no.git"), "0" * 40)


def test_seen_follows_no_new_link_silently(repo: Repo) -> None:
    """What was missing when it was looked for differs as soon as a link leads there, though no such entry exists."""
    tree = tree_of(repo, repo.commit({"real/x": "1"}))
    tree.read("maybe/x", max_bytes=9)
    before = tree.closure()
    later = tree_of(repo, repo.commit({}, links={"maybe": "real"}))

    assert before != later.seen(before)


def test_a_directory_that_did_not_change_is_parsed_once_for_all_revisions(repo: Repo) -> None:
    first = tree_of(repo, repo.commit({"a/x": "1", "b/y": "1"}))
    second = tree_of(repo, repo.commit({"b/z": "1"}))

    assert first.list("a") is second.list("a")
    assert (Entry("y", "blob"), Entry("z", "blob")) == second.list("b")


def test_parsed_directories_are_kept_up_to_a_bound_and_by_repository(repo: Repo) -> None:
    def parsed(path: str) -> tuple[pygit2.Oid, Directory]:
        tree = repo.git[repo.commit({path: "1"})].peel(pygit2.Tree)
        return tree.id, directory(repo.git, tree.id)

    kept = DirectoryCache(most_entries=5)
    (one, first), (two, second), (three, third) = parsed("x"), parsed("y"), parsed("z")
    kept.put("r.git", one, first)  # one entry and itself
    kept.put("r.git", two, second)  # two entries and itself
    assert first is kept.get("r.git", one)
    assert kept.get("other.git", one) is None

    kept.put("r.git", three, third)  # four in all: nothing else has room

    assert (None, None, third) == (kept.get("r.git", one), kept.get("r.git", two), kept.get("r.git", three))
