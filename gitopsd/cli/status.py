"""Reads an Application's JSON as the API gives it: Argo CD's shape, where every part may still be missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

App = Mapping[str, Any]
DIGEST = re.compile(r"(?:^|@)sha(?:256|512):[0-9a-f]{64,128}$")
FEW_S = 10.0  # below it tenths of a second tell something


def at(value: Any, *path: str) -> Any:
    """Return what is at `path` of nested mappings, or None."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def name(app: App) -> str:
    return str(at(app, "metadata", "name") or "")


def sync(app: App) -> str:
    """Return the sync status, or Stale where it rests on what is too old."""
    if at(app, "status", "gitopsd", "stale"):
        return "Stale"
    return str(at(app, "status", "sync", "status") or "Unknown")


def health(app: App) -> str:
    return str(at(app, "status", "health", "status") or "Unknown")


def operation(app: App) -> Mapping[str, Any]:
    """Return the running or last operation's state; empty where there was none."""
    state: Mapping[str, Any] = at(app, "status", "operationState") or {}
    return state


def results(app: App) -> list[Mapping[str, Any]]:
    """Return what became of each object of the running or last operation, so far."""
    return list(at(operation(app), "syncResult", "resources") or ())


def evidence(app: App) -> list[str]:
    """Return what the cluster said of what failed in the last operation, a line each."""
    return [str(text) for result in results(app) for text in result.get("evidence") or ()]


def progress(app: App) -> str:
    """Return how far the running operation has come, in one line; "" where none runs."""
    counts = at(app, "status", "gitopsd", "progress")
    if not counts:
        return ""
    wave = f" wave {counts['wave']}" if "wave" in counts else ""
    return f"{counts.get('done', 0)} of {counts.get('of', 0)}, {counts.get('phase', 'ending')}{wave}"


def phase(app: App) -> str:
    return str(operation(app).get("phase") or "")


def busy(app: App) -> bool:
    """Tell whether a sync is asked for or under way."""
    return at(app, "operation") is not None or phase(app) in ("Running", "Terminating")


def resources(app: App) -> list[Mapping[str, Any]]:
    return list(at(app, "status", "resources") or ())


def conditions(app: App) -> list[Mapping[str, Any]]:
    return list(at(app, "status", "conditions") or ())


def destination(app: App) -> str:
    return str(at(app, "spec", "destination", "name") or at(app, "spec", "destination", "server") or "")


def namespace(app: App) -> str:
    return str(at(app, "spec", "destination", "namespace") or "")


def sources(app: App) -> list[Mapping[str, Any]]:
    several = at(app, "spec", "sources")
    single = at(app, "spec", "source")
    return list(several or ([single] if single else ()))


def revisions(app: App) -> list[str]:
    """Return the revision of each source, as far as known."""
    several = at(app, "status", "sync", "revisions")
    single = at(app, "status", "sync", "revision")
    return [str(revision) for revision in several or ([single] if single else ())]


def short(revision: str) -> str:
    """Return a commit SHA cut to the length people read, of a chart its version, of an artifact the digest's begin."""
    if DIGEST.search(revision):
        version, _, digest = revision.rpartition("@")
        return version or digest[:15]
    return revision[:8] if len(revision) in (40, 64) else revision


def why_not_synced(app: App) -> str:
    """Return in one line why the application is not Synced; "" where it is."""
    if sync(app) == "Synced":
        return ""
    if stale := at(app, "status", "gitopsd", "stale"):
        return "; ".join(map(str, stale))
    differing = [one for one in resources(app) if one.get("status") not in (None, "Synced")]
    if not differing:
        return "; ".join(str(condition.get("message", "")) for condition in conditions(app)[:1])
    missing = _count(differing, "not in the cluster yet", lambda one: at(one, "health", "status") == "Missing")
    pruned = _count(differing, "no longer in Git", lambda one: bool(one.get("requiresPruning")))
    unknown = _count(differing, "not known", lambda one: one.get("status") == "Unknown")
    detail = ", ".join(part for part in (missing, pruned, unknown) if part)
    return f"{len(differing)} of {len(resources(app))} objects" + (f" ({detail})" if detail else "")


def _count(items: Iterable[Mapping[str, Any]], what: str, holds: Any) -> str:
    number = sum(1 for item in items if holds(item))
    return f"{number} {what}" if number else ""


def ago(text: object, now_s: float) -> str:
    """Return how long ago a time of the API was, as people say it; "" where it is none."""
    try:
        past_s = now_s - datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return ""
    return f"{lasting(max(0.0, float(int(past_s))))} ago".replace(".0 s", " s")


def lasting(seconds: float) -> str:
    """Return a time in the largest unit that it fills: "3 min"."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {unit}"
    return f"{max(0.0, seconds):.1f} s" if seconds < FEW_S else f"{int(seconds)} s"


def resource_name(resource: Mapping[str, Any]) -> str:
    """Return `namespace/name`, or the name of a cluster-scoped object."""
    return "/".join(part for part in (str(resource.get("namespace") or ""), str(resource.get("name") or "")) if part)


def resource_kind(resource: Mapping[str, Any]) -> str:
    """Return `group/Kind`, or the kind of the core group."""
    return "/".join(part for part in (str(resource.get("group") or ""), str(resource.get("kind") or "")) if part)
