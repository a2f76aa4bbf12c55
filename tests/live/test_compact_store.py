"""Objects at rest: nothing that a verdict needs is lost, whatever a server calls its uids and versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.live.compact_store import CompactStore, packed, unpacked
from gitopsd.model.cluster import LiveObject, Network, PodFacts
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ResourceVersion, TrackingId, Uid, ViewHash
from gitopsd.model.manifest import GVK, ResourceKey

KIND = GVK("apps", "v1", "Deployment")
KEY = ResourceKey("apps", "Deployment", "web", "shop")
LIVE = LiveObject(
    key=KEY,
    uid=Uid("6f1dd0a2-97c5-4a4e-8c4e-0a4b2a1c9f00"),
    resource_version=ResourceVersion("18446744073709551615"),
    owners=(Uid("6f1dd0a2-97c5-4a4e-8c4e-0a4b2a1c9f01"),),
    controlled=True,
    tracking=TrackingId(AppName("shop"), KEY),
    by_argocd=True,
    argocd_wrote_s=1.5,
    takeover=True,
    view=ViewHash("00" * 8 + "fe" * 8),
    deleting=True,
    established=False,
    health=Health(HealthStatus.DEGRADED, "two of three"),
    created_s=1_700_000_000.0,
    generation=7,
    guarded=True,
    marks=(("argocd.argoproj.io/sync-wave", "3"),),
    pod=PodFacts(("a:1", "b:2"), "node-1", 4, 1, 2),
    network=Network(labels=(("app", "shop"),)),
    claims=("data-shop",),
    finalizers=("example.com/held",),
)
OTHER_KEY = ResourceKey("apps", "Deployment", "db", "shop")
NOBODYS = replace(LIVE, tracking=None, by_argocd=False, view=None)
BARE = replace(NOBODYS, owners=(), health=None, marks=(), pod=None, network=None, claims=(), argocd_wrote_s=None)


@pytest.mark.parametrize(
    "live",
    [
        LIVE,
        NOBODYS,
        BARE,
        replace(LIVE, tracking=TrackingId(AppName("shop"), OTHER_KEY)),  # copied from another object
        replace(NOBODYS, uid=Uid("")),
        replace(NOBODYS, uid=Uid("u1")),
        replace(NOBODYS, uid=Uid(LIVE.uid.upper())),
        replace(NOBODYS, uid=Uid(LIVE.uid.replace("-", ""))),
        replace(NOBODYS, resource_version=ResourceVersion("")),
        replace(NOBODYS, resource_version=ResourceVersion("007")),
        replace(NOBODYS, resource_version=ResourceVersion("-1")),
        replace(NOBODYS, resource_version=ResourceVersion("1_0")),
        replace(NOBODYS, resource_version=ResourceVersion("18446744073709551616")),
        replace(NOBODYS, resource_version=ResourceVersion("opaque")),
        replace(LIVE, view=ViewHash("abcd")),
        replace(NOBODYS, generation=2**70),
        replace(NOBODYS, generation=-1),
        replace(NOBODYS, created_s=0.25),
    ],
)
def test_object_is_given_out_as_it_was_put(live: LiveObject) -> None:
    assert live == unpacked(live.key, packed(live))


@pytest.mark.parametrize("first", [LIVE, NOBODYS])
def test_everything_that_differs_makes_another_object(first: LiveObject) -> None:
    objects = CompactStore(KIND)
    objects.put(first)
    news = {
        name: replace(first, **{name: getattr(BARE, name)})
        for name in ("owners", "health", "marks", "pod", "argocd_wrote_s")
    }
    news["controlled"] = replace(first, controlled=False)
    news["takeover"] = replace(first, takeover=False)
    news["deleting"] = replace(first, deleting=False)
    news["guarded"] = replace(first, guarded=False)
    news["generation"] = replace(first, generation=8)
    news["created_s"] = replace(first, created_s=1.0)

    assert (False, None) == objects.put(first)
    for name, new in news.items():
        assert (True, first) == objects.put(new), name
        assert new == objects[KEY], name
        objects.put(first)


def test_objects_are_counted_and_found_by_key_in_every_namespace() -> None:
    objects, other = CompactStore(KIND), replace(BARE, key=OTHER_KEY)
    for live in (LIVE, other, BARE):
        objects.put(live)

    assert {KEY: BARE, OTHER_KEY: other} == dict(objects)
    assert len(objects) == 2
    assert KEY in objects
    assert ResourceKey("apps", "Deployment", "none", "shop") not in objects
    assert BARE == objects.pop(KEY)
    assert objects.pop(KEY) is None
    assert [OTHER_KEY] == list(objects)
    assert len(objects) == 1
