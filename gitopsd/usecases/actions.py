"""Actions on live objects of an application, such as a restart: what is offered, and one that is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitopsd.core.rights.resources import Action, PolicyResource
from gitopsd.errors import BadRequest, NotFound
from gitopsd.model.action import ObjectAction
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.tree_objects import ObjectName, named_node, own_node

ITSELF = ("argoproj.io", "Application")
MOST_PARAMS = 50
MOST_CHARACTERS = 4096  # of a parameter


@dataclass(frozen=True, slots=True)
class ActionUseCases:
    backend: Backend
    rights: Rights
    access: ApplicationAccess

    async def list(self, caller: Caller, name: AppName, wanted: ObjectName) -> Sequence[ObjectAction]:
        """Return what can be done to one live object of the application; nothing for the application itself.

        Raises:
            NotFound: of the caller, or there is no such object.
            BadRequest, WorkerFailed, Retryable: as a script fails, or the cluster.
        """
        self.access.known(caller, name)
        try:
            node = named_node(self.backend, name, wanted)
        except NotFound:
            if (wanted.group, wanted.kind, wanted.name) == (*ITSELF, name):  # which Argo CD's command asks for, too
                return ()
            raise
        return await self.backend.actions(name, node)

    async def run(
        self, caller: Caller, name: AppName, wanted: ObjectName, action: str, params: Mapping[str, str]
    ) -> None:
        """Run one action on one live object.

        Raises:
            NotFound, NotPermitted: of the caller, who needs `action/<group>/<kind>/<action>`, or where the project does
                not let the application have what is written; also where there is no such action.
            Conflict: the object is not the application's own, or nothing is written in its mode.
            BadRequest, WorkerFailed, ClusterRefused, Retryable: as the action, its script or the cluster fails.
        """
        app = self.access.known(caller, name)
        node = own_node(self.backend, name, wanted)
        key = node.live.key
        path = f"{Action.ACTION}/{key.group}/{key.kind}/{action}"
        right = self.rights.require(caller, PolicyResource.APPLICATIONS, path, self.rights.object_of(app))
        if len(params) > MOST_PARAMS or any(len(text) > MOST_CHARACTERS for pair in params.items() for text in pair):
            raise BadRequest("the action has too many parameters, or too long ones", remedy="give fewer")
        await self.backend.act(name, node, action, params)
        self.backend.record(done_by(caller, "run-action", name, f"{action} {key}", right=right))
