"""Objects from which somebody took the tracking annotation, before Git dropped them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.compare.pairing import known_of, owns
from gitopsd.core.target.tracking import TRACKING_ID, Tracking
from gitopsd.model.comparison import Absent, Found
from gitopsd.model.ids import AppName, TrackingId, ViewHash
from tests.core.lives import found as reading_of
from tests.reconcile.shell import CASCADE, Shell, app, config, config_key

A, X = AppName("a"), config_key("x")
PRUNES: Any = {"automated": {"prune": True, "allowEmpty": True}}  # and heals nothing: the annotation stays off


async def unmarked(**spec: Any) -> Shell:
    """Return a shell with an object of `a` that carries no tracking annotation any more."""
    shell = Shell()
    shell.declare(app("a", **{"syncPolicy": PRUNES, **spec}))
    shell.git.push({"apps/a/x": config("x"), "apps/a/y": config("y")})
    await shell.settle()
    shell.world.edit(X, "metadata", "annotations", value={})
    shell.line.add(A)
    await shell.settle()
    return shell


async def test_it_is_pruned_when_git_drops_it() -> None:
    shell = await unmarked()
    assert "OutOfSync" == shell.sync_status("a")

    shell.git.push({"apps/a/y": config("y")})
    await shell.settle()

    assert ({"y"}, "Synced") == (shell.names(), shell.sync_status("a"))
    assert X not in shell.apps.remembered(A, shell.status("a").cluster)  # type: ignore[arg-type]


async def test_it_goes_with_its_application() -> None:
    shell = await unmarked(metadata=CASCADE)

    shell.apps.delete(A, cascade=True)
    await shell.settle()

    assert (set(), None) == (shell.names(), shell.apps.get(A))


async def test_it_goes_where_the_application_has_left_for_another_cluster() -> None:
    shell = await unmarked()

    shell.declare(app("a", cluster="c2", syncPolicy=PRUNES))
    await shell.settle()

    assert set() == shell.names()


async def test_what_is_marked_as_anothers_by_then_is_theirs() -> None:
    shell = await unmarked()
    shell.world.edit(X, "metadata", "annotations", value={TRACKING_ID: "other:/ConfigMap:prod/x"})

    shell.git.push({"apps/a/y": config("y")})
    await shell.settle()

    assert {"x", "y"} == shell.names()


async def test_what_we_have_not_applied_is_not_ours() -> None:
    shell = await unmarked()
    del shell.world.owned[X]  # somebody has made it anew

    shell.git.push({"apps/a/y": config("y")})
    await shell.settle()

    assert {"x", "y"} == shell.names()


async def test_with_several_installations_it_has_been_handed_over() -> None:
    shell = await unmarked()
    shell.reconciler = replace(
        shell.reconciler, snapshots=replace(shell.reconciler.snapshots, tracking=Tracking(installation="blue"))
    )

    shell.git.push({"apps/a/y": config("y")})
    await shell.settle()

    assert {"x", "y"} == shell.names()


def test_only_an_unmarked_object_that_we_applied_is_taken_for_the_applications() -> None:
    bare = reading_of(X, tracking=None)

    known = known_of(A, bare)
    assert isinstance(known, Found)
    assert owns(A, known.live)


@pytest.mark.parametrize(
    "live",
    [{"view": None}, {"installation": "blue"}, {"controlled": True}, {"tracking": TrackingId(AppName("other"), X)}],
)
def test_others_are_read_as_they_are(live: Any) -> None:
    reading = reading_of(X, **{"tracking": None, "view": ViewHash("view"), **live})

    assert reading == known_of(A, reading)
    assert Absent() == known_of(A, Absent())
