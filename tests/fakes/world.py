"""One cluster in memory, as the shell sees it through its ports: LiveStates and Applier over one dict.

Server-side apply in small: maps are merged, lists are atomic, what our last apply set and this one does not is
removed. The real rules are the edges' business, and are tested there on the real API server.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

from gitopsd.core import health
from gitopsd.core.compare.ignore_rules import NO_RULES
from gitopsd.core.compare.respect_ignored import spared
from gitopsd.core.ownership.removed import without
from gitopsd.core.target import namespace_metadata as namespace
from gitopsd.core.target import tracking
from gitopsd.core.target.sync_options import marks_of
from gitopsd.model.cluster import ApiResource, LiveObject, RefusedAt, WatchAge
from gitopsd.model.command import (
    Accepted,
    Answer,
    Applied,
    Apply,
    Command,
    CreateNamespace,
    DryRun,
    ObjectRef,
    Predicted,
    Prune,
    Refused,
    Release,
    Write,
)
from gitopsd.model.comparison import Absent, Found, Reading, Unreadable, Unserved
from gitopsd.model.ids import AppName, ClusterId, ResourceVersion, Uid, ViewHash
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey, gvk_of, key_of
from gitopsd.model.residents import Resident, Residents

UIDS = itertools.count(1)  # no object of one cluster has that of another
CLUSTER_SCOPED = {"Namespace", "CustomResourceDefinition", "ClusterRole"}


class World:
    """The fake cluster. Tests change it as other writers do (`edit`, `remove`) and read `objects`."""

    def __init__(self) -> None:
        self.objects: dict[ResourceKey, dict[str, Any]] = {}
        self.owned: dict[ResourceKey, Manifest] = {}
        self.unreadable: dict[GroupKind, str] = {}
        self.unserved: set[GroupKind] = set()
        self.excluded: set[GroupKind] = set()  # kinds that nobody reads
        self.undiscovered: dict[str, str] = {}  # groups that do not answer discovery, and why
        self.answers: dict[ResourceKey, list[Applied | Exception]] = {}  # what to answer instead, once each
        self.dry_answers: dict[ResourceKey, list[Answer | Exception]] = {}
        self.untaken: dict[ResourceKey, Refused] = {}  # what a dry run before a sync says
        self.calls: list[str] = []
        self.users: list[str] = []  # in whose names was written
        self.hows: list[Write] = []  # how it was applied
        self.reads: list[ResourceKey] = []
        self.refuses_reads: Exception | None = None
        self.on_change: Callable[[AppName], None] = lambda _: None
        self.age_value = WatchAge(synced=True, oldest_s=0.0, failing=())
        self.argocd_wrote_s: float | None = None
        self.mends = 0  # how often what refusals may rest on has changed
        self.refusals: dict[AppName, tuple[str, int]] = {}  # whose last sync was refused, which, after how many mends
        self._versions = itertools.count(1)

    # as other writers do

    def put(self, manifest: Manifest) -> None:
        """Create or replace an object as somebody else."""
        key = key_of(manifest)
        self._store(key, deepcopy(dict(manifest)))

    def edit(self, key: ResourceKey, *path: str, value: Any) -> None:
        changed = deepcopy(self.objects[key])
        place = changed
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        self._store(key, changed)

    def remove(self, key: ResourceKey) -> None:
        gone = self.objects.pop(key)
        self.owned.pop(key, None)
        self._tell(gone)

    def mend(self) -> None:
        """Change what refusals may rest on: a policy, a quota, a right."""
        self.mends += 1
        for app in sorted(self.refusals):
            self.on_change(app)

    # LiveStates

    def resource(self, cluster: ClusterId, gvk: GVK) -> ApiResource | Reading:
        if gvk.group_kind in self.unserved:
            return Unserved()
        if gvk.group in self.undiscovered:
            return Unreadable(self.undiscovered[gvk.group])
        return ApiResource(
            gvk,
            gvk.kind.lower() + "s",
            namespaced=gvk.kind not in CLUSTER_SCOPED,
            verbs=frozenset({"get", "list", "watch", "patch"}),
            preferred=True,
        )

    def readings(
        self, cluster: ClusterId, app: AppName, wanted: Collection[ObjectRef]
    ) -> Mapping[ResourceKey, Reading]:
        read = [key for key in self.objects if key.group_kind not in self.excluded]
        tracked = [key for key in read if (live := self._live(key)).tracking and live.tracking.app == app]
        return {key: self._reading(key) for key in sorted({ref.key for ref in wanted} | set(tracked))}

    def age(self, cluster: ClusterId) -> WatchAge:
        return self.age_value

    def admission(self, cluster: ClusterId, gvk: GVK) -> str:
        return "admission"

    def refused(self, cluster: ClusterId, app: AppName, sync: str, places: Collection[RefusedAt]) -> bool:
        if not places:
            self.refusals.pop(app, None)
        elif app not in self.refusals or self.refusals[app][0] != sync:
            self.refusals[app] = sync, self.mends
        return app in self.refusals and self.refusals[app][1] != self.mends

    def written(self, cluster: ClusterId, answer: Accepted) -> None:
        """Nothing to wait for: this mirror has no delay."""

    # Applier

    def acting_as(self, user: str) -> World:
        self.users.append(user)
        return self

    async def dry_run(self, cluster: ClusterId, manifest: Manifest, *, takeover: bool = False) -> Answer:
        key = key_of(manifest)
        self.calls.append(f"dry-run {key}")
        ordered = self.dry_answers.get(key)
        if ordered:
            answer = ordered.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return Predicted(self._applied(key, manifest))

    async def read(self, cluster: ClusterId, ref: ObjectRef) -> Manifest | None:
        self.reads.append(ref.key)
        if self.refuses_reads is not None:
            raise self.refuses_reads
        return deepcopy(self.objects.get(ref.key))

    async def run(self, cluster: ClusterId, command: Command) -> Applied:
        self.calls.append(f"{type(command).__name__.lower()} {command.key}")
        ordered = None if isinstance(command, DryRun) else self.answers.get(command.key)
        if ordered:
            answer = ordered.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        match command:
            case DryRun(key=key):
                return self.untaken.get(key, Accepted(key, changed=False))
            case Apply():
                self.hows.append(command.how)
                return self._apply(command)
            case CreateNamespace(key=key):
                if key not in self.objects or command.metadata:
                    self.put(_namespace(command))
                return Accepted(key, changed=True)
            case Prune(key=key):
                live = self._live(key)
                assert (command.uid, command.resource_version) == (live.uid, live.resource_version)
                self.remove(key)
                return Accepted(key, changed=True)
            case Release(key=key):
                return self._release(key, delete=command.delete)

    def _release(self, key: ResourceKey, *, delete: bool) -> Accepted:
        if key in self.objects:
            ends = delete or "deletionTimestamp" in self.objects[key]["metadata"]
            self.edit(key, "metadata", "finalizers", value=[])
            if ends:
                self.remove(key)
        return Accepted(key, changed=True)

    def _apply(self, command: Apply) -> Accepted:
        key = command.key
        before = self.objects.get(key)
        manifest = command.manifest
        if command.how.held and before is not None:
            # There is no ownership here: what is left out would go.
            owned_by_nobody = {**before, "metadata": {**before["metadata"], "managedFields": []}}
            manifest = spared(manifest, NO_RULES, owned_by_nobody, held=command.how.held)
        after = dict(without(self._applied(key, manifest), command.how.extra))
        self.owned[key] = manifest
        changed = before is None or _content(before) != _content(after)
        if changed:
            self._store(key, after)
        live = self._live(key)
        return Accepted(key, changed, live.resource_version, live.view)

    def _applied(self, key: ResourceKey, manifest: Manifest) -> dict[str, Any]:
        live = deepcopy(self.objects.get(key, {}))
        _drop(live, self.owned.get(key, {}), manifest)
        _merge(live, manifest)
        return live

    def _reading(self, key: ResourceKey) -> Reading:
        if key.group_kind in self.unserved:
            return Unserved()
        if key.group in self.undiscovered:
            return Unreadable(self.undiscovered[key.group])
        if key.group_kind in self.unreadable:
            return Unreadable(self.unreadable[key.group_kind])
        return Found(self._live(key)) if key in self.objects else Absent()

    def unowned(self, namespace: str) -> Sequence[tuple[GVK, LiveObject]]:
        keys = [key for key in self.objects if key.namespace == namespace]
        return [(gvk_of(self.objects[key]), self._live(key)) for key in keys]

    def look(self, holder: LiveObject, roots: Collection[Uid], counts: Callable[[Resident], bool]) -> Residents:
        """What lives in a namespace or of a definition; nothing here owns anything."""
        kind = self._defined(holder.key)
        inside = [key for key in sorted(self.objects) if holder.key.name == key.namespace or kind == key.group_kind]
        found = tuple(key for key in inside if counts(Resident(self._live(key), below=False)))
        return Residents(found, tuple(f"{kind}: {why}" for kind, why in self.unreadable.items()), defines=kind)

    def _defined(self, definition: ResourceKey) -> GroupKind | None:
        spec = self.objects.get(definition, {}).get("spec", {})
        return GroupKind(spec["group"], spec["names"]["kind"]) if "names" in spec else None

    def _live(self, key: ResourceKey) -> LiveObject:
        manifest = self.objects[key]
        meta = manifest["metadata"]
        whose, by_argocd = tracking.tracking_of(manifest)
        view = None
        if key in self.owned:
            text = json.dumps(_projection(self.owned[key], manifest), sort_keys=True)
            view = ViewHash(hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
        return LiveObject(
            key=key,
            uid=Uid(meta["uid"]),
            resource_version=ResourceVersion(meta["resourceVersion"]),
            owners=(),
            controlled=False,
            tracking=whose,
            kept=namespace.kept_of(manifest),
            by_argocd=by_argocd,
            argocd_wrote_s=self.argocd_wrote_s,
            takeover=False,
            view=view,
            deleting="deletionTimestamp" in meta,
            established=manifest.get("status", {}).get("established", True),
            health=health.health_of(manifest),
            created_s=0.0,
            guarded=bool(meta.get("finalizers")),
            marks=marks_of(manifest),
        )

    def _store(self, key: ResourceKey, manifest: dict[str, Any]) -> None:
        old = self.objects.get(key)
        meta = manifest["metadata"]
        meta["uid"] = old["metadata"]["uid"] if old else f"uid-{next(UIDS)}"
        meta["resourceVersion"] = str(next(self._versions))
        self.objects[key] = manifest
        self._tell(*([old] if old else []), manifest)

    def _tell(self, *manifests: Manifest) -> None:
        """Tell whose the object was, and whose it is."""
        whose = {found.app for manifest in manifests if (found := tracking.tracking_of(manifest)[0])}
        for app in sorted(whose):
            self.on_change(app)


def _content(manifest: Manifest) -> Manifest:
    meta = {name: value for name, value in manifest["metadata"].items() if name not in ("uid", "resourceVersion")}
    return {**manifest, "metadata": meta}


def _merge(live: dict[str, Any], manifest: Mapping[str, Any]) -> None:
    for name, value in manifest.items():
        if isinstance(value, Mapping):
            here = live.setdefault(name, {})
            _merge(here, value)
        else:
            live[name] = deepcopy(value)


def _drop(live: dict[str, Any], owned: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    for name, value in owned.items():
        if isinstance(value, Mapping) and isinstance(live.get(name), dict):
            _drop(live[name], value, manifest.get(name) or {})
        elif name not in manifest:
            live.pop(name, None)


def _projection(owned: Mapping[str, Any], live: Any) -> Any:
    if not isinstance(live, Mapping):
        return live
    return {
        name: _projection(value, live.get(name)) if isinstance(value, Mapping) else live.get(name, "ABSENT")
        for name, value in owned.items()
    }


def _namespace(command: CreateNamespace) -> Manifest:
    """Return a namespace as it is after `command`, without what others have on it."""
    fields: dict[str, Any] = {
        f"f:{field}": {f"f:{name}": {} for name in texts} for field, texts in command.metadata.items()
    }
    entry = {"manager": command.manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:metadata": fields}}
    meta = {"name": command.name, **command.metadata, "managedFields": [entry] if command.metadata else []}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta, "status": {"phase": "Active"}}
