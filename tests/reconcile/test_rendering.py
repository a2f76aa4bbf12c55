"""What renders are told of the cluster they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gitopsd.errors import ClusterUnreachable, NotFetchedYet
from gitopsd.model.application import Application, Source
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.ports import RenderedSource, Resolved
from gitopsd.reconcile.rendering import ApplicationRenderer
from tests.reconcile.clusters import C1
from tests.reconcile.git import FakeGit
from tests.reconcile.shell import Shell, app, config

ASKED = ("env:KUBE_VERSION", "file:a")


@dataclass
class Templates:
    """Renders what asks for `looked_up`."""

    git: FakeGit
    looked_up: Sequence[str]

    async def render(self, *args: Any) -> RenderedSource:
        return replace(await self.git.render(*args), looked_up=tuple(self.looked_up))


async def desire(
    offered: Offered | None, looked_up: Sequence[str] = ASKED
) -> tuple[ApplicationRenderer, Application, Shell]:
    shell = Shell()
    shell.declare(app("a"))
    shell.git.push({"apps/a/x": config("x")})
    await shell.settle()
    found = shell.apps.get(AppName("a"))
    assert found is not None
    return (
        replace(shell.renderer, renderer=Templates(shell.git, looked_up), offered=lambda _: offered),
        found,
        shell,
    )


async def test_templates_are_told_what_the_cluster_offers_and_are_asked_again_when_that_changes() -> None:
    step, found, shell = await desire(Offered("v1.36.2", "v1,v1/Pod"))
    await step(found, C1)
    shell.line.due.clear()
    shell.triggers.offered(C1, step.askers)

    assert {"KUBE_VERSION": "v1.36.2", "KUBE_API_VERSIONS": "v1,v1/Pod"}.items() <= shell.git.variables[
        found.name
    ].items()
    assert {found.name} == set(shell.line.due)


async def test_who_asks_nothing_of_its_cluster_waits_for_nothing() -> None:
    step, found, _ = await desire(None, ["env:ARGOCD_APP_NAME"])

    assert (await step(found, C1)).manifests
    assert not step.askers


async def test_who_asks_a_cluster_that_is_not_known_yet_waits_for_it() -> None:
    step, found, _ = await desire(None)

    with pytest.raises(ClusterUnreachable, match="templates of a ask what its cluster offers"):
        await step(found, C1)


@dataclass
class Away:
    """Sources of which none has been fetched."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def resolve(self, repo: RepoUrl, ref: str, _tag_prefix: str = "") -> Resolved:
        self.asked.append((repo, ref))
        raise NotFetchedYet(f"{repo} has not been fetched yet", remedy="wait")

    async def fetch(self, repo: RepoUrl) -> None:
        raise AssertionError(repo)


async def test_every_chart_of_an_application_is_asked_for_at_once() -> None:
    step, found, _ = await desire(None)
    away = Away()
    charts = [Source(RepoUrl("https://charts.example"), "1.*", path=".", chart=chart) for chart in ("web", "db")]
    with pytest.raises(NotFetchedYet):
        await replace(step, sources=away)(replace(found, sources=tuple(charts)), None)

    assert [("helm+https://charts.example", f"{chart}@1.*") for chart in ("web", "db")] == away.asked
