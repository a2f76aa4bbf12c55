"""Rights in projects: what their roles give, and to whom."""

from __future__ import annotations

import pytest

from gitopsd.core.declaration import project_from
from gitopsd.core.rights.policy_rights import PolicyRights
from gitopsd.core.rights.project_roles import project_policy
from gitopsd.model.application import NOWHERE
from gitopsd.model.project import AppProject
from tests.core.rights.policies import table


def project(name: str, *roles: dict[str, object]) -> AppProject:
    spec = {"roles": list(roles)}
    return project_from(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name}, "spec": spec}, NOWHERE
    )


def role(name: str, *policies: str, groups: tuple[str, ...] = ()) -> dict[str, object]:
    return {"name": name, "policies": list(policies), "groups": list(groups)}


def rights(*projects: AppProject, lines: tuple[str, ...] = (), default_role: str = "") -> PolicyRights:
    by_name = {str(each.name): each for each in projects}
    return PolicyRights(table(*lines, default_role=default_role), by_name.get)


WEB = project(
    "web",
    role("dev", "p, proj:web:dev, applications, *, web/*, allow", groups=("team", '"a, b"')),
    role("ci", "p, proj:web:ci, applications, sync, web/*, allow", "p, proj:web:ci, applications, sync, web/x, deny"),
)
DB = project("db", role("dev", "p, proj:db:dev, applications, *, db/*, allow", groups=("team",)))


@pytest.mark.parametrize(
    ("allowed", "subjects", "asked"),
    [
        (True, "ann team", "applications delete web/shop"),
        (True, "ann|a, b", "applications delete web/shop"),
        (False, "ann|a, b", "applications delete db/pg"),
        (True, "ann team", "applications delete db/pg"),
        (False, "ann team", "applications delete web"),
        (False, "ann team", "logs get web/shop"),
        (True, "ann team", "projects get web"),
        (False, "ann team", "projects update web"),
        (False, "ann", "projects get web"),
        (True, "proj:web:ci", "applications sync web/shop"),
        (False, "proj:web:ci", "applications sync web/x"),
        (False, "proj:web:ci", "applications sync db/pg"),
        (False, "proj:web:ci", "applications sync gone/x"),
        (True, "proj:web:ci", "projects get web"),
        (False, "proj:web:ci", "projects get db"),
        (False, "proj:web:ci team", "applications delete web/shop"),
        (False, "proj:web:none", "applications sync web/shop"),
        (False, "", "applications sync web/shop"),
    ],
)
def test_role_of_a_project_counts_in_that_project(allowed: bool, subjects: str, asked: str) -> None:  # noqa: FBT001
    who = subjects.split("|") if "|" in subjects else subjects.split()
    found = rights(WEB, DB)

    assert allowed is found.allows(who, *asked.split(" "))
    assert allowed is found.explain(who, *asked.split(" ")).allowed


def test_policy_of_all_gives_roles_of_projects_what_they_have_not() -> None:
    found = rights(
        WEB,
        DB,
        lines=(
            "p, proj:web:ci, logs, get, */*, allow",
            "p, proj:web:ci, clusters, get, *, allow",
            "g, ann, proj:web:dev",
            "p, role:stop, applications, delete, web/shop, deny",
            "g, team, role:stop",
        ),
    )

    assert found.allows(["proj:web:ci"], "logs", "get", "web/shop")
    assert not found.allows(["proj:web:ci"], "logs", "get", "db/pg")
    assert found.allows(["proj:web:ci"], "clusters", "get", "https://k8s.example")
    assert found.allows(["ann"], "applications", "sync", "web/shop")
    assert not found.allows(["bob", "team"], "applications", "delete", "web/shop")


def test_default_role_is_also_that_of_tokens_of_other_projects() -> None:
    found = rights(WEB, DB, default_role="role:readonly")

    assert found.allows(["proj:web:ci"], "applications", "get", "db/pg")
    assert not found.allows(["proj:web:ci"], "applications", "sync", "db/pg")


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ("p, proj:db:dev, applications, *, web/*, allow", "is about 'proj:db:dev'; write proj:web:dev"),
        ("p, role:admin, applications, *, web/*, allow", "is about 'role:admin'; write proj:web:dev"),
        ("p, proj:web:dev, applications, *, db/*, allow", "is about the object 'db/*'; write `web/<name>`"),
        ("p, proj:web:dev, applications, *, web*, allow", "is about the object 'web*'"),
        ("p, proj:web:dev, accounts, update, web/*, allow", "is about 'accounts'; a project grants applications,"),
        ("p, proj:web:dev, aplications, get, web/*, allow", "did you mean applications?"),
        ("p, proj:web:dev, applications, synch, web/*, allow", "has the action 'synch'; did you mean sync?"),
        ("p, proj:web:dev, applications, get, web/*, alow", "has the effect 'alow'"),
        ("g, ann, role:admin", "has 'g, ann, role:admin'; write `p, proj:web:dev, …`"),
        ("p, proj:web:dev, applications, get, web/*, allow\ng, ann, role:admin", "on one line"),
    ],
)
def test_role_that_cannot_be_read_gives_nobody_anything_and_says_so(policy: str, what: str) -> None:
    found = project("web", role("dev", policy, groups=("team",)), role("ci", groups=("team",)))

    (warning,) = found.warnings
    assert warning.startswith(".spec.roles give nobody anything: project web, role dev")
    assert what in warning
    assert not rights(found).allows(["ann", "team"], "projects", "get", "web")


@pytest.mark.parametrize("group", ["team, role:admin", " team", "team\ng, ann", ""])
def test_group_brings_no_line_of_its_own(group: str) -> None:
    found = project("web", role("dev", groups=(group,)))

    assert found.warnings
    assert not project_policy(found).bindings


@pytest.mark.parametrize("names", [("a b",), ("dev", "dev"), ("",), ("-x",)])
def test_roles_have_names_each_its_own(names: tuple[str, ...]) -> None:
    assert project("web", *(role(name) for name in names)).warnings


def test_change_of_roles_is_seen_at_once() -> None:
    projects = {"web": WEB}
    found = PolicyRights(table(), projects.get)
    assert found.allows(["ann", "team"], "applications", "get", "web/shop")

    projects["web"] = project("web", role("dev", groups=("others",)))

    assert not found.allows(["ann", "team"], "applications", "get", "web/shop")
    assert not found.permitted(["ann", "team"], "applications", "get")("web/shop")


def test_list_asks_for_each_object_in_its_own_project() -> None:
    permits = rights(WEB, DB).permitted(["ann", "a, b"], "applications", "get")

    assert ["web/shop", "web/ns/shop"] == [
        each for each in ("web/shop", "db/pg", "web/ns/shop", "gone/x", "web") if permits(each)
    ]
