"""What the server refuses is found out before a sync has written anything."""

from __future__ import annotations

from gitopsd.model.command import Refused
from gitopsd.model.operation import OperationPhase
from tests.reconcile.shell import ONCE, Shell, app, config, config_key

X = config_key("x")


async def test_one_refused_object_keeps_the_others_from_being_written() -> None:
    shell = Shell()
    shell.declare(app("shop", **ONCE))
    shell.world.untaken[X] = Refused(X, 422, "no such field", retryable=False)
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/y": config("y")})
    await shell.settle()
    before = shell.names()

    del shell.world.untaken[X]
    shell.git.push({"apps/shop/x": config("x", "2"), "apps/shop/y": config("y")})
    await shell.settle()

    assert (set(), {"x", "y"}) == (before, shell.names())
    assert "nothing was written" in shell.over[0].message
    assert [OperationPhase.FAILED, OperationPhase.SUCCEEDED] == [operation.phase for operation in shell.over]
