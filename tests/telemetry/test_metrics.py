from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gitopsd.model.cluster import WatchAge, WatchState
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.ids import AppName, ClusterId, RepoUrl, TargetHash
from gitopsd.model.manifest import GVK
from gitopsd.model.operation import Operation, OperationPhase, SyncRequest
from gitopsd.model.status import Condition
from gitopsd.runtime.metrics import Meters
from gitopsd.telemetry.metrics import Metrics
from gitopsd.telemetry.scrape import ScrapeSources
from gitopsd.usecases.backend import AppView, ClusterState, RepositoryState
from tests.fakes.backend import app_view

SERVER = "https://10.0.0.1:6443"
Samples = dict[str, list[tuple[dict[str, str], float]]]


async def samples(meters: Meters) -> Samples:
    text, content_type = await meters.exposition("")
    assert "text/plain" in content_type
    found: Samples = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return found


async def world(views: Iterable[AppView] = (), clusters: tuple[ClusterState, ...] = ()) -> Samples:
    meters = Meters()
    url = "https://bot:hunter2@git.example/a"
    repositories = tuple(RepositoryState(RepoUrl(each), fetched_s=70.0) for each in (url, f"helm+{url}"))
    meters.on_scrape(
        ScrapeSources(lambda: views, lambda: clusters, lambda: repositories, lambda: (3, 2, 1), lambda: 100.0).collect
    )
    return await samples(meters)


def sync(name: str) -> Operation:
    """Return a sync of three seconds."""
    over = Operation("op", AppName(name), ClusterId("c1"), TargetHash("t"), (), (), OperationPhase.SUCCEEDED)
    return dataclasses.replace(over, started_s=10.0, finished_s=13.0)


C1 = ClusterState(ClusterId("c1"), SERVER, "1.36", WatchAge(synced=True, oldest_s=12.5, failing=()), 60, 2000, 7)


async def test_application_is_told_with_argo_cds_labels() -> None:
    [(labels, value)] = (await world([app_view("shop", sync=SyncStatus.OUT_OF_SYNC)], (C1,)))["argocd_app_info"]

    assert 1 == value
    assert {
        "namespace": "",
        "name": "shop",
        "project": "default",
        "autosync_enabled": "false",
        "repo": "https://git.example/fleet.git",
        "dest_server": SERVER,
        "dest_namespace": "shop",
        "sync_status": "OutOfSync",
        "health_status": "Healthy",
        "operation": "",
    } == labels


async def test_application_that_is_gone_is_gone_from_the_metrics() -> None:
    views = [app_view("shop"), app_view("bank")]
    meters = Meters()
    meters.on_scrape(ScrapeSources(lambda: views, lambda: (), lambda: (), lambda: (0, 0, 0), lambda: 0.0).collect)
    assert {"shop", "bank"} == {labels["name"] for labels, _ in (await samples(meters))["argocd_app_info"]}
    del views[0]

    assert {"bank"} == {labels["name"] for labels, _ in (await samples(meters))["argocd_app_info"]}


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (dataclasses.replace(app_view("shop"), request=SyncRequest()), "sync"),
        (dataclasses.replace(app_view("shop"), deleting_s=1.0, request=SyncRequest()), "delete"),
        (dataclasses.replace(app_view("shop"), status=None), ""),
    ],
)
async def test_operation_is_what_is_under_way(view: AppView, expected: str) -> None:
    [(labels, _)] = (await world([view]))["argocd_app_info"]

    assert expected == labels["operation"]


async def test_condition_is_told_once_for_each_type() -> None:
    view = app_view("shop")
    assert view.status is not None
    conditions = (Condition("SyncError", "a"), Condition("SyncError", "b"), Condition("ComparisonError", "c"))
    view = dataclasses.replace(view, status=dataclasses.replace(view.status, conditions=conditions, orphans=3))

    assert [3.0] == [value for _, value in (await world([view]))["argocd_app_orphaned_resources_count"]]
    assert ["ComparisonError", "SyncError"] == [
        labels["condition"] for labels, _ in (await world([view]))["argocd_app_condition"]
    ]


async def test_cluster_is_told_with_its_age_and_what_cannot_be_read() -> None:
    away = ClusterState(
        ClusterId("c2"),
        "https://c2",
        "",
        WatchAge(synced=False, oldest_s=90.0, failing=((GVK("", "v1", "Pod"), "403"),), error="no route"),
    )
    pod, node = GVK("", "v1", "Pod"), GVK("", "v1", "Node")
    pods = (WatchState(pod, "till", 0, 90.0, problem="403", error="403"), WatchState(pod, "web", 3, 5.0))
    read = dataclasses.replace(C1, watches=(WatchState(node, "", 9, 12.5), *pods))
    found = await world((), (read, away, ClusterState(ClusterId("c3"), "https://c3")))

    assert [1.0, 0.0, 0.0] == [value for _, value in found["argocd_cluster_connection_status"]]
    assert [({"server": SERVER, "name": "c1", "k8s_version": "1.36"}, 1.0)] == found["argocd_cluster_info"][:1]
    assert [({"cluster": "c1"}, 12.5), ({"cluster": "c2"}, 90.0)] == found["gitopsd_watch_age_seconds"]
    assert [({"cluster": "c1"}, 0.0), ({"cluster": "c2"}, 1.0)] == found["gitopsd_kinds_unreadable"]
    kinds = [{"cluster": "c1", "kind": kind} for kind in ("v1/Node", "v1/Pod")]
    assert list(zip(kinds, (12.5, 90.0), strict=True)) == found["gitopsd_kind_watch_age_seconds"]
    assert list(zip(kinds, (0.0, 1.0), strict=True)) == found["gitopsd_kind_unreadable"]
    assert [({}, 3.0)] == found["gitopsd_queue_depth"]


async def test_sync_is_counted_by_phase_and_forgotten_with_its_application() -> None:
    meters = Meters()
    metrics = Metrics(meters)
    for name in ("shop", "bank"):
        metrics.synced(app_view(name).application, SERVER, sync(name))
    metrics.forget(AppName("shop"))

    expected = {
        "namespace": "",
        "name": "bank",
        "project": "default",
        "dest_server": SERVER,
        "phase": "Succeeded",
        "dry_run": "false",
    }
    assert [(expected, 1.0)] == (await samples(meters))["argocd_app_sync_total"]


async def test_every_callback_counts() -> None:
    meters = Meters()
    metrics = Metrics(meters)
    metrics.reconciled(app_view("shop").application, SERVER, 0.3)
    metrics.pass_over("done", 0.3)
    metrics.pass_over("ClusterUnreachable", 0.3)
    metrics.api_request("c1", SERVER, "PATCH", 200, 0.003)
    metrics.api_request("c1", SERVER, "WATCH", 0, 290.0)
    metrics.watch_events(SERVER, "apps", "Deployment", 2)
    metrics.git_request("https://bot:hunter2@git.example/a", "fetch", 0.2, failed=True)
    metrics.redis_request(0.001, failed=True)
    metrics.redis_degraded(degraded=True)
    metrics.looked_up("hit", 0.001)
    metrics.looked_up("verified", 0.002)
    metrics.rendered()
    metrics.unsealed()
    metrics.worker_job("gitopsd.manifests.directory:render", 0.01, "done")
    metrics.webhook("push", "https://git.example/a")
    metrics.webhook("forged", "")
    metrics.answered("BREW", "", 401, 0.001)
    metrics.called("/version.VersionService/Version", "OK")
    metrics.called("", "Unimplemented")
    metrics.loop_lag(0.002)
    found = await samples(meters)

    assert [({"class": "ClusterUnreachable"}, 1.0)] == found["gitopsd_errors_total"]
    assert [({"outcome": "done"}, 1.0), ({"outcome": "ClusterUnreachable"}, 1.0)] == found["gitopsd_passes_total"]
    assert 2 == len(found["gitopsd_api_requests_total"]) == len(found["argocd_app_k8s_request_total"])
    assert [({"cluster": "c1", "verb": "PATCH"}, 1.0)] == found["gitopsd_api_request_seconds_count"]
    assert [({"repo": "https://***@git.example/a"}, 1.0)] == found["argocd_git_fetch_fail_total"]
    assert [({"initiator": "gitopsd", "failed": "true"}, 1.0)] == found["argocd_redis_request_total"]
    assert [({}, 1.0)] == found["gitopsd_redis_degraded"] == found["gitopsd_cache_unsealed_total"]
    assert [({"result": "hit"}, 1.0), ({"result": "verified"}, 1.0)] == found["gitopsd_render_total"]
    assert [({"result": "hit"}, 0.001), ({"result": "verified"}, 0.002)] == found["gitopsd_render_seconds_sum"]
    assert [({"repo": "https://git.example/a"}, 1.0)] == found["argocd_webhook_requests_total"]
    assert 2 == len(found["gitopsd_webhook_total"])
    assert [({"method": "other", "route": "", "code": "401"}, 1.0)] == found["gitopsd_http_request_seconds_count"]
    version = {"grpc_service": "version.VersionService", "grpc_method": "Version", "grpc_code": "OK"}
    unknown = {"grpc_service": "unknown", "grpc_method": "unknown", "grpc_code": "Unimplemented"}
    assert [(version, 1.0), (unknown, 1.0)] == found["grpc_server_handled_total"]
    assert not [name for name in found if name.endswith("_created")]


async def test_credentials_in_a_repositorys_url_are_masked() -> None:
    assert [({"repo": "https://***@git.example/a"}, 30.0)] == (await world())["gitopsd_epoch_age_seconds"]


async def test_openmetrics_is_given_to_who_asks_for_it() -> None:
    meters = Meters()
    Metrics(meters).rendered()
    text, content_type = await meters.exposition("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


async def test_two_daemons_in_one_process_do_not_share_a_count() -> None:
    one, other = Meters(), Meters()
    Metrics(one).rendered()
    Metrics(other)

    assert [({}, 0.0)] == (await samples(other))["gitopsd_renders_total"]


async def test_time_of_syncs_is_told_by_application() -> None:
    meters = Meters()
    metrics = Metrics(meters)
    for _ in range(2):
        metrics.synced(app_view("shop").application, SERVER, sync("shop"))

    [(labels, value)] = (await samples(meters))["argocd_app_sync_duration_seconds_total"]

    assert ({"namespace": "", "name": "shop", "dest_server": SERVER}, 6.0) == (labels, value)


async def test_labels_that_are_named_in_the_settings_are_told() -> None:
    labelled = app_view("shop")
    manifest = {"metadata": {"name": "shop", "labels": {"team.example/name": "red", "other": "x"}}}
    view = dataclasses.replace(labelled, application=dataclasses.replace(labelled.application, manifest=manifest))
    meters = Meters()
    names = ("team.example/name", "tier")
    given = ScrapeSources(lambda: [view], lambda: (), lambda: (), lambda: (0, 0, 0), lambda: 0.0, labels=names)
    meters.on_scrape(given.collect)

    [(labels, _)] = (await samples(meters))["argocd_app_labels"]

    assert {"label_team_example_name": "red", "label_tier": ""} == {
        name: value for name, value in labels.items() if name.startswith("label_")
    }
