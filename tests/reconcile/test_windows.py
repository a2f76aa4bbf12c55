"""Sync windows in passes: when they shut, what runs stops between two steps, and goes on when they open again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitopsd.model.ids import AppName
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.reconcile.hooks import ends, job
from tests.reconcile.shell import Shell, app, config

SHOP = AppName("shop")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR_S = 3600.0


def shell(at_s: float, **window: Any) -> Shell:
    """Return a shell at `at_s` with an application whose project denies syncs from 22 h on for 8 hours."""
    here = Shell()
    here.clock.now_s = at_s
    night = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "applications": ["*"]}
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"name": "*", "server": "*", "namespace": "*"}],
        "syncWindows": [{**night, **window}],
    }
    meta = {"name": "calm", "namespace": "argocd"}
    here.declare({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": meta, "spec": spec})
    here.declare(app("shop", project="calm"), source="dir:/apps")
    return here


async def test_what_comes_while_a_window_denies_it_is_synced_when_that_ends() -> None:
    here = shell(NOON + 11 * HOUR_S)
    here.git.push({"apps/shop/a": config("a")})
    await here.settle(for_s=HOUR_S)
    before, waiting = here.names(), here.status("shop").waiting

    await here.settle(for_s=7 * HOUR_S)

    assert (set(), {"a"}) == (before, here.names())
    assert "denies it" in waiting


@pytest.mark.parametrize("manual", [True, False])
async def test_person_is_let_through_only_where_the_window_says_so(manual: bool) -> None:  # noqa: FBT001 - a case
    here = shell(NOON + 11 * HOUR_S, manualSync=manual)
    here.git.push({"apps/shop/a": config("a")})
    await here.settle(for_s=60)

    await here.commands.sync(SHOP, SyncRequest(initiated_by="ann"))
    await here.settle(for_s=60)

    assert ({"a"} if manual else set()) == here.names()


@pytest.mark.parametrize("overrun", [True, False])
async def test_sync_that_runs_when_a_window_opens_finishes_only_where_it_says_so(overrun: bool) -> None:  # noqa: FBT001 - a case
    here = shell(NOON + 9.9 * HOUR_S, syncOverrun=overrun)
    here.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})
    await here.settle(for_s=HOUR_S / 2)

    ends(here)
    await here.settle(for_s=60)
    at_night = here.names()
    await here.settle(for_s=8 * HOUR_S)
    if not overrun:
        ends(here)
        await here.settle(for_s=60)

    assert ({"a"} if overrun else set()) == at_night
    assert ({"a"}, OperationPhase.SUCCEEDED) == (here.names(), here.operation("shop").phase)
