"""What discovery documents tell, kept once however many clusters tell it."""

from __future__ import annotations

from typing import Any

from gitopsd.kube.discovery import served

PODS: dict[str, Any] = {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get", "list", "watch"]}


def test_what_two_clusters_serve_alike_is_held_once() -> None:
    one, other = (next(iter(served("", "v1", {"resources": [{**PODS}]}, preferred=True))) for _ in range(2))

    assert one is other
    assert frozenset({"get", "list", "watch"}) == one.verbs


def test_what_is_malformed_and_subresources_are_left_out() -> None:
    odd: list[Any] = [7, {"name": "pods/log", "kind": "Pod"}, {"name": 7, "kind": "Pod"}, {"name": "pods"}]

    found = list(served("", "v1", {"resources": [*odd, {**PODS, "verbs": 7}]}, preferred=True))

    assert [("pods", frozenset())] == [(each.plural, each.verbs) for each in found]
