"""What projects have beside what they declare."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.core.project.inheritance import (
    GlobalProject,
    LabelOperator,
    LabelRequirement,
    OwnCluster,
    ProjectInheritance,
)
from gitopsd.model.application import Destination
from gitopsd.model.ids import ProjectName
from gitopsd.model.manifest import GroupKind
from gitopsd.model.project import AppProject, NamedKind, SyncWindow, WritingAs

WEB, BASE = ProjectName("web"), ProjectName("base")
LIMITS = AppProject(
    BASE,
    source_repos=("https://git.example/base",),
    destinations=(Destination(name="east", namespace="base"),),
    cluster_allowed=(NamedKind("", "Namespace", "base-*"),),
    cluster_denied=(NamedKind("", "Node"),),
    namespace_allowed=(GroupKind("apps", "*"),),
    namespace_denied=(GroupKind("", "Secret"),),
    sync_windows=(SyncWindow("deny", "0 0 * * *", 3600.0, applications=("*",)),),
    accounts=(WritingAs("*", "*", "deployer"),),
)
PROD = LabelRequirement("tier", LabelOperator.IN, frozenset({"prod", "canary"}))


def effective(project: AppProject, inheritance: ProjectInheritance, *others: AppProject) -> AppProject:
    return inheritance.effective(project, {each.name: each for each in (project, *others)}.get)


def test_project_has_everything_of_its_global_project_beside_its_own() -> None:
    own = AppProject(
        WEB, ("https://git.example/web",), namespace_denied=(GroupKind("", "Pod"),), labels={"tier": "prod"}
    )

    found = effective(own, ProjectInheritance((GlobalProject(BASE, (PROD,)),)), LIMITS)

    assert ("https://git.example/web", "https://git.example/base") == found.source_repos
    assert (GroupKind("", "Pod"), GroupKind("", "Secret")) == found.namespace_denied
    taken = ("destinations", "cluster_allowed", "cluster_denied", "namespace_allowed", "sync_windows", "accounts")
    assert [getattr(LIMITS, name) for name in taken] == [getattr(found, name) for name in taken]
    assert (WEB, {"tier": "prod"}) == (found.name, found.labels)


@pytest.mark.parametrize(
    ("own", "inherited", "allowed"),
    [
        (None, None, None),
        (None, (), None),
        ((), None, ()),
        (None, (GroupKind("", "Pod"),), (GroupKind("", "Pod"),)),
        ((GroupKind("apps", "*"),), (GroupKind("", "Pod"),), (GroupKind("apps", "*"), GroupKind("", "Pod"))),
    ],
)
def test_list_of_namespaced_kinds_of_a_global_project_limits_where_there_was_none(
    own: tuple[GroupKind, ...] | None, inherited: tuple[GroupKind, ...] | None, allowed: tuple[GroupKind, ...] | None
) -> None:
    base = replace(LIMITS, namespace_allowed=inherited)

    found = effective(AppProject(WEB, namespace_allowed=own), ProjectInheritance((GlobalProject(BASE),)), base)

    assert allowed == found.namespace_allowed


@pytest.mark.parametrize(
    ("operator", "values", "labels", "fits"),
    [
        ("In", {"prod"}, {"tier": "prod"}, True),
        ("In", {"prod"}, {"tier": "test"}, False),
        ("In", {"prod"}, {}, False),
        ("NotIn", {"prod"}, {"tier": "test"}, True),
        ("NotIn", {"prod"}, {}, True),
        ("NotIn", {"prod"}, {"tier": "prod"}, False),
        ("Exists", set(), {"tier": ""}, True),
        ("Exists", set(), {}, False),
        ("DoesNotExist", set(), {}, True),
        ("DoesNotExist", set(), {"tier": ""}, False),
    ],
)
def test_labels_say_who_inherits(operator: str, values: set[str], labels: dict[str, str], fits: bool) -> None:  # noqa: FBT001
    requirement = LabelRequirement("tier", LabelOperator(operator), frozenset(values))
    inheritance = ProjectInheritance((GlobalProject(BASE, (requirement,)),))
    own = AppProject(WEB, labels=labels)

    assert fits is (effective(own, inheritance, LIMITS) != own)
    assert fits is (inheritance.heirs(frozenset({"base"}), iter((own, LIMITS))) == {"web"})


def test_global_project_is_not_its_own_and_may_be_missing() -> None:
    inheritance = ProjectInheritance((GlobalProject(BASE),))

    assert LIMITS is effective(LIMITS, inheritance)
    assert LIMITS.sync_windows == effective(LIMITS, inheritance).sync_windows
    assert "web" == effective(AppProject(WEB), inheritance).name


def test_clusters_and_repositories_of_a_project_need_not_be_named_by_it() -> None:
    clusters = (OwnCluster("edge", "web"), OwnCluster("shared", "web", ("a", "b")), OwnCluster("bank", "money"))
    urls = {"web": ("https://git.example/team",)}
    inheritance = ProjectInheritance((), clusters, lambda name: urls.get(name, ()))

    found = effective(AppProject(WEB), inheritance)

    assert [("edge", "*"), ("shared", "a"), ("shared", "b")] == [
        (each.name, each.namespace) for each in found.destinations
    ]
    assert {"edge", "shared"} == found.own_clusters
    assert ("https://git.example/team",) == found.source_repos
    assert () == effective(AppProject(ProjectName("other")), inheritance).destinations
