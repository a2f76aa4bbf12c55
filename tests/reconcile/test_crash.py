"""A kill at the n-th write to the store or request to a cluster: the same end, each hook run once, nothing lost."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from gitopsd.core.target.sync_options import OPERATION_ID
from gitopsd.model.command import Applied, Apply, Command
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import Manifest, annotations_of
from gitopsd.model.operation import SyncRequest
from tests.fakes.applications import FakeApplications
from tests.reconcile.clusters import FakeClusters
from tests.reconcile.git import FakeGit
from tests.reconcile.shell import CASCADE, Clock, Shell, app, config, config_key

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
KILLS = 1000  # at random in the long form; else each moment once
SHOP = AppName("shop")
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
WAVE = "argocd.argoproj.io/sync-wave"
HOOKS = {
    "before": {"argocd.argoproj.io/hook": "PreSync"},
    "beside": {"argocd.argoproj.io/hook": "Sync", WAVE: "1", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"},
    "after": {"argocd.argoproj.io/hook": "PostSync"},
    "last": {"argocd.argoproj.io/hook": "PreDelete"},
    "gone": {"argocd.argoproj.io/hook": "PostDelete", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"},
}


class Killed(Exception):
    """The daemon was killed here."""


@dataclass
class Fate:
    """Kills at the end of a count of writes and requests; a restarted daemon lives for ever."""

    left: int = 10**9
    used: int = 0

    def tick(self) -> None:
        self.used += 1
        self.left -= 1
        if self.left == 0:
            raise Killed


class MortalApplications(FakeApplications):
    """A store before whose writes the daemon may die."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def _write(self) -> None:
        self._fate.tick()
        super()._write()


@dataclass
class MortalClusters(FakeClusters):
    """Clusters before and after whose answers the daemon may die; they count how often each hook was begun."""

    fate: Fate = field(default_factory=Fate)
    begun: Counter[tuple[str, str]] = field(default_factory=Counter)  # hook and run → how often it was made

    async def run(self, cluster: ClusterId, command: Command) -> Applied:
        self.fate.tick()
        if isinstance(command, Apply) and command.key.kind == "Job" and command.key not in self.worlds[cluster].objects:
            self.begun[command.key.name, annotations_of(command.manifest)[OPERATION_ID]] += 1
        answer = await super().run(cluster, command)
        self.fate.tick()
        return answer


class Life:
    """A world that outlives its daemons."""

    def __init__(self, kill_at: int) -> None:
        self.fate = Fate()
        self.kill_at = kill_at
        clock = Clock()
        clusters = MortalClusters(fate=self.fate)
        self.shell = Shell(clock, MortalApplications(self.fate), FakeGit(clock), clusters)
        self.clusters = clusters
        self.shell.world.put(NAMESPACE)

    async def settle(self) -> None:
        """Let everything happen, hooks end as they do, and the daemon start anew when it was killed."""
        for _ in range(12):
            await self._lives(60)
            for key, live in list(self.shell.world.objects.items()):
                if key.kind == "Job" and "status" not in live:
                    condition = {"type": "Complete", "status": "True"}
                    self.shell.world.edit(key, "status", value={"conditions": [condition]})

    async def _lives(self, for_s: float) -> None:
        try:
            await self.shell.settle(for_s=for_s)
        except* Killed:
            self.shell = self.shell.restarted()

    async def lived(self) -> tuple[set[str], set[str]]:
        """Live through three syncs and a deletion; return the objects after the syncs, and at the end."""
        shell = self.shell
        shell.declare(app("shop", metadata=CASCADE))
        shell.git.push({"apps/shop/old": config("old")})
        await self.settle()
        self.fate.left = self.kill_at
        self.fate.used = 0
        later = config("b", annotations={WAVE: "1"})
        files: dict[str, Manifest] = {f"apps/shop/{name}": job(name, marks) for name, marks in HOOKS.items()}
        self.shell.git.push({**files, "apps/shop/a": config("a"), "apps/shop/b": later})
        await self.settle()
        await self._asked(SyncRequest(initiated_by="ann", asked_s=7.0, prune=True))
        after = {key.name for key in self.shell.world.objects}
        await self._deleted()
        return after, {key.name for key in self.shell.world.objects}

    async def _asked(self, request: SyncRequest) -> None:
        """Ask as a person does, who asks again where the daemon died before it said that it had taken that up."""
        try:
            await self.shell.commands.sync(SHOP, request)
        except Killed:
            self.shell = self.shell.restarted()
            await self.shell.commands.sync(SHOP, request)
        await self.settle()

    async def _deleted(self) -> None:
        try:
            await self.shell.commands.delete(SHOP, cascade=True)
        except Killed:
            self.shell = self.shell.restarted()
            await self.shell.commands.delete(SHOP, cascade=True)
        await self.settle()


def job(name: str, annotations: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "job:1"}]}}},
    }


async def test_kill_anywhere_ends_as_no_kill_does_and_runs_each_hook_once() -> None:
    seed = int(os.environ.get("GITOPSD_SEED") or secrets.randbits(32))
    print(f"GITOPSD_SEED={seed}")  # noqa: T201 - by which the run can be had again
    unharmed = Life(10**9)
    expected = await unharmed.lived()
    length = unharmed.fate.used
    assert {"before", "after", "last", "a", "b", "prod"} - {"last"} == expected[0]
    random = Random(seed)  # noqa: S311 - no secret
    moments = [random.randint(1, length) for _ in range(KILLS)] if SOAK else range(1, length + 1)

    for moment in moments:
        life = Life(moment)
        ended = await life.lived()

        told = f"killed at {moment} of {length}, GITOPSD_SEED={seed}"
        assert life.fate.left <= 0, told
        assert expected == ended, told
        assert None is life.shell.apps.get(SHOP), told
        assert {1} == set(life.clusters.begun.values()), f"{told}: {life.clusters.begun}"
        names = Counter(name for name, _ in life.clusters.begun)
        assert Counter(before=2, beside=2, after=2, last=1, gone=1) == names, f"{told}: {life.clusters.begun}"
    assert config_key("old") not in unharmed.shell.world.objects
