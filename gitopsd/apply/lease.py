"""The lease by which one daemon writes to a cluster: two by mistake notice each other, and do not fight."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from gitopsd.core.sync.leadership import CONTENDER, Sighting, contender, may_take, micro_time, released, sighted, taken
from gitopsd.errors import GitopsError
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.model.ids import ClusterId

LEASES = "/apis/coordination.k8s.io/v1/namespaces"
MERGE_PATCH = "application/merge-patch+json"
NOT_FOUND, CONFLICT = 404, 409
REFUSED = (401, 403, NOT_FOUND, 405)  # no right, or no such API or namespace
RELEASE_S = 2.0
TRIES = 5  # who wants the lease writes into it, too
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """How a lease is kept."""

    name: str
    namespace: str
    identity: str  # of this daemon and its data directory, so that a restart finds its own
    duration_s: float = 60.0  # by then another daemon may take a lease that is not renewed

    @property
    def renew_s(self) -> float:
        return self.duration_s / 6

    @property
    def hold_s(self) -> float:
        """Return after how long without a renewal nothing is begun: what is begun ends before another may write."""
        return self.duration_s * 0.4


class ClusterLease:
    """Keeps the lease of one cluster. A service; `fenced` is asked before every write."""

    def __init__(
        self, client: KubeClient, terms: Terms, *, now_s: Callable[[], float], on_change: Callable[[ClusterId], None]
    ) -> None:
        """Be told on which changes passes are due: `on_change` when writing has become possible, or impossible."""
        self.name = f"lease {client.name}"
        self._client, self._terms, self._now_s, self._on_change = client, terms, now_s, on_change
        self._path = f"{LEASES}/{terms.namespace}/leases"
        self._until_s = -math.inf  # of the loop's clock
        self._sighting: Sighting | None = None
        self._lease: Mapping[str, Any] | None = None  # as we hold it
        self._unguarded = ""  # why there is no lease to be had: then nothing is fenced off
        self._contender, self._contended_s = "", -math.inf
        self._last: str | None = None  # what `fenced` said when it was last told

    def fenced(self) -> str:
        """Return why nothing may be written to the cluster now; "" where it may."""
        if self._unguarded or asyncio.get_running_loop().time() < self._until_s:
            return ""
        cluster = self._client.name
        if self._theirs:
            return (
                f"another gitopsd, {self._theirs}, writes to cluster {cluster}: stop one of the two, or give each an "
                f"`instance` of its own (lease {self._terms.namespace}/{self._terms.name})"
            )
        return f"the lease of cluster {cluster} is not held: it does not answer, or has just been asked for"

    @property
    def noticed(self) -> str:
        """Return what a person should know of other daemons and of the lease itself; "" where all is well."""
        if self._unguarded:
            return f"no lease is kept, so a second daemon would not be noticed: {self._unguarded}"
        if asyncio.get_running_loop().time() - self._contended_s < self._terms.duration_s:
            return f"another gitopsd of this instance wants to write here: {self._contender}"
        return self.fenced()

    @property
    def _theirs(self) -> str:
        """Return who else held the lease when we last saw it; "" where nobody did."""
        holder = self._sighting.holder if self._sighting is not None else ""
        return holder if holder != self._terms.identity else ""

    async def run(self) -> None:
        try:
            while True:
                with suppress(GitopsError):  # the cluster is away: its mirror says so, and the lease runs out
                    await self._turn()
                self._tell()
                await asyncio.sleep(self._terms.renew_s)
        finally:
            # Released, another daemon takes over now; left to run out, the cluster is written by none for its duration.
            with suppress(TimeoutError, GitopsError):
                async with asyncio.timeout(RELEASE_S):
                    await self._release()

    async def _turn(self) -> None:
        began_s = asyncio.get_running_loop().time()
        reply = await self._client.request("GET", f"{self._path}/{self._terms.name}")
        if reply.code == NOT_FOUND:
            reply = await self._made()
            if reply.code != CONFLICT:
                self._took(reply, began_s)
            return
        if not reply.ok:
            self._took(reply, began_s)
            return
        lease = reply.body
        self._sighting = sighted(self._sighting, lease, began_s)
        if may_take(self._sighting, lease, self._terms.identity, began_s):
            self._notice(lease, began_s)
            body = taken(lease, self._terms.identity, math.ceil(self._terms.duration_s), self._now_s())
            self._took(await self._put(body), began_s)
        else:
            self._lease = None
            await self._contend()

    def _took(self, reply: Reply, began_s: float) -> None:
        """Take note of the answer to our write; a conflict is somebody else's, and is looked at in the next turn."""
        if reply.ok:
            self._lease, self._unguarded = reply.body, ""
            self._sighting = sighted(self._sighting, reply.body, began_s)
            self._until_s = began_s + self._terms.hold_s
        elif reply.code in REFUSED and not self._unguarded and not self._theirs:
            self._unguarded = f"{reply.message} ({reply.code})"
            log.warning("lease.unguarded", cluster=self._client.name, reason=self._unguarded)

    def _notice(self, lease: Mapping[str, Any], now_s: float) -> None:
        contender_now = contender(lease)
        if contender_now == self._contender:
            return
        if self._lease is not None:  # what was said before we held it says nothing of now
            self._contended_s = now_s
            log.warning(
                "lease.contended", cluster=self._client.name, by=contender_now, remedy="stop one of the two daemons"
            )
        self._contender = contender_now

    def _tell(self) -> None:
        fenced = self.fenced()
        before, self._last = self._last, fenced
        if before is not None and bool(before) == bool(fenced):
            return
        log.info("lease.lost" if fenced else "lease.held", cluster=self._client.name, reason=fenced)
        self._on_change(ClusterId(self._client.name))

    async def _made(self) -> Reply:
        head = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self._terms.name}}
        body = taken(head, self._terms.identity, math.ceil(self._terms.duration_s), self._now_s())
        return await self._client.request("POST", self._path, body=body)

    async def _put(self, body: Mapping[str, Any]) -> Reply:
        return await self._client.request("PUT", f"{self._path}/{self._terms.name}", body=body)

    async def _contend(self) -> None:
        """Let the holder know that we are there: it would not see two daemons otherwise."""
        note = f"{self._terms.identity} at {micro_time(self._now_s())}"
        body = {"metadata": {"annotations": {CONTENDER: note}}}
        await self._client.request("PATCH", f"{self._path}/{self._terms.name}", body=body, content_type=MERGE_PATCH)

    async def _release(self) -> None:
        if self._lease is None or self._unguarded:
            return
        for _ in range(TRIES):
            reply = await self._client.request("GET", f"{self._path}/{self._terms.name}")
            if not reply.ok or sighted(None, reply.body, 0.0).holder != self._terms.identity:
                return
            if (await self._put(released(reply.body))).code != CONFLICT:
                return
