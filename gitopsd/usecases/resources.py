"""What an application consists of: manifests, managed resources, resource tree. No value of a Secret leaves here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from gitopsd.core.objects.mask import masked
from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.backend import AppView, Backend, ManagedResource, Manifests
from gitopsd.usecases.watching import Subscriber


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

    async def trees(
        self, holder: StreamHolder, name: AppName, subscriber: Subscriber, *, beat_s: float = 5.0, life_s: float = 900.0
    ) -> AsyncIterator[ResourceTree]:
        """Yield the tree, and again when the application changed, and every `beat_s`: Pods come and go untold.

        Ends after `life_s`, when the daemon stops, and when the client is nobody any more. Raises NotFound.
        """
        clock = asyncio.get_running_loop().time
        ends_s = clock() + life_s
        while not subscriber.closed and clock() < ends_s and (caller := holder.caller()) is not None:
            yield self.tree(caller, name)
            looked_s = clock()
            while (rest_s := looked_s + beat_s - clock()) > 0:
                if name in await subscriber.next(rest_s) or subscriber.closed:
                    break


def _masked(resource: ManagedResource) -> ManagedResource:
    """Mask the states together, so that equal values look alike."""
    states = (resource.target, resource.live, resource.normalized_live, resource.predicted)
    texts = masked(*(state or {} for state in states))
    target, live, normalized, predicted = map(_or_none, states, texts)
    return replace(resource, target=target, live=live, normalized_live=normalized, predicted=predicted)


def _or_none(state: Manifest | None, text: Manifest) -> Manifest | None:
    return None if state is None else text
