"""Actions on live objects: who is offered what, and who may run it."""

from __future__ import annotations

import pytest

from gitopsd.errors import BadRequest, Conflict, NotFound, NotPermitted
from gitopsd.model.action import ObjectAction
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.usecases.actions import MOST_CHARACTERS, MOST_PARAMS, ActionUseCases
from gitopsd.usecases.tree_objects import ObjectName
from tests.fakes.backend import FakeBackend, app_view
from tests.usecases.asking import ANN, uses_of
from tests.usecases.owning import DEPLOYMENT, GET, SHOP, may, node

RESTART = may("action/apps/Deployment/restart")
POD = ObjectName("Pod", "web-1", "shop")


def world(*rules: tuple[str, str, str, str]) -> tuple[FakeBackend, ActionUseCases]:
    backend = FakeBackend(app_view("shop", project="retail"), app_view("bank", project="money"))
    workload = node(ResourceKey("apps", "Deployment", "shop", "web"))
    backend.nodes = [workload, node(ResourceKey("", "Pod", "shop", "web-1"), workload, tracking=None)]
    backend.offered = [ObjectAction("restart"), ObjectAction("scale", params=("replicas",))]
    return backend, uses_of(backend, *rules).actions


async def test_who_sees_the_application_sees_what_can_be_done() -> None:
    backend, uses = world(GET)

    assert backend.offered == await uses.list(ANN, SHOP, DEPLOYMENT)
    for name, wanted in ((SHOP, ObjectName("Pod", "other")), (AppName("bank"), DEPLOYMENT), (AppName("none"), POD)):
        with pytest.raises(NotFound):
            await uses.list(ANN, name, wanted)


async def test_nothing_can_be_done_to_the_application_itself() -> None:
    _, uses = world(GET)

    assert [] == list(await uses.list(ANN, SHOP, ObjectName("Application", "shop", "", "argoproj.io")))
    with pytest.raises(NotFound):
        await uses.list(ANN, SHOP, ObjectName("Application", "bank", "", "argoproj.io"))


async def test_action_is_run_and_written_down() -> None:
    backend, uses = world(GET, RESTART)
    await uses.run(ANN, SHOP, DEPLOYMENT, "restart", {"a": "b"})

    assert [(SHOP, "Deployment-shop-web", "restart", {"a": "b"})] == backend.acts
    [entry] = backend.audit_log
    assert ("ann", "run-action", "restart apps/Deployment:shop/web") == (entry.who, entry.what, entry.detail)


@pytest.mark.parametrize(
    "rule", ["update", "sync", "action", "action/apps/Deployment/scale", "action//Deployment/restart", "update/*"]
)
async def test_right_is_to_the_kind_and_the_action(rule: str) -> None:
    backend, uses = world(GET, may(rule))
    with pytest.raises(NotPermitted, match="action/apps/Deployment/restart, retail/shop"):
        await uses.run(ANN, SHOP, DEPLOYMENT, "restart", {})
    assert ([], []) == (backend.acts, backend.audit_log)


async def test_case_49_application_of_another_project_is_none() -> None:
    backend, uses = world(GET, ("ann", "applications", "action/apps/Deployment/restart", "*/*"))
    for name in ("bank", "none"):
        with pytest.raises(NotFound, match=f"there is no application {name}"):
            await uses.run(ANN, AppName(name), DEPLOYMENT, "restart", {})
    assert [] == backend.acts


async def test_what_is_not_the_applications_own_is_left_alone() -> None:
    backend, uses = world(GET, RESTART)
    backend.nodes = [node(ResourceKey("apps", "Deployment", "shop", "web"), tracking=None)]
    with pytest.raises(Conflict, match="not shop's own"):
        await uses.run(ANN, SHOP, DEPLOYMENT, "restart", {})
    assert [] == backend.acts


@pytest.mark.parametrize(
    "params", [dict.fromkeys(map(str, range(MOST_PARAMS + 1)), ""), {"a": "x" * (MOST_CHARACTERS + 1)}]
)
async def test_parameters_have_a_bound(params: dict[str, str]) -> None:
    backend, uses = world(GET, RESTART)
    with pytest.raises(BadRequest, match="too many parameters"):
        await uses.run(ANN, SHOP, DEPLOYMENT, "restart", params)
    assert [] == backend.acts
