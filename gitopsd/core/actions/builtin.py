"""Actions on Kubernetes' own kinds, in a table: what is offered for an object, and what each makes of it.

Source: Argo CD, docs/operator-manual/resource_actions_builtin.md: names, parameters, icons, and what each changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gitopsd.core.text.times import rfc3339
from gitopsd.errors import BadRequest
from gitopsd.model.action import ActionOutcome, ObjectAction
from gitopsd.model.manifest import GroupKind, Manifest

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
INSTANTIATED = "cronjob.kubernetes.io/instantiate"
REPLICAS = "replicas"
MOST_REPLICAS = 1 << 31
OVER = frozenset({"Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"})  # conditions of a Job that ends
Params = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BuiltinAction:
    """One row: how it is shown, when, and what it makes of the object at a time."""

    offer: ObjectAction
    change: Callable[[Manifest, Params, float], ActionOutcome]
    hidden: Callable[[Manifest], bool] = lambda _: False
    disabled: Callable[[Manifest], bool] = lambda _: False


def builtin_actions(live: Manifest) -> Sequence[ObjectAction]:
    """Return what is offered for `live`; nothing for kinds that are not in the table."""
    rows = (row for row in _rows(live) if not row.hidden(live))
    return [
        ObjectAction(row.offer.name, row.disabled(live), row.offer.icon, row.offer.display_name, row.offer.params)
        for row in rows
    ]


def builtin_outcome(live: Manifest, name: str, params: Params, now_s: float) -> ActionOutcome | None:
    """Return what the action `name` makes of `live`; None where the kind has no such action.

    Raises:
        BadRequest: a parameter is not what the action takes.
    """
    row = next((row for row in _rows(live) if row.offer.name == name), None)
    return None if row is None else row.change(live, params, now_s)


def _rows(live: Manifest) -> Sequence[BuiltinAction]:
    group, _, _ = str(live.get("apiVersion", "")).rpartition("/")
    return TABLE.get(GroupKind(group, str(live.get("kind", ""))), ())


def _spec(live: Manifest) -> dict[str, Any]:
    return live.get("spec") or {}


def _with(live: Manifest, *path: str, value: Any) -> Manifest:
    """Return `live` with `value` at `path`; None leaves the field out. What is on the way is made."""
    head, *rest = path
    if rest:
        inner = live.get(head)
        return {**live, head: _with(inner if isinstance(inner, Mapping) else {}, *rest, value=value)}
    others = {name: item for name, item in live.items() if name != head}
    return others if value is None else {**others, head: value}


def _setting(*path: str, value: Any) -> Callable[[Manifest, Params, float], ActionOutcome]:
    return lambda live, _params, _now_s: ActionOutcome(_with(live, *path, value=value))


def _restarted(live: Manifest, _: Params, now_s: float) -> ActionOutcome:
    path = ("spec", "template", "metadata", "annotations", RESTARTED_AT)
    return ActionOutcome(_with(live, *path, value=rfc3339(now_s)))


def _scaled(live: Manifest, params: Params, _: float) -> ActionOutcome:
    text = params.get(REPLICAS, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_REPLICAS)) and int(text) < MOST_REPLICAS):
        raise BadRequest(f"{REPLICAS} is {text[:40]!r}", remedy="give a whole number")
    return ActionOutcome(_with(live, "spec", REPLICAS, value=int(text)))


def _job_of(live: Manifest, _: Params, now_s: float) -> ActionOutcome:
    """Return the Job that a CronJob would start now, as `kubectl create job --from` has it."""
    meta, template = live["metadata"], _spec(live).get("jobTemplate") or {}
    given = template.get("metadata") or {}
    owner = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": f"{meta['name']}-{datetime.fromtimestamp(now_s, UTC):%y%m%d%H%M}",
        "namespace": meta.get("namespace", ""),
        "labels": given.get("labels") or {},
        "annotations": {**(given.get("annotations") or {}), INSTANTIATED: "manual"},
        "ownerReferences": [owner],
    }
    spec = template.get("spec") or {}
    return ActionOutcome({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}, create=True)


def _terminated(live: Manifest, _: Params, now_s: float) -> ActionOutcome:
    if _is_over(live):
        return ActionOutcome(live)
    condition = {
        "type": "FailureTarget",
        "status": "True",
        "reason": "ManuallyTerminated",
        "message": "it was ended by hand, through gitopsd",
        "lastTransitionTime": rfc3339(now_s),
    }
    conditions = (live.get("status") or {}).get("conditions") or []
    return ActionOutcome(_with(live, "status", "conditions", value=[*conditions, condition]))


def _is_over(live: Manifest) -> bool:
    conditions = (live.get("status") or {}).get("conditions") or []
    return any(each.get("type") in OVER and each.get("status") == "True" for each in conditions)


def _is_suspended(live: Manifest) -> bool:
    return bool(_spec(live).get("suspend"))


def _is_paused(live: Manifest) -> bool:
    return bool(_spec(live).get("paused"))


def _offer(name: str, icon: str, display_name: str = "", *params: str) -> ObjectAction:
    return ObjectAction(name, icon=f"fa fa-fw fa-{icon}", display_name=display_name, params=params)


RESTART = BuiltinAction(_offer("restart", "redo"), _restarted)
SCALE = BuiltinAction(_offer("scale", "plus-circle", "", REPLICAS), _scaled)
SUSPEND = _offer("suspend", "pause"), _setting("spec", "suspend", value=True)
RESUME = _offer("resume", "play"), _setting("spec", "suspend", value=False)

TABLE: Mapping[GroupKind, Sequence[BuiltinAction]] = {
    GroupKind("apps", "Deployment"): (
        RESTART,
        BuiltinAction(_offer("pause", "pause-circle"), _setting("spec", "paused", value=True), disabled=_is_paused),
        BuiltinAction(
            _offer("resume", "play-circle"),
            _setting("spec", "paused", value=None),
            disabled=lambda live: not _is_paused(live),
        ),
        SCALE,
    ),
    GroupKind("apps", "StatefulSet"): (RESTART, SCALE),
    GroupKind("apps", "DaemonSet"): (RESTART,),
    GroupKind("batch", "CronJob"): (
        BuiltinAction(_offer("create-job", "plus", "Create Job"), _job_of),
        BuiltinAction(*SUSPEND, hidden=_is_suspended),
        BuiltinAction(*RESUME, hidden=lambda live: not _is_suspended(live)),
    ),
    GroupKind("batch", "Job"): (
        BuiltinAction(*SUSPEND, hidden=lambda live: _is_over(live) or _is_suspended(live)),
        BuiltinAction(*RESUME, hidden=lambda live: _is_over(live) or not _is_suspended(live)),
        BuiltinAction(
            _offer("terminate", "stop"), _terminated, hidden=lambda live: _is_over(live) or not live.get("status")
        ),
    ),
}
