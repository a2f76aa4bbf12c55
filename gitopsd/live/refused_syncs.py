"""Whose sync one cluster refused, and what that may rest on: they are told when that changes, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from gitopsd.live.admission import SETTLE_S
from gitopsd.live.kinds import KindStore, VersionStore
from gitopsd.model.cluster import ApiResource, RefusedAt
from gitopsd.model.comparison import Reading, Unreadable
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey

RBAC = "rbac.authorization.k8s.io"
KINDS = (  # beside the policies: followed from the first refusal on
    GroupKind("", "ResourceQuota"),
    GroupKind("", "LimitRange"),
    GroupKind(RBAC, "Role"),
    GroupKind(RBAC, "RoleBinding"),
    GroupKind(RBAC, "ClusterRole"),
    GroupKind(RBAC, "ClusterRoleBinding"),
)
NAMESPACE = GVK("", "v1", "Namespace")
LAG_S = 1.0  # a server takes up what has changed a moment after it shows it
BETWEEN_S = 0.05  # between two that are told: a thousand that one webhook refused do not all come at once


@dataclass(slots=True)
class _Refused:
    """One application whose last sync was refused."""

    sync: str  # its operation's id
    places: tuple[RefusedAt, ...]
    ground: list[object] = field(default_factory=list)  # of all places, as each part was when that was first known
    announced: bool = False


class RefusedSyncs:
    """Keeps nothing over a restart: what changes while nobody looks costs the time to the next retry."""

    def __init__(
        self,
        versions: Mapping[GVK, VersionStore],
        kinds: Mapping[GVK, KindStore],
        resource: Callable[[GVK], ApiResource | Reading],
        admission: Callable[[GVK], str],
        tell: Callable[[AppName], None],
    ) -> None:
        """Make one of which nobody was refused.

        Args:
            versions: of the kinds that are followed; of `KINDS`, once somebody was refused.
            kinds: that are watched in full; Namespaces are among them.
            resource: says how a kind is served.
            admission: says what may change or refuse objects of a kind, as a hash.
            tell: told of an application once what refused it has changed.
        """
        self._versions = versions
        self._kinds = kinds
        self._resource = resource
        self._admission = admission
        self._tell = tell
        self._refused: dict[AppName, _Refused] = {}
        self._by_namespace: dict[GVK, dict[str, int]] = {}
        self._answers: dict[GroupKind, int] = {}  # writes of a kind that were accepted while others had no answer
        self._news = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def any(self) -> bool:
        return bool(self._refused)

    def refused(self, app: AppName, sync: str, places: Collection[RefusedAt]) -> bool:
        """Remember where `sync`, the last of `app`, was refused; return whether what that rests on has changed since.

        None: it was not.
        """
        if not places:
            self._refused.pop(app, None)
            return False
        refusal = self._refused.get(app)
        if refusal is None or refusal.sync != sync:
            refusal = self._refused[app] = _Refused(sync, tuple(sorted(places)))
        return self._differs(refusal)

    def changed(self, gvk: GVK | None = None) -> None:
        """Take note that something changed that refusals may rest on; of `gvk`, where that is of `KINDS`."""
        if gvk is not None:
            self._by_namespace.pop(gvk, None)
        if not self._refused:
            return
        for refusal in self._refused.values():
            if gvk is not None and None in refusal.ground:
                self._differs(refusal)  # it has just been listed: so it was
        self._news.set()
        if self._timer is not None:
            self._timer.cancel()
        # Until then the server may answer as before (`Admission`), and whoever was refused meanwhile is told, too.
        self._timer = asyncio.get_running_loop().call_later(SETTLE_S + LAG_S, self._news.set)

    def written(self, kind: GroupKind) -> None:
        """Take note that an object of `kind` was taken: whoever had no answer for such a one may have one now."""
        places = (refused for refusal in self._refused.values() for refused in refusal.places)
        if any(refused.unanswered and refused.gvk.group_kind == kind for refused in places):
            self._answers[kind] = self._answers.get(kind, 0) + 1
            self._news.set()

    async def run(self) -> None:
        """Tell, for ever, whose refusal rests on something that is different now."""
        try:
            while True:
                await self._news.wait()
                await asyncio.sleep(LAG_S)
                self._news.clear()
                for app in sorted(self._refused):
                    refused = self._refused.get(app)
                    if refused is not None and not refused.announced and self._differs(refused):
                        refused.announced = True
                        self._tell(app)
                        await asyncio.sleep(BETWEEN_S)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _differs(self, refusal: _Refused) -> bool:
        """Tell whether any of it is another than when it was first known; take up what is known only now."""
        now = [part for refused in refusal.places for part in self._ground(refused)]
        pairs = list(zip(refusal.ground or [None] * len(now), now, strict=True))
        refusal.ground = [new if old is None else old for old, new in pairs]
        return any(None not in (old, new) and old != new for old, new in pairs)

    def _ground(self, refused: RefusedAt) -> Iterator[object]:
        """Give what a refusal at `refused` may rest on, part by part; None for what is not known now."""
        readable = not isinstance(self._resource(refused.gvk), Unreadable)
        yield self._admission(refused.gvk) if readable else None
        yield self._namespace(refused.namespace)
        yield self._answers.get(refused.gvk.group_kind, 0) if refused.unanswered else 0
        followed = {gvk.group_kind: gvk for gvk, versions in self._versions.items() if versions.settled}
        for kind in KINDS:
            versions = self._held(followed[kind]) if kind in followed else None
            yield None if versions is None else (versions.get("", 0), versions.get(refused.namespace, 0))

    def _namespace(self, name: str) -> object:
        spaces = self._kinds.get(NAMESPACE)  # None: those of this cluster are not read
        space = spaces.objects.get(ResourceKey("", "Namespace", "", name)) if spaces is not None else None
        return (space.uid, space.resource_version) if space is not None else ""

    def _held(self, gvk: GVK) -> dict[str, int]:
        """Return a number for the objects of a kind in each namespace, another one when they change."""
        if gvk not in self._by_namespace:
            versions: dict[str, list[object]] = {}
            for key, version in sorted(self._versions[gvk].versions.items()):
                versions.setdefault(key.namespace, []).append((key.name, version))
            self._by_namespace[gvk] = {namespace: hash(tuple(held_there)) for namespace, held_there in versions.items()}
        return self._by_namespace[gvk]
