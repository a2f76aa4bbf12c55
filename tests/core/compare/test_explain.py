"""Why live differs, and who wrote it: out of managedFields as the API server keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.compare.prediction import Cause, differences, writers_of
from gitopsd.model.comparison import Difference, Explanation, Writer
from tests.core.frozen import frozen

APPLIED, LATER, EARLIER = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T09:00:00Z"
APPLIED_S = 1767261600.0


def entry(manager: str, fields: Any, *, at: str = LATER, operation: str = "Update", subresource: str = "") -> Any:
    more = {"subresource": subresource} if subresource else {}
    return {"manager": manager, "operation": operation, "time": at, "apiVersion": "v1", "fieldsV1": fields, **more}


def ours(fields: Any) -> Any:
    return entry("gitopsd", fields, at=APPLIED, operation="Apply")


def told(target: Any, predicted: Any, live: Any, *entries: Any, unchanged: bool = True) -> tuple[Difference, ...]:
    whole = frozen({**live, "metadata": {"managedFields": list(entries)}})
    return differences(frozen(predicted), frozen(live), Cause(frozen(target), whole, unchanged))


def why(*states: Any, unchanged: bool = True) -> list[Explanation]:
    return [each.explanation for each in told(*states, unchanged=unchanged)]


SPEC: Any = {"f:spec": {"f:replicas": {}}}
OTHERS = entry("kubectl-edit", SPEC)


def replicas(number: Any) -> Any:
    return {"spec": {} if number is None else {"replicas": number}}


@pytest.mark.parametrize(
    ("expected", "states", "entries", "unchanged"),
    [
        (Explanation.DRIFT, (3, 3, 5), (ours({}), OTHERS), True),
        (Explanation.DRIFT, (3, 3, 5), (ours({}), OTHERS), False),
        (Explanation.DRIFT, (3, 3, None), (ours({}),), True),
        (Explanation.DRIFT, (3, 3, 5), (ours(SPEC),), True),  # somebody writes in our name
        (Explanation.NOT_APPLIED, (3, 3, 5), (ours(SPEC),), False),
        (Explanation.NOT_APPLIED, (3, 3, 5), (ours({}), entry("old", SPEC, at=EARLIER)), False),
        (Explanation.NOT_APPLIED, (3, 3, None), (ours({}),), False),
        (Explanation.NOT_APPLIED, (3, 3, 5), (OTHERS,), False),  # never applied by us
        (Explanation.REMOVED, (None, None, 5), (ours(SPEC),), False),
        (Explanation.REMOVED, (None, 1, 5), (ours(SPEC),), False),
        (Explanation.MUTATED, (3, 7, 3), (ours(SPEC),), False),
        (Explanation.MUTATED, (3, 7, 6), (ours(SPEC),), True),
        (Explanation.MUTATED, (None, 7, None), (ours({}),), False),
        (Explanation.UNKNOWN, (None, None, 5), (), False),
    ],
)
def test_reason_of_a_difference(expected: Explanation, states: Any, entries: Any, unchanged: bool) -> None:  # noqa: FBT001 - a column
    assert [expected] == why(*map(replicas, states), *entries, unchanged=unchanged)


def test_what_follows_from_another_difference_is_a_default() -> None:
    target = {"spec": {"type": "LoadBalancer"}}
    predicted = {"spec": {"type": "LoadBalancer", "allocate": True}}

    assert [Explanation.NOT_APPLIED, Explanation.DEFAULTED] == why(
        target, predicted, {"spec": {"type": "ClusterIP"}}, ours({"f:spec": {"f:type": {}}}), unchanged=False
    )


def test_reordered_list_is_drift_where_git_has_not_changed() -> None:
    one, two = {"name": "a"}, {"name": "b"}

    assert [Explanation.DRIFT] == why({"l": [one, two]}, {"l": [one, two]}, {"l": [two, one]})


def test_target_is_shown_beside_what_a_webhook_makes_of_it() -> None:
    (found,) = told(replicas(3), replicas(7), replicas(6), ours(SPEC))

    assert (3, 7, 6) == (found.target, found.predicted, found.live)


def test_item_of_a_keyed_list_has_its_own_writer_though_git_leaves_its_key_out() -> None:
    port = {"containerPort": 80, "protocol": "TCP"}
    fields: Any = {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:hostPort": {}}}}
    others = entry("kubectl-edit", fields)
    rest = ours({"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}})

    (found,) = told(
        {"ports": [{"containerPort": 80, "hostPort": 1}]},
        {"ports": [{**port, "hostPort": 1}]},
        {"ports": [{**port, "hostPort": 2}]},
        rest,
        others,
    )

    assert 1 == found.target
    assert ["kubectl-edit"] == [writer.manager for writer in found.writers]


def test_item_appended_to_a_list_that_is_owned_whole_is_drift_by_its_writer() -> None:
    (found,) = told(
        {"args": ["a"]}, {"args": ["a"]}, {"args": ["a", "b"]}, ours({}), entry("kubectl-edit", {"f:args": {}})
    )

    assert (".args[1]", Explanation.DRIFT, ["kubectl-edit"]) == (
        found.path,
        found.explanation,
        [each.manager for each in found.writers],
    )


def test_writers_are_told_with_operation_subresource_and_time_the_latest_first() -> None:
    scaler = entry("hpa", SPEC, subresource="scale")

    (found,) = told(replicas(3), replicas(3), replicas(5), ours(SPEC), scaler)

    hours = 3600.0
    assert (
        Writer("hpa", "Update", APPLIED_S + hours, "scale"),
        Writer("gitopsd", "Apply", APPLIED_S),
    ) == found.writers


def test_removal_leaves_no_writer_but_who_wrote_last_is_suspected() -> None:
    status = entry("kubelet", {"f:status": {}}, at="2026-01-01T12:00:00Z", subresource="status")
    (found,) = told(replicas(3), replicas(3), {"spec": {}}, ours({}), entry("kubectl-edit", {"f:data": {}}), status)
    (nobody,) = told(replicas(3), replicas(3), {"spec": {}}, ours({}), entry("old", {"f:data": {}}, at=EARLIER))

    assert [("kubectl-edit", False)] == [(each.manager, each.certain) for each in found.writers]
    assert () == nobody.writers


@pytest.mark.parametrize(
    "broken", [None, 5, "x", [5], [{}], [{"manager": 5, "time": 7, "fieldsV1": "x"}], [{"fieldsV1": {"f:a": 5}}]]
)
def test_broken_managed_fields_name_nobody_and_break_nothing(broken: Any) -> None:
    live = {"a": {"b": 1}, "metadata": {"managedFields": broken}}

    found = differences({"a": {"b": 2}}, {"a": {"b": 1}}, Cause({"a": {"b": 2}}, live, unchanged=False))

    assert [Explanation.NOT_APPLIED] == [each.explanation for each in found]
    assert () == writers_of(live, live, ("a", "b"))


def test_items_of_a_list_are_named_as_the_api_server_keys_it() -> None:
    port = {"port": 53, "protocol": "UDP"}
    fields: Any = {"f:ports": {'k:{"port":53,"protocol":"UDP"}': {".": {}, "f:port": {}, "f:name": {}}}}

    (found,) = told(
        {"ports": [{**port, "name": "dns"}]},
        {"ports": [{**port, "name": "dns"}]},
        {"ports": [{**port, "name": "dnsx"}]},
        entry("kubectl-edit", fields),
    )

    assert (".ports[port=53,protocol=UDP].name", "dnsx", "dns") == (found.path, found.live, found.predicted)


def test_who_reordered_a_list_is_only_suspected() -> None:
    one, two = {"name": "a"}, {"name": "b"}
    target = {"l": [two, one, {"name": "c"}]}

    (found,) = told(target, {"l": [two, one]}, {"l": [one, two]}, ours({"f:l": {}}), entry("kubectl-edit", {"f:x": {}}))

    assert (["name=b", "name=a"], ["name=a", "name=b"]) == (found.target, found.live)
    assert [("kubectl-edit", False)] == [(each.manager, each.certain) for each in found.writers]
