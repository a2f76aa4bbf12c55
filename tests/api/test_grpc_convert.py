"""JSON of the REST API as messages: nothing that Argo CD's clients look at is lost, and nothing makes it fail."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.api.grpc.convert import json_of, message_of
from gitopsd.api.grpc.schema import message_class

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
APPLICATION: dict[str, Any] = {
    "metadata": {
        "name": "shop",
        "labels": {"team": "a"},
        "finalizers": ["x"],
        "creationTimestamp": "2023-11-14T22:13:20Z",
    },
    "spec": {
        "project": "retail",
        "source": {
            "repoURL": "https://git.example/x",
            "helm": {"parameters": [{"name": "a", "value": "1", "forceString": True}], "skipCrds": True},
            "kustomize": {"images": ["a=b"], "commonLabels": {"a": "b"}},
            "directory": {"recurse": True, "jsonnet": {"extVars": [{"name": "a", "value": "b", "code": True}]}},
        },
        "destination": {"name": "prod", "namespace": "shop"},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["CreateNamespace=true"],
            "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2}},
        },
        "ignoreDifferences": [{"kind": "Service", "jsonPointers": ["/spec"]}],
    },
    "status": {
        "sync": {"status": "Synced", "revision": "a" * 40},
        "health": {"status": "Healthy"},
        "conditions": [{"type": "SyncError", "message": "no"}],
        "resources": [{"kind": "Service", "name": "web", "health": {"status": "Healthy"}, "requiresPruning": True}],
        "history": [{"id": 3, "revision": "b" * 40, "deployedAt": "2023-11-14T22:13:23Z"}],
        "operationState": {
            "phase": "Succeeded",
            "operation": {"sync": {"prune": True}, "initiatedBy": {"automated": True}},
            "syncResult": {"resources": [{"kind": "Service", "name": "web", "hookPhase": "Running"}]},
            "startedAt": "2023-11-14T22:13:20Z",
        },
    },
}
TIMES = {"creationTimestamp", "deployedAt", "startedAt"}


def said(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return what a message made of `value` says."""
    message = message_of(message_class(kind), value)
    read = message_class(kind).FromString(message.SerializeToString())
    return MessageToDict(read, preserving_proto_field_name=True)


def plain(value: Any) -> Any:
    """Return a message's JSON with numbers and times as the REST API has them."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return int(value) if isinstance(value, str) and value.isdigit() and len(value) == 1 else value
    return {name: "time" if name in TIMES else plain(item) for name, item in value.items()}


def test_an_application_says_in_messages_what_it_says_in_json() -> None:
    found = plain(said("argocd.Application", APPLICATION))
    found["spec"]["source"]["helm"]["parameters"][0]["value"] = "1"

    assert plain(APPLICATION) | found == found
    assert plain(APPLICATION)["status"] == found["status"]


def test_times_are_seconds_and_nanoseconds() -> None:
    assert {"creationTimestamp": {"seconds": "1700000000", "nanos": 500_000_000}} == said(
        "argocd.ObjectMeta", {"creationTimestamp": "2023-11-14T23:13:20.5+01:00"}
    )
    assert {} == said("argocd.ObjectMeta", {"creationTimestamp": "yesterday"})


def test_what_stands_side_by_side_in_json_is_found_again() -> None:
    node = {"kind": "Pod", "name": "web", "uid": "u", "info": [{"name": "Node", "value": "n1"}]}

    assert {
        "resourceRef": {"kind": "Pod", "name": "web", "uid": "u"},
        "info": [{"name": "Node", "value": "n1"}],
    } == said("argocd.ResourceNode", node)
    assert {"hook": {"syncStrategyApply": {"force": True}}} == said("argocd.SyncStrategy", {"hook": {"force": True}})
    assert {"map": {"map": {"a": "b"}}, "array": {"array": ["c"]}} == said(
        "argocd.ApplicationSourcePluginParameter", {"map": {"a": "b"}, "array": ["c"]}
    )


def test_values_that_may_be_a_number_or_a_text_keep_which_they_are() -> None:
    assert {"count": {"type": "0", "intVal": 3}} == said("argocd.KustomizeReplica", {"count": 3})
    assert {"count": {"type": "1", "strVal": "3"}} == said("argocd.KustomizeReplica", {"count": "3"})


@pytest.mark.parametrize("value", [1 << 63, True, 1.5, "5", [], {}])
def test_what_a_number_cannot_hold_is_left_out(value: Any) -> None:
    assert {} == said("argocd.RetryStrategy", {"limit": value})


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "operation", "x"]), JSON))
def test_any_json_makes_a_message(value: dict[str, Any]) -> None:
    said("argocd.Application", value)


FIELDS = [
    "source",
    "sources",
    "syncPolicy",
    "destination",
    "info",
    "ignoreDifferences",
    "helm",
    "kustomize",
    "replicas",
]


@given(JSON, st.lists(st.sampled_from(FIELDS), max_size=4))
def test_any_spec_makes_a_message(value: Any, path: list[str]) -> None:
    for name in reversed(path):
        value = {name: [value] if name.endswith("s") else value}
    said("argocd.ApplicationSpec", value if isinstance(value, dict) else {})


def test_what_a_message_says_is_the_json_that_it_was_made_of() -> None:
    helm = {"valuesObject": {"a": [1, {"b": None}]}, "parameters": [{"name": "a", "value": "b", "forceString": False}]}
    kustomize = {
        "replicas": [{"name": "web", "count": 3}, {"name": "api", "count": "4"}],
        "patches": [{"patch": "x", "target": {"kind": "Service", "labelSelector": "a=b"}, "options": {"force": False}}],
    }
    plugin = {"parameters": [{"name": "a", "map": {"b": "c"}}, {"name": "d", "array": ["e"]}]}
    spec = {
        "sources": [{"repoURL": "x", "helm": helm}, {"kustomize": kustomize}, {"plugin": plugin}, {"directory": {}}],
        "syncPolicy": {"automated": {"enabled": False}, "retry": {"limit": 0}},
        "destination": {"name": "prod"},
    }

    assert {"spec": spec} | APPLICATION == json_of(
        message_of(message_class("argocd.Application"), {"spec": spec} | APPLICATION)
    )
    assert spec == json_of(message_of(message_class("argocd.ApplicationSpec"), spec))


def test_what_go_writes_where_nothing_was_said_is_left_out() -> None:
    written = message_of(message_class("argocd.Application"), {"metadata": {"name": "a", "uid": ""}, "status": {}})

    assert {"metadata": {"name": "a"}, "status": {}} == json_of(written)
    assert {} == json_of(message_of(message_class("argocd.ApplicationDestination"), {"server": "", "name": ""}))
