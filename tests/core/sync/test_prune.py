"""What may be deleted."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.prune import Guard, PruneRefusal, approved_s, prune_refusal
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.ids import AppName, TrackingId
from tests.core.lives import SHOP, config_key, live_of

KEY = config_key()
CONFIRM = SyncOptions(prune=Consent.CONFIRM)


def reason(guard: Guard, **live: Any) -> PruneRefusal | None:
    return prune_refusal(live_of(KEY, **live), guard, 1000.0)


def test_object_of_the_application_that_nobody_else_wants_may_go() -> None:
    assert reason(Guard(SHOP)) is None


@pytest.mark.parametrize(
    "live",
    [
        {"tracking": None},
        {"tracking": TrackingId(AppName("other"), KEY)},
        {"tracking": TrackingId(SHOP, config_key("other"))},
        {"controlled": True},
        {"by_argocd": True},
        {"marks": (("argocd.argoproj.io/sync-options", "Prune=false"),)},
        {"marks": (("argocd.argoproj.io/hook", "PostSync"),)},
    ],
)
def test_never_deleted(live: Any) -> None:
    found = reason(Guard(SHOP), **live)

    assert found is not None
    assert not found.waits


def test_what_argocd_tracks_may_go_once_adopted() -> None:
    assert reason(Guard(SHOP, adopted=True), by_argocd=True) is None


@pytest.mark.parametrize(
    ("guard", "waits"),
    [
        (Guard(SHOP, others={KEY: frozenset({AppName("other")})}), False),
        (Guard(SHOP, barrier=(AppName("late"),)), True),
        (Guard(SHOP, nameless=("a.yaml:1: the Pod has no metadata.name",)), False),
        (Guard(SHOP, CONFIRM), True),
        (Guard(SHOP, CONFIRM, approved_s=999.0), True),
        (Guard(SHOP, SyncOptions(delete=Consent.NEVER), deleting=True), False),
    ],
)
def test_not_deleted_now(guard: Guard, waits: bool) -> None:  # noqa: FBT001 - a case
    found = reason(guard)

    assert found is not None
    assert waits is found.waits


@pytest.mark.parametrize(
    "guard",
    [
        Guard(SHOP, CONFIRM, approved_s=1000.0),
        Guard(SHOP, SyncOptions(delete=Consent.NEVER)),
        Guard(SHOP, SyncOptions(prune=Consent.NEVER), deleting=True),
    ],
    ids=["approved", "Delete= is not asked on a prune", "Prune= is not asked on a deletion"],
)
def test_deleted(guard: Guard) -> None:
    assert reason(guard) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-01T00:00:00Z", 1577836800.0),
        ("2020-01-01T01:00:00+01:00", 1577836800.0),
        ("2020-01-01T00:00:00", None),
        ("yes", None),
        (5, None),
    ],
)
def test_approval_is_a_time(text: Any, expected: float | None) -> None:
    annotations = {"argocd.argoproj.io/deletion-approved": text}

    assert expected == approved_s({"metadata": {"annotations": annotations}})


@pytest.mark.parametrize("manifest", [{}, {"metadata": None}, {"metadata": {"annotations": 5}}])
def test_declaration_without_annotations_approves_nothing(manifest: Any) -> None:
    assert approved_s(manifest) is None
