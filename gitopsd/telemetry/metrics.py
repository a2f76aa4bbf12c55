"""Every metric that is counted as it happens; the methods fit the callbacks of the edges.

Names and labels are Argo CD's where it has them, so that its dashboards and alerts work; ours are `gitopsd_*`.
What is read at a scrape is in `scrape`.
"""

from __future__ import annotations

from gitopsd.model.application import Application
from gitopsd.model.drift import Drift, DriftEnd
from gitopsd.model.ids import AppName
from gitopsd.model.operation import Operation
from gitopsd.runtime.metrics import Meters
from gitopsd.telemetry.scrape import namespace_of
from gitopsd.words import without_credentials

SYNC = ("namespace", "name", "project", "dest_server", "phase", "dry_run")
SYNC_S = ("namespace", "name", "dest_server")
PASS_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # Argo CD's buckets of argocd_app_reconcile
FETCH_S = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0)  # and of argocd_git_request_duration_seconds
HEAL_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
INITIATOR = "gitopsd"  # Argo CD's label tells which of its parts asked Redis


class Metrics:
    """All counters of the daemon, in one registry."""

    def __init__(self, meters: Meters) -> None:
        counter, histogram = meters.counter, meters.histogram
        self._syncs = counter("argocd_app_sync_total", "Syncs that are over.", *SYNC)
        self._syncs_s = counter(
            "argocd_app_sync_duration_seconds_total", "Seconds that syncs took, all together.", *SYNC_S
        )
        self._reconcile_s = histogram(
            "argocd_app_reconcile", "Seconds of a pass.", "namespace", "dest_server", buckets=PASS_S
        )
        self._k8s = counter("argocd_app_k8s_request_total", "Requests to clusters.", "server", "verb", "response_code")
        self._events = counter("argocd_cluster_events_total", "Watch events.", "server", "group", "kind")
        self._git = counter("argocd_git_request_total", "Requests to repositories.", "repo", "request_type")
        self._git_s = histogram(
            "argocd_git_request_duration_seconds", "Their time.", "repo", "request_type", buckets=FETCH_S
        )
        self._git_failures = counter("argocd_git_fetch_fail_total", "Fetches that failed.", "repo")
        self._quick = counter(
            "gitopsd_git_quick_fetch_total",
            "Fetches tried inside the process: done, or why each was left to a git.",
            "result",
        )
        self._redis = counter("argocd_redis_request_total", "Commands to Redis.", "initiator", "failed")
        self._redis_s = histogram("argocd_redis_request_duration", "Their time in seconds.", "initiator")
        self._webhook_repos = counter("argocd_webhook_requests_total", "Webhooks for a repository of ours.", "repo")

        self._passes = counter("gitopsd_passes_total", "Passes that are over.", "outcome")
        self._pass_s = histogram("gitopsd_pass_seconds", "Seconds of a pass, whatever its outcome.")
        self._lookups = counter(
            "gitopsd_render_total",
            "Manifests asked for: cached, cached and looked up anew, rendered, failed.",
            "result",
        )
        self._lookups_s = histogram("gitopsd_render_seconds", "Their time.", "result")
        self._renders = counter("gitopsd_renders_total", "Renders done by a worker.")
        self._requests = counter(
            "gitopsd_api_requests_total", "Requests to API servers; code 0: no answer.", "cluster", "verb", "code"
        )
        self._request_s = histogram("gitopsd_api_request_seconds", "Their time, watches left out.", "cluster", "verb")
        self._lag_s = histogram("gitopsd_loop_lag_seconds", "How late the event loop was.", buckets=LAG_S)
        self._webhooks = counter("gitopsd_webhook_total", "Webhooks received.", "result")
        self._jobs = counter("gitopsd_worker_jobs_total", "Jobs of worker processes.", "job", "outcome")
        self._job_s = histogram("gitopsd_worker_job_seconds", "Their time.", "job")
        self._degraded = meters.gauge("gitopsd_redis_degraded", "1 while Redis does not answer.")
        self._errors = counter("gitopsd_errors_total", "Errors by class.", "class")
        self._unsealed = counter("gitopsd_cache_unsealed_total", "Cache entries that did not open.")
        self._drifts = counter("gitopsd_drift_total", "Fields that were changed behind Git's back.", "cluster", "class")
        self._drift_ends = counter("gitopsd_drift_ended_total", "Those that are over, and how.", "cluster", "end")
        self._heal_s = histogram(
            "gitopsd_drift_heal_seconds", "From when drift was seen until self-heal put it right.", "cluster",
            buckets=HEAL_S,
        )  # fmt: skip
        self._logins = counter("gitopsd_api_logins_refused_total", "Requests to our API without its token.", "given")
        self._http_s = histogram("gitopsd_http_request_seconds", "Answers of our own API.", "method", "route", "code")

        self._calls = counter(
            "grpc_server_handled_total", "Calls of our own gRPC methods.", "grpc_service", "grpc_method", "grpc_code"
        )

    def synced(self, app: Application, server: str, operation: Operation) -> None:
        """Count a sync that is over, and how long it took."""
        tried = str(operation.scope.dry_run).lower()
        self._syncs.labels(namespace_of(app), app.name, app.project, server, operation.phase.value, tried).inc()
        took_s = (operation.finished_s or operation.started_s) - operation.started_s
        self._syncs_s.labels(namespace_of(app), app.name, server).inc(max(0.0, took_s))

    def forget(self, app: AppName) -> None:
        """Drop what is counted for an application that is gone."""
        self._syncs.remove_by_labels({"name": app})
        self._syncs_s.remove_by_labels({"name": app})

    def reconciled(self, app: Application, server: str, seconds: float) -> None:
        self._reconcile_s.labels(namespace_of(app), server).observe(seconds)

    def pass_over(self, outcome: str, seconds: float) -> None:
        """Count a pass; an outcome other than "done" is the class of an error."""
        self._passes.labels(outcome).inc()
        self._pass_s.observe(seconds)
        if outcome != "done":
            self.error(outcome)

    def api_request(self, cluster: str, server: str, verb: str, code: int, seconds: float) -> None:
        """Count a request to an API server; `code` 0 is no answer."""
        self._k8s.labels(server, verb, str(code)).inc()
        self._requests.labels(cluster, verb, str(code)).inc()
        if verb.upper() != "WATCH":
            self._request_s.labels(cluster, verb).observe(seconds)

    def watch_events(self, server: str, group: str, kind: str, count: int) -> None:
        self._events.labels(server, group, kind).inc(count)

    def git_request(self, repo: str, kind: str, seconds: float, *, failed: bool) -> None:
        """Count a request to a repository; `kind` is Argo CD's request_type, `ls-remote` or `fetch`."""
        url = without_credentials(repo)
        self._git.labels(url, kind).inc()
        self._git_s.labels(url, kind).observe(seconds)
        if failed:
            self._git_failures.labels(url).inc()

    def quick_fetch(self, result: str) -> None:
        """Count a fetch that was tried inside the process; `result` is "done", or why it was left to git."""
        self._quick.labels(result).inc()

    def redis_request(self, seconds: float, *, failed: bool) -> None:
        self._redis.labels(INITIATOR, str(failed).lower()).inc()
        self._redis_s.labels(INITIATOR).observe(seconds)

    def redis_degraded(self, *, degraded: bool) -> None:
        self._degraded.set(degraded)

    def looked_up(self, result: str, seconds: float) -> None:
        """Count manifests that were asked for; `result` is one of `manifests.render.Outcome`."""
        self._lookups.labels(result).inc()
        self._lookups_s.labels(result).observe(seconds)

    def rendered(self) -> None:
        """Count a render done by a worker."""
        self._renders.inc()

    def unsealed(self) -> None:
        """Count a cache entry that did not open: poisoned, swapped, or sealed under another key."""
        self._unsealed.inc()

    def worker_job(self, job: str, seconds: float, outcome: str) -> None:
        self._jobs.labels(job, outcome).inc()
        self._job_s.labels(job).observe(seconds)

    def webhook(self, result: str, repo: str) -> None:
        """Count a webhook; `repo` is the URL of a repository that we have, "" otherwise."""
        self._webhooks.labels(result).inc()
        if repo:
            self._webhook_repos.labels(without_credentials(repo)).inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer of our own API; `route` is the declared one, never the path that was asked for."""
        method_label = method if method in METHODS else "other"
        self._http_s.labels(method_label, route, str(status)).observe(seconds)

    def called(self, path: str, code: str) -> None:
        """Count a call of gRPC by its path, "" where there is no such method, and by Go's name of its code."""
        _, service, method = path.split("/") if path else ("", "unknown", "unknown")
        self._calls.labels(service, method, code).inc()

    def login_refused(self, credential: str) -> None:
        """Count a request to our API without its token; `credential` tells whether it had another one."""
        self._logins.labels(credential).inc()

    def error(self, kind: str) -> None:
        """Count an error by the name of its class."""
        self._errors.labels(kind).inc()

    def drifted(self, entry: Drift) -> None:
        """Count drift that began, or one that is over."""
        if entry.end is None or entry.ended_s is None:
            self._drifts.labels(entry.cluster, entry.by.value).inc()
            return
        self._drift_ends.labels(entry.cluster, entry.end.value).inc()
        if entry.end is DriftEnd.HEALED:
            self._heal_s.labels(entry.cluster).observe(entry.ended_s - entry.began_s)

    def loop_lag(self, seconds: float) -> None:
        self._lag_s.observe(seconds)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "gRPC"})
