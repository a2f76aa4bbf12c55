"""Whom a change concerns, what reads unreadable, and what is no object of an application."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.live.decode import Decoder
from gitopsd.live.kinds import STALE_S, KindStore
from gitopsd.live.mirror import CLAIM, LiveMirror
from gitopsd.model.cluster import PodFacts
from gitopsd.model.comparison import Absent, Found, Unreadable
from gitopsd.model.health import HealthStatus
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.manifest import GVK, ResourceKey
from tests.live.kit import SHOP, ref
from tests.live.notices import FakeNotices

GVK_OF = GVK("", "v1", "ConfigMap")
TILL = AppName("till")


class World:
    """A mirror, a clock, and what it told."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.notices = FakeNotices()
        self.told = self.notices.told
        self.mirror = LiveMirror(
            Decoder({"argocd-controller"}),
            lambda: self.now_s,
            notices=self.notices,
            on_object=lambda _key, _old, _new: None,
            on_settled=lambda: None,
        )
        self.kind: KindStore = self.mirror.add(GVK_OF)
        self.part = self.kind.part()

    def listed(self, *manifests: dict[str, Any]) -> None:
        self.part.begin()
        for manifest in manifests:
            self.part.put(manifest)
        self.part.end()
        self.told.clear()

    def own(self, app: AppName = SHOP) -> list[str]:
        return [key.name for key, _, _ in self.mirror.tracked(app)]


@pytest.fixture
def world() -> World:
    return World()


def entry(**more: Any) -> dict[str, Any]:
    return {"manager": "gitopsd", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}, **more}


def config_map(name: str = "one", app: str = "shop", version: str = "1", a: str = "1", **meta: Any) -> dict[str, Any]:
    notes = {"annotations": {"gitopsd.io/tracking-id": f"{app}:/ConfigMap:web/{name}"}} if app else {}
    fixed = {"name": name, "namespace": "web", "uid": f"uid-{name}", "resourceVersion": version}
    managed = {"managedFields": [entry()]}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**fixed, **notes, **managed, **meta},
        "data": {"a": a},
    }


ONE = ref("ConfigMap", "web", "one")


def test_nothing_is_absent_before_the_list_is_whole(world: World) -> None:
    before = world.kind.reading(ONE.key)
    world.part.begin()
    world.part.put(config_map("two"))
    during = world.kind.reading(ONE.key)
    world.part.end()

    assert Unreadable("its first list is under way", pending=True) == before == during
    assert Absent() == world.kind.reading(ONE.key)


def test_what_a_new_list_lacks_is_gone(world: World) -> None:
    world.listed(config_map(), config_map("two"))

    world.part.begin()
    world.part.put(config_map("two"))
    still = world.own()
    world.part.end()

    assert ["one", "two"] == still
    assert ["two"] == world.own()
    assert ["shop changed"] == world.told


def test_a_refusal_makes_the_kind_unreadable_until_it_is_listed_again(world: World) -> None:
    world.listed(config_map())

    world.part.failed("forbidden (403)", refused=True)

    assert Unreadable("forbidden (403)") == world.kind.reading(ONE.key)
    assert ["shop changed"] == world.told
    world.part.heard()
    assert Unreadable("forbidden (403)") == world.kind.reading(ONE.key)
    world.listed(config_map())
    assert isinstance(world.kind.reading(ONE.key), Found)


def test_a_lost_connection_makes_the_kind_unreadable_only_after_a_while(world: World) -> None:
    world.listed(config_map())
    world.now_s += 1000  # a quiet kind: nothing was heard for long, and nothing was wrong

    world.part.failed("no answer", refused=False)
    soon = world.kind.reading(ONE.key)
    world.now_s += STALE_S
    world.part.failed("no answer", refused=False)

    assert isinstance(soon, Found)
    assert Unreadable("no answer") == world.kind.reading(ONE.key)
    world.part.heard()
    assert isinstance(world.kind.reading(ONE.key), Found)
    assert ["shop changed", "shop changed"] == world.told


def test_a_kind_that_was_never_listed_says_why(world: World) -> None:
    world.part.failed("no answer", refused=False)

    assert Unreadable("no answer") == world.kind.reading(ONE.key)


def test_who_is_held_back_is_told_nothing_and_the_change_is_known(world: World) -> None:
    world.listed(config_map("one"), config_map("two"))
    world.notices.held = {"one"}

    world.part.put(config_map("one", version="2", a="2"))
    world.part.put(config_map("two", version="2", a="2"))

    assert ["shop changed"] == world.told
    assert "2" == world.kind.objects[ONE.key].resource_version


def test_an_equal_event_tells_nobody(world: World) -> None:
    world.listed(config_map())

    world.part.put(config_map())

    assert [] == world.told


def test_a_new_version_with_nothing_new_in_it_is_a_touch(world: World) -> None:
    world.listed(config_map())

    world.part.put(config_map(version="2"))
    world.part.put(config_map(version="3", a="2"))

    assert ["shop touched", "shop changed"] == world.told


def test_without_a_view_a_new_version_is_a_change(world: World) -> None:
    world.listed(config_map(managedFields=[]))

    world.part.put(config_map(version="2", managedFields=[]))

    assert ["shop changed"] == world.told


def test_an_object_that_changes_hands_concerns_both(world: World) -> None:
    world.listed(config_map())

    world.part.put(config_map(version="2", app="till"))

    assert ["shop changed", "till changed"] == world.told
    assert ([], ["one"]) == (world.own(), world.own(TILL))


def test_who_asked_for_an_object_is_told_until_it_asks_for_others(world: World) -> None:
    world.listed()
    world.mirror.asked(SHOP, [ONE])

    world.part.put(config_map(app=""))
    world.mirror.asked(SHOP, [ref("ConfigMap", "web", "two")])
    world.part.put(config_map(app="", version="2", managedFields=[]))

    assert ["shop changed"] == world.told


NOT_OURS: dict[str, dict[str, Any]] = {
    "a copied annotation": config_map(annotations={"gitopsd.io/tracking-id": "shop:/ConfigMap:web/other"}),
    "of another namespace": config_map(annotations={"gitopsd.io/tracking-id": "shop:/ConfigMap:elsewhere/one"}),
    "of another kind": config_map(annotations={"gitopsd.io/tracking-id": "shop:apps/Deployment:web/one"}),
    "garbage": config_map(annotations={"gitopsd.io/tracking-id": "garbage"}),
    "a controller's": config_map(ownerReferences=[{"uid": "u", "controller": True}]),
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_what_does_not_name_itself_is_not_the_applications(world: World, name: str) -> None:
    world.listed(NOT_OURS[name])

    assert [] == world.own()
    assert isinstance(world.kind.reading(ONE.key), Found)


WRONG: dict[str, dict[str, Any]] = {
    "no name": {"metadata": {}},
    "no metadata": {},
    "metadata of a wrong type": {"metadata": []},
    "a name of a wrong type": {"metadata": {"name": 5}},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_name_is_left_out(world: World, name: str) -> None:
    world.listed(WRONG[name])
    world.part.drop(WRONG[name])

    assert {} == world.kind.objects


@pytest.mark.parametrize(
    "meta",
    [
        {"uid": None},
        {"managedFields": "x"},
        {"managedFields": [5, {"manager": "gitopsd", "operation": "Apply", "fieldsV1": {"f:data": 5}}]},
        {"ownerReferences": "x"},
        {"ownerReferences": [5, {"uid": None}]},
        {"annotations": [1]},
        {"creationTimestamp": "yesterday"},
        {"generation": "x"},
        {"resourceVersion": None},
    ],
)
def test_fields_of_a_wrong_type_read_as_absent(world: World, meta: dict[str, Any]) -> None:
    world.listed(config_map(**meta))

    assert isinstance(world.kind.reading(ONE.key), Found)


def test_an_object_without_uid_keeps_none_and_so_cannot_be_deleted(world: World) -> None:
    world.listed(config_map(uid=None))

    assert "" == world.kind.objects[ONE.key].uid


def test_children_follow_their_owners(world: World) -> None:
    owned: dict[str, Any] = {"ownerReferences": [{"uid": "parent"}]}
    world.listed(config_map(**owned), config_map("two", **owned))

    both = world.mirror.children(Uid("parent"))
    world.part.drop(config_map())
    world.part.put(config_map("two"))

    assert ["one", "two"] == [live.key.name for _, live in both]
    assert () == world.mirror.children(Uid("parent"))


def test_claims_are_found_by_the_stateful_set_whose_name_they_bear(world: World) -> None:
    claims = world.mirror.add(CLAIM).part()
    others = {"data-db": {}, "data-db-x": {}, "logs-db-0": {}, "data-db-1": {"ownerReferences": [{"uid": "u"}]}}
    for name, meta in {"data-db-0": {}, "data-db-10": {}, **others}.items():
        claims.put({"metadata": {"name": name, "namespace": "web", "uid": name, **meta}})
    claims.put({"metadata": {"name": "data-db-0", "namespace": "else", "uid": "else"}})
    template = {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}
    key = ResourceKey("apps", "StatefulSet", "web", "db")
    db = Decoder(()).live(key, {"metadata": {"name": "db", "namespace": "web"}, **template})

    both = world.mirror.claimed(db)
    claims.drop({"metadata": {"name": "data-db-10", "namespace": "web"}})
    claims.put({"metadata": {"name": "data-db-0", "namespace": "web", "uid": "x", "ownerReferences": [{"uid": "u"}]}})

    assert ["data-db-0", "data-db-10"] == [live.key.name for _, live in both]
    assert () == world.mirror.claimed(db)


def test_an_object_watched_at_two_versions_stays_while_one_shows_it(world: World) -> None:
    world.listed(config_map())
    other = world.mirror.add(GVK("", "v2", "ConfigMap"))
    other.part().put(config_map())

    world.mirror.remove(GVK("", "v2", "ConfigMap"))

    assert [ResourceKey("", "ConfigMap", "web", "one")] == [key for key, _, _ in world.mirror.tracked(SHOP)]


def test_pod_tells_its_images_node_restarts_and_how_many_containers_are_ready() -> None:
    spec = {"nodeName": "n1", "initContainers": [{"image": "b"}], "containers": [{"image": "a"}, {"image": "a"}]}
    running = [{"restartCount": 2, "ready": True}, {"restartCount": 1}]
    status = {"containerStatuses": running, "initContainerStatuses": [{}]}
    pod = {"kind": "Pod", "metadata": {"name": "web"}, "spec": spec, "status": status}
    key = ResourceKey("", "Pod", "prod", "web")

    assert PodFacts(("a", "b"), "n1", 3, ready=1, containers=2) == Decoder(()).live(key, pod).pod
    assert PodFacts((), "", 0) == Decoder(()).live(key, {**pod, "spec": {"containers": [7]}}).pod
    assert Decoder(()).live(ONE.key, pod).pod is None


def test_hook_that_is_deleted_after_its_end_still_tells_how_it_ended() -> None:
    status = {"conditions": [{"type": "Complete", "status": "True"}]}
    meta = {"name": "migrate", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["gitopsd.io/hook"]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "status": status}
    key = ResourceKey("batch", "Job", "prod", "migrate")

    guarded = Decoder(()).live(key, job)
    other = Decoder(()).live(key, {**job, "metadata": {**meta, "finalizers": ["other"]}})

    assert (True, True, HealthStatus.HEALTHY) == (
        guarded.guarded,
        guarded.deleting,
        guarded.health and guarded.health.status,
    )
    assert (False, HealthStatus.PROGRESSING) == (other.guarded, other.health and other.health.status)
    assert (("gitopsd.io/hook",), ("other",)) == (guarded.finalizers, other.finalizers)
