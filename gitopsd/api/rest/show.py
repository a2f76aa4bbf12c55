"""An application as JSON: Argo CD's shape, with the operation that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gitopsd.api.backend import AppView
from gitopsd.core.argo_json import application_json
from gitopsd.model.operation import SyncRequest


@dataclass(frozen=True, slots=True)
class Show:
    now_s: Callable[[], float]

    def application(self, view: AppView) -> dict[str, Any]:
        """Return `view` as Argo CD writes an Application; `operation` is what was asked for and waits for a pass."""
        shown = application_json(view.application, view.status, view.history, self.now_s(), deleting_s=view.deleting_s)
        return {**shown, "operation": _operation(view.request)} if view.request else shown


def _operation(request: SyncRequest) -> dict[str, Any]:
    sync: dict[str, Any] = {"prune": request.prune, "dryRun": request.dry_run}
    if request.revisions:
        sync |= {"revision": request.revisions[0]} if len(request.revisions) == 1 else {"revisions": request.revisions}
    if request.resources:
        sync["resources"] = [
            {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
            for key in request.resources
        ]
    return {"sync": sync, "initiatedBy": {"username": request.initiated_by}}
