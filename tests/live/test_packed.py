"""Objects at rest: nothing that a verdict needs is lost, whatever a server calls its uids and versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsd.live.packed import Objects, packed, unpacked
from gitopsd.model.cluster import LiveObject, PodFacts
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
    pod=PodFacts(("a:1", "b:2"), "node-1", 4),
)
OTHER_KEY = ResourceKey("apps", "Deployment", "db", "shop")
BARE = replace(LIVE, owners=(), tracking=None, view=None, health=None, marks=(), pod=None, argocd_wrote_s=None)


@pytest.mark.parametrize(
    "live",
    [
        LIVE,
        BARE,
        replace(LIVE, tracking=TrackingId(AppName("shop"), OTHER_KEY)),  # copied from another object
        replace(LIVE, uid=Uid("")),
        replace(LIVE, uid=Uid("u1")),
        replace(LIVE, uid=Uid(LIVE.uid.upper())),
        replace(LIVE, uid=Uid(LIVE.uid.replace("-", ""))),
        replace(LIVE, resource_version=ResourceVersion("")),
        replace(LIVE, resource_version=ResourceVersion("007")),
        replace(LIVE, resource_version=ResourceVersion("-1")),
        replace(LIVE, resource_version=ResourceVersion("1_0")),
        replace(LIVE, resource_version=ResourceVersion("18446744073709551616")),
        replace(LIVE, resource_version=ResourceVersion("opaque")),
        replace(LIVE, view=ViewHash("abcd")),
        replace(LIVE, generation=2**70),
        replace(LIVE, generation=-1),
        replace(LIVE, created_s=0.25),
    ],
)
def test_object_is_given_out_as_it_was_put(live: LiveObject) -> None:
    assert live == unpacked(live.key, packed(live))


def test_everything_that_differs_makes_another_object() -> None:
    objects = Objects(KIND)
    objects.put(LIVE)
    news = {
        name: replace(LIVE, **{name: getattr(BARE, name)})
        for name in ("owners", "tracking", "view", "health", "marks", "pod", "argocd_wrote_s")
    }
    news["controlled"] = replace(LIVE, controlled=False)
    news["takeover"] = replace(LIVE, takeover=False)
    news["deleting"] = replace(LIVE, deleting=False)
    news["guarded"] = replace(LIVE, guarded=False)
    news["generation"] = replace(LIVE, generation=8)
    news["created_s"] = replace(LIVE, created_s=1.0)

    assert (False, None) == objects.put(LIVE)
    for name, new in news.items():
        assert (True, LIVE) == objects.put(new), name
        assert new == objects[KEY], name
        objects.put(LIVE)


def test_objects_are_counted_and_found_by_key_in_every_namespace() -> None:
    objects, other = Objects(KIND), replace(BARE, key=OTHER_KEY)
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
