"""Nobody has us fetch what their project forbids: docs/security.md, "Reading"."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitopsd.errors import NotPermitted, PartNotFetched, Submodule
from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.missing_parts import MissingPartsRenderer
from gitopsd.manifests.remote_bases import RemoteBaseRenderer
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.model.manifest import Manifest
from gitopsd.model.operation import SyncRequest
from gitopsd.ports import Resolved
from gitopsd.reconcile.rendering import ReadingRights
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import ChartSettings, Held, RepoCredentials, ToolSettings
from tests.chartserver import chart_server
from tests.fakes.applications import FakeApplications
from tests.git.conftest import World
from tests.git.parts import Reading, mount
from tests.gitserver import http_server
from tests.manifests.charting import chart_yaml
from tests.reconcile.git import REPO, FakeGit
from tests.reconcile.shell import BY_HAND, Clock, Shell, app, config
from tests.security.declaring import project

WEB, ELSEWHERE = AppName("web"), RepoUrl("https://elsewhere.example/x.git")
ASKED = SyncRequest(initiated_by="ann", revisions=("v1",))


@dataclass
class Asked(FakeGit):
    """Git that writes down what it is asked for."""

    asked: list[str] = field(default_factory=list)

    def resolve(self, repo: RepoUrl, ref: str, tag_prefix: str = "") -> Resolved:
        self.asked.append(repo)
        return super().resolve(repo, ref, tag_prefix)

    async def fetch(self, repo: RepoUrl) -> None:
        self.asked.append(repo)
        await super().fetch(repo)


def closed(**spec: Any) -> Manifest:
    return {**project(), "spec": {**project()["spec"], "sourceRepos": [], **spec}}


async def asked(*declared: Manifest) -> tuple[Shell, Asked]:
    clock = Clock()
    git = Asked(clock)
    shell = Shell(clock, git=git)
    git.push({"apps/web/x": config("x")})
    shell.declare(*declared)
    await shell.settle()
    return shell, git


@pytest.mark.parametrize("projects", [[], [closed()], [closed(sourceRepos=["*", f"!{REPO}"])]])
async def test_a_repository_of_no_or_a_forbidding_project_is_neither_fetched_nor_polled(
    projects: list[Manifest],
) -> None:
    shell, git = await asked(*projects, app("web", project="team", **BY_HAND))

    assert ([], []) == (git.asked, list(shell.polled))
    with pytest.raises(NotPermitted):
        await shell.commands.desired(WEB, "")
    with pytest.raises(NotPermitted):
        await shell.commands.sync(WEB, ASKED)
    async with asyncio.TaskGroup() as group:
        refreshing = group.create_task(shell.commands.refresh(WEB, hard=True), name="refresh")
        await shell.settle()
        refreshing.cancel()  # nobody tells of the end of passes here
    assert [] == git.asked


async def test_a_repository_is_let_go_of_once_its_project_is_closed() -> None:
    open_to_all = {**closed(), "spec": {**closed()["spec"], "sourceRepos": ["*"]}}
    shell, _ = await asked(open_to_all, app("web", project="team"))
    assert [REPO] == list(shell.polled)

    shell.declare(closed(), app("web", project="team"))
    await shell.settle()

    assert [] == list(shell.polled)


def rights(*projects: Manifest, scopes: dict[str, str] | None = None) -> ReadingRights:
    apps = FakeApplications()
    manifests = [*projects, app("web", project="team")]
    apps.declare("dir:x", manifests, [f"f:{n}" for n in range(len(manifests))], complete=True, prune=False)
    return ReadingRights(apps, lambda url: (scopes or {}).get(url, ""))


def test_what_a_source_leads_to_is_held_to_the_same_rules() -> None:
    limited = closed(sourceRepos=[REPO, "https://charts.example"])

    assert rights(limited).may_have(WEB, RepoUrl("helm+https://charts.example"))
    assert not rights(limited).may_have(WEB, ELSEWHERE)
    assert not rights().may_have(WEB, RepoUrl(REPO))
    assert not rights(limited).may_have(AppName("nobody"), RepoUrl(REPO))
    assert not rights(limited, scopes={REPO: "others"}).may_have(WEB, RepoUrl(REPO))
    assert rights(limited).may_have(AppName(""), ELSEWHERE)  # of a declaration of the operator's


async def test_credentials_of_another_project_are_asked_about_before_any_traffic() -> None:
    found = rights(closed(sourceRepos=["*"]), scopes={REPO: "others"})
    application = found.apps.get(WEB)
    assert application is not None

    assert not found.permits(application)
    with pytest.raises(NotPermitted, match="for the project others alone"):
        found.check(application)


async def test_neither_a_dependency_nor_a_value_file_nor_a_base_is_asked_for(world: World) -> None:
    async with chart_server() as stranger, WorkerPool(1) as pool:
        repo, repositories = world.repo(), world.repositories()
        tools = ToolSettings(kustomize_remote_bases=(stranger.url,))
        renderer = ClosureRenderer(
            pool, NoEntries(), lambda _: str(repo.path), work_dir=world.folder / "work", tools=tools
        )
        bases = RemoteBaseRenderer(
            renderer,
            repositories,
            lambda _own, _other: True,
            rights(closed(sourceRepos=[repo.url])).may_have,
            ChartSettings(value_files=("*",)),
        )
        needs = [{"name": "sub", "version": "1.0.0", "repository": stranger.url}]
        files = {
            "chart/Chart.yaml": chart_yaml(dependencies=needs),
            "values/Chart.yaml": chart_yaml(),
            "base/kustomization.yaml": f"resources: ['{stranger.url}/org/base.git?ref=v1']\n",
        }
        revision = Revision(repo.commit(files))
        for path, options in (
            ("chart", {}),
            ("values", {"helm": {"valueFiles": [f"{stranger.url}/values.yaml"]}}),
            ("base", {}),
        ):
            source = Source(RepoUrl(repo.url), path=path, options=options)
            with pytest.raises(NotPermitted, match="which its project does not permit"):
                await bases.render(WEB, source, revision, {"ARGOCD_APP_NAME": "web", "ARGOCD_APP_NAMESPACE": "x"})

        assert [] == stranger.asked


async def test_a_submodule_is_not_asked_for(world: World) -> None:
    async with http_server(world.served, users={"bot": "pw"}) as server:
        commit = world.repo("sub.git").commit({"a": "1"})
        top = world.repo("top.git")
        top.commit({"x": "1"})
        mount(top, "sub", commit, "../sub.git")
        repositories = world.repositories(credentials=(RepoCredentials(server.url, "bot", Held(text="pw")),))
        reading = Reading(repositories, RepoUrl(f"{server.url}/top.git"), permits=lambda repo: "sub" not in repo)
        before = await reading.refusal("sub/a")

        assert not any("sub" in path for path in server.requests)
    assert isinstance(before, NotPermitted)
    assert "which the project does not permit" in before.what


async def test_a_render_says_for_whom_a_submodule_is_asked_for() -> None:
    seen: list[bool] = []

    class Parts:
        async def render(self, *_: Any, **__: Any) -> Any:
            raise PartNotFetched("a submodule", remedy="", details=Submodule("shop", "sub", "1" * 40))

        async def fetch(self, _err: PartNotFetched, permits: Any) -> None:
            seen.append(permits(ELSEWHERE))

    for name in (WEB, AppName("")):
        with pytest.raises(PartNotFetched):
            await MissingPartsRenderer(Parts(), Parts(), rights(closed(sourceRepos=[REPO])).may_have).render(name)
    assert [False, True] == seen
