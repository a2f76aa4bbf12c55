"""Deletes that would take along more than the object: what lives in it, and who decides."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.prune import Guard, prune_refusal
from gitopsd.core.sync.residents import Leaver, stays
from gitopsd.core.target.hooks import hook_of
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.residents import Resident, Residents
from tests.core.hooking import begun
from tests.core.lives import SHOP, config_key, live_of, manifest_of
from tests.core.stepping import DEFINITION, NAMESPACE
from tests.core.worlds import World

KEY, OTHER = config_key(), AppName("other")
KEPT = (("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),)
CONFIRM = SyncOptions(prune=Consent.CONFIRM)
FOREIGN = Residents(residing=(config_key("theirs"),))


def reason(residents: Residents, *, key: ResourceKey = NAMESPACE, **guard: Any) -> str:
    options = guard.pop("options", SyncOptions())
    found = prune_refusal(live_of(key), Guard(SHOP, options, residents={key: residents}, **guard), 1000.0)
    return "" if found is None else ("waits: " if found.waits else "never: ") + found.reason


@pytest.mark.parametrize(
    ("live", "leaver"),
    [
        ({"tracking": None}, Leaver(SHOP)),
        ({"tracking": TrackingId(OTHER, KEY)}, Leaver(SHOP)),
        ({"tracking": TrackingId(SHOP, config_key("copied"))}, Leaver(SHOP)),
        ({"by_argocd": True}, Leaver(SHOP)),
        ({"marks": KEPT}, Leaver(SHOP)),
        ({"marks": KEPT}, Leaver(SHOP, deleting=True)),
        ({}, Leaver(SHOP, stays={KEY})),
        ({}, Leaver(SHOP, SyncOptions(delete=Consent.NEVER), deleting=True)),
    ],
)
def test_stays(live: Any, leaver: Leaver) -> None:
    assert stays(Resident(live_of(KEY, **live)), leaver)


@pytest.mark.parametrize(
    ("live", "leaver"),
    [
        ({}, Leaver(SHOP)),
        ({"by_argocd": True}, Leaver(SHOP, adopted=True)),
        ({"marks": (("argocd.argoproj.io/hook", "PreSync"),)}, Leaver(SHOP)),
        ({"tracking": None, "deleting": True}, Leaver(SHOP)),
    ],
    ids=["the application's own", "adopted", "what a hook of it left", "it goes in any case"],
)
def test_goes(live: Any, leaver: Leaver) -> None:
    assert not stays(Resident(live_of(KEY, **live)), leaver)


def test_what_controllers_put_into_every_namespace_is_nobodys() -> None:
    certificates = ResourceKey("", "ConfigMap", "prod", "kube-root-ca.crt")

    assert not stays(Resident(live_of(certificates, tracking=None)), Leaver(SHOP))
    assert stays(Resident(live_of(config_key("default"), tracking=None)), Leaver(SHOP))


@pytest.mark.parametrize("owned", [{"below": True}, {"vouched": True}])
def test_what_is_owned_goes_and_stays_with_its_owner(owned: Any) -> None:
    assert not stays(Resident(live_of(KEY, tracking=None), **owned), Leaver(SHOP))


@pytest.mark.parametrize(
    ("residents", "told"),
    [
        (FOREIGN, "/ConfigMap:prod/theirs lives in it"),
        (Residents(wanting=frozenset({OTHER})), "application other wants objects in it"),
        (Residents(wanting=frozenset({SHOP})), "this application wants objects in it"),
        (
            Residents(unread=("/Secret: forbidden (403)",)),
            "what may live in it cannot be read: /Secret: forbidden (403)",
        ),
    ],
)
@pytest.mark.parametrize("key", [NAMESPACE, DEFINITION, ResourceKey("", "PersistentVolume", "", "disk")])
def test_object_in_which_others_live_is_kept_and_says_what_to_do(
    residents: Residents, told: str, key: ResourceKey
) -> None:
    found = reason(residents, key=key)

    assert f"never: {told}, and would go with it" in found
    assert "annotate it argocd.argoproj.io/sync-options: Prune=confirm" in found
    assert "sync-options: Delete=confirm" in reason(residents, key=key, deleting=True)


def test_object_in_which_nobody_lives_goes() -> None:
    assert "" == reason(Residents())


def test_person_who_approves_is_told_what_goes_with_it_and_is_obeyed() -> None:
    asked = reason(FOREIGN, options=CONFIRM)

    assert asked.startswith("waits: Prune=confirm: approve it by gitopsd app confirm-deletion shop")
    assert asked.endswith("what is in it goes with it: /ConfigMap:prod/theirs lives in it")
    assert "" == reason(FOREIGN, options=CONFIRM, approved_s=1000.0)
    assert reason(FOREIGN, approved_s=1000.0), "an approval alone was of something else"


def test_nothing_is_deleted_before_anybody_has_looked() -> None:
    found = prune_refusal(live_of(NAMESPACE), Guard(SHOP), 1000.0)

    assert found is not None
    assert (True, "what lives in it has not been looked at yet") == (found.waits, found.reason)


def test_namespace_that_the_application_makes_is_let_go_of() -> None:
    assert reason(Residents(), home=NAMESPACE).startswith("never: CreateNamespace=true makes it")


def test_objects_of_an_application_that_is_being_deleted_are_waited_for() -> None:
    assert reason(Residents(leaving=frozenset({OTHER}))).startswith("waits: waits until application other")


def test_hook_in_which_others_live_is_run_over_what_is_there() -> None:
    key = ResourceKey("", "Namespace", "", "ground")
    marks = (("argocd.argoproj.io/hook", "PreSync"), ("gitopsd.io/operation-id", "before/PreSync"))
    hook = hook_of(manifest_of(key, annotations={"argocd.argoproj.io/hook": "PreSync"}))
    lived_in = World({}, {key: live_of(key, marks=marks)}, Guard(SHOP, residents={key: FOREIGN}), hooks=(hook,))
    empty = World({}, {key: live_of(key, marks=marks)}, hooks=(hook,))

    begun(lived_in)
    begun(empty)

    assert (["Apply ground"], ["Release ground"]) == (lived_in.keys_written(), empty.keys_written())
