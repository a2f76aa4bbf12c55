"""What server-side apply refuses, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.api import APPLY_PATCH, Api
from tests.contract.kubernetes.objects import config_map, config_maps, deployment, deployments, widget, widgets_at

UNTYPED = "failed to create typed patch object"


def with_container(**fields: Any) -> dict[str, Any]:
    body = deployment("d", paused=True)
    body["spec"]["template"]["spec"]["containers"][0].update(fields)
    return body


@pytest.mark.parametrize(
    "body",
    [
        deployment("d", unheard=1),
        deployment("d", replicas="three"),
        deployment("d", paused="yes"),
        with_container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
        with_container(env={"A": "1"}),
        with_container(image=7),
        with_container(image=["x"]),
    ],
    ids=[
        "unknown field",
        "text for int",
        "text for bool",
        "twice a key",
        "map for list",
        "int",
        "list for text",
    ],
)
async def test_patch_that_cannot_be_typed_is_a_500_that_says_so(api: Api, namespace: str, body: Any) -> None:
    answer = await api.apply(deployments(namespace, "d"), body)

    assert 500 == answer.status, answer.body
    assert UNTYPED in answer.body["message"]


async def test_untyped_custom_objects_are_refused_alike(api: Api, namespace: str, widgets: str) -> None:
    for spec in ({"unheard": 1}, {"size": "big"}, {"tags": ["a", "a"]}):
        answer = await api.apply(widgets_at(namespace, "w"), widget("w", **spec))
        assert (500, True) == (answer.status, UNTYPED in answer.body["message"]), (widgets, spec, answer.body)


async def test_untyped_patch_names_its_path(api: Api, namespace: str) -> None:
    answer = await api.apply(deployments(namespace, "d"), deployment("d", unheard=1))

    assert ".spec.unheard: field not declared in schema" in answer.body["message"]


UNCONVERTED = {
    "fraction": deployment("d", replicas=1.5),
    "fraction for int or text": deployment("d", strategy={"rollingUpdate": {"maxSurge": 1.5}}),
    "quantity": with_container(resources={"limits": {"cpu": "none"}}),
    "time": {**deployment("d"), "metadata": {"name": "d", "deletionTimestamp": "never"}},
    "base64": {**config_map("d"), "binaryData": {"x": "%"}},
}


@pytest.mark.parametrize("name", UNCONVERTED)
async def test_values_that_type_but_do_not_convert_are_a_500_of_an_apply_and_a_400_of_others(
    api: Api, namespace: str, name: str
) -> None:
    body = UNCONVERTED[name]
    at = config_maps if body["kind"] == "ConfigMap" else deployments
    good = config_map("d") if body["kind"] == "ConfigMap" else deployment("d", paused=True)

    created = await api.apply(at(namespace, "d"), body)
    posted = await api.post(at(namespace), body)
    (await api.post(at(namespace), good)).ok()
    changed = await api.apply(at(namespace, "d"), body, force="true")
    put = await api.put(at(namespace, "d"), body)
    merged = await api.patch(at(namespace, "d"), body)

    for answer in (created, changed):
        assert (500, "") == (answer.status, answer.reason), answer.body
        assert "failed to convert new object (" in answer.body["message"]
        assert f"Kind={body['kind']}) to proper version: unable to convert" in answer.body["message"]
    assert [(400, "BadRequest")] * 2 == [(answer.status, answer.reason) for answer in (posted, put)]
    assert (422, "Invalid") == (merged.status, merged.reason)


async def test_whole_number_with_a_point_is_an_integer_to_an_apply_only(api: Api, namespace: str) -> None:
    body = deployment("d", paused=True, replicas=2.0)

    applied = await api.apply(deployments(namespace, "d"), body)

    assert 2 == applied.ok()["spec"]["replicas"]
    assert 400 == (await api.put(deployments(namespace, "d"), body)).status


async def test_values_that_type_but_do_not_validate_are_invalid(api: Api, namespace: str, widgets: str) -> None:
    deployed = await api.apply(deployments(namespace, "d"), deployment("d", replicas=-1))
    custom = await api.apply(widgets_at(namespace, "w"), widget("w", size=0))

    assert (422, "Invalid") == (deployed.status, deployed.reason)
    assert (422, "Invalid") == (custom.status, custom.reason), widgets


async def test_managed_fields_in_the_body_are_a_bad_request(api: Api, namespace: str) -> None:
    body = config_map("a", managedFields=[{"manager": "x", "operation": "Apply"}])

    answer = await api.apply(config_maps(namespace, "a"), body)

    assert (400, "BadRequest") == (answer.status, answer.reason)


async def test_other_resource_version_conflicts(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    made = (await api.apply(path, config_map("a"))).ok()
    version = made["metadata"]["resourceVersion"]

    old = await api.apply(path, config_map("a", {"x": "y"}, resourceVersion="1"))
    right = await api.apply(path, config_map("a", {"x": "y"}, resourceVersion=version))

    assert (409, "Conflict") == (old.status, old.reason)
    assert 200 == right.status


async def test_other_uid_is_invalid(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a"))).ok()

    answer = await api.apply(path, config_map("a", uid="00000000-0000-0000-0000-000000000000"))

    assert (422, "Invalid") == (answer.status, answer.reason)


async def test_apply_without_manager_is_refused(api: Api, namespace: str) -> None:
    answer = await api.patch(config_maps(namespace, "a"), config_map("a"), APPLY_PATCH)

    assert 422 == answer.status or (400, "BadRequest") == (answer.status, answer.reason)


async def test_force_needs_an_apply(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    assert 422 == (await api.patch(config_maps(namespace, "a"), {"data": {}}, force="true")).status


@pytest.mark.parametrize("field", ["apiVersion", "kind"])
async def test_body_without_its_type_is_refused(api: Api, namespace: str, field: str) -> None:
    body = config_map("a")
    del body[field]

    assert 400 == (await api.apply(config_maps(namespace, "a"), body)).status


async def test_body_of_another_name_or_kind_is_refused(api: Api, namespace: str) -> None:
    other_name = await api.apply(config_maps(namespace, "a"), config_map("b"))
    other_kind = await api.apply(config_maps(namespace, "a"), deployment("a"))
    other_place = await api.apply(config_maps(namespace, "a"), config_map("a", namespace="default"))

    assert 400 == other_name.status
    assert 400 == other_kind.status
    assert 400 == other_place.status


async def test_body_without_a_name_is_refused(api: Api, namespace: str) -> None:
    body = config_map("a")
    del body["metadata"]["name"]

    assert 400 == (await api.apply(config_maps(namespace, "a"), body)).status


@pytest.mark.parametrize("body", [b"", b"- a\n- b\n", b"a: [", b"text"])
async def test_body_that_is_no_object_is_refused(api: Api, namespace: str, body: bytes) -> None:
    answer = await api.apply(config_maps(namespace, "a"), body)

    assert 400 == answer.status, answer.body
