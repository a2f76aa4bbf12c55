"""Declarations that are kept in Git: declared at each epoch, kept when they cannot be read."""

from __future__ import annotations

from gitopsd.declarations.repositories import AGAIN_S, GitDeclarations, Trusted, source_of
from gitopsd.errors import InvalidManifest, NotTrusted
from gitopsd.model.project import IntegrityPolicy, Verify
from tests.reconcile.git import REPO
from tests.reconcile.shell import Shell, app, config


def rooted() -> tuple[Shell, GitDeclarations]:
    shell = Shell()
    source = source_of(REPO, "main", "root", recurse=False)
    root = GitDeclarations(source, True, shell.git, shell.git, shell.apps, shell.barrier)  # noqa: FBT003 - prune
    tell = shell.git.on_epoch

    def told(repo: str, old: object, new: object) -> None:
        tell(repo, old, new)  # type: ignore[arg-type]
        root.epoch(repo)  # type: ignore[arg-type]

    shell.git.on_epoch = told
    return shell, root


async def test_path_of_a_repository_is_declared() -> None:
    shell, root = rooted()
    shell.git.push({"root/a": app("a"), "apps/a/x": config("x")})

    assert None is await root.read()
    await shell.settle()
    assert {"x"} == shell.names()


async def test_what_cannot_be_read_removes_nothing_and_is_tried_again() -> None:
    shell, root = rooted()
    assert AGAIN_S == await root.read(), "there is no epoch yet"
    shell.git.push({"root/a": app("a")})
    await root.read()
    shell.git.push({"root/a": InvalidManifest("line 3 is no YAML", remedy="mend it")})

    assert AGAIN_S == await root.read()
    assert ["a"] == [each.name for each in shell.apps.all()]
    assert ["line 3 is no YAML; mend it"] == list(root.problems)


async def test_prunes_wait_until_it_is_known_what_a_commit_declares() -> None:
    shell, root = rooted()
    shell.git.push({"root/a": app("a"), "apps/a/x": config("x")})
    await root.read()
    await shell.settle()
    (uid,) = {found["metadata"]["uid"] for key, found in shell.world.objects.items() if key.name == "x"}
    shell.git.push({"root/a": app("a"), "root/b": app("b"), "apps/b/x": config("x")})
    await shell.settle(for_s=30.0)
    assert {"x"} == shell.names()
    await root.read()
    await shell.settle()

    assert [uid] == [found["metadata"]["uid"] for key, found in shell.world.objects.items() if key.name == "x"]


class Refusing:
    """Trusts nobody, and remembers whom it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def verify(self, repo: str, ref: str, revision: str, policy: object, tag_prefix: str = "") -> None:
        self.asked.append((ref, revision))
        raise NotTrusted("commit 12 may not be used", remedy="have it signed")


async def test_commit_that_is_not_trusted_declares_nothing() -> None:
    shell, root = rooted()
    refusing = Refusing()
    policy = IntegrityPolicy(("*",), Verify.HEAD, ("D56C4FCA57A46444",))
    root.trusted = Trusted(policy, refusing)
    shell.git.push({"root/a": app("a")})

    assert AGAIN_S == await root.read()
    assert [] == list(shell.apps.all())
    assert ["commit 12 may not be used; have it signed"] == list(root.problems)
    assert 1 == len(refusing.asked)
