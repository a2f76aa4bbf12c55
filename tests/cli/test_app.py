"""`gitopsd app` as it shows applications: list, get, tree, diff, manifests, history."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import yarl

from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon, application, result

HTTP_GET = "GET"


async def test_list_prints_one_line_for_each_application(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["web"] = application("web", sync="OutOfSync", health="Missing")

    ran = await run("app", "list")

    assert 0 == ran.code
    header, *rows = ran.out.splitlines()
    assert header.startswith("NAME\tCLUSTER\t")
    assert ["shop\teast\tshop\tdefault\tSynced\tHealthy\taaaaaaaa\t\t", "web\teast\tweb\tdefault\tOutOfSync\tMissing\taaaaaaaa\t\t"] == rows  # fmt: skip  # noqa: E501


async def test_list_asks_for_what_the_filters_name(run: Run, daemon: FakeDaemon) -> None:
    flags = "--sync OutOfSync --sync Unknown -p a --project b --search we -c east --sort -name -l x=y"

    await run("app", "list", *flags.split())
    await run("app", "list")

    path = "/api/v1/applications"
    asked, plain = [yarl.URL(asked) for verb, asked, _ in daemon.asked if asked.startswith(path)]
    expected = {
        "sync": "OutOfSync,Unknown", "projects": "a,b", "search": "we", "clusters": "east", "sort": "-name",
        "selector": "x=y",
    }  # fmt: skip
    assert expected == dict(asked.query)
    assert not plain.query


async def test_get_says_that_it_is_being_deleted(run: Run, daemon: FakeDaemon) -> None:
    web = application("web")
    web["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    daemon.apps["web"] = web

    ran = await run("app", "get", "web")

    assert "with its objects, asked for: 2026-01-01T00:00:00Z" in ran.out
    assert "Deletion" not in (await run("app", "get", "shop")).out


async def test_get_of_an_application_without_status_shows_unknown(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["new"] = {"metadata": {"name": "new"}}

    ran = await run("app", "get", "new")

    assert 0 == ran.code
    assert "Sync:         Unknown" in ran.out


async def test_stale_application_is_not_shown_as_synced(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"]["status"]["gitopsd"] = {"stale": ["repository x could not be fetched"]}

    ran = await run("app", "get", "shop")

    assert "Stale: repository x could not be fetched" in ran.out


async def test_get_tells_how_old_what_is_known_is(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"]["status"]["gitopsd"] = {"epochAgeSeconds": 12.0, "watchAgeSeconds": 180.2}

    ran = await run("app", "get", "shop")

    assert "Git as of 12 s ago, the cluster as of 3 min ago" in ran.out


def node(name: str, *owners: str, kind: str = "Pod", **more: Any) -> dict[str, Any]:
    parents = {"parentRefs": [{"uid": owner} for owner in owners]} if owners else {}
    return {"group": "", "version": "v1", "kind": kind, "namespace": "prod", "name": name, "uid": name} | parents | more


async def test_tree_shows_what_is_owned_below_its_owner(run: Run, daemon: FakeDaemon) -> None:
    info = [{"name": "Node", "value": "n1"}, {"name": "Containers", "value": "0/1"}]
    pod = node("web-1", "rs", health={"status": "Degraded", "message": "it crashes"}, info=info, images=["web:1"])
    network = {
        "targetRefs": [node("web-1")],
        "ingress": [{"ip": "192.0.2.1"}],
        "externalURLs": ["https://shop.example"],
    }
    service = node("front", kind="Service", networkingInfo=network)
    circle = [node("a", "b"), node("b", "a", "gone")]
    daemon.tree = {"nodes": [node("rs", kind="ReplicaSet"), service, pod, *circle], "gitopsd": {"stale": ["too old"]}}

    ran = await run("app", "tree", "shop")

    assert [
        "OBJECT\tHEALTH\tABOUT",
        "ReplicaSet prod/rs\t\t",
        "  Pod prod/web-1\tDegraded\tit crashes; 0/1 ready; on n1; web:1",
        "Service prod/front\t\t→ Pod prod/web-1; 192.0.2.1; https://shop.example",
        "Pod prod/a\t\t",
        "  Pod prod/b\t\t",
    ] == ran.out.splitlines()
    assert "stale: too old" in ran.err


async def test_get_asks_for_a_hard_refresh(run: Run, daemon: FakeDaemon) -> None:
    await run("app", "get", "shop", "--hard-refresh")

    assert (HTTP_GET, "/api/v1/applications/shop?refresh=hard", None) == daemon.asked[-1]


async def test_text_from_a_cluster_gives_the_terminal_no_orders(run: Run, daemon: FakeDaemon) -> None:
    daemon.apps["shop"]["status"]["conditions"] = [{"type": "SyncError", "message": "\x1b]0;owned\x07"}]

    ran = await run("app", "get", "shop")

    assert "\x1b" not in ran.out
    assert "owned" in ran.out


async def test_diff_shows_each_differing_field_and_answers_1(run: Run, daemon: FakeDaemon) -> None:
    live = {"kind": "Deployment", "spec": {"replicas": 9, "paused": False}}
    daemon.managed["shop"] = [
        {
            "group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "status": "OutOfSync",
            "differences": [{"path": ".spec.replicas", "live": 9, "predicted": 2}],
            "targetState": "{}", "liveState": json.dumps(live),
            "predictedLiveState": json.dumps({**live, "spec": {"replicas": 2, "paused": False}}),
        },
        {"kind": "Service", "namespace": "shop", "name": "web", "status": "Synced", "liveState": "{}",
         "targetState": "{}"},
    ]  # fmt: skip

    fields = await run("app", "diff", "shop")
    whole = await run("app", "diff", "shop", "--unified")

    assert (1, 1) == (fields.code, whole.code)
    assert "apps/Deployment shop/web: differs\n  .spec.replicas\n    - 9\n    + 2\n" == fields.out
    assert "-  replicas: 9\n+  replicas: 2\n   paused: false\n" in whole.out


async def test_diff_shows_what_was_added_to_objects_in_sync_where_it_is_asked_for(run: Run, daemon: FakeDaemon) -> None:
    writer = {"manager": "kubectl-edit", "operation": "Update", "certain": True}
    added = {"path": ".data.b", "live": 2, "predicted": "(absent)", "why": "Added", "writers": [writer]}
    states = {"targetState": "{}", "liveState": "{}"}
    daemon.managed["shop"] = [{"kind": "A", "name": "a", "status": "Synced", **states, "extra": [added]}]

    silent = await run("app", "diff", "shop")
    told = await run("app", "diff", "shop", "--extra")

    assert (0, "") == (silent.code, silent.out)
    lines = ["A a: has more than Git", "  .data.b: added, and not in Git, by kubectl-edit (Update)", "    - 2"]
    assert (0, [*lines, "    + (absent)"]) == (told.code, told.out.splitlines())


async def test_diff_tells_why_a_field_differs_and_who_wrote_it(run: Run, daemon: FakeDaemon) -> None:
    writer = {"manager": "kubectl-edit", "operation": "Update", "subresource": "scale", "certain": True}
    long_ago = datetime.fromtimestamp(time.time() - 190, UTC).isoformat()
    ours = {"manager": "gitopsd", "operation": "Apply", "certain": True}
    differences = [
        {"path": ".a", "live": 1, "predicted": 2, "why": "Drift", "writers": [{**writer, "time": long_ago}, ours]},
        {"path": ".b", "live": "(absent)", "predicted": 2, "why": "Drift", "writers": [{**writer, "certain": False}]},
        {"path": ".c", "live": 1, "predicted": 2, "target": 3, "why": "Mutated", "writers": [ours]},
    ]
    states = {"targetState": "{}", "liveState": "{}"}
    daemon.managed["shop"] = [
        {"kind": "A", "name": "a", "status": "OutOfSync", **states, "differences": differences},
        {"kind": "A", "name": "b", "status": "OutOfSync", "targetState": "{}", "why": "Drift"},
    ]

    ran = await run("app", "diff", "shop")

    assert [
        "A a: differs",
        "  .a: drift, by kubectl-edit (Update, scale, 3 min ago)",
        "    - 1",
        "    + 2",
        "  .b: drift, perhaps removed by kubectl-edit (Update, scale)",
        "    - (absent)",
        "    + 2",
        "  .c: changed on its way in, by a webhook or a policy",
        "    - 1",
        "    + 2",
        "    Git: 3",
        "A b: somebody deleted it; a sync creates it",
    ] == ran.out.splitlines()


async def test_diff_names_what_is_missing_on_one_side(run: Run, daemon: FakeDaemon) -> None:
    daemon.managed["shop"] = [
        {"kind": "ConfigMap", "name": "new", "status": "OutOfSync", "targetState": '{"kind": "ConfigMap"}'},
        {"kind": "ConfigMap", "name": "old", "status": "OutOfSync", "liveState": '{"kind": "ConfigMap"}'},
    ]  # fmt: skip

    ran = await run("app", "diff", "shop")

    assert 1 == ran.code
    assert ["ConfigMap new: is not in the cluster; a sync creates it",
            "ConfigMap old: is no longer in Git; a sync with prune deletes it"] == ran.out.splitlines()  # fmt: skip


async def test_diff_without_a_difference_answers_0_and_prints_nothing(run: Run) -> None:
    ran = await run("app", "diff", "shop")

    assert (0, "") == (ran.code, ran.out)


async def test_manifests_are_yaml_documents(run: Run) -> None:
    ran = await run("app", "manifests", "shop")

    labels = "  labels:\n    tier: web\n"
    assert f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n{labels}" == ran.out


async def test_history_lists_the_syncs_with_who_ordered_them(run: Run, daemon: FakeDaemon) -> None:
    one = {"deployedAt": "2026-01-01T00:00:00Z", "durationSeconds": 2.5, "phase": "Succeeded", "message": "2 applied"}
    daemon.syncs = [
        {"id": 1, "revision": "b" * 40, "initiatedBy": {"automated": True}, **one},
        {"id": 2, "revision": "c" * 40, "initiatedBy": {"username": "ann"}, **one, "phase": "Failed", "message": "no"},
    ]

    ran = await run("app", "history", "shop")

    assert [
        "1\t2026-01-01T00:00:00Z\t2.5 s\tSucceeded\tbbbbbbbb\tautomated\t2 applied",
        "2\t2026-01-01T00:00:00Z\t2.5 s\tFailed\tcccccccc\tann\tno",
    ] == ran.out.splitlines()[1:]


async def test_history_shows_what_became_of_each_object_in_one_sync(run: Run, daemon: FakeDaemon) -> None:
    daemon.syncs = [
        {"id": 7, "phase": "Failed", "message": "1 of 2 objects failed", "initiatedBy": {"username": "ann"}}
    ]
    daemon.results = [result("a", "Synced", wave=0), result("b", "SyncFailed", wave=1, evidence=["event of b: no"])]

    ran = await run("app", "history", "shop", "7")

    lines = ran.out.splitlines()
    assert "Result:  Failed: 1 of 2 objects failed" in lines
    assert ["Sync\t0\tConfigMap\tshop/a\tSynced\t", "Sync\t1\tConfigMap\tshop/b\tSyncFailed\t"] == lines[-3:-1]
    assert "event of b: no" == lines[-1]
