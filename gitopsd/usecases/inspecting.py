"""Looking into live objects of an application: one as it is, its events, the logs of its Pods."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gitopsd.core.objects.mask import masked
from gitopsd.core.rights.resources import PolicyResource
from gitopsd.core.text.times import rfc3339
from gitopsd.core.tree.owners import TreeNode
from gitopsd.errors import GitopsError
from gitopsd.model.audit import AuditEntry, AuditQuery, AuditResult
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import Manifest
from gitopsd.runtime.merge import in_turn, merged
from gitopsd.runtime.tasks import at_most
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.tree_objects import ObjectName, absent, named_node

MOST_PODS = 20  # whose logs are read
OPENED_AT_ONCE = 8
MOST_EVENTS = 100  # of an application


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
        """Return the events of one object of the application as Kubernetes lists them. Raises NotFound.

        Where no object is named they are of the application itself: what people did to it.
        """
        self.access.known(caller, name)
        if wanted == ObjectName():
            entries = self.backend.audited(AuditQuery(name, limit=MOST_EVENTS))
            return {
                "apiVersion": "v1",
                "kind": "EventList",
                "items": [_event(entry) for entry in entries if entry.result is AuditResult.DONE],
            }
        return await self.backend.events(name, named_node(self.backend, name, wanted))

    @asynccontextmanager
    async def logs(
        self, holder: StreamHolder, name: AppName, wanted: ObjectName, query: LogQuery
    ) -> AsyncIterator[AsyncIterator[LogLine]]:
        """Give the lines of the logs of Pods while the block runs: of the one that is named, or all below the object.

        Several are told one after the other; those that are followed as their lines come. That one cannot be read is
        a line of it, unless nothing can be read to begin with. They end when the client is nobody any more, or loses
        the right.

        Raises:
            NotFound, NotPermitted: of the caller, who needs `logs, get` beside `get` of the application.
            BadRequest: a Pod has several containers.
            ClusterRefused, Retryable: as the cluster answers.
        """
        caller = holder.caller()
        if caller is None:
            raise absent(name)
        object_name = self.rights.object_of(self.access.known(caller, name))
        self.rights.require(caller, PolicyResource.LOGS, "get", object_name)
        pods = self._pods(name, wanted)
        first = pods if query.follow else pods[:1]
        opened = await at_most(OPENED_AT_ONCE, first, lambda pod: self._opened(name, pod, query), name="logs")
        errors = [log for log in opened if isinstance(log, GitopsError)]
        if len(errors) == len(opened):
            raise errors[0]
        if len(pods) == 1:
            logs = [log for log in opened if not isinstance(log, GitopsError)]
        else:
            logs = [_lines(pod, log) for pod, log in zip(first, opened, strict=True)]
            logs += [self._later(name, pod, query) for pod in pods[len(first) :]]
        async with (merged if query.follow and len(pods) > 1 else in_turn)(logs) as lines:
            yield self._while_permitted(holder, object_name, lines)

    async def _opened(self, name: AppName, pod: TreeNode, query: LogQuery) -> AsyncGenerator[LogLine] | GitopsError:
        try:
            return await self.backend.log(name, pod, query)
        except GitopsError as err:
            return err

    async def _later(self, name: AppName, pod: TreeNode, query: LogQuery) -> AsyncGenerator[LogLine]:
        async with aclosing(_lines(pod, await self._opened(name, pod, query))) as lines:
            async for line in lines:
                yield line

    async def _while_permitted(
        self, holder: StreamHolder, object_name: str, lines: AsyncIterator[LogLine]
    ) -> AsyncIterator[LogLine]:
        async for line in lines:
            if not self._still(holder, object_name):
                return
            yield line

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


async def _lines(pod: TreeNode, log: AsyncGenerator[LogLine] | GitopsError) -> AsyncGenerator[LogLine]:
    """Tell the lines of one log of several; what goes wrong is a line of it."""
    if isinstance(log, GitopsError):
        yield LogLine(pod.live.key.name, log.what, "")
        return
    async with aclosing(log):
        try:
            async for line in log:
                yield line
        except GitopsError as err:
            yield LogLine(pod.live.key.name, err.what, "")


def _event(entry: AuditEntry) -> dict[str, Any]:
    """Return what somebody did as an event of Kubernetes."""
    at = rfc3339(entry.at_s)
    return {
        "metadata": {"name": f"{entry.app}.{entry.id}", "creationTimestamp": at},
        "involvedObject": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "name": entry.app},
        "type": "Normal",
        "reason": "".join(word.capitalize() for word in entry.what.split("-")),
        "message": f"{entry.who}: {entry.what} {entry.detail}".strip(),
        "source": {"component": "gitopsd"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
