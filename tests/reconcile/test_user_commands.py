"""What people ask: refreshes that end, and answers that say why not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gitopsd.errors import ClusterRefused, Conflict, NotFound, NotPermitted, RepositoryUnreachable
from gitopsd.model.application import Mode
from gitopsd.model.command import ObjectRef
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import SyncRequest
from tests.reconcile.shell import Shell, app, config, config_key, turns
from tests.reconcile.started import project

SHOP = AppName("shop")


async def started() -> Shell:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    return shell


async def refreshed(shell: Shell, *, hard: bool = False) -> None:
    """Refresh, with one pass after it was asked for."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        asking = group.create_task(shell.commands.refresh(SHOP, hard=hard), name="refresh")
        await turns()
        assert not asking.done()
        began_s = asyncio.get_running_loop().time()
        await shell.pass_over("shop")
        shell.commands.pass_ended(SHOP, began_s)


async def test_refresh_fetches_and_waits_for_a_pass_that_began_after_it() -> None:
    shell = await started()
    shell.git.commit({"apps/shop/x": config("x", "2")})
    before_s = asyncio.get_running_loop().time()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        asking = group.create_task(shell.commands.refresh(SHOP, hard=False), name="refresh")
        await turns()
        shell.commands.pass_ended(SHOP, before_s - 1.0)
        await turns()
        assert not asking.done()
        await shell.pass_over("shop")
        shell.commands.pass_ended(SHOP, asyncio.get_running_loop().time())

    assert "2" == shell.world.objects[config_key("x")]["data"]["value"]


async def test_refresh_goes_on_though_the_repository_cannot_be_fetched() -> None:
    shell = await started()
    shell.git.away = RepositoryUnreachable("no route", remedy="mend it")
    await refreshed(shell)

    assert "Synced" == shell.sync_status("shop")


async def test_hard_refresh_asks_the_server_anew() -> None:
    shell = await started()
    shell.world.calls.clear()
    await refreshed(shell)
    assert [] == shell.world.calls
    await refreshed(shell, hard=True)

    assert ["dry-run /ConfigMap:prod/x"] == shell.world.calls


async def test_refresh_of_an_application_that_goes_meanwhile_ends() -> None:
    shell = await started()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(shell.commands.refresh(SHOP, hard=False), name="refresh")
        await turns()
        shell.apps.delete(SHOP, cascade=False)
        await shell.pass_over("shop")
        shell.commands.pass_ended(SHOP, asyncio.get_running_loop().time())


async def test_refresh_that_is_given_up_disturbs_no_other() -> None:
    shell = await started()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        given_up = group.create_task(shell.commands.refresh(SHOP, hard=False), name="refresh 1")
        group.create_task(shell.commands.refresh(SHOP, hard=False), name="refresh 2")
        await turns()
        given_up.cancel()
        await turns()
        await shell.pass_over("shop")
        shell.commands.pass_ended(SHOP, asyncio.get_running_loop().time())


async def test_what_is_not_there_is_not_found() -> None:
    shell = await started()

    with pytest.raises(NotFound):
        await shell.commands.sync(AppName("nobody"), SyncRequest())
    with pytest.raises(NotFound):
        await shell.commands.rollback(SHOP, 99, SyncRequest())


async def test_more_revisions_than_sources_are_refused() -> None:
    shell = await started()
    shell.declare(app("shop", syncPolicy={}))

    with pytest.raises(Conflict, match="1 sources and 2 revisions"):
        await shell.commands.sync(SHOP, SyncRequest(revisions=("main", "main")))


async def test_terminate_without_an_operation_is_refused() -> None:
    shell = await started()

    with pytest.raises(Conflict, match="no operation"):
        await shell.commands.terminate(SHOP)


async def test_objects_are_shown_with_their_states() -> None:
    shell = await started()
    shell.declare(app("shop", syncPolicy={}))
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    (opened,) = await shell.commands.opened(SHOP)

    assert opened.live is not None
    assert opened.predicted is not None
    assert ("1", "2") == (opened.live["data"]["value"], opened.predicted["data"]["value"])


async def test_object_that_we_may_not_read_does_not_hide_the_others() -> None:
    shell = await started()

    async def refuse(_cluster: ClusterId, ref: ObjectRef) -> Manifest | None:
        raise ClusterRefused(f"{ref.key} is not for you", remedy="see the rights")

    shell.clusters.read = refuse  # type: ignore[method-assign, assignment]
    (opened,) = await shell.commands.opened(SHOP)

    assert (None, "x") == (opened.live, opened.compared.pair.key.name)


POD = ResourceKey("", "Pod", "prod", "x-1")


async def test_objects_are_edited_where_the_application_goes() -> None:
    shell = await started()

    assert (ClusterId("c1"), "") == shell.commands.editable(SHOP, config_key("x"), own=True)
    with pytest.raises(NotFound):
        shell.commands.editable(AppName("none"), POD, own=False)


async def test_nothing_is_edited_where_nothing_is_written() -> None:
    shell = Shell(mode=Mode.OBSERVE)
    shell.declare(app("shop"))
    with pytest.raises(Conflict, match="mode is observe"):
        shell.commands.editable(SHOP, config_key("x"), own=True)


async def test_project_permits_own_objects_by_kind_and_what_controllers_made_by_namespace() -> None:
    shell = Shell()
    here = {"server": "*", "namespace": "prod"}
    limited = project("web", destinations=[here], namespaceResourceWhitelist=[{"group": "", "kind": "ConfigMap"}])
    shell.declare(app("shop", project="web"), limited)

    assert (ClusterId("c1"), "") == shell.commands.editable(SHOP, config_key("x"), own=True)
    assert (ClusterId("c1"), "") == shell.commands.editable(SHOP, POD, own=False)
    for key, own in ((POD, True), (replace(POD, namespace="kube-system"), False)):
        with pytest.raises(NotPermitted, match="project web does not permit"):
            shell.commands.editable(SHOP, key, own=own)


async def test_objects_are_edited_in_the_name_that_the_project_says() -> None:
    shell = Shell()
    account = {"server": "*", "namespace": "prod", "defaultServiceAccount": "deployer"}
    shell.declare(app("shop", project="web"), project("web", destinationServiceAccounts=[account]))
    user = "system:serviceaccount:prod:deployer"

    assert (ClusterId("c1"), user) == shell.commands.editable(SHOP, POD, own=False)
