"""Stage 1, request: what is asked of a pass as it begins; what is asked for meanwhile is the next pass's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitopsd.model.application import Application
from gitopsd.model.ids import AppName
from gitopsd.model.operation import Operation, SyncRequest
from gitopsd.ports import Applications


@dataclass(frozen=True, slots=True)
class PassRequest:
    app: Application
    deleting: bool  # it goes with all its objects
    request: SyncRequest | None  # what a person asked for and may begin now; while an operation runs it waits
    refs: tuple[str, ...]  # the revisions that a person named for what runs or is to begin; empty: the epoch's

    @property
    def left_alone(self) -> bool:
        """Tell whether its declaration forbids to compare or write it; what it wants is still found out."""
        return self.app.skip_reconcile and not self.deleting


def pass_request(apps: Applications, name: AppName) -> PassRequest | None:
    """Return what is asked of a pass over `name`; None where there is no such application."""
    app = apps.get(name)
    if app is None:
        return None
    if apps.deleting(name):
        return PassRequest(app, deleting=True, request=None, refs=())
    operation = apps.operation(name)
    if operation is not None and not operation.phase.over:
        # Declared otherwise since, its tasks find another content, and it fails by itself.
        pinned = operation.scope.pinned and len(operation.revisions) == len(app.sources)
        refs = operation.revisions if pinned else ()
        return PassRequest(_with(app, operation.options), deleting=False, request=None, refs=refs)
    request = apps.request(name)
    if request is not None and taken_up(request, operation):
        request = None
    if request is None:
        return PassRequest(app, deleting=False, request=None, refs=())
    return PassRequest(_with(app, request.options), deleting=False, request=request, refs=request.revisions)


def _with(app: Application, options: tuple[tuple[str, str], ...]) -> Application:
    """Return `app` with the sync options that hold for one operation over its own."""
    if not options:
        return app
    policy = app.sync_policy
    return replace(app, sync_policy=replace(policy, options={**policy.options, **dict(options)}))


def taken_up(request: SyncRequest, operation: Operation | None) -> bool:
    """Tell whether `operation` does, or did, what was asked for: a kill may leave the request in the store."""
    return operation is not None and bool(request.asked_s) and operation.asked_s == request.asked_s
