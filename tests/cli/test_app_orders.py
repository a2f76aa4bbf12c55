"""`gitopsd app` as it gives orders, and waits for what comes of them."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon, application, result


async def test_get_says_why_it_is_out_of_sync_and_what_to_do(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["web"] = application(
        "web",
        sync="OutOfSync",
        resources=[
            {"group": "apps", "kind": "Deployment", "namespace": "web", "name": "web", "status": "OutOfSync",
             "health": {"status": "Missing"}},
            {"kind": "Service", "namespace": "web", "name": "old", "status": "OutOfSync", "requiresPruning": True},
            {"kind": "Service", "namespace": "web", "name": "web", "status": "Synced"},
        ],
        conditions=[{"type": "SyncError", "message": "namespace web is not there; set CreateNamespace"}],
    )  # fmt: skip

    ran = await run("app", "get", "web")

    assert 0 == ran.code
    assert "OutOfSync: 2 of 3 objects (1 not in the cluster yet, 1 no longer in Git)" in ran.out
    assert "SyncError: namespace web is not there; set CreateNamespace" in ran.out
    assert "apps/Deployment\tweb/web\tOutOfSync\tMissing" in ran.out


async def test_sync_orders_what_was_said_and_waits_for_its_end(run: Run, daemon: FakeDaemon) -> None:
    ran = await run("app", "sync", "shop", "--prune", "--resource", "apps:Deployment:shop/web", "--timeout", "20")

    order = next(asked for asked in daemon.asked if asked[0] == "POST")
    assert 0 == ran.code
    assert "shop: Succeeded: it is Succeeded\n" == ran.out
    assert {
        "prune": True,
        "dryRun": False,
        "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}],
    } == order[2]


async def test_sync_says_how_and_of_which_labels(run: Run, daemon: FakeDaemon) -> None:
    app = ("app", "sync", "shop", "--timeout", "20")

    ran = await run(*app, "--strategy", "apply", "--force", "--sync-option", "Replace=true", "--label", "tier=web")
    none = await run(*app, "--label", "tier=other")

    order = next(asked for asked in daemon.asked if asked[0] == "POST")
    resource = {"group": "", "kind": "ConfigMap", "name": "shop"}
    more = {"strategy": {"apply": {"force": True}}, "syncOptions": {"items": ["Replace=true"]}}
    assert (0, {"prune": False, "dryRun": False, **more, "resources": [resource]}) == (ran.code, order[2])
    assert 4 == none.code


async def test_sync_that_fails_answers_1(run: Run, daemon: FakeDaemon) -> None:
    daemon.phases = ("Running", "Failed")

    ran = await run("app", "sync", "shop", "--timeout", "20")

    assert 1 == ran.code
    assert "shop: Failed: it is Failed\n" == ran.err


async def test_sync_is_not_taken_for_the_operation_before_it(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"]["status"]["operationState"] = {"phase": "Failed", "message": "an old one", "startedAt": "then"}
    daemon.phases = ("Succeeded",)

    ran = await run("app", "sync", "shop", "--timeout", "20")

    assert (0, "shop: Succeeded: it is Succeeded\n") == (ran.code, ran.out)


async def test_sync_that_is_not_over_in_time_answers_1(run: Run, daemon: FakeDaemon) -> None:
    daemon.phases = ("Running",)

    ran = await run("app", "sync", "shop", "--timeout", "0.2")

    assert 1 == ran.code
    assert "not over after 0.2 s" in ran.err


async def test_refused_order_answers_5_with_the_daemons_words(run: Run, daemon: FakeDaemon) -> None:
    daemon.refuse = "rollback is not possible while syncs are automated"

    ran = await run("app", "rollback", "shop", "3")

    assert 5 == ran.code
    assert "rollback is not possible while syncs are automated" in ran.err


async def test_rollback_without_an_id_takes_the_sync_before_the_last(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"]["status"]["history"] = [{"id": 4}, {"id": 7}, {"id": 8}]

    ran = await run("app", "rollback", "shop", "--timeout", "20")

    assert 0 == ran.code
    assert 7 == next(body["id"] for method, _, body in daemon.asked if method == "POST")


async def test_wait_ends_when_the_stream_tells_of_it(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"] = application("shop", sync="OutOfSync")

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(run("app", "wait", "shop", "--timeout", "30"))
        await daemon.was_asked("stream")
        daemon.apps["shop"] = application("shop")
        await daemon.changed()

    assert (0, "shop: Synced, Healthy\n") == (waiting.result().code, waiting.result().out)


async def test_wait_goes_on_where_the_stream_breaks_off(run: Run, daemon: FakeDaemon) -> None:
    daemon.streams_end_at_once = True
    daemon.apps["shop"] = application("shop", sync="OutOfSync")

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(run("app", "wait", "shop", "--timeout", "30"))
        await daemon.was_asked("stream", times=2)
        daemon.apps["shop"] = application("shop")

    assert 0 == waiting.result().code


async def test_wait_that_is_over_too_early_answers_1_and_says_why(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"] = application("shop", health="Degraded")

    ran = await run("app", "wait", "shop", "--timeout", "0.2")

    assert 1 == ran.code
    assert "shop: Synced, Degraded; not there after 0.2 s" in ran.err


async def test_wait_for_sync_alone_does_not_mind_the_health(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"] = application("shop", health="Degraded")

    assert 0 == (await run("app", "wait", "shop", "--sync")).code


async def test_delete_needs_to_be_told_about_the_objects(run: Run, daemon: FakeDaemon) -> None:
    untold = await run("app", "delete", "shop", "--yes")
    told = await run("app", "delete", "shop", "--no-cascade", "--yes")

    assert (2, 0) == (untold.code, told.code)
    assert ("DELETE", "/api/v1/applications/shop?cascade=false", None) == daemon.asked[-1]


async def test_confirm_deletion_approves(run: Run, daemon: FakeDaemon) -> None:
    ran = await run("app", "confirm-deletion", "shop")

    assert 0 == ran.code
    assert ("POST", "/api/v1/applications/shop/confirm-deletion", {}) == daemon.asked[-1]


async def test_terminate_op_deletes_the_operation(run: Run, daemon: FakeDaemon) -> None:
    ran = await run("app", "terminate-op", "shop")

    assert 0 == ran.code
    assert ("DELETE", "/api/v1/applications/shop/operation", None) == daemon.asked[-1]


async def test_sync_shows_what_changes_while_it_runs(run: Run, daemon: FakeDaemon) -> None:
    app = daemon.apps["shop"]
    app["status"] |= {"gitopsd": {"operationId": "2"}, "operationState": {"phase": "Running", "message": "it waits"}}

    def comes_to(*results: dict[str, Any], phase: str, done: int) -> None:
        app["status"]["gitopsd"]["progress"] = {"done": done, "of": 2, "phase": "Sync", "wave": 1}
        app["status"]["operationState"] = {
            "phase": phase,
            "message": "it goes on",
            "syncResult": {"resources": list(results)},
        }

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(run("app", "wait", "shop", "--operation", "--timeout", "30"))
        await daemon.was_asked("stream")
        comes_to(result("a", "Synced", wave=0), phase="Running", done=1)
        await daemon.changed()
        await daemon.was_asked("stream")
        comes_to(result("a", "Synced", wave=0), result("b", "SyncFailed", message="no"), phase="Failed", done=2)
        await daemon.changed()

    told = waiting.result().err.splitlines()
    assert "shop: Sync: ConfigMap shop/b: SyncFailed: no" in told
    assert 1 == told.count("shop: Sync wave 0: ConfigMap shop/a: Synced")


async def test_many_objects_that_come_equally_far_are_counted(run: Run, daemon: FakeDaemon) -> None:
    app = daemon.apps["shop"]
    app["status"] |= {"gitopsd": {"operationId": "2"}, "operationState": {"phase": "Running", "message": "it waits"}}
    resources = [result(f"o{place}", "Synced", wave=0) for place in range(30)]
    app["status"]["operationState"]["syncResult"] = {"resources": resources}

    ran = await run("app", "wait", "shop", "--operation", "--timeout", "0.2")

    assert "shop: Sync wave 0: 30 objects: Synced" in ran.err.splitlines()


async def test_wait_for_an_application_that_is_deleted_meanwhile_answers_4(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"] = application("shop", sync="OutOfSync")

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(run("app", "wait", "shop", "--timeout", "30"))
        await daemon.was_asked("stream")
        await daemon.deleted("shop")

    assert 4 == waiting.result().code
