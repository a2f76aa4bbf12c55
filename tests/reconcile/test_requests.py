"""What people ask for: syncs, rollbacks, and requests that cannot be met."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.errors import Conflict, RevisionNotFound
from gitopsd.model.operation import OperationPhase
from tests.reconcile.git import sha
from tests.reconcile.shell import BY_HAND, Shell, app, config
from tests.reconcile.syncing import ASKED, BROKEN, SHOP, X, started, value


async def test_sync_that_a_person_asks_for_is_done_once() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    await shell.commands.sync(SHOP, ASKED)
    await shell.settle()

    assert ({"x"}, "admin", 1) == (shell.names(), shell.operation("shop").initiated_by, len(shell.over))
    assert None is shell.apps.request(SHOP)


async def test_sync_to_an_older_revision_makes_that_one_live_and_is_then_compared_with_git() -> None:
    shell = await two_revisions()
    await shell.commands.sync(SHOP, replace(ASKED, revisions=(sha(0),), prune=True))
    await shell.settle()

    assert ("1", (sha(0),)) == (value(shell), shell.operation("shop").revisions)
    assert ("OutOfSync", (sha(1),)) == (shell.sync_status("shop"), shell.status("shop").revisions)
    assert shell.names() == {"x", "old"}


async def two_revisions() -> Shell:
    shell = await started({"apps/shop/x": config("x"), "apps/shop/old": config("old")}, **BY_HAND)
    await shell.commands.sync(SHOP, ASKED)
    await shell.settle()
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    await shell.commands.sync(SHOP, replace(ASKED, prune=True))
    await shell.settle()
    assert ("2", {"x"}) == (value(shell), shell.names())
    return shell


async def test_rollback_makes_live_what_the_entry_did() -> None:
    shell = await two_revisions()
    await shell.commands.rollback(SHOP, 1, replace(ASKED, prune=True))
    await shell.settle()

    assert ("1", {"x", "old"}) == (value(shell), shell.names())


async def test_rollback_prunes_though_git_is_broken_now() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    for files in ({"apps/shop/x": config("x")}, {"apps/shop/x": config("x", "2"), "apps/shop/new": config("new")}):
        shell.git.push(files)
        await shell.settle()
        await shell.commands.sync(SHOP, ASKED)
        await shell.settle()
    shell.git.push({"apps/shop/broken": BROKEN})
    await shell.settle()
    await shell.commands.rollback(SHOP, 1, replace(ASKED, prune=True))
    await shell.settle()

    assert ("1", {"x"}) == (value(shell), shell.names())


async def test_rollback_to_other_sources_is_refused() -> None:
    shell = await two_revisions()
    shell.declare(app("shop", path="apps/other", **BY_HAND))

    with pytest.raises(Conflict, match="not of the sources"):
        await shell.commands.rollback(SHOP, 1, ASKED)


async def test_request_that_comes_during_a_pass_is_not_mixed_with_what_the_pass_found() -> None:
    shell = await two_revisions()
    shell.world.edit(X, "data", "value", value="drifted")

    async def asks_while_the_server_is_asked() -> None:
        shell.clusters.turn = shell.git.turn
        await shell.commands.sync(SHOP, replace(ASKED, revisions=(sha(0),)))

    shell.clusters.turn = asks_while_the_server_is_asked
    await shell.pass_over("shop")
    assert "drifted" == value(shell), "the pass was not asked for anything"
    await shell.settle()
    assert ("1", (sha(0),)) == (value(shell), shell.operation("shop").revisions)


async def test_request_that_comes_while_another_is_taken_up_is_not_lost() -> None:
    shell = await two_revisions()
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.commands.sync(SHOP, ASKED)

    async def asks_while_the_server_is_asked() -> None:
        shell.clusters.turn = shell.git.turn
        await shell.commands.sync(SHOP, replace(ASKED, revisions=(sha(0),)))

    shell.clusters.turn = asks_while_the_server_is_asked
    shell.over.clear()
    await shell.settle()

    assert [(sha(1),), (sha(0),)] == [operation.revisions for operation in shell.over]


async def test_request_for_a_revision_that_is_not_there_is_refused_at_once() -> None:
    shell = await two_revisions()

    with pytest.raises(RevisionNotFound):
        await shell.commands.sync(SHOP, replace(ASKED, revisions=("no-such-branch",)))
    assert None is shell.apps.request(SHOP)


async def test_request_for_the_declared_revision_is_allowed_where_sync_is_automated() -> None:
    shell = await started({"apps/shop/x": config("x")})
    await shell.commands.sync(SHOP, replace(ASKED, revisions=("main",)))
    await shell.settle()

    assert not shell.operation("shop").scope.pinned
    with pytest.raises(Conflict, match="syncs by itself"):
        await shell.commands.sync(SHOP, replace(ASKED, revisions=(sha(0),)))


async def test_request_that_cannot_be_rendered_is_told_and_not_kept() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    shell.git.push({"apps/shop/x": BROKEN})
    await shell.settle()
    await shell.commands.sync(SHOP, ASKED)
    await shell.settle()

    assert (None, OperationPhase.ERROR) == (shell.apps.request(SHOP), shell.operation("shop").phase)
    assert "line 3 is no YAML" in shell.operation("shop").message
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    assert set() == shell.names(), "nobody asks for it any more"


async def test_request_waits_for_a_repository_that_may_return() -> None:
    shell = Shell()
    shell.declare(app("shop", **BY_HAND))
    await shell.settle()
    await shell.commands.sync(SHOP, replace(ASKED, asked_s=shell.clock()))
    await shell.settle(for_s=100.0)
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert {"x"} == shell.names()


async def test_sync_options_of_a_request_hold_for_that_sync_alone() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    await shell.commands.sync(SHOP, replace(ASKED, options=(("Replace", "true"),), asked_s=1.0))
    await shell.settle()
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    await shell.commands.sync(SHOP, replace(ASKED, asked_s=2.0))
    await shell.settle()

    assert [True, False] == [how.replace for how in shell.world.hows]
