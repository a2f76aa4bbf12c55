"""What is kept from being rendered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.errors import NotPermitted, NotTrusted
from gitopsd.model.application import Application, Destination, Source
from gitopsd.model.ids import AppName, ProjectName, RepoUrl, Revision
from gitopsd.model.project import IntegrityPolicy, Verify
from gitopsd.ports import Resolved
from gitopsd.reconcile.rendering import IntegrityGate, ReadingRights
from tests.fakes.applications import FakeApplications
from tests.fakes.signatures import FakeSignatures

GIT, OTHER, REGISTRY = RepoUrl("https://h/team/x"), RepoUrl("https://h/open"), RepoUrl("oci://r/x")
POLICY = IntegrityPolicy(("https://h/team/*", "oci://*"), Verify.HEAD, ("D56C4FCA57A46444",))
TEAM = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "team"},
    "spec": {
        "sourceIntegrity": {
            "git": {
                "policies": [
                    {
                        "repos": [{"url": url} for url in POLICY.repos],
                        "gpg": {"mode": "head", "keys": list(POLICY.keys)},
                    }
                ]
            }
        }
    },
}
OPEN = {**TEAM, "spec": {"sourceRepos": ["*"]}}
AT = Resolved(Revision("1" * 40), 0, 0.0)


def app(*repos: RepoUrl) -> Application:
    sources = tuple(Source(repo, "main", path=".") for repo in repos)
    return Application(AppName("web"), ProjectName("team"), sources, Destination(name="prod"))


async def test_only_git_sources_that_a_policy_names_are_looked_at() -> None:
    apps, signatures = FakeApplications(), FakeSignatures()
    apps.declare("dir:x", [TEAM], ["f:1"], complete=True, prune=False)
    gate = IntegrityGate(apps, signatures)
    chart = replace(app(GIT).sources[0], chart="web", path="")

    await gate.check(app(OTHER, REGISTRY), app(OTHER, REGISTRY).sources, [AT, AT])
    await gate.check(app(GIT), [chart], [AT])
    with pytest.raises(NotTrusted):
        await gate.check(app(OTHER, GIT), app(OTHER, GIT).sources, [AT, AT])

    assert [(GIT, "main", POLICY)] == signatures.asked


def test_credentials_of_one_project_open_nothing_to_another() -> None:
    scopes: dict[str, str] = {GIT: "team", OTHER: "others", REGISTRY: ""}
    apps = FakeApplications()
    apps.declare("dir:x", [OPEN], ["f:1"], complete=True, prune=False)
    gate = ReadingRights(apps, scopes.__getitem__)

    gate.check(app(GIT, REGISTRY))
    with pytest.raises(NotPermitted, match="https://h/open are for the project others alone"):
        gate.check(app(GIT, OTHER))


def test_credentials_of_a_registry_are_its_project_s_however_a_chart_of_it_is_named() -> None:
    scopes: dict[str, str] = {"oci://r.example/org/web": "others"}
    apps = FakeApplications()
    apps.declare("dir:x", [OPEN], ["f:1"], complete=True, prune=False)
    gate = ReadingRights(apps, scopes.__getitem__)
    for url in ("r.example/org", "oci://r.example/org"):
        found = replace(app(GIT), sources=(Source(RepoUrl(url), "1.*", chart="web", path="."),))
        with pytest.raises(NotPermitted, match="are for the project others alone"):
            gate.check(found)
