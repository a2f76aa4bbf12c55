"""What makes a manifest a hook, and what is run of it."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.target.hooks import BY_DEFAULT, DeletePolicy, hook_of, policies_of, read, run_manifest
from gitopsd.core.target.target import Target, target_of
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncPhase
from tests.core.frozen import frozen

SHOP = AppName("shop")
ARGOCD, HELM = "argocd.argoproj.io/hook", "helm.sh/hook"
PRE, SYNC, POST, FAIL = SyncPhase.PRE_SYNC, SyncPhase.SYNC, SyncPhase.POST_SYNC, SyncPhase.SYNC_FAIL


def job(name: str, *, image: str = "migrate:1", **annotations: str) -> Any:
    spec = {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}
    meta = {"name": name, "annotations": annotations}
    return frozen({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec})


def target(*manifests: Any) -> Target:
    return target_of(SHOP, "prod", manifests, lambda _: True)


@pytest.mark.parametrize(
    ("marks", "phases", "unknown"),
    [
        ({ARGOCD: "PreSync"}, (PRE,), ()),
        ({ARGOCD: "PostSync, Sync"}, (SYNC, POST), ()),
        ({ARGOCD: "SyncFail"}, (FAIL,), ()),
        ({ARGOCD: "PreDelete,PostDelete"}, (SyncPhase.PRE_DELETE, SyncPhase.POST_DELETE), ()),
        ({ARGOCD: "Skip"}, (), ()),
        ({ARGOCD: "PreSync,Skip"}, (PRE,), ()),
        ({ARGOCD: ""}, (), ("",)),
        ({ARGOCD: " ,"}, (), ("",)),
        ({ARGOCD: "", HELM: "pre-install"}, (PRE,), ()),
        ({HELM: ""}, (), ("",)),
        ({HELM: "crd-install"}, (), ()),
        ({ARGOCD: "presync"}, (), ("presync",)),
        ({ARGOCD: "PreSync", HELM: "post-install"}, (PRE,), ()),
        ({HELM: "pre-install,pre-upgrade"}, (PRE,), ()),
        ({HELM: "post-install"}, (POST,), ()),
        ({HELM: "post-upgrade"}, (POST,), ()),
        ({HELM: "pre-delete,post-delete"}, (SyncPhase.PRE_DELETE, SyncPhase.POST_DELETE), ()),
        ({HELM: "test-success,pre-rollback,post-rollback"}, (), ()),
        ({HELM: "PreSync"}, (), ("PreSync",)),
    ],
)
def test_annotations_name_the_phases(marks: Any, phases: Any, unknown: Any) -> None:
    found = read(marks)

    assert (phases, unknown) == (found.phases, found.unknown)


@pytest.mark.parametrize(
    ("marks", "policies"),
    [
        ({ARGOCD: "PreSync"}, BY_DEFAULT),
        ({ARGOCD: "PreSync", f"{ARGOCD}-delete-policy": "HookSucceeded"}, {DeletePolicy.SUCCEEDED}),
        (
            {ARGOCD: "PreSync", f"{ARGOCD}-delete-policy": "HookFailed, BeforeHookCreation"},
            {DeletePolicy.FAILED, DeletePolicy.BEFORE},
        ),
        ({ARGOCD: "PreSync", f"{ARGOCD}-delete-policy": "whenever"}, BY_DEFAULT),
        ({HELM: "pre-install", f"{HELM}-delete-policy": "hook-succeeded"}, {DeletePolicy.SUCCEEDED}),
        ({HELM: "pre-install", f"{HELM}-delete-policy": "hook-failed"}, {DeletePolicy.FAILED}),
        ({HELM: "pre-install", f"{HELM}-delete-policy": "before-hook-creation"}, {DeletePolicy.BEFORE}),
        ({ARGOCD: "PreSync", f"{HELM}-delete-policy": "hook-failed"}, BY_DEFAULT),
    ],
)
def test_annotations_name_when_it_is_deleted(marks: Any, policies: Any) -> None:
    assert policies == policies_of(marks)


def test_helms_weight_is_the_wave() -> None:
    (hook,) = target(job("migrate", **{HELM: "pre-install", f"{HELM}-weight": "-5"})).hooks

    assert -5 == hook.wave


def test_helms_weight_that_is_no_number_is_none() -> None:
    (hook,) = target(job("migrate", **{HELM: "pre-install", f"{HELM}-weight": "early"})).hooks

    assert 0 == hook.wave


def test_wave_comes_before_helms_weight() -> None:
    weighed = {HELM: "pre-install", f"{HELM}-weight": "-5", "argocd.argoproj.io/sync-wave": "7"}
    (hook,) = target(job("migrate", **weighed)).hooks

    assert 7 == hook.wave


def test_helms_hooks_are_not_run_beside_argocds() -> None:
    found = target(job("ours", **{ARGOCD: "PreSync"}), job("helms", **{HELM: "pre-install"}))

    assert ["ours"] == [hook.key.name for hook in found.hooks]
    assert {"ours", "helms"} == {key.name for key in found.held}
    assert ["HookWarning"] == [condition.type for condition in found.conditions]


def test_skipped_object_beside_helms_hooks_changes_nothing() -> None:
    found = target(job("ours", **{ARGOCD: "Skip"}), job("helms", **{HELM: "pre-install"}))

    assert ["helms"] == [hook.key.name for hook in found.hooks]


def test_another_hook_is_another_content() -> None:
    one = target(job("migrate", image="migrate:1", **{ARGOCD: "PreSync"}))

    assert one.hash != target(job("migrate", image="migrate:2", **{ARGOCD: "PreSync"})).hash


def generated() -> Any:
    manifest = job("migrate-0af1", **{ARGOCD: "PreSync"})
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": "prod", "generateName": "migrate-"}}


def test_generated_name_is_the_same_for_one_operation_and_phase_and_for_no_other() -> None:
    hook = hook_of(generated())

    one = hook.name_in("op1", PRE)

    assert one == hook.name_in("op1", PRE)
    assert one.name.startswith("migrate-")
    assert "migrate-0af1" != one.name
    assert 3 == len({one, hook.name_in("op2", PRE), hook.name_in("op1", POST)})


def test_generated_name_is_no_longer_than_a_label() -> None:
    manifest = generated()
    meta = {**manifest["metadata"], "generateName": "m" * 100, "name": "m" * 100 + "0"}

    assert 63 == len(hook_of({**manifest, "metadata": meta}).name_in("op", PRE).name)


def test_what_is_run_is_named_marked_tracked_and_guarded() -> None:
    hook = hook_of(generated())
    key = hook.name_in("op1", PRE)

    meta = run_manifest(hook, SHOP, "op1", PRE)["metadata"]

    assert key.name == meta["name"]
    assert "generateName" not in meta
    assert ["gitopsd.io/hook"] == meta["finalizers"]
    assert "op1/PreSync" == meta["annotations"]["gitopsd.io/operation-id"]
    assert f"shop:{key}" == meta["annotations"]["gitopsd.io/tracking-id"]
