"""Declarations of projects: what they permit, in whose name, and when."""

from __future__ import annotations

import re

import pytest

from gitopsd.errors import InvalidDeclaration
from gitopsd.model.project import NamedKind, OrphanIgnored, Orphans, ProjectRole, RoleToken, WritingAs
from tests.core.declaring import project


def test_project_without_a_list_of_namespaced_kinds_allows_all_and_with_an_empty_one_none() -> None:
    assert None is project().namespace_allowed
    assert () == project(namespaceResourceWhitelist=[]).namespace_allowed
    assert () == project().cluster_allowed


def test_project_entry_for_some_names_is_about_those() -> None:
    entry = {"group": "", "kind": "Namespace", "name": "team-*"}
    found = project(clusterResourceWhitelist=[entry], clusterResourceBlacklist=[entry])

    assert (NamedKind("", "Namespace", "team-*"),) == found.cluster_allowed == found.cluster_denied
    assert () == found.warnings


def test_namespaced_kinds_have_no_names() -> None:
    (warning,) = project(namespaceResourceBlacklist=[{"group": "", "kind": "Secret", "name": "x"}]).warnings

    assert "name is unknown and has no effect" in warning


def test_project_says_how_orphans_are_told_of() -> None:
    ignored = [{"group": "apps", "kind": "Deployment", "name": "x-*"}, {"name": "y"}]

    found = project(orphanedResources={"warn": False, "ignore": ignored}).orphans

    assert Orphans(warn=False, ignore=(OrphanIgnored("apps", "Deployment", "x-*"), OrphanIgnored("", "", "y"))) == found
    assert Orphans() == project(orphanedResources={}).orphans
    assert None is project().orphans
    assert "did you mean" in project(orphanedResources={"warm": True}).warnings[0]


def test_project_names_the_accounts_that_write() -> None:
    named = [{"server": "https://k.example", "namespace": "team-*", "defaultServiceAccount": "infra:deployer"}]

    found = project(destinationServiceAccounts=named)

    assert (WritingAs("https://k.example", "team-*", "infra:deployer"),) == found.accounts


@pytest.mark.parametrize("account", ["", "a:b:c", "*", "ns/name"])
def test_project_whose_accounts_cannot_be_read_is_refused(account: str) -> None:
    with pytest.raises(InvalidDeclaration, match="no service account"):
        project(destinationServiceAccounts=[{"server": "*", "defaultServiceAccount": account}])


def test_project_may_be_kept_to_its_own_clusters() -> None:
    found = project(permitOnlyProjectScopedClusters=True)

    assert (True, ()) == (found.only_own_clusters, found.warnings)


def test_roles_are_read() -> None:
    token = {"iat": 1535390316, "exp": 1535400316, "id": "t1"}
    policy = "p, proj:team:ci, applications, sync, team/*, allow"
    described = {"name": "ci", "description": "builds", "policies": [policy], "groups": ["g"], "jwtTokens": [token]}

    found = project(roles=[described])

    assert (ProjectRole("ci", "builds", (policy,), ("g",), (RoleToken(1535390316, 1535400316, "t1"),)),) == found.roles
    assert () == found.warnings


WINDOW = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "applications": ["*"]}


def test_sync_windows_are_read() -> None:
    more = {"timeZone": "Europe/Berlin", "manualSync": True, "syncOverrun": True, "andOperator": True}

    (window,) = project(syncWindows=[{**WINDOW, **more}]).sync_windows

    assert ("deny", "0 22 * * *", 28800.0, "Europe/Berlin") == (
        window.kind,
        window.schedule,
        window.duration_s,
        window.zone,
    )
    assert (("*",), True, True, True) == (window.applications, window.manual, window.overrun, window.all_of)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"kind": "forbid"}, "kind is 'forbid'"),
        ({"schedule": "at night"}, "schedule is 'at night'"),
        ({"duration": "long"}, "duration is no duration"),
        ({"timeZone": "Mars/Base"}, "timeZone is 'Mars/Base'"),
    ],
)
def test_sync_window_that_cannot_be_read_is_refused(change: dict[str, str], what: str) -> None:
    with pytest.raises(InvalidDeclaration, match=re.escape(what)):
        project(syncWindows=[{**WINDOW, **change}])


def test_sync_window_that_concerns_nobody_is_reported() -> None:
    (warning,) = project(syncWindows=[{**WINDOW, "applications": []}]).warnings

    assert "has no effect" in warning
