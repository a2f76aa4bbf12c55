"""Several fake clusters behind the two ports, each a `World`; deletes are checked as an API server checks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gitopsd.model.cluster import ApiResource, LiveObject, RefusedAt, WatchAge
from gitopsd.model.command import Accepted, Answer, Applied, Command, ObjectRef, Prune, Refused
from gitopsd.model.comparison import Reading
from gitopsd.model.ids import AppName, ClusterId, Uid
from gitopsd.model.manifest import GVK, Manifest, ResourceKey
from gitopsd.model.residents import Resident, Residents
from tests.fakes.world import World
from tests.reconcile.git import at_once

C1, C2 = ClusterId("c1"), ClusterId("c2")


@dataclass
class FakeClusters:
    turn: Callable[[], Awaitable[None]] = at_once
    worlds: dict[ClusterId, World] = field(default_factory=lambda: {C1: World(), C2: World()})
    users: list[str] = field(default_factory=list)  # in whose names was written
    on_prune: Callable[[ClusterId, ResourceKey], None] = lambda *_: None

    def resource(self, cluster: ClusterId, gvk: GVK) -> ApiResource | Reading:
        return self.worlds[cluster].resource(cluster, gvk)

    def readings(
        self, cluster: ClusterId, app: AppName, wanted: Collection[ObjectRef]
    ) -> Mapping[ResourceKey, Reading]:
        return self.worlds[cluster].readings(cluster, app, wanted)

    def written(self, cluster: ClusterId, answer: Accepted) -> None:
        self.worlds[cluster].written(cluster, answer)

    def refused(self, cluster: ClusterId, app: AppName, sync: str, places: Collection[RefusedAt]) -> bool:
        return self.worlds[cluster].refused(cluster, app, sync, places)

    def unowned(self, cluster: ClusterId, namespace: str) -> Sequence[tuple[GVK, LiveObject]]:
        return self.worlds[cluster].unowned(namespace)

    async def look(
        self, cluster: ClusterId, holder: LiveObject, roots: Collection[Uid], counts: Callable[[Resident], bool]
    ) -> Residents:
        await self.turn()
        return self.worlds[cluster].look(holder, roots, counts)

    def age(self, cluster: ClusterId) -> WatchAge:
        return self.worlds[cluster].age(cluster)

    def admission(self, cluster: ClusterId, gvk: GVK) -> str:
        return self.worlds[cluster].admission(cluster, gvk)

    def acting_as(self, user: str) -> FakeClusters:
        self.users.append(user)
        return self

    async def dry_run(self, cluster: ClusterId, manifest: Manifest, *, takeover: bool = False) -> Answer:
        answer = await self.worlds[cluster].dry_run(cluster, manifest, takeover=takeover)
        await self.turn()
        return answer

    async def read(self, cluster: ClusterId, ref: ObjectRef) -> Manifest | None:
        found = await self.worlds[cluster].read(cluster, ref)
        await self.turn()
        return found

    async def run(self, cluster: ClusterId, command: Command) -> Applied:
        world = self.worlds[cluster]
        conflict = self._conflict(world, command)
        if isinstance(command, Prune) and conflict is None and not world.answers.get(command.key):
            self.on_prune(cluster, command.key)
        answer = conflict or await world.run(cluster, command)
        await self.turn()
        return answer

    def _conflict(self, world: World, command: Command) -> Refused | None:
        if not isinstance(command, Prune):
            return None
        meta = world.objects.get(command.key, {}).get("metadata", {})
        if (meta.get("uid"), meta.get("resourceVersion")) == (command.uid, command.resource_version):
            return None
        return Refused(command.key, 409, "the object has changed", retryable=True)
