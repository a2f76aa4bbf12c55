"""JSON patch and merge patch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.api import JSON_PATCH, Api, manager_of
from tests.contract.kubernetes.objects import config_map, config_maps, deployment, deployments


async def test_merge_patch_sets_and_null_removes(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a", {"x": "1", "y": "2"}), fieldManager="one")).ok()

    found = (await api.patch(config_maps(namespace, "a"), {"data": {"x": None, "z": "3"}}, fieldManager="two")).ok()

    assert {"y": "2", "z": "3"} == found["data"]
    assert {"f:data": {".": {}, "f:y": {}}} == manager_of(found, "one", "Update")
    assert {"f:data": {"f:z": {}}} == manager_of(found, "two", "Update")


async def test_merge_patch_replaces_lists_whole(api: Api, namespace: str) -> None:
    (await api.post(deployments(namespace), deployment("d", paused=True))).ok()
    containers = [{"name": "other", "image": "x"}]

    found = (
        await api.patch(deployments(namespace, "d"), {"spec": {"template": {"spec": {"containers": containers}}}})
    ).ok()

    assert ["other"] == [one["name"] for one in found["spec"]["template"]["spec"]["containers"]]


async def test_merge_patch_of_nothing_new_does_not_move_the_version(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()

    assert made == (await api.patch(config_maps(namespace, "a"), {"data": {"a": "1"}})).ok()


async def test_merge_patch_with_an_old_version_conflicts(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    answer = await api.patch(config_maps(namespace, "a"), {"metadata": {"resourceVersion": "1"}, "data": {"x": "y"}})

    assert (409, "Conflict") == (answer.status, answer.reason)


async def test_patch_of_nothing_is_not_found(api: Api, namespace: str) -> None:
    assert 404 == (await api.patch(config_maps(namespace, "none"), {"data": {}})).status
    assert 404 == (await api.patch(config_maps(namespace, "none"), [], JSON_PATCH)).status


async def test_json_patch_operations(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a", {"x": "1"}, annotations={"a/b": "2"}))).ok()
    operations = [
        {"op": "test", "path": "/data/x", "value": "1"},
        {"op": "add", "path": "/data/new", "value": "n"},
        {"op": "replace", "path": "/metadata/annotations/a~1b", "value": "two"},
        {"op": "copy", "from": "/data/x", "path": "/data/copy"},
        {"op": "move", "from": "/data/x", "path": "/data/moved"},
        {"op": "add", "path": "/metadata/labels", "value": {"l": "1"}},
        {"op": "remove", "path": "/data/new"},
    ]

    found = (await api.patch(config_maps(namespace, "a"), operations, JSON_PATCH)).ok()

    assert {"copy": "1", "moved": "1"} == found["data"]
    assert {"a/b": "two"} == found["metadata"]["annotations"]
    assert {"l": "1"} == found["metadata"]["labels"]


async def test_json_patch_of_list_items(api: Api, namespace: str) -> None:
    (await api.post(deployments(namespace), deployment("d", paused=True))).ok()
    where = "/spec/template/spec/containers"
    operations = [
        {"op": "add", "path": f"{where}/-", "value": {"name": "last", "image": "z"}},
        {"op": "add", "path": f"{where}/0", "value": {"name": "first", "image": "a"}},
        {"op": "replace", "path": f"{where}/1/image", "value": "nginx:2"},
    ]

    found = (await api.patch(deployments(namespace, "d"), operations, JSON_PATCH)).ok()

    containers = found["spec"]["template"]["spec"]["containers"]
    assert [("first", "a"), ("main", "nginx:2"), ("last", "z")] == [(one["name"], one["image"]) for one in containers]


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/data/a", "value": "other"}],
        [{"op": "remove", "path": "/data/none"}],
        [{"op": "add", "path": "/none/deep", "value": "x"}],
    ],
)
async def test_json_patch_that_does_not_fit_is_unprocessable(api: Api, namespace: str, operations: list[Any]) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    answer = await api.patch(config_maps(namespace, "a"), operations, JSON_PATCH)

    assert (422, "Invalid") == (answer.status, answer.reason)


@pytest.mark.parametrize("body", [b"{", b'{"op": "add"}', b'[{"op": "wave", "path": "/data"}]'])
async def test_json_patch_that_is_none_is_refused(api: Api, namespace: str, body: bytes) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    answer = await api.patch(config_maps(namespace, "a"), body, JSON_PATCH)

    assert answer.status in (400, 422)


async def test_patch_may_not_rename_or_move(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    assert 400 == (await api.patch(config_maps(namespace, "a"), {"metadata": {"name": "b"}})).status
    assert 422 == (await api.patch(config_maps(namespace, "a"), {"metadata": {"uid": "other"}})).status or 409


async def test_json_patch_tests_the_resource_version(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]}
    change = {"op": "add", "path": "/data/b", "value": "2"}

    first = await api.patch(config_maps(namespace, "a"), [test, change], JSON_PATCH)
    second = await api.patch(config_maps(namespace, "a"), [test, change], JSON_PATCH)

    assert 200 == first.status
    assert (422, "Invalid") == (second.status, second.reason)


@pytest.mark.parametrize("emptied", [[], [{}]])
async def test_managed_fields_are_reset_by_an_empty_list(api: Api, namespace: str, emptied: list[Any]) -> None:
    path = config_maps(namespace, "a")
    (await api.post(config_maps(namespace), config_map("a"), fieldManager="old")).ok()

    reset = (await api.patch(path, {"metadata": {"managedFields": emptied}})).ok()
    changed = (await api.patch(path, {"data": {"b": "2"}}, fieldManager="late")).ok()

    assert "managedFields" not in reset["metadata"]
    assert "managedFields" not in changed["metadata"]


async def test_managed_fields_are_kept_by_a_replace_without_them(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"), fieldManager="old")).ok()

    found = (await api.put(config_maps(namespace, "a"), config_map("a"), fieldManager="other")).ok()

    assert manager_of(found, "old", "Update")


async def test_managed_fields_may_be_edited(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    made = (await api.post(config_maps(namespace), config_map("a"), fieldManager="old")).ok()
    entries = made["metadata"]["managedFields"]
    entries[0] |= {"manager": "new", "operation": "Apply"}
    edit = {"op": "replace", "path": "/metadata/managedFields", "value": entries}

    found = (await api.patch(path, [edit], JSON_PATCH, fieldManager="editor")).ok()

    assert ["new"] == [entry["manager"] for entry in found["metadata"]["managedFields"]]
    assert {"f:data": {".": {}, "f:a": {}}} == manager_of(found, "new")
