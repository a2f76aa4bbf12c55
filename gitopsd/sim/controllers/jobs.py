"""Jobs: Pods until enough of them have succeeded, or too many failed."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.replicas import owner_key
from gitopsd.sim.controllers.world import Key, World, is_deleting, new_pod, with_conditions
from gitopsd.sim.incoming import Obj
from gitopsd.sim.store import Event

_JOBS, _PODS = ("batch", "jobs"), ("", "pods")
_YES = "True"


class Jobs:
    """Starts Pods, counts how they end, and says when the Job has."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind, self._pods = world.kind("Job", "batch"), world.kind("Pod")

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection == _JOBS:
            return [(event.new.namespace, event.new.name)]
        return owner_key(event, "Job") if collection == _PODS else []

    def reconcile(self, key: Key) -> float | None:
        world, (namespace, name) = self._world, key
        job = world.get(self._kind, namespace, name)
        if job is None or is_deleting(job):
            return None
        spec, uid = job["spec"], job["metadata"]["uid"]
        if any(
            one["status"] == _YES
            for one in job["status"].get("conditions", ())
            if one["type"] in ("Complete", "Failed")
        ):
            return self._expire(job)
        if spec.get("suspend"):
            conditions = with_conditions(job, world.writes.now(), Suspended=(_YES, "JobSuspended", "Job suspended"))
            world.set_status(self._kind, job, {"conditions": conditions})
            return None
        phases = [pod["status"]["phase"] for pod in world.owned(self._pods, namespace, uid) if not is_deleting(pod)]
        succeeded, failed = phases.count("Succeeded"), phases.count("Failed")
        active = len(phases) - succeeded - failed
        desired = spec.get("completions") or spec["parallelism"]
        if failed <= spec["backoffLimit"]:
            for _ in range(min(spec["parallelism"], desired - succeeded) - active):
                world.create(self._pods, namespace, new_pod(job, spec["template"]))
                active += 1
        self._tell(job, active, succeeded, failed, desired)
        return None

    def _expire(self, job: Obj) -> float | None:
        life_s = job["spec"].get("ttlSecondsAfterFinished")
        if life_s is None:
            return None
        ended = next(one["lastTransitionTime"] for one in reversed(job["status"]["conditions"]))
        left_s = life_s - self._world.since_s(ended)
        if left_s > 0:
            return float(left_s)
        meta = job["metadata"]
        self._world.delete(self._kind, meta["namespace"], meta["name"])
        return None

    def _tell(self, job: Obj, active: int, succeeded: int, failed: int, desired: int) -> None:
        now = self._world.writes.now()
        status: Obj = {
            "active": active or None,
            "succeeded": succeeded or None,
            "failed": failed or None,
            "ready": active,
            "terminating": 0,
            "uncountedTerminatedPods": {},
        }
        if "startTime" not in job["status"]:
            status["startTime"] = now
        if succeeded >= desired:
            reached = (_YES, "CompletionsReached", "Reached expected number of succeeded pods")
            status["conditions"] = with_conditions(job, now, SuccessCriteriaMet=reached, Complete=reached)
            status["completionTime"] = now
            status["ready"] = 0
        elif failed > job["spec"]["backoffLimit"]:
            reached = (_YES, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
            status["conditions"] = with_conditions(job, now, FailureTarget=reached, Failed=reached)
            status["ready"] = 0
        self._world.set_status(self._kind, job, status)
