"""Stage 1, request: what is asked of a pass as it begins; what is asked for meanwhile is the next pass's."""

from __future__ import annotations

from dataclasses import replace

from gitopsd.model.application import Application
from gitopsd.model.ids import AppName
from gitopsd.model.operation import Operation, SyncRequest
from gitopsd.model.pass_request import PassRequest
from gitopsd.ports import Applications


def request_of(apps: Applications, name: AppName, mark: int) -> PassRequest | None:
    """Return what is asked of a pass over `name` that begins at `mark`; None where there is no such application."""
    app = apps.get(name)
    if app is None:
        return None
    if apps.deleting(name):
        return PassRequest(app, deleting=True, request=None, refs=(), mark=mark)
    operation = apps.operation(name)
    if operation is not None and not operation.phase.over:
        # Declared otherwise since, its tasks find another content, and it fails by itself.
        pinned = operation.scope.pinned and len(operation.revisions) == len(app.sources)
        refs = operation.revisions if pinned else ()
        return PassRequest(_with(app, operation.options), deleting=False, request=None, refs=refs, mark=mark)
    request = apps.request(name)
    if request is not None and taken_up(request, operation):
        request = None
    if request is None:
        return PassRequest(app, deleting=False, request=None, refs=(), mark=mark)
    return PassRequest(_with(app, request.options), deleting=False, request=request, refs=request.revisions, mark=mark)


def _with(app: Application, options: tuple[tuple[str, str], ...]) -> Application:
    """Return `app` with the sync options that hold for one operation over its own."""
    if not options:
        return app
    policy = app.sync_policy
    return replace(app, sync_policy=replace(policy, options={**policy.options, **dict(options)}))


def taken_up(request: SyncRequest, operation: Operation | None) -> bool:
    """Tell whether `operation` does, or did, what was asked for: a kill may leave the request in the store."""
    return operation is not None and bool(request.asked_s) and operation.asked_s == request.asked_s
