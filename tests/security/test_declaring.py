"""Nobody becomes another project by an application of applications: issue lines of docs/security.md, "Declaring"."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsd.model.ids import AppName, ProjectName
from gitopsd.model.manifest import Manifest
from gitopsd.store.store import Store
from tests.core.declaring import application_set
from tests.reconcile.shell import Clock, Shell, app, config
from tests.security.declaring import MAY_DECLARE, project

HERE = {"destination": {"name": "gitopsd"}}


async def declared(
    child: Manifest, *operators: Manifest, root: Manifest | None = None
) -> tuple[Shell, Manifest | None]:
    """Have an application of the project `team` declare `child`; return what holds its name then."""
    shell = Shell()
    shell.declare(*operators, root or app("root", project="team", **HERE))
    shell.git.push({"apps/root/it": child})
    await shell.settle()
    name = child["metadata"]["name"]
    held = shell.apps.get(AppName(name)) if child["kind"] == "Application" else shell.apps.project(ProjectName(name))
    return shell, held.manifest if held is not None else None


@pytest.mark.parametrize(
    "destination",
    [
        {"server": "*", "namespace": "*"},
        {"name": "*", "namespace": "*"},
        {"name": "gitops?", "namespace": "*"},
        {"name": "{gitopsd,c1}", "namespace": "*"},
        {"server": "https://kubernetes*", "namespace": "*"},
        {"name": "gitopsd", "namespace": "other"},
        {"name": "c1", "namespace": "*"},
    ],
)
async def test_declaring_is_no_part_of_a_glob_of_clusters(destination: dict[str, str]) -> None:
    for where in ({"name": "gitopsd"}, {"server": "https://kubernetes.default.svc"}, {"name": "in-cluster"}):
        root = app("root", project="team", destination=where)
        shell, held = await declared(app("a", project="team"), project(destinations=[destination]), root=root)

        assert None is held
        assert "does not let its applications declare" in shell.status("root").conditions[0].message


@pytest.mark.parametrize(
    "allows", [{"name": "gitopsd"}, {"name": "in-cluster"}, {"server": "https://kubernetes.default.svc/"}]
)
async def test_declaring_is_permitted_by_name(allows: dict[str, str]) -> None:
    child = app("a", project="team")

    assert child == (await declared(child, project(destinations=[{**allows, "namespace": "argocd"}])))[1]


async def test_a_denial_of_gitopsd_counts() -> None:
    for denies in ({"name": "!gitopsd", "namespace": "*"}, {"server": "!https://kubernetes*", "namespace": "*"}):
        assert None is (await declared(app("a", project="team"), project(destinations=[MAY_DECLARE, denies])))[1]


async def test_an_application_declares_none_of_another_project() -> None:
    for theirs in ("default", "ops"):
        shell, held = await declared(app("a", project=theirs), project(), project("ops"))

        assert None is held
        assert f"any of project {theirs}" in shell.status("root").conditions[0].message
    unnamed = app("a")
    del unnamed["spec"]["project"]  # which is "default"
    assert None is (await declared(unnamed, project()))[1]


async def test_a_set_generates_no_application_of_another_project() -> None:
    for project_of_element, held in (("default", set()), ("ops", set()), ("team", {"a", "b"})):
        body = app("{{name}}", project="{{project}}")
        template = {"metadata": body["metadata"], "spec": body["spec"]}
        elements = {"name": "a", "project": "team"}, {"name": "b", "project": project_of_element}
        shell = Shell()
        shell.declare(project(), project("ops"), app("root", project="team", **HERE))
        shell.git.push({"apps/root/set": application_set(template, *elements)})
        await shell.settle()

        assert held == {str(each.name) for each in shell.apps.all()} - {"root"}
        if not held:
            assert f"any of project {project_of_element}" in shell.status("root").conditions[0].message


async def test_a_project_names_those_whose_applications_its_own_may_declare() -> None:
    notes = {"gitopsd.io/declares-for": "ops-*, web"}
    child = app("a", project="ops-1")

    assert child == (await declared(child, project(notes=notes), project("ops-1")))[1]
    assert None is (await declared(app("a", project="dev"), project(notes=notes), project("dev")))[1]


async def test_an_application_declares_a_project_only_where_its_own_says_so() -> None:
    mine = project("mine", destinations=[{"server": "*", "namespace": "*"}])

    assert None is (await declared(mine, project()))[1]
    assert mine == (await declared(mine, project(notes={"gitopsd.io/declares-projects": "true"})))[1]


async def test_case_47_the_namespace_of_what_is_declared_counts() -> None:
    child = app("a", project="team", metadata={"namespace": "team-a"})
    both = [MAY_DECLARE, {"name": "gitopsd", "namespace": "team-a"}]

    assert None is (await declared(child, project(sourceNamespaces=["team-*"])))[1]  # not one of its destinations
    assert None is (await declared(child, project(destinations=both)))[1]  # sourceNamespaces is empty
    assert None is (await declared(child, project(destinations=both, sourceNamespaces=["team-b"])))[1]
    assert child == (await declared(child, project(destinations=both, sourceNamespaces=["team-*"])))[1]


async def test_the_operators_declaration_counts_whenever_it_comes() -> None:
    shell, held = await declared(app("a", project="team", path="apps/theirs"), project())
    assert held is not None
    ours = app("a", project="team", path="apps/ours")
    shell.git.push({"apps/root/it": held, "apps/ours/x": config("ours"), "apps/theirs/x": config("theirs")})
    shell.declare(project(), app("root", project="team", **HERE), ours)
    await shell.settle()

    found = shell.apps.get(AppName("a"))
    assert found is not None
    assert (ours, {"ours"}) == (found.manifest, shell.names())
    assert "app:root" not in str(found.origin)


async def test_a_conflict_is_told_at_both() -> None:
    shell = Shell()
    shell.declare(project(), app("root", project="team", **HERE), app("a", project="team", path="apps/ours"))
    shell.git.push({"apps/root/it": app("a", project="team"), "apps/ours/x": config("x")})
    await shell.settle()

    assert any("declared otherwise, without effect, at apps/root/it" in told for told in messages(shell, "a"))
    assert any("a is declared at" in told for told in shell.status("root").comparison.warnings)

    shell.git.push({"apps/ours/x": config("x")})
    shell.declare(project(), app("root", project="team", **HERE), app("a", project="team", path="apps/ours"))
    shell.git.push({"apps/root/b": app("b", project="team"), "apps/ours/x": config("x")})
    await shell.settle()
    assert [] == messages(shell, "a")


async def test_what_was_declared_before_its_project_was_closed_does_nothing_more() -> None:
    child = app("a", project="ops")
    shell, held = await declared(child, project(notes={"gitopsd.io/declares-for": "ops"}), project("ops"))
    assert child == held
    shell.declare(project(), project("ops"), app("root", project="team", **HERE))
    shell.git.push({"apps/root/it": child, "apps/a/x": config("x")})
    await shell.settle()

    assert set() == shell.names()
    assert "any of project ops" in shell.status("a").conditions[0].message


def messages(shell: Shell, name: str) -> list[str]:
    return [condition.message for condition in shell.status(name).conditions]


def test_the_store_lets_an_operators_declaration_go_first(tmp_path: Path) -> None:
    """After a restart, too, where the application's was stored before."""
    theirs, ours = app("a", path="apps/theirs"), app("a", path="apps/ours")
    store = Store(tmp_path, Clock())
    for source, manifest in (("app:root", theirs), ("dir:/ops", ours)):
        store.declare(source, [manifest], ["x.yaml:1"], complete=True, prune=True)
    told = store.contested(AppName("a"))
    store.close()
    again = Store(tmp_path, Clock())

    for each in (again.get(AppName("a")), *again.all()):
        assert each is not None
        assert ours == each.manifest
    assert ("RepeatedResourceWarning",) == tuple(each.type for each in told)
    again.close()
