"""What is kept of one kind in one cluster: whole objects for verdicts, or versions alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gitopsd.live.compact_store import CompactStore
from gitopsd.live.decode import Decoder
from gitopsd.live.health_checks import Checking
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Accepted
from gitopsd.model.comparison import Absent, Found, Reading, Unreadable
from gitopsd.model.health import Health
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import GVK, Manifest, ResourceKey

STALE_S = 30.0  # a kind whose watch has been broken for so long is not known any more
WRITTEN_S = 5.0  # an own write that no event tells of after so long was followed by others, or lost on the way
WRITTEN = Unreadable("our own write is not seen yet", pending=True, ours=True)
PENDING = Unreadable("its first list is under way", pending=True)
Changed = Callable[[ResourceKey, LiveObject | None, LiveObject | None], None]  # an object before and now


class KindStore:
    """The objects of one kind at one version: of the whole cluster, or of some of its namespaces."""

    def __init__(  # noqa: PLR0913 - how it reads, and whom it tells
        self,
        gvk: GVK,
        decoder: Decoder,
        now_s: Callable[[], float],
        *,
        changed: Changed,
        settled: Callable[[GVK], None],
        checking: Checking | None = None,
    ) -> None:
        self.gvk = gvk
        self.objects = CompactStore(gvk)
        self.now_s = now_s
        self._parts: dict[str, ListWatchState] = {}
        self._decoder = decoder
        self._changed = changed
        self._settled = settled
        self._checking = checking if checking is not None and checking.concerns(gvk) else None
        self._written: dict[ResourceKey, tuple[Accepted, float]] = {}  # our writes, and when each was answered

    def part(self, namespace: str = "") -> ListWatchState:
        """Return what one list-watch tells of the kind; "" is the one of all namespaces."""
        if namespace not in self._parts:
            self._parts[namespace] = ListWatchState(self, namespace)
        return self._parts[namespace]

    @property
    def parts(self) -> tuple[ListWatchState, ...]:
        return tuple(self._parts.values())

    @property
    def listed(self) -> bool:
        return bool(self._parts) and all(part.listed for part in self._parts.values())

    @property
    def problem(self) -> str:
        """Return why not all of it can be read; "" while it can."""
        return next((part.problem for part in self._parts.values() if part.problem), "")

    def reading(self, key: ResourceKey) -> Reading:
        part = self._parts.get("") or self._parts.get(key.namespace)
        if part is None:
            return PENDING
        if part.problem:
            return Unreadable(part.problem)
        if key in self._written:
            if self.now_s() < self._written[key][1] + WRITTEN_S:
                return WRITTEN
            del self._written[key]
        live = self.objects.get(key)
        if live is not None:
            return Found(live)  # it is there, whether or not the list is whole
        return Absent() if part.listed else PENDING

    def written(self, answer: Accepted) -> None:
        """Note the answer to a write of ours: until an event tells of it, what we hold of the object is old."""
        if not _shows(self.objects.get(answer.key), answer):  # else the event was faster than the answer
            self._written[answer.key] = answer, self.now_s()

    def key(self, manifest: Manifest) -> ResourceKey | None:
        return self._decoder.key(self.gvk, manifest)

    def put(self, key: ResourceKey, manifest: Manifest) -> None:
        live = self._decoder.live(key, manifest)
        if self._checking is not None:
            live = replace(live, health=self._checking.health_of(self, live, self.objects.get(key), manifest))
        if key in self._written and _shows(live, self._written[key][0]):
            del self._written[key]
        differs, old = self.objects.put(live)
        if differs:
            self._changed(key, old, live)

    def checked(self, key: ResourceKey, version: ResourceVersion, health: Health | None) -> None:
        """Take up what a user's check says of an object; nothing where it has a newer version by now, or is gone."""
        old = self.objects.get(key)
        if old is not None and old.resource_version == version and old.health != health:
            new = replace(old, health=health)
            self.objects.put(new)
            self._changed(key, old, new)

    def drop(self, key: ResourceKey) -> None:
        self._written.pop(key, None)
        old = self.objects.pop(key)
        if old is not None:
            self._changed(key, old, None)

    def listed_since(self, begun_s: float, part: ListWatchState) -> None:
        """Take note of a whole list: it is newer than any write that was answered before it was asked for."""
        self._written = {
            key: write for key, write in self._written.items() if write[1] >= begun_s or not part.holds(key)
        }

    def settled(self) -> None:
        """Tell that a part can be read, or cannot."""
        self._settled(self.gvk)

    def clear(self) -> None:
        """Forget everything: the cluster does not serve the kind any more."""
        for key in sorted(self.objects):
            self.drop(key)
        self._parts.clear()


class ListWatchState:
    """What one list-watch tells of a kind: a `watch.Sink`."""

    def __init__(self, kind: KindStore, namespace: str) -> None:
        self.namespace = namespace  # "": all there are
        self.listed = False
        self.problem = ""  # why it cannot be read; "" while it can
        self.heard_s = kind.now_s()
        self.last_error = ""  # of its list-watch, whether or not it got over it
        self.last_error_s: float | None = None  # of `now_s`
        self._kind = kind
        self._broken_s: float | None = None  # since when the connection fails
        self._unseen: set[ResourceKey] | None = None
        self._begun_s = 0.0  # when the list under way was asked for

    @property
    def gvk(self) -> GVK:
        return self._kind.gvk

    @property
    def settled(self) -> bool:
        """Tell whether we know what there is, or know that we cannot."""
        return self.listed or bool(self.problem)

    def holds(self, key: ResourceKey) -> bool:
        return self.namespace in ("", key.namespace)

    def count(self) -> int:
        """Return how many objects are held."""
        objects = self._kind.objects
        return len(objects) if not self.namespace else sum(map(self.holds, objects))

    def begin(self) -> None:
        objects = self._kind.objects
        self._unseen = {key for key in objects if self.holds(key)} if self.namespace else set(objects)
        self._begun_s = self._kind.now_s()

    def put(self, manifest: Manifest) -> None:
        key = self._kind.key(manifest)
        if key is None:
            return
        if self._unseen is not None:
            self._unseen.discard(key)
        self._kind.put(key, manifest)

    def drop(self, manifest: Manifest) -> None:
        key = self._kind.key(manifest)
        if key is not None:
            self._kind.drop(key)

    def end(self) -> None:
        unseen, self._unseen = self._unseen, None
        self._kind.listed_since(self._begun_s, self)
        for key in sorted(unseen or ()):
            self._kind.drop(key)
        if not self.listed or self.problem:
            self.listed, self.problem = True, ""
            self._kind.settled()

    def heard(self) -> None:
        self.heard_s, self._broken_s = self._kind.now_s(), None
        if self.problem and self.listed and self._unseen is None:  # else the list that has begun tells, once it is in
            self.problem = ""
            self._kind.settled()

    def failed(self, cause: str, *, refused: bool) -> None:
        now_s = self._kind.now_s()
        self.last_error, self.last_error_s = cause, now_s
        if self._broken_s is None:
            self._broken_s = now_s
        late = now_s - self._broken_s >= STALE_S
        if refused:
            self.listed = False  # until it is listed again, nothing is known
        if refused or late or not self.listed:
            news = not self.problem
            self.problem = f"in namespace {self.namespace}: {cause}" if self.namespace else cause
            if news:
                self._kind.settled()


def _shows(live: LiveObject | None, answer: Accepted) -> bool:
    """Tell whether `live` is as the accepted write left it, or newer.

    Versions can only be tested for equality, and a controller's update may follow ours at once: an equal owned view,
    or a deletion that has begun, will do.
    """
    if live is None or answer.resource_version is None:
        return live is None and answer.resource_version is None
    return live.resource_version == answer.resource_version or (
        live.view == answer.view if answer.view is not None else live.deleting
    )


class VersionStore:
    """The resourceVersions of the objects of one kind, watched as metadata: a `watch.Sink`."""

    def __init__(self, gvk: GVK, decoder: Decoder, now_s: Callable[[], float], changed: Callable[[], None]) -> None:
        self.gvk = gvk
        self.namespace = ""
        self.versions: dict[ResourceKey, ResourceVersion] = {}
        self.listed = False
        self.problem = ""
        self.heard_s = now_s()
        self.changed_s: float | None = None  # when one of them was last another than before
        self.last_error = ""
        self.last_error_s: float | None = None
        self._decoder = decoder
        self._now_s = now_s
        self._changed = changed
        self._unseen: set[ResourceKey] | None = None

    @property
    def settled(self) -> bool:
        return self.listed or bool(self.problem)

    def count(self) -> int:
        """Return how many objects are held."""
        return len(self.versions)

    def begin(self) -> None:
        self._unseen = set(self.versions)

    def put(self, manifest: Manifest) -> None:
        key = self._decoder.key(self.gvk, manifest)
        if key is None:
            return
        version = ResourceVersion(str(manifest["metadata"].get("resourceVersion") or ""))
        if self._unseen is not None:
            self._unseen.discard(key)
        if self.versions.get(key) != version:
            self.versions[key] = version
            self._tell()

    def drop(self, manifest: Manifest) -> None:
        key = self._decoder.key(self.gvk, manifest)
        if key is not None and self.versions.pop(key, None) is not None:
            self._tell()

    def end(self) -> None:
        for key in self._unseen or ():
            self.versions.pop(key, None)
        self._unseen = None
        self.listed, self.problem = True, ""
        self._changed()

    def heard(self) -> None:
        self.heard_s = self._now_s()
        if self.listed:
            self.problem = ""

    def failed(self, cause: str, *, refused: bool) -> None:
        self.last_error, self.last_error_s = cause, self._now_s()
        # A connection that is lost for a moment changes nothing that we know of the policies.
        if refused or not self.listed:
            self.listed, self.problem = False, cause
            self._changed()

    def _tell(self) -> None:
        if self.listed:
            self.changed_s = self._now_s()
            self._changed()
