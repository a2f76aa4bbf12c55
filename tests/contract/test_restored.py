"""A cluster whose etcd was put back to an earlier state: the mirror comes to show what is there, not what was."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitopsd.kube.client import APPLY_PATCH, KubeClient
from gitopsd.model.comparison import Absent, Found
from gitopsd.model.manifest import GroupKind
from tests import clusters
from tests.clusters import Cluster, ControlPlane
from tests.kube.kit import client_of
from tests.live.kit import HERE, Running, ref, running, until

CONFIG_MAP = GroupKind("", "ConfigMap")
REFRESH_S = 8.0
PATH = "/api/v1/namespaces/default/configmaps"
DEADLINE_S = 180.0  # a client that was refused for long asks again after 30 s
WRITES_AHEAD = 400  # more than a control plane writes when it starts


@dataclass(frozen=True, slots=True)
class Restorable:
    """A control plane whose etcd can be put back to what it was."""

    binaries: ControlPlane
    home: Path
    ports: list[int]

    @contextmanager
    def up(self) -> Iterator[Cluster]:
        with clusters.control_plane(self.binaries, self.home, self.ports, controllers=False) as cluster:
            yield cluster

    def back_up(self) -> None:
        shutil.copytree(self.home / "etcd", self.home / "backup")

    def restore(self) -> None:
        shutil.rmtree(self.home / "etcd")
        shutil.move(self.home / "backup", self.home / "etcd")


@pytest.fixture
def restorable(tmp_path: Path) -> Restorable:
    binaries = clusters.find_control_plane()
    if binaries is None:
        pytest.skip("no kube-apiserver and etcd in $KUBEBUILDER_ASSETS")
    ports = clusters.free_ports(3)
    clusters.write_identities(tmp_path, ports[0])
    return Restorable(binaries, tmp_path, ports)


class Up:
    """The control plane while it is up, entered and left without holding up the loop."""

    def __init__(self, restorable: Restorable) -> None:
        self._context = restorable.up()

    async def __aenter__(self) -> Cluster:
        return await asyncio.to_thread(self._context.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._context.__exit__, None, None, None)


async def write(client: KubeClient, name: str, value: str) -> None:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value}}
    query = {"fieldManager": "gitopsd", "force": "true"}
    reply = await client.request("PATCH", f"{PATH}/{name}", query=query, body=body, content_type=APPLY_PATCH)
    assert reply.ok, reply


async def delete(client: KubeClient, name: str) -> None:
    assert (await client.request("DELETE", f"{PATH}/{name}")).ok


async def versions(client: KubeClient) -> dict[str, str]:
    """Return what the server has: name → version."""
    reply = await client.request("GET", PATH)
    assert reply.ok, reply
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in reply.body["items"]}


def shown(mirror: Running) -> dict[str, str | None]:
    """Return what the mirror has of three ConfigMaps: name → version, None where it is not there."""
    found: dict[str, str | None] = {}
    for name in ("changed", "deleted", "made"):
        reading = mirror.reading(ref("ConfigMap", "default", name))
        if isinstance(reading, Found):
            found[name] = reading.live.resource_version
        elif isinstance(reading, Absent):
            found[name] = None
    return found


async def test_what_a_backup_brings_back_is_seen_within_the_refresh(restorable: Restorable) -> None:
    async with Up(restorable) as cluster, client_of(cluster) as client:
        await write(client, "changed", "1")
        await write(client, "deleted", "1")
    restorable.back_up()

    async with (
        client_of(cluster, watch_timeout_s=30.0) as client,
        running(client, [CONFIG_MAP], refresh_s=REFRESH_S) as mirror,
    ):
        async with Up(restorable):
            await until(lambda: mirror.mirrors.age(HERE).synced, "synced", DEADLINE_S)
            for number in range(WRITES_AHEAD):
                await write(client, "changed", f"{number}")
            await delete(client, "deleted")
            await write(client, "made", "1")
            now = await versions(client)
            after = {"changed": now["changed"], "deleted": None, "made": now["made"]}
            await until(lambda: after == shown(mirror), "what was done is seen", DEADLINE_S)
        restorable.restore()
        async with Up(restorable):
            now = await versions(client)
            restored = {"changed": now["changed"], "deleted": now["deleted"], "made": None}
            await until(lambda: restored == shown(mirror), "what the backup has is seen", DEADLINE_S)
            assert int(after["changed"] or 0) > int(now["changed"])
