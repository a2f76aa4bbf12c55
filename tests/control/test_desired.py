"""What renders are told of the cluster they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gitopsd.control.desired import Desire
from gitopsd.errors import ClusterUnreachable
from gitopsd.model.application import Application
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName
from gitopsd.ports import Rendered
from tests.control.clusters import C1
from tests.control.git import FakeGit
from tests.control.shell import Shell, app, config

ASKED = ("env:KUBE_VERSION", "file:a")


@dataclass
class Templates:
    """Renders what asks for `looked_up`."""

    git: FakeGit
    looked_up: Sequence[str]

    async def render(self, *args: Any) -> Rendered:
        return replace(await self.git.render(*args), looked_up=tuple(self.looked_up))


async def desire(offered: Offered | None, looked_up: Sequence[str] = ASKED) -> tuple[Desire, Application, Shell]:
    shell = Shell()
    shell.declare(app("a"))
    shell.git.push({"apps/a/x": config("x")})
    await shell.settle()
    found = shell.apps.get(AppName("a"))
    assert found is not None
    return (
        Desire(shell.git, Templates(shell.git, looked_up), shell.barrier, shell.clock, None, lambda _: offered),
        found,
        shell,
    )


async def test_templates_are_told_what_the_cluster_offers_and_are_asked_again_when_that_changes() -> None:
    step, found, shell = await desire(Offered("v1.36.2", "v1,v1/Pod"))
    await step(found)
    shell.line.due.clear()
    shell.triggers.offered(C1, step.askers)

    assert {"KUBE_VERSION": "v1.36.2", "KUBE_API_VERSIONS": "v1,v1/Pod"}.items() <= shell.git.variables[
        found.name
    ].items()
    assert {found.name} == set(shell.line.due)


async def test_who_asks_nothing_of_its_cluster_waits_for_nothing() -> None:
    step, found, _ = await desire(None, ["env:ARGOCD_APP_NAME"])

    assert (await step(found)).manifests
    assert not step.askers


async def test_who_asks_a_cluster_that_is_not_known_yet_waits_for_it() -> None:
    step, found, _ = await desire(None)

    with pytest.raises(ClusterUnreachable, match="templates of a ask what its cluster offers"):
        await step(found)
