"""One cluster in memory: the objects of every watched kind, and which application each concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from gitopsd.live.decode import Decoder
from gitopsd.live.health_checks import Checking
from gitopsd.live.kinds import Changed, KindStore
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Reading
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.manifest import GVK, Manifest, ResourceKey

Name = TypeVar("Name", AppName, Uid)
CLAIM = GVK("", "v1", "PersistentVolumeClaim")
NOBODY: frozenset[AppName] = frozenset()


class Listeners(Protocol):
    """Whom a mirror tells."""

    def tell(self, app: AppName) -> None: ...
    def changed(self, key: ResourceKey, apps: Collection[AppName]) -> None: ...
    def touched(self, apps: Collection[AppName]) -> None: ...


class LiveMirror:
    """All watched kinds of one cluster, with the indexes a pass needs: by application, by owner, by who asked."""

    def __init__(  # noqa: PLR0913 - whom it tells of what
        self,
        decoder: Decoder,
        now_s: Callable[[], float],
        *,
        notices: Listeners,
        on_object: Changed,
        on_settled: Callable[[], None],
        checking: Checking | None = None,
    ) -> None:
        """Make an empty mirror.

        Args:
            decoder: makes live objects of manifests.
            now_s: a clock that only goes forward.
            notices: told whom a change concerns.
            on_object: told of every change of every object.
            on_settled: told when a kind is listed, or cannot be.
            checking: asks users' checks how objects do.
        """
        self.kinds: dict[GVK, KindStore] = {}
        self._decoder = decoder
        self._now_s = now_s
        self._notices = notices
        self._on_object = on_object
        self._on_settled = on_settled
        self._checking = checking
        self._tracked: dict[AppName, dict[ResourceKey, GVK]] = {}
        self._children: dict[Uid, dict[ResourceKey, GVK]] = {}
        self._claims: dict[tuple[str, str], set[str]] = {}  # namespace, name without its ordinal → names
        self._asked: dict[AppName, frozenset[ObjectRef]] = {}  # what a pass asked for and is not tracked as its own
        self._askers: dict[ResourceKey, frozenset[AppName]] = {}
        self._kind_askers: dict[GVK, set[AppName]] = {}

    def add(self, gvk: GVK) -> KindStore:
        """Return the mirror of one kind, a new and empty one where there is none."""
        if gvk not in self.kinds:
            self.kinds[gvk] = KindStore(
                gvk,
                self._decoder,
                self._now_s,
                changed=lambda key, old, new: self._object_changed(gvk, key, old, new),
                settled=self._kind_settled,
                checking=self._checking,
            )
        return self.kinds[gvk]

    def remove(self, gvk: GVK) -> None:
        """Forget a kind that is not served any more, and tell those whom it concerns."""
        kind = self.kinds.pop(gvk, None)
        if kind is not None:
            kind.clear()
            self.kind_changed(gvk)

    def _kind_settled(self, gvk: GVK) -> None:
        self.kind_changed(gvk)
        self._on_settled()

    def everybody(self) -> None:
        """Tell every application that has objects here, or has asked for some."""
        for app in sorted(self._tracked.keys() | self._asked.keys() | set().union(*self._kind_askers.values())):
            self._notices.tell(app)

    def kind_changed(self, gvk: GVK) -> None:
        """Tell every application that wants or has objects of `gvk` that the kind reads otherwise now."""
        having = {app for app, keys in self._tracked.items() if gvk in keys.values()}
        for app in sorted(having | self._kind_askers.get(gvk, set())):
            self._notices.tell(app)

    def tracked(self, app: AppName) -> Iterator[tuple[ResourceKey, GVK, Reading]]:
        """Give the objects that carry the application's tracking id and are not copies or a controller's."""
        for key, gvk in self._tracked.get(app, {}).items():
            yield key, gvk, self.kinds[gvk].reading(key)

    def asked(self, app: AppName, refs: Collection[ObjectRef]) -> None:
        """Remember what a pass of `app` has just asked for, to tell it when that changes."""
        own = self._tracked.get(app, {})
        beside = frozenset(ref for ref in refs if ref.key not in own)
        before = self._asked.get(app, frozenset())
        for ref in before - beside:
            self._set_askers(ref.key, self._askers.get(ref.key, NOBODY) - {app})
        for ref in beside - before:
            self._set_askers(ref.key, self._askers.get(ref.key, NOBODY) | {app})
        if beside:
            self._asked[app] = beside
        else:
            self._asked.pop(app, None)
        for gvk in {ref.gvk for ref in refs}:
            self._kind_askers.setdefault(gvk, set()).add(app)

    def kinds_asked_for(self) -> tuple[GVK, ...]:
        """Return the kinds that passes have asked for, served or not."""
        return tuple(sorted(self._kind_askers))

    def children(self, uid: Uid) -> tuple[tuple[GVK, LiveObject], ...]:
        """Return the objects of watched kinds that name `uid` among their owners, sorted by key."""
        children = self._children.get(uid, {})
        return tuple((children[key], self.kinds[children[key]].objects[key]) for key in sorted(children))

    def unowned(self, namespace: str) -> Iterator[tuple[GVK, LiveObject]]:
        """Give the objects of watched kinds in a namespace that name no owner, each at one version."""
        for gvk in {gvk.group_kind: gvk for gvk in sorted(self.kinds)}.values():
            for live in self.kinds[gvk].objects.unowned(namespace):
                yield gvk, live

    def claimed(self, live: LiveObject) -> tuple[tuple[GVK, LiveObject], ...]:
        """Return the PersistentVolumeClaims of a StatefulSet, by their names: mostly it leaves out to own them."""
        names = [name for stem in live.claims for name in self._claims.get((live.key.namespace, stem), ())]
        keys = [ResourceKey(CLAIM.group, CLAIM.kind, live.key.namespace, name) for name in sorted(names)]
        return tuple((CLAIM, self.kinds[CLAIM].objects[key]) for key in keys)

    def owns(self, manifest: Manifest) -> bool:
        """Tell whether any owner that an object names is here, and an application's or in turn owned by something."""
        meta = manifest["metadata"]
        refs = meta.get("ownerReferences")
        namespaces = {str(meta.get("namespace") or ""), ""}
        return isinstance(refs, list) and any(
            self._is_of_a_tree(ref, namespace) for ref in refs if isinstance(ref, dict) for namespace in namespaces
        )

    def _is_of_a_tree(self, ref: Mapping[str, Any], namespace: str) -> bool:
        group, _, _ = str(ref.get("apiVersion")).rpartition("/")
        key = ResourceKey(group, str(ref.get("kind")), namespace, str(ref.get("name")))
        candidates = [
            one.objects[key]
            for gvk, one in self.kinds.items()
            if gvk.group_kind == key.group_kind and key in one.objects
        ]
        return any(live.uid == ref.get("uid") and (_app_of(live) is not None or live.owners) for live in candidates)

    def _set_askers(self, key: ResourceKey, apps: frozenset[AppName]) -> None:
        if apps:
            self._askers[key] = apps
        else:
            self._askers.pop(key, None)

    def _object_changed(self, gvk: GVK, key: ResourceKey, old: LiveObject | None, new: LiveObject | None) -> None:
        before, now = _app_of(old), _app_of(new)
        if before is not None and before != now:
            self._unlink(self._tracked, before, gvk, key, lambda live: (_app_of(live),))
        if now is not None:
            self._tracked.setdefault(now, {})[key] = gvk
        old_owners, new_owners = old.owners if old else (), new.owners if new else ()
        if old_owners != new_owners:
            for uid in old_owners:
                self._unlink(self._children, uid, gvk, key, lambda live: live.owners)
            for uid in new_owners:
                self._children.setdefault(uid, {})[key] = gvk
        if gvk == CLAIM:
            self._claim_changed(key, new)
        self._on_object(key, old, new)
        apps = sorted({app for app in (before, now) if app is not None} | self._askers.get(key, NOBODY))
        if _only_version(old, new):
            self._notices.touched(apps)
        else:
            self._notices.changed(key, apps)

    def _claim_changed(self, key: ResourceKey, new: LiveObject | None) -> None:
        stem, _, ordinal = key.name.rpartition("-")
        if not (ordinal.isascii() and ordinal.isdigit()):
            return
        claim = key.namespace, stem
        if new is not None and not new.owners:
            self._claims.setdefault(claim, set()).add(key.name)
        elif claim in self._claims:
            self._claims[claim].discard(key.name)
            if not self._claims[claim]:
                del self._claims[claim]

    def _unlink(
        self,
        index: dict[Name, dict[ResourceKey, GVK]],
        name: Name,
        gvk: GVK,
        key: ResourceKey,
        names_of: Callable[[LiveObject], Collection[Name | None]],
    ) -> None:
        """Take `key` at `gvk` from under `name`; where another version that is watched has it there too, that stays."""
        entries = index.get(name, {})
        others = (other for other in self.kinds if other != gvk and other.group_kind == gvk.group_kind)
        candidates = ((other, self.kinds[other].objects.get(key)) for other in others)
        other = next((other for other, live in candidates if live is not None and name in names_of(live)), None)
        if other is not None:
            entries[key] = other
        else:
            entries.pop(key, None)
        if not entries:
            index.pop(name, None)


def _app_of(live: LiveObject | None) -> AppName | None:
    """Return whose the object is by its tracking id; a copied id and a controller's object are nobody's."""
    if live is None or live.tracking is None or live.controlled or not live.tracking.names(live.key):
        return None
    return live.tracking.app


def _only_version(old: LiveObject | None, new: LiveObject | None) -> bool:
    return (
        old is not None
        and new is not None
        and new.view is not None  # without a view, a version is all that tells of a change
        and replace(new, resource_version=old.resource_version, generation=old.generation) == old
    )
