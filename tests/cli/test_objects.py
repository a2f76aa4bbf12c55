"""`gitopsd app` about single live objects, which are meant, and what is sent; and about sync windows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon

WEB = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
PODS = [{"group": "", "kind": "Pod", "namespace": "shop", "name": name} for name in ("web-1", "web-2")]
RESOURCE = "/api/v1/applications/shop/resource?"


@pytest.fixture(autouse=True)
def tree(daemon: FakeDaemon) -> None:
    daemon.tree = {"nodes": [WEB, *PODS]}


def sent(daemon: FakeDaemon, method: str) -> list[tuple[dict[str, str], Any]]:
    orders = [(path, body) for verb, path, body in daemon.asked if verb == method and path.startswith(RESOURCE)]
    return [(dict(part.split("=") for part in path.removeprefix(RESOURCE).split("&")), body) for path, body in orders]


async def test_patch_goes_to_the_one_object_that_is_named(run: Run, daemon: FakeDaemon) -> None:
    patch = {"spec": {"paused": True}}
    ran = await run("app", "patch-resource", "shop", "--kind", "Deployment", "--patch", json.dumps(patch))

    assert (0, "shop: apps/Deployment shop/web is patched\n") == (ran.code, ran.out)
    [(query, body)] = sent(daemon, "POST")
    assert (WEB["name"], "apps", patch) == (query["resourceName"], query["group"], body)
    assert "application%2Fmerge-patch%2Bjson" == query["patchType"]


async def test_deletion_is_confirmed_and_says_how(run: Run, daemon: FakeDaemon) -> None:
    one = ("app", "delete-resource", "shop", "--kind", "Pod", "--resource-name", "web-2")
    asked = await run(*one)
    ran = await run(*one, "--force", "--yes")

    assert (2, True) == (asked.code, "--yes" in asked.err)
    assert (0, "shop: Pod shop/web-2 is being deleted\n") == (ran.code, ran.out)
    [(query, _)] = sent(daemon, "DELETE")
    assert ("web-2", "shop", "true", "false") == tuple(
        query[part] for part in ("resourceName", "namespace", "force", "orphan")
    )


async def test_several_are_meant_only_where_that_is_said(run: Run, daemon: FakeDaemon) -> None:
    ran = await run("app", "delete-resource", "shop", "--kind", "Pod", "--yes")
    assert (5, True) == (ran.code, "2 objects fit: Pod shop/web-1, Pod shop/web-2" in ran.err), ran
    ran = await run("app", "delete-resource", "shop", "--kind", "Pod", "--yes", "--all")
    assert (0, 2) == (ran.code, len(sent(daemon, "DELETE")))


@pytest.mark.parametrize("options", [("--group", "apps"), ("--namespace", "x"), ("--resource-name", "y")])
async def test_what_is_not_there_is_said(run: Run, daemon: FakeDaemon, options: tuple[str, str]) -> None:
    ran = await run("app", "delete-resource", "shop", "--kind", "Pod", *options, "--yes")

    assert (4, []) == (ran.code, sent(daemon, "DELETE"))


async def test_actions_are_listed_for_all_that_fit(run: Run, daemon: FakeDaemon) -> None:
    daemon.actions = [
        {"name": "restart", "disabled": False},
        {"name": "scale", "disabled": True, "params": [{"name": "replicas"}]},
    ]
    ran = await run("app", "actions", "list", "shop", "--kind", "Pod")

    assert 0 == ran.code
    assert ["Pod\tshop/web-1\trestart\t\t", "Pod\tshop/web-1\tscale\tyes\treplicas"] == ran.out.splitlines()[1:3]
    data = json.loads((await run("app", "actions", "list", "shop", "--kind", "Pod", "-o", "json")).out)
    assert [("web-1", "restart"), ("web-1", "scale"), ("web-2", "restart"), ("web-2", "scale")] == [
        (item["name"], item["action"]) for item in data
    ]


async def test_action_is_run_with_what_it_asks_for(run: Run, daemon: FakeDaemon) -> None:
    ran = await run("app", "actions", "run", "shop", "scale", "--kind", "Deployment", "--param", "replicas=3")

    assert (0, "shop: scale apps/Deployment shop/web: done\n") == (ran.code, ran.out)
    [body] = [
        body for verb, path, body in daemon.asked if (verb, path) == ("POST", RESOURCE.rstrip("?") + "/actions/v2")
    ]
    assert ("scale", "web", "apps", [{"name": "replicas", "value": "3"}]) == tuple(
        body[part] for part in ("action", "resourceName", "group", "resourceActionParameters")
    )
    assert 2 == (await run("app", "actions", "run", "shop", "scale", "--kind", "Deployment", "--param", "3")).code


async def test_sync_windows_are_listed_and_the_exit_code_is_their_answer(run: Run, daemon: FakeDaemon) -> None:
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "manualSync": False, "timeZone": "UTC"}
    daemon.windows = {
        "assignedWindows": [window],
        "activeWindows": [window],
        "canSync": False,
        "refusal": "it is denied",
    }
    ran = await run("app", "windows", "shop")

    assert (1, "shop: it is denied\n") == (ran.code, ran.err)
    assert "deny\t* * * * *\t1h\tUTC\tyes\t\t" == ran.out.splitlines()[1]
    daemon.windows = {"assignedWindows": [], "activeWindows": [], "canSync": True}
    assert 0 == (await run("app", "windows", "shop")).code
