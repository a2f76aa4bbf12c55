"""Histories at random, and what two mirrors hold of one."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pygit2

from tests.gitserver import AUTHOR, Repo


class RandomHistory:
    """Changes `repo` at random, as people and their programs do who push to it."""

    def __init__(self, repo: Repo, seed: int) -> None:
        self.repo, self.random = repo, random.Random(seed)  # noqa: S311 - of a test
        self._count = 0

    def branches(self) -> list[str]:
        heads = (name for name in self.repo.git.references if name.startswith("refs/heads/"))
        return sorted(name.removeprefix("refs/heads/") for name in heads)

    def step(self) -> str:
        """Do one thing; return what it was."""
        ways: list[Callable[[], object]] = [
            *(self.commit,) * 6,
            *(self.merge, self.reset, self.rewrite, self.tag, self.annotated, self.branch) * 2,
            *(self.remove, self.head, self.odd, self.move, self.again, self.nested, self.collect),
        ]
        way = self.random.choice(ways)
        way()
        return way.__name__

    def commit(self) -> None:
        self._count += 1
        directory = self.random.choice(("", "apps/", f"apps/{self.random.randrange(30)}/", "deep/er/and/deeper/"))
        size = self.random.choice((10, 200, 5000))
        content = "".join(self.random.choices("abcdefgh \n", k=size))
        files = {f"{directory}{self.random.choice('xyz')}.yaml": f"{self._count}\n{content}"}
        self.repo.commit(files, branch=self.any_branch())

    def merge(self) -> None:
        ours, theirs = self.any_branch(), self.any_branch()
        git = self.repo.git
        parents = [git.references[f"refs/heads/{name}"].peel(pygit2.Commit) for name in (ours, theirs)]
        ids = list(dict.fromkeys(parent.id for parent in parents))
        git.create_commit(f"refs/heads/{ours}", AUTHOR, AUTHOR, "merge", parents[-1].tree_id, ids)

    def reset(self) -> None:
        name = self.any_branch()
        self.repo.set_ref(f"refs/heads/{name}", self.any_commit(name))

    def rewrite(self) -> None:
        self._count += 1
        self.repo.rewrite({"apps/x.yaml": f"rewritten {self._count}"}, branch=self.any_branch())

    def again(self) -> None:
        """Put a tree of long ago on top, as a revert does."""
        name, git = self.any_branch(), self.repo.git
        old = git[pygit2.Oid(hex=self.any_commit(name))].peel(pygit2.Tree)
        head = git.references[f"refs/heads/{name}"].peel(pygit2.Commit)
        git.create_commit(f"refs/heads/{name}", AUTHOR, AUTHOR, "revert", old.id, [head.id])

    def move(self) -> None:
        """Have a directory under another name."""
        name, git = self.any_branch(), self.repo.git
        head = git.references[f"refs/heads/{name}"].peel(pygit2.Commit)
        builder = git.TreeBuilder(head.tree)
        for entry in head.tree:
            if isinstance(entry, pygit2.Tree):
                self._count += 1
                builder.remove(str(entry.name))
                builder.insert(f"moved-{self._count}", entry.id, pygit2.enums.FileMode.TREE)
                break
        git.create_commit(f"refs/heads/{name}", AUTHOR, AUTHOR, "move", builder.write(), [head.id])

    def branch(self) -> None:
        self._count += 1
        self.repo.set_ref(f"refs/heads/topic-{self._count}", self.any_commit(self.any_branch()))

    def nested(self) -> None:
        """Put a branch where another one's name is a directory, or the other way round."""
        target = self.any_commit(self.any_branch())
        for name in ("refs/heads/a", "refs/heads/a/b"):
            if name in self.repo.git.references:
                self.repo.set_ref(name, None)
                self.repo.set_ref({"refs/heads/a": "refs/heads/a/b", "refs/heads/a/b": "refs/heads/a"}[name], target)
                return
        self.repo.set_ref("refs/heads/a", target)

    def tag(self) -> None:
        self._count += 1
        self.repo.tag(f"v{self._count}", self.any_commit(self.any_branch()))

    def annotated(self) -> None:
        self._count += 1
        tag = self.repo.tag(f"v{self._count}", self.any_commit(self.any_branch()), annotated=True)
        if self.random.random() < 0.3:
            kind = pygit2.enums.ObjectType.TAG
            self.repo.git.create_tag(f"w{self._count}", pygit2.Oid(hex=tag), kind, AUTHOR, "again")

    def remove(self) -> None:
        names = [name for name in self.repo.git.references if not name.endswith(f"/{self.repo.branch}")]
        if names:
            self.repo.set_ref(self.random.choice(sorted(names)), None)

    def head(self) -> None:
        self.repo.git.set_head(f"refs/heads/{self.any_branch()}")

    def odd(self) -> None:
        self.repo.set_ref(f"refs/pull/{self.random.randrange(3)}/head", self.any_commit(self.any_branch()))

    def collect(self) -> None:
        self.repo.collect()

    def any_branch(self) -> str:
        return self.random.choice(self.branches())

    def any_commit(self, branch: str) -> str:
        commit = self.repo.git.references[f"refs/heads/{branch}"].peel(pygit2.Commit)
        for _ in range(self.random.randrange(5)):
            if commit.parents:
                commit = self.random.choice(commit.parents)
        return str(commit.id)


def held(mirror: Path) -> tuple[str, list[str]]:
    """Return the refs of a mirror, and every object that they reach, after git has looked at all of it."""
    git("fsck", "--strict", "--no-dangling", mirror=mirror)
    return git("for-each-ref", mirror=mirror), sorted(git("rev-list", "--objects", "--all", mirror=mirror).splitlines())


def git(*arguments: str, mirror: Path, data: bytes = b"") -> str:
    """Run git on a mirror; return what it says."""
    return raw(*arguments, mirror=mirror, data=data).decode()


def raw(*arguments: str, mirror: Path, data: bytes = b"") -> bytes:
    command = ["git", "--git-dir", str(mirror), *arguments]
    return subprocess.run(command, check=True, input=data, capture_output=True).stdout  # noqa: S603 - our words
