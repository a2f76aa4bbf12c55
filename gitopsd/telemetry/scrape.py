"""Metrics that are read from the daemon's state at each scrape: what is gone from the world is gone from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gitopsd.model.application import Application
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.drift import Drift
from gitopsd.model.health import HealthStatus
from gitopsd.runtime.metrics import Family, Metric, family
from gitopsd.usecases.backend import AppView, ClusterState, RepositoryState
from gitopsd.words import without_credentials

APP = ("namespace", "name", "project")
OPEN = ("cluster", "class")
INFO = (*APP, "autosync_enabled", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation")


@dataclass(frozen=True, slots=True)
class ScrapeSources:
    """Where the state is read."""

    views: Callable[[], Iterable[AppView]]
    clusters: Callable[[], Sequence[ClusterState]]
    repositories: Callable[[], Sequence[RepositoryState]]
    queue: Callable[[], tuple[int, int, int]]  # keys that are due, passes that run, keys that wait for their time
    now_s: Callable[[], float]
    drift: Callable[[], Iterable[Drift]] = tuple  # what is so now
    labels: Sequence[str] = ()  # of applications, that are told

    def collect(self) -> Iterator[Metric]:
        """Yield every family, filled; hand it to `Meters.on_scrape`."""
        clusters = self.clusters()
        views = list(self.views())
        yield from _applications(views, {cluster.name: cluster.server for cluster in clusters})
        yield from _labels(views, self.labels)
        yield from _clusters(clusters)
        yield from _repositories(self.repositories(), self.now_s())
        yield _drift(self.drift())
        due, running, delayed = self.queue()
        yield _one("gitopsd_queue_depth", "Applications that wait for a pass.", due)
        yield _one("gitopsd_passes_running", "Passes that run.", running)
        yield _one("gitopsd_queue_delayed", "Applications whose next pass has a time.", delayed)


def namespace_of(app: Application) -> str:
    """Return the namespace that the declaration names, as Argo CD's label has it."""
    return str(app.manifest.get("metadata", {}).get("namespace") or "")


def _applications(views: Iterable[AppView], servers: dict[str, str]) -> Iterator[Metric]:
    info = family("argocd_app_info", "Applications, and how they do.", *INFO)
    conditions = family("argocd_app_condition", "Conditions of applications.", *APP, "condition")
    orphans = family("argocd_app_orphaned_resources_count", "Objects of no application in their namespaces.", *APP)
    for view in views:
        app = view.application
        identity = (namespace_of(app), app.name, app.project)
        info.add_metric([*identity, *_info(view, servers)], 1)
        for kind in sorted({condition.type for condition in view.status.conditions} if view.status else ()):
            conditions.add_metric([*identity, kind], 1)
        orphans.add_metric(identity, view.status.orphans if view.status else 0)
    yield info
    yield conditions
    yield orphans


def _labels(views: Iterable[AppView], names: Sequence[str]) -> Iterator[Metric]:
    if not names:
        return
    label_names = {f"label_{re.sub('[^a-zA-Z0-9_]', '_', name)}": name for name in names}
    metric = family("argocd_app_labels", "Labels of applications.", *APP, *label_names)
    for view in views:
        app = view.application
        labels = app.manifest.get("metadata", {}).get("labels") or {}
        values = [str(labels.get(name) or "") for name in label_names.values()]
        metric.add_metric([namespace_of(app), app.name, app.project, *values], 1)
    yield metric


def _info(view: AppView, servers: dict[str, str]) -> tuple[str, ...]:
    app, status = view.application, view.status
    cluster = status.cluster if status and status.cluster else app.destination.name
    return (
        str(app.sync_policy.automated).lower(),
        without_credentials(app.sources[0].repo_url) if app.sources else "",
        app.destination.server or servers.get(cluster, cluster),
        app.destination.namespace,
        (status.comparison.status if status else SyncStatus.UNKNOWN).value,
        (status.comparison.health.status if status else HealthStatus.UNKNOWN).value,
        _operation(view),
    )


def _operation(view: AppView) -> str:
    """Return Argo CD's word for what is under way: "delete", "sync" or ""."""
    if view.deleting_s is not None:
        return "delete"
    operation = view.status.operation if view.status else None
    return "sync" if view.request or (operation and not operation.phase.over) else ""


def _clusters(clusters: Iterable[ClusterState]) -> Iterator[Metric]:
    info = family("argocd_cluster_info", "Clusters.", "server", "name", "k8s_version")
    connected = family("argocd_cluster_connection_status", "1 while a cluster is read.", "server", "k8s_version")
    apis = family("argocd_cluster_api_resources", "Kinds that are served.", "server")
    objects = family("argocd_cluster_api_resource_objects", "Objects in the mirror.", "server")
    age = family("argocd_cluster_cache_age_seconds", "Age of what is known.", "server")
    watch = family("gitopsd_watch_age_seconds", "Since the quietest watch said anything.", "cluster")
    failing = family("gitopsd_kinds_unreadable", "Kinds of a cluster that cannot be read.", "cluster")
    watched = family("gitopsd_kind_watch_age_seconds", "Since the watch of a kind said anything.", "cluster", "kind")
    lost = family(
        "gitopsd_kind_unreadable", "1: a kind of a cluster cannot be read, or not all of it.", "cluster", "kind"
    )
    lease = family("gitopsd_cluster_lease_odd", "1: another daemon writes or wants to, or none can be kept.", "cluster")
    for state in clusters:
        lease.add_metric([state.name], float(bool(state.lease)))
        info.add_metric([state.server, state.name, state.version], 1)
        read = state.age is not None and state.age.synced and not state.age.error
        connected.add_metric([state.server, state.version], float(read))
        apis.add_metric([state.server], state.apis)
        objects.add_metric([state.server], state.objects)
        if state.age is not None:
            age.add_metric([state.server], state.age.oldest_s)
            watch.add_metric([state.name], state.age.oldest_s)
            failing.add_metric([state.name], len(state.age.failing))
        oldest: dict[str, float] = {}
        problems: dict[str, bool] = {}
        for one in state.watches:
            kind = str(one.gvk)
            oldest[kind] = max(one.age_s, oldest.get(kind, 0.0))
            problems[kind] = bool(one.problem) or problems.get(kind, False)
        for kind, age_s in oldest.items():
            watched.add_metric([state.name, kind], age_s)
            lost.add_metric([state.name, kind], float(problems[kind]))
    yield from (info, connected, apis, objects, age, watch, failing, watched, lost, lease)


def _repositories(repositories: Iterable[RepositoryState], now_s: float) -> Iterator[Metric]:
    age = family("gitopsd_epoch_age_seconds", "Since a repository was last fetched.", "repo")
    ages: dict[str, float] = {}  # Git and charts may be had at one URL, and a label counts once
    for state in repositories:
        if state.fetched_s is not None:
            url = without_credentials(state.url)
            ages[url] = max(0.0, now_s - state.fetched_s, ages.get(url, 0.0))
    for url, age_s in ages.items():
        age.add_metric([url], age_s)
    yield age


def _drift(entries: Iterable[Drift]) -> Metric:
    metric = family("gitopsd_drift_open", "Fields that are not as Git has them, as somebody changed them.", *OPEN)
    for (cluster, by), count in sorted(Counter((entry.cluster, entry.by.value) for entry in entries).items()):
        metric.add_metric([cluster, by], count)
    return metric


def _one(name: str, text: str, value: float) -> Family:
    metric = family(name, text)
    metric.add_metric([], value)
    return metric
