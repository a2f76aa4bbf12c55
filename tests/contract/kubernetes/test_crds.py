"""CustomResourceDefinitions add kinds; their schemas type, default, prune and validate."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.contract.kubernetes.api import Api, manager_of, until
from tests.contract.kubernetes.objects import CRDS, GROUP, crd, is_established, widget, widgets_at

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@pytest.fixture
def plural() -> str:
    """A plural that no other test defines."""
    return f"things{secrets.token_hex(3)}"


async def test_definition_is_accepted_established_served_and_discovered(api: Api, plural: str) -> None:
    path = f"{CRDS}/{plural}.{GROUP}"
    (await api.post(CRDS, crd(plural, plural.capitalize(), namespaced=False))).ok()

    found = (await until(lambda: api.get(path), lambda answer: is_established(answer.body))).body
    await until(lambda: api.get(f"/apis/{GROUP}/v1/{plural}"), lambda answer: answer.status == 200)
    groups = (
        await until(
            lambda: api.get("/apis", accept=AGGREGATED),
            lambda answer: f'"{plural}"'.replace('"', "'") in str(answer.body),
        )
    ).body
    legacy = (await api.get(f"/apis/{GROUP}/v1")).ok()

    assert "NamesAccepted" in [condition["type"] for condition in found["status"]["conditions"]]
    assert plural == found["status"]["acceptedNames"]["plural"]
    assert ["v1"] == found["status"]["storedVersions"]
    assert {"strategy": "None"} == found["spec"]["conversion"]
    assert GROUP in [group["metadata"]["name"] for group in groups["items"]]
    assert plural in [resource["name"] for resource in legacy["resources"]]

    (await api.delete(path)).ok()
    await api.gone(path)
    await until(lambda: api.get(f"/apis/{GROUP}/v1/{plural}"), lambda answer: answer.status == 404)


async def test_deleting_a_definition_deletes_its_objects(api: Api, plural: str) -> None:
    path, kind = f"/apis/{GROUP}/v1/{plural}", plural.capitalize()
    (await api.post(CRDS, crd(plural, kind, namespaced=False))).ok()
    await until(lambda: api.get(path), lambda answer: answer.status == 200)
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "a"}}
    await until(lambda: api.post(path, body), lambda answer: answer.status == 201)

    (await api.delete(f"{CRDS}/{plural}.{GROUP}")).ok()
    await api.gone(f"{CRDS}/{plural}.{GROUP}")
    (await api.post(CRDS, crd(plural, kind, namespaced=False))).ok()
    listed = await until(lambda: api.get(path), lambda answer: answer.status == 200)

    assert [] == listed.body["items"]
    (await api.delete(f"{CRDS}/{plural}.{GROUP}")).ok()


async def test_bad_definitions_are_invalid(api: Api, plural: str) -> None:
    wrong_name = crd(plural, "Thing")
    wrong_name["metadata"]["name"] = f"other.{GROUP}"
    no_schema = crd(plural, "Thing")
    del no_schema["spec"]["versions"][0]["schema"]
    no_versions = crd(plural, "Thing")
    no_versions["spec"]["versions"] = []

    for body in (wrong_name, no_schema, no_versions):
        answer = await api.post(CRDS, body)
        assert (422, "Invalid") == (answer.status, answer.reason), body


async def test_object_is_defaulted_and_pruned(api: Api, namespace: str, widgets: str) -> None:
    body = widget("w", unheard=1, free={"any": [1, {"x": "y"}]}, parts=[{"name": "a"}])

    made = (await api.post(widgets_at(namespace), body)).ok()

    assert {"size": 3, "free": {"any": [1, {"x": "y"}]}, "parts": [{"name": "a", "side": "left"}]} == made["spec"]
    assert 1 == made["metadata"]["generation"]
    assert widgets in made["metadata"].get("selfLink", widgets)


@pytest.mark.parametrize(
    "spec",
    [
        {"size": "big"},
        {"size": 0},
        {"mode": "odd"},
        {"tags": ["a", "a"]},
        {"parts": [{"side": "left"}]},
        {"parts": [{"name": "a"}, {"name": "a", "side": "left"}]},
        {"labels": {"a": 1}},
        {"port": [1]},
    ],
)
async def test_object_against_its_schema_is_invalid(
    api: Api, namespace: str, widgets: str, spec: dict[str, Any]
) -> None:
    answer = await api.post(widgets_at(namespace), widget("w", **spec))

    assert (422, "Invalid") == (answer.status, answer.reason), widgets


async def test_int_or_string_takes_both(api: Api, namespace: str, widgets: str) -> None:
    for name, port in (("a", 80), ("b", "http")):
        assert port == (await api.post(widgets_at(namespace), widget(name, port=port))).ok()["spec"]["port"], widgets


async def test_one_object_is_served_at_every_version(api: Api, namespace: str, widgets: str) -> None:
    (await api.post(widgets_at(namespace), widget("w", size=5))).ok()
    second = (await api.patch(widgets_at(namespace, "w", "v2"), {"spec": {"size": 6}})).ok()

    first = (await api.get(widgets_at(namespace, "w"))).ok()

    assert (f"{GROUP}/v1", f"{GROUP}/v2", 6) == (first["apiVersion"], second["apiVersion"], first["spec"]["size"]), (
        widgets
    )


async def test_version_no_longer_served_is_not_found(api: Api, plural: str) -> None:
    path, kind = f"{CRDS}/{plural}.{GROUP}", plural.capitalize()
    (await api.post(CRDS, crd(plural, kind, versions=("v1", "v2"), namespaced=False))).ok()
    await until(lambda: api.get(f"/apis/{GROUP}/v2/{plural}"), lambda answer: answer.status == 200)

    body = (await api.get(path)).ok()
    body["spec"]["versions"][1]["served"] = False
    await until(lambda: api.patch(path, {"spec": body["spec"]}), lambda answer: answer.status == 200)

    await until(lambda: api.get(f"/apis/{GROUP}/v2/{plural}"), lambda answer: answer.status == 404)
    await until(lambda: api.get(f"/apis/{GROUP}/v1/{plural}"), lambda answer: answer.status == 200)
    (await api.delete(path)).ok()


async def test_status_of_a_custom_object_is_a_subresource(api: Api, namespace: str, widgets: str) -> None:
    made = (await api.post(widgets_at(namespace), {**widget("w", size=5), "status": {"x": 1}})).ok()
    path = widgets_at(namespace, "w")

    status = (await api.patch(f"{path}/status", {"status": {"x": 2}, "spec": {"size": 9}}, fieldManager="me")).ok()

    assert "status" not in made, widgets
    assert ({"x": 2}, 5, 1) == (status["status"], status["spec"]["size"], status["metadata"]["generation"])
    assert {"f:status": {".": {}, "f:x": {}}} == manager_of(status, "me", "Update", "status")


async def test_strategic_merge_of_a_custom_object_is_unsupported(api: Api, namespace: str, widgets: str) -> None:
    (await api.post(widgets_at(namespace), widget("w", size=5))).ok()

    answer = await api.patch(
        widgets_at(namespace, "w"), {"spec": {"size": 1}}, "application/strategic-merge-patch+json"
    )

    assert 415 == answer.status, widgets


async def test_watch_from_before_the_kind_was_served_is_gone(api: Api, namespace: str, widgets: str) -> None:
    async with api.watch(widgets_at(namespace), resourceVersion="1") as events:
        kind, status = await events.next()

    assert ("ERROR", 410, "Expired") == (kind, status["code"], status["reason"]), widgets


async def test_list_of_a_custom_kind_carries_its_items_types(api: Api, namespace: str, widgets: str) -> None:
    (await api.post(widgets_at(namespace), widget("w"))).ok()

    found = (await api.get(widgets_at(namespace))).ok()

    assert ("WidgetList", f"{GROUP}/v1") == (found["kind"], found["apiVersion"]), widgets
    assert ("Widget", f"{GROUP}/v1") == (found["items"][0]["kind"], found["items"][0]["apiVersion"])
