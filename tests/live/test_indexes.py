"""The indexes of a mirror, kept by what each event changes, are what a look at every object would give."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitopsd.live.decode import Decoder
from gitopsd.live.mirror import LiveMirror
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.manifest import GVK
from tests.live.notices import FakeNotices

NAMES = ("a", "b", "c", "d")
APPS = ("", "shop", "till")
OLD, NEW = GVK("example.com", "v1", "Boat"), GVK("example.com", "v2", "Boat")
objects = st.tuples(st.sampled_from(NAMES), st.sampled_from(APPS), st.lists(st.sampled_from(NAMES), max_size=3))
event = st.tuples(st.sampled_from((OLD, NEW)), st.sampled_from(("put", "drop", "list")), st.lists(objects, max_size=4))


def manifest(name: str, app: str, owners: list[str]) -> dict[str, Any]:
    notes = {"gitopsd.io/tracking-id": f"{app}:example.com/Boat:web/{name}"} if app else {}
    refs = [{"uid": f"uid-{owner}"} for owner in owners]
    fixed = {"name": name, "namespace": "web", "uid": f"uid-{name}", "resourceVersion": "1"}
    return {"kind": "Boat", "metadata": {**fixed, "annotations": notes, "ownerReferences": refs}}


def tell(mirror: LiveMirror, gvk: GVK, what: str, told: list[tuple[str, str, list[str]]]) -> None:
    kind = mirror.kinds[gvk].part()
    if what == "list":
        kind.begin()
    for each in told:
        (kind.drop if what == "drop" else kind.put)(manifest(*each))
    if what == "list":
        kind.end()


@given(st.lists(event, max_size=12))
def test_owners_and_applications_are_indexed_as_the_objects_are(events: list[Any]) -> None:
    mirror = LiveMirror(
        Decoder(()),
        lambda: 0.0,
        notices=FakeNotices(),
        on_object=lambda _key, _old, _new: None,
        on_settled=lambda: None,
    )
    kinds = [mirror.add(OLD), mirror.add(NEW)]
    for gvk, what, told in events:
        tell(mirror, gvk, what, told)

        held = [live for kind in kinds for live in kind.objects.values()]
        for name in NAMES:
            uid = Uid(f"uid-{name}")
            owned = {live.key for live in held if uid in live.owners}
            assert owned == {live.key for _, live in mirror.children(uid)}
        for app in filter(None, APPS):
            own = {live.key for live in held if live.tracking is not None and live.tracking.app == app}
            assert own == {key for key, *_ in mirror.tracked(AppName(app))}
