"""What an application consists of: manifests, managed resources, resource tree. No value of a Secret leaves here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitopsd.core.objects.mask import masked
from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.backend import AppView, Backend, ManagedResource, Manifests


@dataclass(frozen=True, slots=True)
class ResourceTree:
    """The live objects of an application and what they own, and what lies beside them."""

    view: AppView
    nodes: Sequence[TreeNode]
    orphans: Sequence[TreeNode]


@dataclass(frozen=True, slots=True)
class ResourceUseCases:
    backend: Backend
    access: ApplicationAccess

    async def manifests(self, caller: Caller, name: AppName, revision: str) -> Manifests:
        """Return the target at `revision` ("" is the epoch's), Secrets masked. Raises NotFound, and as renders do."""
        self.access.known(caller, name)
        rendered = await self.backend.manifests(name, revision)
        return replace(rendered, manifests=[masked(manifest)[0] for manifest in rendered.manifests])

    async def managed(self, caller: Caller, name: AppName) -> tuple[AppView, Sequence[ManagedResource]]:
        """Return target, live and predicted state of every object, Secrets masked. Raises NotFound."""
        self.access.known(caller, name)
        resources = await self.backend.managed_resources(name)
        return self.backend.view(name), [_masked(resource) for resource in resources]

    def tree(self, caller: Caller, name: AppName) -> ResourceTree:
        """Return the application's live objects as a tree; of memory. Raises NotFound."""
        self.access.known(caller, name)
        return ResourceTree(self.backend.view(name), self.backend.tree(name), self.backend.orphans(name))


def _masked(resource: ManagedResource) -> ManagedResource:
    """Mask the states together, so that equal values look alike."""
    states = (resource.target, resource.live, resource.normalized_live, resource.predicted)
    texts = masked(*(state or {} for state in states))
    target, live, normalized, predicted = map(_or_none, states, texts)
    return replace(resource, target=target, live=live, normalized_live=normalized, predicted=predicted)


def _or_none(state: Manifest | None, text: Manifest) -> Manifest | None:
    return None if state is None else text
