"""Applications that are declared by the API: create, change; what Git declares is changed in Git."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitopsd.core.declaration import declared
from gitopsd.core.objects.patches import json_patched, merge_patched
from gitopsd.core.rights.resources import PolicyResource
from gitopsd.errors import BadRequest, Conflict, InvalidDeclaration, NotPermitted, NotSupported
from gitopsd.model.application import API_SOURCE, Application, Origin
from gitopsd.model.audit import AuditEntry
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import AppView, Backend
from gitopsd.usecases.rights import Rights

KEPT_METADATA = ("name", "namespace", "labels", "annotations", "finalizers")


class PatchType(enum.Enum):
    JSON = "json"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class DeclaringUseCases:
    backend: Backend
    rights: Rights
    access: ApplicationAccess
    allowed: bool  # by the settings

    def create(
        self, caller: Caller, manifest: Mapping[str, Any], *, upsert: bool = False, validate: bool = True
    ) -> AppView:
        """Declare an application; one that is there already is only changed with `upsert`.

        With `validate` its project has to permit its sources and destination now, else only when it is synced.

        Raises:
            InvalidDeclaration: the manifest does not say what to do.
            NotPermitted: of the caller, or the project does not permit it; also where a name is taken by an
                application that the caller may not get.
            Conflict: there is another one of that name, or it is declared in Git.
            UnknownCluster: its destination is no cluster.
        """
        app = self._read(manifest)
        old = self.backend.application(app.name)
        if old is None:
            right = self._require(caller, app, "create")
            return self._declare(app, done_by(caller, "create", app.name, right=right), validate=validate)
        if not self.access.visible(caller)(old):
            raise self._taken(caller, app)
        if old.manifest == app.manifest:
            self._require(caller, app, "create")
            return self.backend.view(app.name)
        if not upsert:
            self._require(caller, app, "create")
            raise Conflict(
                f"there is an application {app.name}, and it is another one",
                remedy="take another name, or ask for upsert to change it",
            )
        return self._change(caller, old, app, validate=validate)

    def update(self, caller: Caller, name: AppName, manifest: Mapping[str, Any], *, validate: bool = True) -> AppView:
        """Declare an application that is there anew. Raises as `create`, and NotFound."""
        old = self.access.known(caller, name)
        app = self._read(manifest)
        if app.name != name:
            raise BadRequest(f"the manifest is of {app.name}, not of {name}", remedy="name the same application")
        return self._change(caller, old, app, validate=validate)

    def update_spec(self, caller: Caller, name: AppName, spec: Mapping[str, Any], *, validate: bool = True) -> AppView:
        """Give an application another spec. Raises as `update`."""
        old = self.access.known(caller, name)
        return self._change(caller, old, self._read({**old.manifest, "spec": dict(spec)}), validate=validate)

    def patch(self, caller: Caller, name: AppName, patch: Any, kind: PatchType) -> AppView:
        """Change parts of an application's manifest. Raises as `update`, and BadRequest for what is no patch."""
        old = self.access.known(caller, name)
        patched = json_patched(old.manifest, patch) if kind is PatchType.JSON else merge_patched(old.manifest, patch)
        if not isinstance(patched, Mapping):
            raise BadRequest("the patch leaves no manifest", remedy="patch fields of the application")
        return self.update(caller, name, patched)

    def _change(self, caller: Caller, old: Application, new: Application, *, validate: bool) -> AppView:
        right = self._require(caller, old, "update")
        self._require(caller, new, "update")
        if old.project != new.project:
            self._require(caller, new, "create")
        if not old.origin.of_api:
            raise Conflict(f"{old.name} is declared in Git", remedy="change it there")
        entry = done_by(caller, "update", new.name, right=right, before=_hash_of(old))
        return self._declare(new, entry, validate=validate)

    def _declare(self, app: Application, entry: AuditEntry, *, validate: bool) -> AppView:
        if not self.allowed:
            raise NotPermitted("the settings let no application be declared by the API", remedy="declare it in Git")
        if validate:
            self.backend.check_permitted(app)
        self.backend.declare(app.manifest)
        self.backend.record(replace(entry, detail=str(app.project), after=_hash_of(app)))
        return self.backend.view(app.name)

    def _require(self, caller: Caller, app: Application, action: str) -> str:
        return self.rights.require(caller, PolicyResource.APPLICATIONS, action, self.rights.object_of(app))

    def _taken(self, caller: Caller, app: Application) -> NotPermitted:
        """Return what tells no more of an application that the caller may not get than that it may not be made."""
        what = f"permission denied: applications, create, {self.rights.object_of(app)}, sub: {caller.account}"
        return NotPermitted(what, remedy="ask whoever writes the policy for this right")

    def _read(self, manifest: Mapping[str, Any]) -> Application:
        metadata = manifest.get("metadata")
        if not isinstance(metadata, Mapping):
            raise InvalidDeclaration(".metadata is missing", remedy="name the application")
        kept = {name: metadata[name] for name in KEPT_METADATA if metadata.get(name)}
        document = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": kept,
            "spec": manifest.get("spec"),
        }
        app = declared(document, Origin(API_SOURCE))
        if not isinstance(app, Application):
            raise InvalidDeclaration("the manifest is no Application", remedy="send an Application")
        if self.rights.object_of(app).count("/") > 1:
            raise NotSupported(
                f"an application in the namespace {app.namespace} by the API", remedy="leave metadata.namespace out"
            )
        return app


def _hash_of(app: Application) -> str:
    """Return the SHA-256 of a declaration as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(app.manifest, sort_keys=True).encode()).hexdigest()
