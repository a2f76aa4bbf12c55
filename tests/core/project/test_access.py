"""What a project lets its applications do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.project.access import (
    DestinationCluster,
    account_of,
    destination_conditions,
    object_conditions,
    source_conditions,
    source_permitted,
)
from gitopsd.errors import NotPermitted
from gitopsd.model.application import Destination, Source
from gitopsd.model.ids import ProjectName, RepoUrl
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.project import ANY, DEFAULT, EVERYWHERE, AppProject, NamedKind, WritingAs
from tests.core.apps import application
from tests.core.lives import config_key

HERE = DestinationCluster("c1", "https://c1.example.org")
TEAM = ("", "Namespace", "", "team-a")


def project(**fields: Any) -> AppProject:
    return AppProject(ProjectName("team"), **fields)


def test_default_project_permits_everything() -> None:
    assert () == source_conditions(DEFAULT, application())
    assert () == destination_conditions(DEFAULT, application(), HERE)
    assert () == object_conditions(DEFAULT, HERE, [config_key(), ResourceKey("", "Namespace", "", "prod")])


def test_empty_project_permits_nothing() -> None:
    empty = project(namespace_denied=(GroupKind("*", "*"),))

    (source,) = source_conditions(empty, application())
    (destination,) = destination_conditions(empty, application(), HERE)

    assert "project team does not permit the repository https://git.example.org/team/shop.git" == source.message
    assert "spec.destinations" in destination.remedy
    assert 2 == len(object_conditions(empty, HERE, [config_key(), ResourceKey("", "Namespace", "", "prod")]))


@pytest.mark.parametrize(
    ("patterns", "url", "permitted"),
    [
        (("r.example/org",), "r.example/org", True),
        (("r.example/org",), "oci://r.example/org", True),
        (("oci://r.example/org",), "r.example/org", True),
        (("r.example/other",), "r.example/org", False),
        (("*", "!r.example/org"), "oci://r.example/org", False),
        (("*", "!oci://r.example/org"), "r.example/org", False),
        (("*", "!oci://r.example/org/web"), "r.example/org", False),
        (("*", "!https://charts.example"), "https://CHARTS.example/", False),
        (("https://charts.example",), "https://charts.example/", True),
    ],
)
def test_chart_is_permitted_and_denied_however_its_registry_is_spelled(
    patterns: tuple[str, ...],
    url: str,
    permitted: bool,  # noqa: FBT001 - a case
) -> None:
    chart = Source(RepoUrl(url), "1.*", chart="web", path=".")
    found = source_conditions(project(source_repos=patterns), replace(application(), sources=(chart,)))

    assert permitted == (found == ())


@pytest.mark.parametrize(
    ("patterns", "url", "permitted"),
    [
        (("*",), "https://git.example.org/a/b", True),
        (("https://git.example.org/team/*",), "https://git.example.org/team/shop.git", True),
        (("https://git.example.org/team/shop.git",), "https://git.example.org/team/shop", True),
        (("https://git.example.org/*",), "https://git.example.org/team/shop", False),
        (("https://git.example.org/**",), "https://git.example.org/team/shop", True),
        (("*", "!https://git.example.org/secret/**"), "https://git.example.org/secret/x", False),
        (("*", "!https://git.example.org/secret/**"), "https://GIT.example.org/secret/x.git", False),
        (("*", "!https://git.example.org/secret/**"), "https://user@git.example.org//secret/x", False),
        (("*", "!https://git.example.org/secret/**"), "https://git.example.org:443/secret/x", False),
        (("*", "!git@git.example.org:secret/*"), "ssh://git@git.example.org/secret/x.git", False),
        (("*", "!ssh://git@GIT.example.org:secret/x"), "git@git.example.org:secret/x.git", False),
        (("!https://git.example.org/secret/**",), "https://git.example.org/team/x", False),
        (("https://git.example.org/team/*",), "https://git.example.org.evil.net/team/x", False),
    ],
)
def test_source_is_permitted_by_any_allow_and_no_deny(patterns: Any, url: str, permitted: bool) -> None:  # noqa: FBT001 - a case
    assert permitted is source_permitted(project(source_repos=patterns), url)


NOT_SYSTEM = Destination(server="*", namespace="!kube-system")
ANYWHERE = Destination(server="*", namespace="*")


@pytest.mark.parametrize(
    ("destinations", "namespace", "permitted"),
    [
        ((Destination(server="https://c1.example.org", namespace="prod"),), "prod", True),
        ((Destination(server="https://c1.example.org", namespace="prod"),), "test", False),
        ((Destination(server="https://c2.example.org", namespace="*"),), "prod", False),
        ((Destination(name="c?", namespace="team-*"),), "team-1", True),
        ((NOT_SYSTEM, ANYWHERE), "prod", True),
        ((NOT_SYSTEM, ANYWHERE), "kube-system", False),
        ((NOT_SYSTEM,), "prod", False),
        ((Destination(server="!https://c1*", namespace="*"), ANYWHERE), "prod", False),
        ((Destination(server="!https://c2*", namespace="*"), ANYWHERE), "prod", True),
        ((Destination(name="!c1", namespace="*"), ANYWHERE), "prod", False),
        (EVERYWHERE, "", True),
    ],
)
def test_destination_is_permitted_by_any_allow_and_no_deny(destinations: Any, namespace: str, permitted: bool) -> None:  # noqa: FBT001 - a case
    app = application(destination=Destination(name="c1", namespace=namespace))

    assert permitted is (() == destination_conditions(project(destinations=destinations), app, HERE))


def test_object_that_names_a_namespace_of_others_is_not_permitted() -> None:
    limited = project(destinations=(Destination(server="*", namespace="prod"),))

    (condition,) = object_conditions(limited, HERE, [config_key(), ResourceKey("", "Secret", "kube-system", "x")])

    assert condition.message.startswith("/Secret:kube-system/x: ")


@pytest.mark.parametrize(
    ("fields", "key", "permitted"),
    [
        ({}, ("", "ConfigMap", "prod", "x"), True),
        ({}, TEAM, False),
        ({"cluster_allowed": (NamedKind("", "Name*"),)}, TEAM, True),
        ({"cluster_allowed": (ANY,), "cluster_denied": (NamedKind("", "Namespace"),)}, TEAM, False),
        ({"cluster_allowed": (NamedKind("", "Namespace", "team-*"),)}, TEAM, True),
        ({"cluster_allowed": (NamedKind("", "Namespace", "team-*"),)}, ("", "Namespace", "", "prod"), False),
        ({"cluster_allowed": (NamedKind("", "Namespace", "team-*"),)}, ("x.io", "Namespace", "", "team-a"), False),
        ({"cluster_allowed": (ANY,), "cluster_denied": (NamedKind("", "*", "prod"),)}, TEAM, True),
        ({"cluster_allowed": (ANY,), "cluster_denied": (NamedKind("", "*", "team-?"),)}, TEAM, False),
        ({"namespace_allowed": ()}, ("", "ConfigMap", "prod", "x"), False),
        ({"namespace_allowed": (GroupKind("apps", "*"),)}, ("apps", "Deployment", "prod", "x"), True),
        ({"namespace_denied": (GroupKind("*", "Secret"),)}, ("", "Secret", "prod", "x"), False),
    ],
)
def test_objects_are_permitted_by_scope_kind_and_name(
    fields: Any,
    key: tuple[str, str, str, str],
    permitted: bool,  # noqa: FBT001
) -> None:
    anywhere = project(destinations=(Destination(name="*", namespace="*"),), **fields)

    assert permitted is (() == object_conditions(anywhere, HERE, [ResourceKey(*key)]))


def test_project_of_its_own_clusters_alone_reaches_no_other() -> None:
    limited = project(destinations=(Destination(name="*", namespace="*"),), only_own_clusters=True)

    assert destination_conditions(limited, application(), HERE)
    assert not destination_conditions(replace(limited, own_clusters=frozenset({HERE.name})), application(), HERE)


def test_number_of_conditions_is_bounded() -> None:
    found = object_conditions(project(), HERE, [config_key(str(i)) for i in range(1000)])

    assert 20 == len(found)
    assert "981 more" in found[-1].message


def test_credentials_in_a_url_are_not_shown() -> None:
    (condition,) = source_conditions(
        project(), application(sources=(Source(RepoUrl("https://u:hunter2@git.example.org/x")),))
    )

    assert "hunter2" not in condition.message


ACCOUNTS = (
    WritingAs("https://east.example.org", "team-*", "deployer"),
    WritingAs("*", "shared", "infra:writer"),
)


@pytest.mark.parametrize(
    ("place", "namespace", "expected"),
    [
        (DestinationCluster("east", "https://east.example.org"), "team-a", "system:serviceaccount:team-a:deployer"),
        (DestinationCluster("west", "https://west.example.org"), "shared", "system:serviceaccount:infra:writer"),
    ],
)
def test_first_account_that_fits_the_destination_writes_to_it(
    place: DestinationCluster, namespace: str, expected: str
) -> None:
    assert expected == account_of(replace(DEFAULT, accounts=ACCOUNTS), place, namespace)


def test_project_that_names_no_accounts_leaves_it_to_gitopsd() -> None:
    assert "" == account_of(DEFAULT, DestinationCluster("east", "https://east.example.org"), "team-a")


@pytest.mark.parametrize("namespace", ["team-a", ""])
def test_destination_that_no_account_is_named_for_is_not_written_to(namespace: str) -> None:
    with pytest.raises(NotPermitted, match="names no service account"):
        account_of(
            replace(DEFAULT, accounts=ACCOUNTS), DestinationCluster("west", "https://west.example.org"), namespace
        )
