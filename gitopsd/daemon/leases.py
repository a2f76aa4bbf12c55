"""The leases of all clusters: whether this daemon may write to one."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitopsd.apply.lease import ClusterLease, Terms
from gitopsd.kube.client import KubeClient
from gitopsd.model.application import Mode
from gitopsd.model.ids import ClusterId
from gitopsd.ports import Clock
from gitopsd.settings import Settings


@dataclass(frozen=True, slots=True)
class Leases:
    kept: Mapping[ClusterId, ClusterLease]

    @classmethod
    def of(
        cls,
        settings: Settings,
        clients: Mapping[ClusterId, KubeClient],
        now_s: Clock,
        on_change: Callable[[ClusterId], None],
    ) -> Leases:
        """Return what keeps a lease of every cluster; in observe mode of none, for that would be a write."""
        if Mode(settings.mode) is Mode.OBSERVE:
            return cls({})
        sync = settings.sync
        terms = Terms(settings.instance, sync.lease_namespace, _identity(settings.data_dir), sync.lease_s)
        leases = {
            cluster: ClusterLease(client, terms, now_s=now_s, on_change=on_change)
            for cluster, client in clients.items()
        }
        return cls(leases)

    def fenced(self, cluster: ClusterId) -> str:
        """Return why nothing may be written to `cluster` now; "" where it may."""
        lease = self.kept.get(cluster)
        return lease.fenced() if lease is not None else ""

    def noticed(self, cluster: ClusterId) -> str:
        """Return what a person should know of the lease of `cluster`; "" where all is as it should be."""
        lease = self.kept.get(cluster)
        return lease.noticed if lease is not None else ""


def _identity(data_dir: Path) -> str:
    """Return who we are for other daemons: this machine, and an id that stays with the data directory."""
    file = data_dir / "instance-id"
    if not file.exists():
        file.write_text(uuid.uuid4().hex)
    return f"{socket.gethostname()}_{file.read_text().strip()}"
