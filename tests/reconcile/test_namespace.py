"""Labels that an application keeps on its namespace are set right again."""

from __future__ import annotations

from typing import Any

from gitopsd.model.manifest import ResourceKey
from tests.reconcile.shell import Shell, app, config

PROD = ResourceKey("", "Namespace", "", "prod")


def keeping(heal: bool, **labels: str) -> Any:  # noqa: FBT001 - a case
    policy = {
        "automated": {"selfHeal": heal},
        "syncOptions": ["CreateNamespace=true"],
        "managedNamespaceMetadata": {"labels": labels},
    }
    return app("a", syncPolicy=policy)


async def started(heal: bool) -> Shell:  # noqa: FBT001 - a case
    shell = Shell()
    shell.declare(keeping(heal, team="x"))
    shell.git.push({"apps/a/x": config("x")})
    await shell.settle()
    return shell


def labels(shell: Shell) -> Any:
    return shell.world.objects[PROD]["metadata"]["labels"]


async def test_label_that_somebody_changed_is_healed_once() -> None:
    shell = await started(heal=True)
    assert ("Synced", {"team": "x"}) == (shell.sync_status("a"), labels(shell))
    shell.world.edit(PROD, "metadata", "labels", value={"team": "y"})
    await shell.pass_over("a")
    await shell.settle()

    assert ("Synced", {"team": "x"}, ()) == (shell.sync_status("a"), labels(shell), shell.status("a").conditions)
    assert 2 == len(shell.over)


async def test_without_self_heal_it_is_told_of() -> None:
    shell = await started(heal=False)
    shell.world.edit(PROD, "metadata", "labels", value={"team": "y"})
    await shell.pass_over("a")
    await shell.settle()

    assert ("OutOfSync", {"team": "y"}) == (shell.sync_status("a"), labels(shell))
    (condition,) = shell.status("a").conditions
    assert ("NamespaceMetadataWarning", "namespace prod: label team is not kept at 'x'") == (
        condition.type,
        condition.message,
    )


async def test_label_that_the_declaration_changes_is_set() -> None:
    shell = await started(heal=True)
    shell.declare(keeping(heal=True, owner="z"))
    await shell.settle()

    assert ("Synced", {"owner": "z"}) == (shell.sync_status("a"), labels(shell))
