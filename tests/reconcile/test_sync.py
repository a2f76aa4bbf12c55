"""What a sync does: what is due by itself, what is refused, and what is tried again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.errors import ClusterUnreachable
from gitopsd.model.command import Refused
from gitopsd.model.operation import OperationCause, OperationPhase
from tests.reconcile.shell import BY_HAND, ONCE, Shell, app, config
from tests.reconcile.syncing import ASKED, SHOP, X, calls, started, value


async def test_what_an_apply_answered_is_in_sync_without_asking() -> None:
    shell = await started({"apps/shop/x": config("x")})

    assert (1, 0) == (len(calls(shell, "apply")), len(calls(shell, "dry-run")))


async def test_live_edit_is_reverted_and_counts_as_a_heal() -> None:
    shell = await started({"apps/shop/x": config("x")})
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle()

    assert ("1", OperationCause.HEAL) == (value(shell), shell.operation("shop").cause)


async def test_live_edit_stays_where_self_heal_is_off_and_is_said_why() -> None:
    shell = await started({"apps/shop/x": config("x")}, syncPolicy={"automated": {}})
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle()

    assert ("drifted", "OutOfSync") == (value(shell), shell.sync_status("shop"))
    assert "selfHeal is off" in shell.status("shop").waiting


async def test_object_that_git_dropped_stays_where_prune_is_off_and_is_said_why() -> None:
    shell = await started({"apps/shop/x": config("x")}, syncPolicy={"automated": {}})
    shell.git.push({})
    await shell.settle()

    assert {"x"} == shell.names()
    assert "requires pruning" in shell.status("shop").waiting


async def test_nothing_is_synced_by_itself_where_nobody_said_so() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)

    assert (set(), "OutOfSync") == (shell.names(), shell.sync_status("shop"))
    assert "automated sync is off" == shell.status("shop").waiting


async def test_dry_run_writes_nothing() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    await shell.commands.sync(SHOP, replace(ASKED, dry_run=True))
    await shell.settle()

    assert (set(), OperationPhase.SUCCEEDED) == (shell.names(), shell.operation("shop").phase)
    assert () == shell.apps.history(SHOP)


async def test_dry_run_does_not_make_a_failed_content_look_new() -> None:
    shell = Shell()
    shell.declare(app("shop", **ONCE))
    shell.world.answers[X] = [Refused(X, 422, "no such field", retryable=False)]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    await shell.commands.sync(SHOP, replace(ASKED, dry_run=True))
    await shell.settle()

    assert (set(), 1) == (shell.names(), len(calls(shell, "apply")))


async def test_refused_content_waits_for_a_new_one() -> None:
    shell = Shell()
    shell.declare(app("shop", **ONCE))
    shell.world.answers[X] = [Refused(X, 422, "no such field", retryable=False)]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert "no such field" in shell.operation("shop").message
    assert "waits for a change" in shell.status("shop").waiting
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    assert ("2", "Synced") == (value(shell), shell.sync_status("shop"))


@pytest.mark.parametrize(
    "answer", [Refused(X, 503, "etcd is slow", retryable=True), ClusterUnreachable("no answer", remedy="wait")]
)
async def test_refusal_that_may_pass_is_tried_again(answer: Any) -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.answers[X] = [answer, answer]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert ("1", 1) == (value(shell), len(shell.over))


async def test_dry_run_without_an_answer_is_asked_again() -> None:
    shell = await started({"apps/shop/x": config("x")})
    shell.world.dry_answers[X] = [ClusterUnreachable("no answer", remedy="wait")]
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle()

    assert "1" == value(shell)


async def test_argo_cds_writes_keep_sync_waiting_but_not_those_to_the_namespace() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.argocd_wrote_s = shell.clock()
    shell.world.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle(for_s=60.0)
    assert {"x"} == shell.names()
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle(for_s=60.0)

    assert "1" == value(shell)
    assert "Argo CD still writes" in shell.status("shop").waiting
