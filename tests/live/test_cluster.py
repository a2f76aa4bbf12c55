"""A failure belongs to one kind: its objects are unreadable, it is named, and nothing else stops."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from gitopsd.live.cluster import ALWAYS
from gitopsd.model.comparison import Absent, Unreadable, Unserved
from gitopsd.model.manifest import GVK, GroupKind
from tests.kube.fake import Fake, refuses, says, serving
from tests.live.kit import HERE, SHOP, ref, running, until
from tests.live.script import bookmark, config_map, event, page, sends, sends_and_holds

CONFIG_MAP, SECRET, WIDGET = GroupKind("", "ConfigMap"), GroupKind("", "Secret"), GroupKind("example.com", "Widget")
PLURALS = {
    "CustomResourceDefinition": "customresourcedefinitions",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Widget": "widgets",
}


def plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind.lower()}s")


def path(kind: GroupKind) -> str:
    return f"/apis/{kind.group}/v1/{plural(kind.kind)}" if kind.group else f"/api/v1/{plural(kind.kind)}"


def discovery(*kinds: GroupKind, stale: Collection[str] = ()) -> dict[str, Any]:
    """Return an aggregated document that serves `kinds`, and names the groups of `stale` without knowing theirs."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for kind in kinds:
        served = {
            "resource": plural(kind.kind),
            "responseKind": {"group": "", "version": "", "kind": kind.kind},
            "scope": "Namespaced",
            "verbs": ["get", "list", "watch"],
        }
        groups.setdefault(kind.group, []).append(served)
    items = [
        {"metadata": {"name": group}, "versions": [{"version": "v1", "freshness": "Current", "resources": found}]}
        for group, found in groups.items()
    ]
    silent = [{"metadata": {"name": group}, "versions": [{"version": "v1", "freshness": "Stale"}]} for group in stale]
    return {"kind": "APIGroupDiscoveryList", "items": [*items, *silent]}


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with serving() as server:
        server.script("/version", says({"gitVersion": "v1.36.0"}))
        serves(server, *ALWAYS, CONFIG_MAP, SECRET)
        for kind in (*ALWAYS, CONFIG_MAP, SECRET, WIDGET):
            server.script(path(kind), sends_and_holds(server, bookmark("1", initial_end=True)))
        yield server


def serves(fake: Fake, *kinds: GroupKind, stale: Collection[str] = ()) -> None:
    fake.script("/api", says(discovery(*(kind for kind in kinds if not kind.group))))
    fake.script("/apis", says(discovery(*(kind for kind in kinds if kind.group), stale=stale)))


async def test_a_kind_we_may_not_read_is_unreadable_and_named_and_nothing_else_stops(fake: Fake) -> None:
    fake.script(path(SECRET), refuses(403, "secrets is forbidden"))

    async with fake.client() as client, running(client, [CONFIG_MAP, SECRET]) as mirror:
        await mirror.until_synced()
        age = mirror.mirrors.age(HERE)

        assert Unreadable("secrets is forbidden (403)") == mirror.reading(ref("Secret", "web", "x"))
        assert Absent() == mirror.reading(ref("ConfigMap", "web", "x"))
        assert ((GVK("", "v1", "Secret"), "secrets is forbidden (403)"),) == age.failing
        assert "" == age.error


async def test_a_kind_whose_conversion_is_broken_is_unreadable_alone(fake: Fake) -> None:
    fake.script(path(SECRET), refuses(500, "conversion webhook for secrets failed"))

    async with fake.client() as client, running(client, [CONFIG_MAP, SECRET]) as mirror:
        await mirror.until_synced()

        reading = mirror.reading(ref("Secret", "web", "x"))
        assert isinstance(reading, Unreadable)
        assert "conversion webhook" in reading.cause
        assert not reading.pending
        await until(lambda: mirror.reading(ref("ConfigMap", "web", "x")) == Absent(), "the other kind is listed")


async def test_a_group_that_does_not_answer_makes_its_kinds_unreadable_not_unserved(fake: Fake) -> None:
    serves(fake, *ALWAYS, CONFIG_MAP, stale=["example.com"])

    async with fake.client() as client, running(client) as mirror:
        await mirror.until_synced()

        there = mirror.reading(ref("Widget", "web", "x", group="example.com"))
        assert isinstance(there, Unreadable)
        assert "example.com/v1 does not answer discovery" in there.cause
        assert Unserved() == mirror.reading(ref("Widget", "web", "x", group="elsewhere.com"))


async def test_a_cluster_that_does_not_answer_is_unreadable_and_comes_back(fake: Fake) -> None:
    wanted = ref("ConfigMap", "web", "one")
    fake.script("/apis", refuses(503), says(discovery(*(kind for kind in ALWAYS if kind.group))))
    found = event("ADDED", config_map("one", "1"))
    fake.script(path(CONFIG_MAP), sends_and_holds(fake, found, bookmark("1", initial_end=True)))

    async with fake.client() as client, running(client) as mirror:
        before = mirror.reading(wanted)
        await until(lambda: mirror.mirrors.age(HERE).error, "an error of the whole cluster")
        during = mirror.reading(wanted)
        assert not mirror.mirrors.age(HERE).synced
        await mirror.until_found(wanted)
        assert "" == mirror.mirrors.age(HERE).error

    assert isinstance(before, Unreadable)
    assert before.pending
    assert isinstance(during, Unreadable)
    assert not during.pending
    assert SHOP in mirror.told


async def test_a_cluster_that_dies_is_lost_although_its_policies_are_still_known(fake: Fake) -> None:
    hooks = GroupKind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")
    served = (*ALWAYS, CONFIG_MAP, hooks)
    serves(fake, *served)
    for kind in served:
        fake.script(path(kind), sends(bookmark("1", initial_end=True)), refuses(503))
    hurried = 1000.0  # half a minute without an answer is soon over

    async with fake.client() as client, running(client, now_s=lambda: time.monotonic() * hurried) as mirror:
        await mirror.until_synced()
        await until(lambda: mirror.mirrors.age(HERE).error, "it is told that the cluster is lost")


async def test_a_kind_that_is_not_served_any_more_is_forgotten(fake: Fake) -> None:
    wanted = ref("Widget", "web", "one", group="example.com")
    serves(fake, *ALWAYS, WIDGET)
    widget = {**config_map("one", "1"), "kind": "Widget"}
    fake.script(path(WIDGET), sends_and_holds(fake, event("ADDED", widget), bookmark("1", initial_end=True)))

    async with fake.client() as client, running(client) as mirror:
        await mirror.until_found(wanted)
        serves(fake, *ALWAYS)
        mirror.told.clear()
        mirror.mirrors.mirrors[HERE]._rediscover.set()  # noqa: SLF001 - what the event of a CRD does
        await until(lambda: mirror.reading(wanted) == Unserved(), "unserved")

    assert SHOP in mirror.told


async def test_every_watch_tells_its_age_and_its_last_error(fake: Fake) -> None:
    listed = page(config_map("one", "1"), version="1")
    fake.script(path(CONFIG_MAP), refuses(503, "busy"), listed, sends_and_holds(fake))
    fake.script(path(SECRET), refuses(403, "secrets is forbidden"))

    async with fake.client() as client, running(client, [CONFIG_MAP, SECRET]) as mirror:
        await mirror.until_found(ref("ConfigMap", "web", "one"))
        await mirror.until_synced()
        watches = {watch.gvk.kind: watch for watch in mirror.mirrors.watches(HERE)}

    fine, lost = watches["ConfigMap"], watches["Secret"]
    assert (1, "", "busy (503); see the API server") == (fine.objects, fine.problem, fine.error)
    assert (0, "secrets is forbidden (403)", "secrets is forbidden (403)") == (lost.objects, lost.problem, lost.error)
    assert None is watches["Pod"].error_age_s
    assert fine.error_age_s is not None
    assert 0 <= fine.age_s <= fine.error_age_s
