"""What templates see of a cluster."""

from __future__ import annotations

from gitopsd.live.discovery import Discovery, offered
from gitopsd.model.cluster import ApiResource, Offered
from gitopsd.model.manifest import GVK


def discovery(*gvks: GVK, failed: tuple[str, str] | None = None, version: str = "v1.36.2") -> Discovery:
    found = {gvk: ApiResource(gvk, "", namespaced=True, verbs=frozenset(), preferred=True) for gvk in gvks}
    return Discovery(found, {}, {failed: "503"} if failed else {}, version)


POD, RULE = GVK("", "v1", "Pod"), GVK("monitoring.example", "v1", "Rule")
BOTH = "monitoring.example/v1,monitoring.example/v1/Rule,v1,v1/Pod"


def test_versions_and_kinds_are_offered() -> None:
    assert Offered("v1.36.2", BOTH) == offered(discovery(RULE, POD), None)


def test_a_group_that_does_not_answer_offers_what_it_did() -> None:
    before = offered(discovery(RULE, POD), None)
    silent = discovery(POD, failed=("monitoring.example", "v1"), version="")

    assert before == offered(silent, before)
    assert Offered("", "monitoring.example/v1,v1,v1/Pod") == offered(silent, None)
    assert Offered("v1.37.0", "v1,v1/Pod") == offered(discovery(POD, version="v1.37.0"), before)
