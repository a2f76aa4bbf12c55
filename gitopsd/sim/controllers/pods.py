"""Pods: scheduled, started, ready; or crashing again and again; or done."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gitopsd.sim.controllers.world import NODE, Key, World, is_broken, is_deleting, with_conditions
from gitopsd.sim.incoming import Obj, RequestTarget
from gitopsd.sim.store import Event

RUN_S = "sim.gitopsd.io/run-seconds"  # annotation: how long a Pod of a Job runs; default 1
START_S = 1.0  # from scheduling to running
_CRASH_S = 5.0  # between two restarts
_MOST_RESTARTS = 100


class Pods:
    """The scheduler and the kubelet in one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind = world.kind("Pod")
        self._begun: dict[str, float] = {}  # uid → when it was scheduled
        self._addresses = 0

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection != ("", "pods"):
            return []
        if event.change == "DELETED":
            self._begun.pop(event.new.uid, None)
            return []
        return [(event.new.namespace, event.new.name)] if event.new.uid not in self._begun else []

    def reconcile(self, key: Key) -> float | None:
        pod = self._world.get(self._kind, *key)
        if pod is None or is_deleting(pod) or pod["status"]["phase"] in ("Succeeded", "Failed"):
            return None
        uid = pod["metadata"]["uid"]
        if uid not in self._begun:
            self._begun[uid] = time.monotonic()
            self._schedule(pod)
            return START_S
        age_s = (time.monotonic() - self._begun[uid]) * self._world.speed
        if is_broken(pod["spec"]):
            return self._crash(pod, age_s)
        if pod["status"]["phase"] == "Pending":
            self._run(pod)
        if pod["spec"]["restartPolicy"] == "Always":
            return None
        run_s = float(pod["metadata"].get("annotations", {}).get(RUN_S, "1"))
        if age_s < START_S + run_s:
            return START_S + run_s - age_s
        self._finish(pod, "Succeeded", 0)
        return None

    def _schedule(self, pod: Obj) -> None:
        meta = pod["metadata"]
        target = RequestTarget(self._kind, meta["namespace"], meta["name"])
        self._world.patch(target, {"spec": {"nodeName": NODE}}, "kube-scheduler")
        scheduled = with_conditions(pod, self._world.writes.now(), PodScheduled=("True", "", ""))
        waiting = [
            self._container(one, {"waiting": {"reason": "ContainerCreating"}}) for one in pod["spec"]["containers"]
        ]
        self._tell(pod, {"conditions": scheduled, "containerStatuses": waiting, "hostIP": "127.0.0.1"})

    def _run(self, pod: Obj) -> None:
        now = self._world.writes.now()
        self._addresses += 1
        running = {"running": {"startedAt": now}}
        ip = f"10.244.{self._addresses >> 8 & 255}.{self._addresses & 255}"
        yes = ("True", "", "")
        conditions = with_conditions(pod, now, Initialized=yes, ContainersReady=yes, Ready=yes)
        containers = [self._container(one, running, ready=True) for one in pod["spec"]["containers"]]
        status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "startTime": now}
        self._tell(pod, {**status, "conditions": conditions, "containerStatuses": containers})

    def _crash(self, pod: Obj, age_s: float) -> float | None:
        """Let a broken Pod fail: once where it may not restart, else over and over."""
        if pod["spec"]["restartPolicy"] == "Never":
            self._finish(pod, "Failed", 1)
            return None
        restarts = min(_MOST_RESTARTS, 1 + int((age_s - START_S) / _CRASH_S))
        message = "back-off restarting failed container"
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        containers = [self._container(one, waiting, restarts=restarts) for one in pod["spec"]["containers"]]
        no = ("False", "ContainersNotReady", "containers with unready status")
        yes = ("True", "", "")
        conditions = with_conditions(pod, self._world.writes.now(), Initialized=yes, ContainersReady=no, Ready=no)
        self._tell(pod, {"phase": "Running", "conditions": conditions, "containerStatuses": containers})
        return _CRASH_S if restarts < _MOST_RESTARTS else None

    def _finish(self, pod: Obj, phase: str, code: int) -> None:
        now = self._world.writes.now()
        reason = "Completed" if code == 0 else "Error"
        ended = {"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}}
        containers = [self._container(one, ended) for one in pod["spec"]["containers"]]
        no = ("False", "PodCompleted" if code == 0 else "PodFailed", "")
        conditions = with_conditions(pod, now, ContainersReady=no, Ready=no)
        self._tell(pod, {"phase": phase, "conditions": conditions, "containerStatuses": containers})

    def _container(self, container: Obj, state: Obj, *, ready: bool = False, restarts: int = 0) -> Obj:
        common = {"name": container["name"], "image": container["image"], "imageID": ""}
        return {**common, "ready": ready, "started": ready, "restartCount": restarts, "state": state}

    def _tell(self, pod: Obj, status: Obj) -> None:
        self._world.set_status(self._kind, pod, status, "kubelet")
