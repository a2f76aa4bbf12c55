"""Sync options, waves and hooks as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.target.sync_options import (
    Consent,
    SyncOptions,
    has_compare_option,
    hook_types,
    listed,
    marks_of,
    parse_options,
    wave_in,
)


def test_options_of_an_object_come_before_its_applications() -> None:
    app, _ = parse_options({"Prune": "false", "PrunePropagationPolicy": "background"}, subject="app")

    found, warnings = parse_options(listed("Prune=confirm, Delete=false"), app, subject="x")

    assert SyncOptions(prune=Consent.CONFIRM, delete=Consent.NEVER, propagation="Background") == found
    assert () == warnings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("Prunes", "false", "not known"),
        ("Prune", "never", "not understood"),
        ("PrunePropagationPolicy", "maybe", "not understood"),
        ("Replace", "perhaps", "not understood"),
        ("ServerSideApply", "false", "always applies on the server"),
    ],
)
def test_option_without_effect_is_reported(name: str, value: str, says: str) -> None:
    options, (warning,) = parse_options({name: value}, subject="app")

    assert SyncOptions() == options
    assert warning.startswith(f"app: sync option {name}={value}")
    assert says in warning


@pytest.mark.parametrize(
    ("option", "sets"),
    [
        ("CreateNamespace=true", {"create_namespace": True}),
        ("Prune=false", {"prune": Consent.NEVER}),
        ("Prune=confirm", {"prune": Consent.CONFIRM}),
        ("Delete=false", {"delete": Consent.NEVER}),
        ("Delete=confirm", {"delete": Consent.CONFIRM}),
        ("PruneLast=true", {"prune_last": True}),
        ("PrunePropagationPolicy=orphan", {"propagation": "Orphan"}),
        ("ClientSideApplyMigration=false", {"takeover": False}),
        ("Validate=false", {"validate": False}),
        ("Replace=true", {"replace": True}),
        ("Force=true", {"force": True}),
        ("RespectIgnoreDifferences=true", {"respect_ignored": True}),
        ("FailOnSharedResource=true", {"fail_on_shared": True}),
        ("SkipDryRunOnMissingResource=true", {"skip_unserved": True}),
    ],
)
def test_every_option_has_its_field(option: str, sets: Any) -> None:
    assert (SyncOptions(**sets), ()) == parse_options(listed(option), subject="app")


@pytest.mark.parametrize(
    "option",
    ["ServerSideApply=true", "ApplyOutOfSyncOnly=false", "SkipDryRunOnMissingResource=false", "Replace=false", ""],
)
def test_option_that_changes_nothing_is_taken_in_silence(option: str) -> None:
    assert (SyncOptions(), ()) == parse_options(listed(option), subject="app")


@pytest.mark.parametrize(
    ("text", "wave"), [("5", 5), ("-1", -1), ("+2", 2), ("x", 0), ("1_0", 0), ("9" * 19, 0), ("9" * 40, 0)]
)
def test_wave_of_a_live_object_is_read_leniently(text: str, wave: int) -> None:
    assert wave == wave_in([("argocd.argoproj.io/sync-wave", text)])


def test_argocds_hook_annotation_counts_before_helms() -> None:
    assert ("Sync", "PostSync") == hook_types(
        {"argocd.argoproj.io/hook": "Sync, PostSync", "helm.sh/hook": "test-success"}
    )
    assert () == hook_types({})


def test_compare_option_is_found_in_a_list() -> None:
    marks = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true, IgnoreExtraneous"}

    assert has_compare_option(marks, "IgnoreExtraneous")
    assert not has_compare_option({}, "IgnoreExtraneous")


def test_only_annotations_that_count_are_kept_of_a_live_object() -> None:
    annotations = {"argocd.argoproj.io/sync-options": "Prune=false", "other": "x", "argocd.argoproj.io/sync-wave": 5}

    assert (("argocd.argoproj.io/sync-options", "Prune=false"),) == marks_of({"metadata": {"annotations": annotations}})


@pytest.mark.parametrize("manifest", [{}, {"metadata": 5}, {"metadata": {"annotations": "x"}}])
def test_marks_of_an_odd_object_are_none(manifest: Any) -> None:
    assert () == marks_of(manifest)
