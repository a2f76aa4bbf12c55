"""Servers that say nothing or too much, and disks that lose objects."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from gitopsd.errors import GitopsError, RepositoryTooLarge
from gitopsd.git import child
from gitopsd.git.epoch import Epoch
from gitopsd.git.tree import open_tree
from gitopsd.model.ids import RepoUrl
from tests.git.conftest import World


async def test_more_refs_than_anybody_wants_to_hold_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    for number in range(50):
        repo.set_ref(f"refs/heads/branch-{number}", first)
    repositories = world.repositories()
    await repositories.fetch(RepoUrl(repo.url))
    assert 51 < len((repositories.epoch(RepoUrl(repo.url)) or Epoch(0, 0.0, {})).refs)
    monkeypatch.setattr(child, "STDOUT_BYTES", 1000)
    with pytest.raises(RepositoryTooLarge, match="more refs than fit"):
        await repositories.fetch(RepoUrl(repo.url))
    assert first == repositories.resolve(RepoUrl(repo.url), "branch-7").revision


def lose(mirror: str, name: str) -> None:
    Path(mirror, "objects", name[:2], name[2:]).unlink()


@pytest.mark.parametrize("lost", ["commit", "tree", "blob"])
async def test_object_that_is_missing_fails_closed_and_the_next_fetch_brings_it(
    world: World, lost: str, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = world.repo()
    repo.commit({"app/a": "1"})
    first = repo.commit({"app/a": "2"})
    repositories = world.repositories()
    url = RepoUrl(repo.url)
    await repositories.fetch(url)
    tree = repo.git[first].peel(pygit2.Tree)
    names = {"commit": first, "tree": str(tree["app"].id), "blob": str(tree["app/a"].id)}
    lose(repositories.mirror(url), names[lost])
    restarted = world.repositories()  # what is known of objects is kept in memory
    with pytest.raises(GitopsError):
        open_tree(restarted.mirror(url), first).read("app/a", max_bytes=9)
    await restarted.fetch(url)

    assert b"2" == open_tree(restarted.mirror(url), restarted.resolve(url, "main").revision).read("app/a", max_bytes=9)
    # git asks for a commit that a ref lacks by itself; of the others only a new mirror has all.
    assert ("git.mirror_rebuilt" in capsys.readouterr().out) == (lost != "commit")
