"""Which commit a branch, tag, range, name or SHA is, and when what a mirror lacks is asked for."""

from __future__ import annotations

import pygit2
import pytest

from gitopsd.errors import RevisionNotFound
from gitopsd.git.tree import open_tree
from gitopsd.model.ids import RepoUrl
from gitopsd.ports import Sources
from tests.git.conftest import World, polling, until, url_of
from tests.gitserver import AUTHOR, http_server


async def test_branch_tag_head_full_ref_sha_and_range_name_a_commit(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    repo.tag("v1.2.0", annotated=True)
    second = repo.commit({"a": "2"})
    repo.tag("v1.2.1")
    other = repo.commit({"b": "1"}, branch="release/1.x")
    sources: Sources = (repositories := world.repositories())
    await sources.fetch(url_of(repo))

    named = {
        "main": second,
        "HEAD": second,
        "": second,
        "refs/heads/main": second,
        "release/1.x": other,
        "v1.2.0": first,
        "refs/tags/v1.2.0": first,
        "1.2.*": second,
        "~1.2": second,
        ">=1 <1.2.1": first,
        first: first,
        first.upper(): first,
        first[:7]: first,
    }
    assert named == {ref: sources.resolve(url_of(repo), ref).revision for ref in named}
    repo.tag("app/v2.0.0", other)
    repo.tag("app/v1.0.0", first)
    repo.tag("app/other", second)
    await sources.fetch(url_of(repo))
    prefixed = {"*": other, "v1.0.0": first, "1.x": first, "v1.2.0": first, "main": second, "app/other": second}
    assert prefixed == {ref: sources.resolve(url_of(repo), ref, "app/").revision for ref in prefixed}
    with pytest.raises(RevisionNotFound):
        sources.resolve(url_of(repo), "3.x", "app/")
    assert b"2" == open_tree(repositories.mirror(url_of(repo)), second).read("a", max_bytes=9)


@pytest.mark.parametrize("odd", ["a\u2028b", "a\u0085b", "\u0085"])
async def test_branch_whose_name_looks_like_two_lines_stops_no_fetch(world: World, odd: str) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    other = repo.commit({"a": "2"}, branch=odd)
    sources = world.repositories()

    await sources.fetch(url_of(repo))

    assert [first, other] == [sources.resolve(url_of(repo), ref).revision for ref in ("main", odd)]


@pytest.mark.parametrize(
    "ref",
    [
        "gone",
        "refs/heads/gone",
        "9.*",
        "0" * 40,
        "abcdef1",
        "-x",
        "--all",
        "main~1",
        "main:a",
        "refs/gitopsd/HEAD^",
        "\n",
    ],
)
async def test_ref_that_the_epoch_lacks_is_not_found(world: World, ref: str) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))

    with pytest.raises(RevisionNotFound):
        repositories.resolve(url_of(repo), ref)


async def test_tag_of_a_blob_is_no_revision(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repo.set_ref("refs/tags/note", str(repo.git.create_blob(b"x")))
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))

    with pytest.raises(RevisionNotFound):
        repositories.resolve(url_of(repo), "note")


async def test_force_push_moves_the_branch_and_a_vanished_one_is_not_found(world: World) -> None:
    repo = world.repo()
    old = repo.commit({"a": "1"})
    repo.commit({"a": "1"}, branch="side")
    repo.tag("v1")
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))
    new = repo.rewrite({"a": "rewritten"})
    repo.set_ref("refs/heads/side", None)
    repo.commit({"a": "1"}, branch="side/deeper")
    repo.tag("v1")
    await repositories.fetch(url_of(repo))

    assert new == repositories.resolve(url_of(repo), "main").revision != old
    assert new == repositories.resolve(url_of(repo), "v1").revision
    with pytest.raises(RevisionNotFound):
        repositories.resolve(url_of(repo), "side")
    assert repositories.resolve(url_of(repo), "side/deeper").revision


async def test_commit_that_no_branch_reaches_is_asked_for_by_name(world: World) -> None:
    repo = world.repo()
    lost = repo.commit({"a": "lost"})
    repo.rewrite({"a": "1"})
    async with http_server(world.served) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        repositories = world.repositories()
        await repositories.fetch(url)
        with pytest.raises(RevisionNotFound, match="asked for"):
            repositories.resolve(url, lost)
        await repositories.fetch(url)

        assert lost == repositories.resolve(url, lost).revision
        assert b"lost" == open_tree(repositories.mirror(url), lost).read("a", max_bytes=9)
        assert 2 == len(world.epochs)  # so that whoever waits for the commit is told


async def test_ref_beside_branches_and_tags_is_asked_for_by_name_and_followed(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    repo.set_ref("refs/pull/7/head", first)
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))

    assert first == (await repositories.want(url_of(repo), "refs/pull/7/head")).revision
    second = repo.commit({"a": "2"})
    repo.set_ref("refs/pull/7/head", second)
    await repositories.fetch(url_of(repo))
    assert second == repositories.resolve(url_of(repo), "refs/pull/7/head").revision
    repo.set_ref("refs/pull/7/head", None)
    await repositories.fetch(url_of(repo))
    with pytest.raises(RevisionNotFound):
        repositories.resolve(url_of(repo), "refs/pull/7/head")


async def test_named_commits_are_fetched_when_a_poll_hears_of_them(world: World) -> None:
    repo = world.repo()
    lost = repo.commit({"a": "lost"})
    repo.rewrite({"a": "1"})
    async with http_server(world.served) as server:
        url = RepoUrl(f"{server.url}/shop.git")
        repositories = world.repositories(poll_s=3600.0)
        async with polling(repositories):
            repositories.use(url)
            await until(lambda: repositories.epoch(url))
            with pytest.raises(RevisionNotFound):
                repositories.resolve(url, lost)
            await until(lambda: len(world.epochs) == 2)
            assert lost == repositories.resolve(url, lost).revision


async def test_commit_named_before_it_was_pushed_moves_the_epoch_when_it_comes(world: World) -> None:
    """Whoever waits for a SHA is told by the epoch, also where the branch that brings it is not the one it reads."""
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))
    coming = repo.commit({"a": "2"}, branch="side")
    for name in (coming, coming[:8]):
        with pytest.raises(RevisionNotFound):
            repositories.resolve(url_of(repo), name)
    await repositories.fetch(url_of(repo))
    _, old, new = world.epochs[-1]

    assert old is not None
    for name in (coming, coming[:8]):
        assert (None, coming) == (old.named(name), new.named(name))


async def test_tag_of_a_tag_names_the_commit(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    inner = repo.tag("inner", annotated=True)
    outer = repo.git.create_tag("outer", pygit2.Oid(hex=inner), pygit2.enums.ObjectType.TAG, AUTHOR, "outer")
    assert str(outer) != inner
    repositories = world.repositories()
    await repositories.fetch(url_of(repo))

    assert first == repositories.resolve(url_of(repo), "outer").revision
