"""A world in which one application is synced, and what of it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from tests.reconcile.shell import Shell, app, config_key

SHOP = AppName("shop")
X = config_key("x")
ASKED = SyncRequest(initiated_by="admin")
BROKEN = InvalidManifest("line 3 is no YAML", remedy="mend it")


async def started(files: Any, **spec: Any) -> Shell:
    shell = Shell()
    shell.declare(app("shop", **spec))
    shell.git.push(files)
    await shell.settle()
    return shell


def value(shell: Shell) -> str:
    found: str = shell.world.objects[X]["data"]["value"]
    return found


def calls(shell: Shell, verb: str) -> Sequence[str]:
    return [call for call in shell.world.calls if call.startswith(verb)]
