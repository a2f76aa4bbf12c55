"""Applications as Argo CD's REST API shows them, so that its clients read ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gitopsd.api.fields import EVERYTHING, SelectedFields
from gitopsd.core.target.order import FIRST
from gitopsd.core.text.times import rfc3339
from gitopsd.model.application import Application
from gitopsd.model.comparison import Compared, Comparison, Difference, Found, SyncStatus, Writer
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import Revision
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation, OperationPhase, Task, TaskState, TaskVerb
from gitopsd.model.status import AppStatus, Failing, HistoryEntry
from gitopsd.words import without_credentials

Json = dict[str, Any]

API_VERSION = "argoproj.io/v1alpha1"
WARNING = "DeclarationWarning"  # ours: Argo CD drops unknown fields without a word
MOST_NAMED = 3
OVER = frozenset({TaskState.DONE, TaskState.SKIPPED, TaskState.FAILED})
UNTRIED = frozenset({TaskState.PENDING, TaskState.ISSUED})
SHOWN_METADATA = ("name", "namespace", "labels", "annotations", "finalizers", "creationTimestamp", "uid")


def application_json(  # noqa: PLR0913 - two of them with defaults
    app: Application,
    status: AppStatus | None,
    history: Sequence[HistoryEntry],
    now_s: float,
    *,
    deleting_s: float | None = None,
    fields: SelectedFields = EVERYTHING,
) -> Json:
    """Return `app` in the shape of Argo CD's Application, `metadata`, `spec` and `status`.

    Passwords in URLs are masked. What Argo CD has no field for is below `status.gitopsd`.

    Args:
        status: what its last pass published; None before the first one: everything reads Unknown.
        history: all syncs that are over, oldest first; as in Argo CD those that succeeded are shown.
        now_s: Unix time, to which ages are told.
        deleting_s: Unix time at which its deletion was asked for; None: it is not being deleted.
        fields: large parts that it does not want are not written.
    """
    metadata = {name: app.manifest.get("metadata", {}).get(name) for name in SHOWN_METADATA}
    metadata["deletionTimestamp"] = rfc3339(deleting_s)
    return {
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": _filled({**metadata, "name": str(app.name)}),
        "spec": {**shown(app.manifest.get("spec", {})), "project": str(app.project)},
        "status": _status(app, status, history if fields.wants("status", "history") else (), now_s, fields),
    }


def shown(value: Any) -> Any:
    """Return a copy of declared JSON with the passwords in its URLs masked."""
    if isinstance(value, str):
        return without_credentials(value) if "://" in value else value
    if isinstance(value, Mapping):
        return {name: shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def operation_state_json(operation: Operation, sources: Sequence[Mapping[str, Any]], *, results: bool = True) -> Json:
    """Return a sync in the shape of Argo CD's `status.operationState`; `sources` as the application declares them.

    Without `results` of its objects where nobody asks for them.
    """
    return _filled(
        {
            "phase": operation.phase.value,
            "message": operation.message,
            "reason": operation.end.value if operation.end else "",
            "startedAt": rfc3339(operation.started_s),
            "finishedAt": rfc3339(operation.finished_s),
            "retryCount": operation.retries,
            "operation": {
                "initiatedBy": _initiated(operation.initiated_by),
                "sync": _filled(
                    {
                        **_revisions(operation.revisions),
                        "prune": operation.scope.prune,
                        "dryRun": operation.scope.dry_run,
                    }
                ),
            },
            "syncResult": {
                "revision": "",  # always there in Argo CD's
                **_revisions(operation.revisions),
                **_sources(sources),
                **({"resources": results_json(operation.tasks)} if results else {}),
            },
        }
    )


def history_json(entry: HistoryEntry) -> Json:
    """Return one entry of `status.history`; its `id` is what a rollback names."""
    return _filled(
        {
            "id": entry.id,
            **_revisions(entry.revisions),
            **_sources(entry.sources),
            "deployStartedAt": rfc3339(entry.started_s),
            "deployedAt": rfc3339(entry.finished_s),
            "initiatedBy": _initiated(entry.initiated_by),
        }
    )


def resource_json(compared: Compared) -> Json:
    """Return one entry of `status.resources`; beside Argo CD's `reason`, `unconfirmed`, `adopt`, `extra` of ours."""
    target = compared.pair.target
    resource: Json = {
        **_key(compared.pair.key, str(target["apiVersion"]) if target else ""),
        "status": compared.status.value,
        "health": _health(compared.health),
        "requiresPruning": target is None and isinstance(compared.pair.live, Found),
        "reason": compared.reason,
        "unconfirmed": compared.unconfirmed,
        "adopt": compared.adopt,
        "extra": len(compared.extra) or None,
    }
    return _filled(resource)


def difference_json(difference: Difference) -> Json:
    """Return one differing path: what it is in Git, live and as predicted, why, and who wrote what is live."""
    return {
        "path": difference.path,
        "target": difference.target,
        "live": difference.live,
        "predicted": difference.predicted,
        "why": difference.explanation.value,
        "writers": [writer_json(writer) for writer in difference.writers],
    }


def writer_json(writer: Writer) -> Json:
    """Return who wrote a live value; `certain` is false of who only may have removed it."""
    return {
        "manager": writer.manager,
        "operation": writer.operation,
        "subresource": writer.subresource,
        "time": rfc3339(writer.at_s),
        "certain": writer.certain,
    }


def _status(
    app: Application, status: AppStatus | None, history: Sequence[HistoryEntry], now_s: float, fields: SelectedFields
) -> Json:
    over = [history_json(entry) for entry in history if entry.phase == OperationPhase.SUCCEEDED.value]
    if status is None:
        return _filled(
            {
                "sync": {"status": "Unknown"},
                "health": _health(Health(HealthStatus.UNKNOWN, "not compared yet")),
                "history": over,
                "conditions": _conditions(app, None),
                "gitopsd": {"mode": app.mode.value},
            }
        )
    declared = _declared_sources(app)
    compared = status.comparison.resources if fields.wants("status", "resources") else ()
    results = fields.wants("status", "operationState", "syncResult")
    operation = status.operation
    return _filled(
        {
            "sync": {
                "status": status.comparison.status.value,
                "comparedTo": {**_sources(declared), "destination": app.manifest.get("spec", {}).get("destination")},
                **_revisions(status.revisions),
            },
            "health": _health(status.comparison.health),
            "resources": [resource_json(resource) for resource in compared],
            "history": over,
            "conditions": _conditions(app, status),
            "operationState": operation_state_json(operation, declared, results=results) if operation else None,
            "reconciledAt": rfc3339(_reconciled_s(status)),
            **_one_or_many("sourceType", status.source_types),
            "summary": _filled({"isAppOfApps": app.declares}),
            "gitopsd": _ours(app, status, now_s),
        }
    )


def _ours(app: Application, status: AppStatus, now_s: float) -> Json:
    return _filled(
        {
            "mode": app.mode.value,
            "declaredByApi": app.origin.of_api or None,
            "cluster": status.cluster,
            "waiting": status.waiting,
            "extra": sum(len(compared.extra) for compared in status.comparison.resources) or None,
            "stale": list(status.stale),
            "target": status.comparison.target,
            "differing": _differing(status.comparison.resources),
            "unhealthy": _unhealthy(status.comparison),
            "epochAt": rfc3339(status.epoch_s),
            "epochAgeSeconds": round(max(0.0, now_s - status.epoch_s), 1) if status.epoch_s else None,
            "operationId": status.operation.id if status.operation else None,
            "failing": _failing(status.failing) if status.failing else None,
            "progress": _progress(status.operation) if status.operation else None,
        }
    )


def _reconciled_s(status: AppStatus) -> float:
    """Return when the status was compared, which is told in whole seconds, as the end of a sync is.

    Clients wait for a status that is not older than the end: one of the same second may be, and is put before it.
    """
    ended_s = status.operation.finished_s if status.operation is not None else None
    if ended_s is None or status.reconciled_s >= ended_s:
        return status.reconciled_s
    return min(status.reconciled_s, int(ended_s) - 1.0)


def _differing(resources: Sequence[Compared]) -> Json | None:
    """Return how many objects are not as Git says, the first few by name, and whether one would be deleted."""
    differing = [compared for compared in resources if compared.status is SyncStatus.OUT_OF_SYNC]
    if not differing:
        return None
    keys = [compared.pair.key for compared in differing]
    return {
        "count": len(keys),
        "first": [f"{key.kind} {key.name}" for key in keys[:MOST_NAMED]],
        "pruning": any(compared.pair.target is None for compared in differing),
    }


def _unhealthy(comparison: Comparison) -> Json | None:
    """Return the first object that does as its application does, where that is not well."""
    if comparison.health.status is HealthStatus.HEALTHY:
        return None
    for compared in comparison.resources:
        if compared.health is not None and compared.health.status is comparison.health.status:
            key = compared.pair.key
            return _filled({"kind": key.kind, "name": key.name, "message": compared.health.message})
    return None


def _failing(failing: Failing) -> Json:
    return {"since": rfc3339(failing.since_s), "tries": failing.tries, "nextTryAt": rfc3339(failing.next_s)}


def _conditions(app: Application, status: AppStatus | None) -> list[Json]:
    """Return each message once, under the type it came with first; warnings of the declaration come last."""
    by_text: dict[str, str] = {}
    for condition in status.conditions if status else ():
        text = f"{condition.message}; {condition.remedy}" if condition.remedy else condition.message
        by_text.setdefault(text, condition.type)
    for text in (*app.warnings, *(status.comparison.warnings if status else ())):
        by_text.setdefault(text, WARNING)
    return [{"type": kind, "message": without_credentials(text)} for text, kind in by_text.items()]


def _declared_sources(app: Application) -> Sequence[Mapping[str, Any]]:
    return [shown(source.options) for source in app.sources]


def _sources(sources: Sequence[Mapping[str, Any]]) -> Json:
    return _one_or_many("source", [shown(source) for source in sources])


def _revisions(revisions: Sequence[Revision]) -> Json:
    return _one_or_many("revision", revisions)


def _one_or_many(name: str, values: Sequence[Any]) -> Json:
    """Return the only value below `name`, several below its plural, and nothing for none: Argo CD's habit."""
    if not values:
        return {}
    return {name: values[0]} if len(values) == 1 else {f"{name}s": list(values)}


def _initiated(by: str) -> Json:
    return {"username": by} if by else {"automated": True}


def _health(health: Health | None) -> Json | None:
    return None if health is None else _filled({"status": health.status.value, "message": health.message})


def _key(key: ResourceKey, api_version: str) -> Json:
    return {
        "group": key.group,
        "version": api_version.rpartition("/")[2],
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
    }


def _task(task: Task) -> Json | None:
    """Return the result of one task; None where Argo CD shows nothing: it has not been tried, or was not needed."""
    if task.state in UNTRIED or (task.state is TaskState.SKIPPED and task.verb is not TaskVerb.PRUNE):
        return None
    accepted = "Pruned" if task.verb is TaskVerb.PRUNE else "Synced"
    status, hook_phase = {
        TaskState.APPLIED: (accepted, "Running"),
        TaskState.DONE: (accepted, "Succeeded"),
        TaskState.FAILED: ("SyncFailed", "Failed"),
        TaskState.SKIPPED: ("PruneSkipped", "Succeeded"),
    }[task.state]
    result: Json = _key(task.key, "")  # all five are there in Argo CD's, also those that are ""
    return result | _filled(
        {
            "status": "" if task.verb is TaskVerb.HOOK else status,
            "message": task.message,
            "reason": task.wait.value if task.wait else "",
            "hookType": task.phase.value if task.verb is TaskVerb.HOOK else "",
            "hookPhase": hook_phase,
            "syncPhase": task.phase.value,
            "wave": shown_wave(task),
            "evidence": list(task.evidence),
        }
    )


def shown_wave(task: Task) -> int | None:
    """Return the wave of `task`; None where it only stands for "before, or after, all others"."""
    return None if task.wave == FIRST else task.wave


def sync_json(entry: HistoryEntry) -> Json:
    """Return one sync of the past, whatever came of it, with what `history_json` has no field for."""
    return {
        **history_json(entry),
        "phase": entry.phase,
        "message": entry.message,
        "reason": entry.end.value if entry.end else "",
        "target": entry.target,
        "durationSeconds": round(max(0.0, entry.finished_s - entry.started_s), 1),
    }


def results_json(tasks: Iterable[Task]) -> list[Json]:
    """Return the results of tasks in the shape of Argo CD's `syncResult.resources`."""
    return [result for result in map(_task, tasks) if result]


def _progress(operation: Operation) -> Json | None:
    """Return how far a sync has come, and what it does now; None where it is over."""
    if operation.phase.over:
        return None
    over = sum(task.state in OVER for task in operation.tasks)
    now = next((task for task in operation.tasks if task.state not in OVER), None)
    counts: Json = {"done": over, "of": len(operation.tasks)}
    return counts if now is None else {**counts, **_filled({"phase": now.phase.value, "wave": shown_wave(now)})}


def _filled(value: Mapping[str, Any]) -> Json:
    """Return the fields that say something, as Go's `omitempty` does; 0 counts (a history's first id)."""
    return {name: item for name, item in value.items() if item or (item == 0 and item is not False)}
