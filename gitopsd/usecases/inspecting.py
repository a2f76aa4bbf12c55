"""Looking into live objects of an application: one as it is, its events, the logs of its Pods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.core.objects.mask import masked
from gitopsd.core.rights.resources import PolicyResource
from gitopsd.core.tree.owners import TreeNode
from gitopsd.errors import BadRequest
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import Manifest
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.tree_objects import ObjectName, absent, named_node

MOST_PODS = 20  # whose logs are read one after the other


@dataclass(frozen=True, slots=True)
class InspectingUseCases:
    backend: Backend
    rights: Rights
    access: ApplicationAccess

    async def object(self, caller: Caller, name: AppName, wanted: ObjectName) -> Manifest:
        """Return one live object of the application, read from the cluster now, Secrets masked. Raises NotFound."""
        self.access.known(caller, name)
        node = named_node(self.backend, name, wanted)
        live = await self.backend.read(name, node)
        if live is None:
            raise absent(name)
        return masked(live)[0]

    async def events(self, caller: Caller, name: AppName, wanted: ObjectName) -> Mapping[str, Any]:
        """Return the events of one object of the application as Kubernetes lists them. Raises NotFound."""
        self.access.known(caller, name)
        return await self.backend.events(name, named_node(self.backend, name, wanted))

    async def logs(
        self, holder: StreamHolder, name: AppName, wanted: ObjectName, query: LogQuery
    ) -> AsyncIterator[LogLine]:
        """Return the lines of the logs of Pods: the one that is named, or all below the object that is.

        They end when the client is nobody any more, or loses the right.

        Raises:
            NotFound, NotPermitted: of the caller, who needs `logs, get` beside `get` of the application.
            BadRequest: several are to be followed, or a Pod has several containers.
        """
        caller = holder.caller()
        if caller is None:
            raise absent(name)
        object_name = self.rights.object_of(self.access.known(caller, name))
        self.rights.require(caller, PolicyResource.LOGS, "get", object_name)
        pods = self._pods(name, wanted)
        if query.follow and len(pods) > 1:
            names = ", ".join(sorted(pod.live.key.name for pod in pods))
            raise BadRequest(f"{len(pods)} Pods cannot be followed at once", remedy=f"name one of {names}")
        first = await self.backend.log(name, pods[0], query)

        async def lines() -> AsyncIterator[LogLine]:
            log = first
            for pod in (*pods[1:], None):
                async for line in log:
                    if not self._still(holder, object_name):
                        return
                    yield line
                if pod is not None:
                    log = await self.backend.log(name, pod, query)

        return lines()

    def _still(self, holder: StreamHolder, object_name: str) -> bool:
        caller = holder.caller()
        return caller is not None and self.rights.allows(caller, PolicyResource.LOGS, "get", object_name)

    def _pods(self, name: AppName, wanted: ObjectName) -> Sequence[TreeNode]:
        """Return the Pods that are meant: `wanted` itself, or what lies below it in the tree."""
        nodes = self.backend.tree(name)
        meant: set[Uid] = {node.live.uid for node in nodes if wanted.fits(node, any_group=True)}
        for _ in nodes:  # a tree is no deeper than it has nodes
            more = {node.live.uid for node in nodes if any(live.uid in meant for _, live in node.parents)} - meant
            if not more:
                break
            meant |= more
        pods = [node for node in nodes if node.live.uid in meant and node.live.pod is not None]
        if not pods:
            raise absent(name)
        return sorted(pods, key=lambda node: node.live.key)[:MOST_PODS]
