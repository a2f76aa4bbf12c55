"""What is ignored by jq expressions: found in a worker, and Unknown where that fails."""

from __future__ import annotations

import pytest

from gitopsd.errors import WorkerFailed
from tests.reconcile.shell import BY_HAND, Shell, app, config, config_key

RULE = [{"group": "", "kind": "ConfigMap", "jqPathExpressions": [".data.value"]}]


async def drifted(shell: Shell, *path: str) -> str:
    """Return the sync status once `path` of the live object was changed by somebody."""
    shell.declare(app("shop", ignoreDifferences=RULE))
    shell.git.push({"apps/shop/a": config("a")})
    await shell.settle()
    assert "Synced" == shell.sync_status("shop")
    shell.declare(app("shop", ignoreDifferences=RULE, **BY_HAND))
    shell.world.edit(config_key("a"), *path, value="drifted")
    await shell.settle()
    return shell.sync_status("shop")


@pytest.fixture
def shell() -> Shell:
    found = Shell()
    found.paths.named = {".data.value": ("data", "value")}
    return found


async def test_what_an_expression_names_is_no_drift(shell: Shell) -> None:
    assert "Synced" == await drifted(shell, "data", "value")
    assert "drifted" == shell.world.objects[config_key("a")]["data"]["value"]


async def test_what_an_expression_does_not_name_is_drift(shell: Shell) -> None:
    shell.paths.named = {".data.value": ("data", "other")}

    assert "OutOfSync" == await drifted(shell, "data", "value")


async def test_expression_that_fails_makes_its_object_unknown_and_says_why(shell: Shell) -> None:
    shell.paths.fails = WorkerFailed("it took more than 1 s", remedy="write a simpler one")

    assert "Unknown" == await drifted(shell, "data", "value")
    (compared,) = shell.status("shop").comparison.resources
    assert "it took more than 1 s" == compared.reason
    assert "drifted" == shell.world.objects[config_key("a")]["data"]["value"]
