"""Server-side apply: who owns what, and what an apply changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.api import JSON_PATCH, Api, manager_of
from tests.contract.kubernetes.objects import (
    config_map,
    config_maps,
    deployment,
    deployments,
    service,
    services,
    widget,
    widgets_at,
)


async def test_first_apply_creates_and_owns_what_it_sets(api: Api, namespace: str) -> None:
    answer = await api.apply(deployments(namespace, "d"), deployment("d", paused=True))

    made = answer.ok()
    assert 201 == answer.status
    assert {
        "f:spec": {
            "f:paused": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:containers": {'k:{"name":"main"}': {".": {}, "f:image": {}, "f:name": {}}},
                },
            },
        }
    } == manager_of(made, "gitopsd")
    (entry,) = (one for one in made["metadata"]["managedFields"] if one["manager"] == "gitopsd")
    assert {"manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"} == set(entry)
    assert ("apps/v1", "FieldsV1") == (entry["apiVersion"], entry["fieldsType"])


async def test_unchanged_apply_changes_nothing(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    made = (await api.apply(path, config_map("a"))).ok()

    again = await api.apply(path, config_map("a"))

    assert (200, made) == (again.status, again.body)


async def test_unchanged_apply_of_a_defaulted_object_changes_nothing(api: Api, namespace: str) -> None:
    body = service("s", {"port": 80, "name": "http"})
    made = (await api.apply(services(namespace, "s"), body)).ok()

    assert made == (await api.apply(services(namespace, "s"), body)).ok()


async def test_field_dropped_from_the_apply_is_removed(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1", "y": "2"}, labels={"l": "1"}))).ok()

    found = (await api.apply(path, config_map("a", {"x": "1"}))).ok()

    assert {"x": "1"} == found["data"]
    assert "labels" not in found["metadata"]
    assert {"f:data": {"f:x": {}}} == manager_of(found, "gitopsd")


async def test_dropped_field_that_another_manager_owns_too_stays(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1", "y": "2"}), "one")).ok()
    (await api.apply(path, config_map("a", {"y": "2"}), "two")).ok()

    found = (await api.apply(path, config_map("a", {"x": "1"}), "one")).ok()

    assert {"x": "1", "y": "2"} == found["data"]
    assert {"f:data": {"f:x": {}}} == manager_of(found, "one")
    assert {"f:data": {"f:y": {}}} == manager_of(found, "two")


async def test_dropped_default_comes_back(api: Api, namespace: str) -> None:
    path = deployments(namespace, "d")
    (await api.apply(path, deployment("d", paused=True, replicas=3))).ok()

    assert 1 == (await api.apply(path, deployment("d", paused=True))).ok()["spec"]["replicas"]


async def test_value_of_another_manager_conflicts_and_names_it(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1"}), "one")).ok()

    answer = await api.apply(path, config_map("a", {"x": "2"}), "two")

    (cause,) = answer.body["details"]["causes"]
    assert (409, "Conflict") == (answer.status, answer.reason)
    assert {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.x"} == cause
    assert {"x": "1"} == (await api.get(path)).ok()["data"]


async def test_conflict_with_an_update_names_its_version(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a", {"x": "1"}), fieldManager="editor")).ok()

    answer = await api.apply(config_maps(namespace, "a"), config_map("a", {"x": "2"}))

    (cause,) = answer.body["details"]["causes"]
    assert cause["message"].startswith('conflict with "editor" using v1')


async def test_force_takes_the_field_over(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1", "y": "1"}), "one")).ok()

    found = (await api.apply(path, config_map("a", {"x": "2"}), "two", force="true")).ok()

    assert {"x": "2", "y": "1"} == found["data"]
    assert {"f:data": {"f:y": {}}} == manager_of(found, "one")
    assert {"f:data": {"f:x": {}}} == manager_of(found, "two")


async def test_same_value_is_owned_together_without_force(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1"}), "one")).ok()

    found = (await api.apply(path, config_map("a", {"x": "1"}), "two")).ok()

    assert {"f:data": {"f:x": {}}} == manager_of(found, "one") == manager_of(found, "two")


async def test_update_takes_ownership_from_an_apply(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1", "y": "1"}))).ok()

    found = (await api.patch(path, {"data": {"x": "2"}}, fieldManager="editor")).ok()

    assert {"f:data": {"f:y": {}}} == manager_of(found, "gitopsd")
    assert {"f:data": {"f:x": {}}} == manager_of(found, "editor", "Update")


async def test_update_that_removes_a_field_takes_it_from_everybody(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a", {"x": "1", "y": "1"}), "one")).ok()
    (await api.apply(path, config_map("a", {"x": "1"}), "two")).ok()

    found = (await api.patch(path, {"data": {"x": None}}, fieldManager="editor")).ok()

    assert {"f:data": {"f:y": {}}} == manager_of(found, "one")
    assert manager_of(found, "two") is None


async def test_list_items_merge_by_their_keys(api: Api, namespace: str) -> None:
    path = services(namespace, "s")
    http, admin = {"name": "http", "port": 80}, {"name": "admin", "port": 81}
    (await api.apply(path, service("s", http), "one")).ok()

    both = (await api.apply(path, service("s", admin), "two")).ok()
    one_left = (await api.apply(path, service("s", {"name": "http", "port": 80}), "two")).ok()

    assert [80, 81] == [port["port"] for port in both["spec"]["ports"]]
    assert [80] == [port["port"] for port in one_left["spec"]["ports"]]
    ports = manager_of(both, "two")["f:spec"]["f:ports"]
    assert ['k:{"port":81,"protocol":"TCP"}'] == list(ports)


async def test_key_of_an_item_is_completed_by_its_default(api: Api, namespace: str, widgets: str) -> None:
    path = widgets_at(namespace, "w")
    made = (await api.apply(path, widget("w", parts=[{"name": "a", "weight": 1}]))).ok()

    assert ['k:{"name":"a","side":"left"}'] == list(manager_of(made, "gitopsd")["f:spec"]["f:parts"]), widgets


async def test_sets_merge_by_value_and_atomic_lists_and_maps_are_replaced(
    api: Api, namespace: str, widgets: str
) -> None:
    path = widgets_at(namespace, "w")
    (await api.apply(path, widget("w", tags=["a", "b"], order=["x", "y"], whole={"x": 1, "y": 2}), "one")).ok()

    found = (await api.apply(path, widget("w", tags=["c"], order=["z"], whole={"x": 5}), "two", force="true")).ok()

    assert ["a", "b", "c"] == found["spec"]["tags"], widgets
    assert (["z"], {"x": 5}) == (found["spec"]["order"], found["spec"]["whole"])
    assert {"f:spec": {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}} == manager_of(found, "one")
    assert {"f:spec": {"f:order": {}, "f:tags": {'v:"c"': {}}, "f:whole": {}}} == manager_of(found, "two")


async def test_free_form_fields_are_owned_leaf_by_leaf(api: Api, namespace: str, widgets: str) -> None:
    path = widgets_at(namespace, "w")

    made = (await api.apply(path, widget("w", free={"a": {"b": 1}, "list": [{"x": 1}], "none": {}}))).ok()

    assert {"f:a": {"f:b": {}}, "f:list": {}, "f:none": {}} == {
        name: {key: value for key, value in fields.items() if key != "."}
        for name, fields in manager_of(made, "gitopsd")["f:spec"]["f:free"].items()
        if name != "."
    }, widgets


async def test_order_of_list_items_follows_the_apply(api: Api, namespace: str) -> None:
    path = deployments(namespace, "d")
    body = deployment("d", paused=True)
    (container,) = body["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": name, "value": name} for name in ("A", "B", "C")]
    (await api.apply(path, body)).ok()
    add = {"op": "add", "path": "/spec/template/spec/containers/0/env/1", "value": {"name": "X", "value": "x"}}
    (await api.patch(path, [add], JSON_PATCH)).ok()

    container["env"] = [{"name": name, "value": name} for name in ("C", "A", "B")]
    found = (await api.apply(path, body)).ok()

    names = [one["name"] for one in found["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert ["C", "A", "B"] == [name for name in names if name != "X"]
    assert "X" in names


async def test_null_asks_for_the_default_and_is_owned(api: Api, namespace: str) -> None:
    found = (await api.apply(deployments(namespace, "d"), deployment("d", paused=True, replicas=None))).ok()

    assert 1 == found["spec"]["replicas"]
    assert "f:replicas" in manager_of(found, "gitopsd")["f:spec"]


async def test_apply_of_status_has_its_own_entry(api: Api, namespace: str, widgets: str) -> None:
    path = widgets_at(namespace, "w")
    (await api.apply(path, widget("w", size=5))).ok()
    body = {"apiVersion": widget("w")["apiVersion"], "kind": "Widget", "metadata": {"name": "w"}, "status": {"x": 1}}

    found = (await api.apply(f"{path}/status", body)).ok()
    again = (await api.apply(path, widget("w", size=6))).ok()

    assert {"f:status": {"f:x": {}}} == manager_of(found, "gitopsd", subresource="status"), widgets
    assert {"f:spec": {"f:size": {}}} == manager_of(found, "gitopsd")
    assert {"x": 1} == again["status"]


async def test_status_in_a_plain_apply_is_neither_set_nor_owned(api: Api, namespace: str) -> None:
    body = {**deployment("d", paused=True), "status": {"collisionCount": 3}}

    found = (await api.apply(deployments(namespace, "d"), body)).ok()

    assert "collisionCount" not in found["status"]
    assert "f:status" not in manager_of(found, "gitopsd")


async def test_dry_run_apply_predicts_and_stores_nothing(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    created = await api.apply(path, config_map("a"), dryRun="All")
    assert (201, {"a": "1"}) == (created.status, created.body["data"])
    assert 404 == (await api.get(path)).status
    made = (await api.apply(path, config_map("a"))).ok()

    predicted = (await api.apply(path, config_map("a", {"b": "2"}), dryRun="All")).ok()
    same = (await api.apply(path, config_map("a"), dryRun="All")).ok()

    assert {"b": "2"} == predicted["data"]
    assert made["metadata"]["resourceVersion"] == predicted["metadata"]["resourceVersion"]
    assert made == same
    assert made == (await api.get(path)).ok()


async def test_apply_of_a_yaml_body(api: Api, namespace: str) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: 'yes'\n"

    assert {"x": "yes"} == (await api.apply(config_maps(namespace, "a"), body)).ok()["data"]


async def test_object_without_managed_fields_gets_an_owner_of_what_was_before(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.post(config_maps(namespace), config_map("a", {"x": "1"}))).ok()
    (await api.patch(path, {"metadata": {"managedFields": [{}]}})).ok()

    found = (await api.apply(path, config_map("a", {"y": "2"}))).ok()

    assert {"x": "1", "y": "2"} == found["data"]
    assert {"f:data": {".": {}, "f:x": {}}} == manager_of(found, "before-first-apply", "Update")


@pytest.mark.parametrize("subresource", ["", "/status"])
async def test_apply_to_what_is_being_deleted_goes_on(api: Api, namespace: str, widgets: str, subresource: str) -> None:
    path = widgets_at(namespace, "w")
    made = (await api.apply(path, {**widget("w"), "metadata": {"name": "w", "finalizers": ["example.com/hold"]}})).ok()
    (await api.delete(path)).ok()

    found = await api.apply(f"{path}{subresource}", {**widget("w", size=9), "status": {"x": 1}}, "two")

    assert (200, made["metadata"]["uid"]) == (found.status, found.body["metadata"]["uid"]), widgets
    (await api.patch(path, {"metadata": {"finalizers": None}})).ok()


TWICE = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "A", "value": "2"}]


def with_env(*env: dict[str, str]) -> dict[str, Any]:
    containers = [{"name": "main", "image": "nginx:1", "env": list(env)}]
    found = deployment("web")
    found["spec"]["template"]["spec"]["containers"] = containers
    return found


def only_env(*env: dict[str, str]) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "main", "env": list(env)}]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def env_of(found: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["value"]) for each in found["spec"]["template"]["spec"]["containers"][0]["env"]]


def owned_env(found: Any, manager: str, operation: str = "Apply") -> Any:
    fields = manager_of(found, manager, operation)["f:spec"]["f:template"]["f:spec"]["f:containers"]
    return fields['k:{"name":"main"}'].get("f:env")


async def test_items_that_are_there_twice_stay_until_somebody_sets_them(api: Api, namespace: str) -> None:
    path, force = deployments(namespace, "web"), {"force": "true"}
    made = (await api.post(deployments(namespace), with_env(*TWICE), fieldManager="maker")).ok()
    whole: dict[str, Any] = {".": {}, "f:name": {}, "f:value": {}}
    assert {".": {}, 'k:{"name":"A"}': {}, 'k:{"name":"B"}': whole} == owned_env(made, "maker", "Update")

    other = (await api.apply(path, only_env({"name": "C", "value": "3"}))).ok()
    assert [("A", "1"), ("B", "1"), ("A", "2"), ("C", "3")] == env_of(other)
    same = await api.apply(path, only_env({"name": "A", "value": "1"}), "taker")
    assert 409 == same.status, same.body

    taken = (await api.apply(path, only_env({"name": "A", "value": "3"}), "taker", dryRun="All", **force)).ok()
    assert [("A", "3"), ("B", "1"), ("C", "3")] == env_of(taken)
    assert {'k:{"name":"A"}': whole} == owned_env(taken, "taker")
    assert {".": {}, 'k:{"name":"B"}': whole} == owned_env(taken, "maker", "Update")

    changed = (await api.put(path, with_env(*TWICE[:2], {"name": "A", "value": "9"}), fieldManager="putter")).ok()
    assert {'k:{"name":"A"}': {}} == owned_env(changed, "putter", "Update")
    fewer = (await api.put(path, with_env(*TWICE[:2]), fieldManager="last")).ok()
    assert {'k:{"name":"A"}': whole} == owned_env(fewer, "last", "Update")
