"""Hooks, and worlds in which they are run."""

from __future__ import annotations

from typing import Any

from gitopsd.core.sync.step import absorb
from gitopsd.core.target.hooks import Hook, hook_of
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Command, Refused
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation
from tests.core.lives import config_key, live_of, manifest_of
from tests.core.worlds import World

ONE, OLD = config_key("one"), config_key("old")
WEB = ResourceKey("apps", "Deployment", "prod", "web")
RUNNING, FAILED = Health(HealthStatus.PROGRESSING, "1 pods are running"), Health(HealthStatus.DEGRADED, "exit code 1")
ARGOCD = "argocd.argoproj.io/hook"


def key_of(name: str) -> ResourceKey:
    return ResourceKey("batch", "Job", "prod", name)


def hook(name: str, types: str, *, policy: str = "", wave: str = "0", prefix: str = "") -> Hook:
    annotations = {ARGOCD: types, "argocd.argoproj.io/sync-wave": wave}
    if policy:
        annotations[f"{ARGOCD}-delete-policy"] = policy
    manifest = dict(manifest_of(key_of(name), annotations=annotations))
    if prefix:
        manifest["metadata"] = {**manifest["metadata"], "generateName": prefix}
    return hook_of(manifest)


def world(*hooks: Hook, **fields: Any) -> World:
    return World({ONE: manifest_of(ONE)}, hooks=hooks, **fields)


def left(name: str, **fields: Any) -> LiveObject:
    """Return the object of a hook that another operation has left in mid-run."""
    marks = ((ARGOCD, "PreSync"), ("gitopsd.io/operation-id", "before/PreSync"))
    return live_of(key_of(name), **{"marks": marks, "guarded": True, "uid": Uid("uid-before"), **fields})


def begun(here: World, operation: Operation | None = None) -> Operation:
    """Return the operation with its first commands run."""
    first = here.step(operation or here.operation())
    return absorb(first.operation, [here.run(command) for command in first.commands], here.now_s)


def refused(command: Command) -> Refused:
    return Refused(command.key, 403, "no", retryable=False)
