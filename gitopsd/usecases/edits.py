"""What is done by hand to one live object of an application; self-heal and the next sync have the last word."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.core.objects.mask import masked
from gitopsd.core.rights.resources import Action, PolicyResource
from gitopsd.core.tree.owners import TreeNode
from gitopsd.errors import Conflict
from gitopsd.model.caller import Caller
from gitopsd.model.edit import LiveDeletion, LivePatch
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from gitopsd.model.residents import is_holder
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.tree_objects import ObjectName, own_node


@dataclass(frozen=True, slots=True)
class EditUseCases:
    backend: Backend
    rights: Rights
    access: ApplicationAccess

    async def patch(self, caller: Caller, name: AppName, wanted: ObjectName, patch: LivePatch) -> Manifest:
        """Patch one live object; return it as it is then, Secrets masked.

        Raises:
            NotFound, NotPermitted: of the caller, who needs `update/<group>/<kind>/<namespace>/<name>`, or where the
                project does not let the application have it.
            Conflict: it is not the application's own, or nothing is written in its mode.
            BadRequest, ClusterRefused, Retryable: as the cluster answers.
        """
        node, right = self._permitted(caller, name, wanted, Action.UPDATE)
        changed = await self.backend.edit(name, node, patch)
        self.backend.record(done_by(caller, "patch-resource", name, str(node.live.key), right=right))
        return masked(changed or {})[0]

    async def delete(self, caller: Caller, name: AppName, wanted: ObjectName, deletion: LiveDeletion) -> None:
        """Delete one live object, by `delete/<group>/<kind>/<namespace>/<name>`. Raises as `patch`.

        What others live in goes by a prune alone, which sees to them.
        """
        node, right = self._permitted(caller, name, wanted, Action.DELETE)
        if is_holder(node.live.key):
            raise Conflict(
                f"{node.live.key} would take along all that lives in it, whosever that is",
                remedy="take it out of Git, and sync with prune: then it goes once nothing of others is left in it",
            )
        await self.backend.edit(name, node, deletion)
        self.backend.record(done_by(caller, "delete-resource", name, str(node.live.key), right=right))

    def _permitted(self, caller: Caller, name: AppName, wanted: ObjectName, action: Action) -> tuple[TreeNode, str]:
        """Return the object that the caller may do `action` to, and by which right.

        A right to the application is none to its objects.
        """
        app = self.access.known(caller, name)
        node = own_node(self.backend, name, wanted)
        key = node.live.key
        path = f"{action}/{key.group}/{key.kind}/{key.namespace}/{key.name}"
        return node, self.rights.require(caller, PolicyResource.APPLICATIONS, path, self.rights.object_of(app))
