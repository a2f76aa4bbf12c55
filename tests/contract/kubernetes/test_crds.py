"""CustomResourceDefinitions add kinds; their schemas type, default, prune and validate."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.kubernetes.api import JSON_PATCH, Answer, Api, manager_of, until
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


async def test_definition_that_is_being_deleted_takes_no_new_object(api: Api, namespace: str, plural: str) -> None:
    definition, kind = f"{CRDS}/{plural}.{GROUP}", plural.capitalize()
    path = f"/apis/{GROUP}/v1/namespaces/{namespace}/{plural}"
    elsewhere = f"/apis/{GROUP}/v1/namespaces/nowhere/{plural}"

    def thing(name: str, **more: Any) -> dict[str, Any]:
        return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, **more}

    def verbs(answer: Answer) -> list[str]:
        return next(sorted(each["verbs"]) for each in answer.ok()["resources"] if each["name"] == plural)

    def goes(answer: Answer) -> bool:
        reasons = [condition.get("reason") for condition in answer.ok()["status"]["conditions"]]
        return "InstanceDeletionInProgress" in reasons

    (await api.post(CRDS, crd(plural, kind))).ok()
    held = {**thing("held"), "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    await until(lambda: api.post(path, held), lambda answer: answer.status == 201)
    (await api.delete(definition)).ok()
    await until(lambda: api.post(path, thing("new"), dryRun="All"), lambda answer: answer.status != 201)
    await until(lambda: api.get(definition), goes)
    kept = ["delete", "deletecollection", "get", "list", "watch"]
    await until(lambda: api.get(f"/apis/{GROUP}/v1"), lambda answer: verbs(answer) == kept)

    words = "create not allowed while custom resource definition is terminating"
    for refused, name in (
        (await api.post(path, thing("new")), "new"),
        (await api.post(path, thing("held")), "held"),
        (await api.post(path, thing("new", spec={"size": "big"})), "new"),
        (await api.post(elsewhere, thing("new")), "new"),
        (await api.apply(f"{path}/new", thing("new")), "new"),
        (await api.apply(f"{elsewhere}/new", thing("new"), dryRun="All"), "new"),
    ):
        assert (403, "Forbidden") == (refused.status, refused.reason)
        assert f'{plural}.{GROUP} "{name}" is forbidden: {words}' == refused.body["message"]
        assert {"name": name, "group": GROUP, "kind": plural} == refused.body["details"]
    nameless = await api.post(path, {**thing(""), "metadata": {"generateName": "new-"}})
    assert f"{plural}.{GROUP} is forbidden: {words}" == nameless.body["message"]
    assert 500 == (await api.apply(f"{path}/new", thing("new", spec={"size": "big"}))).status
    assert 404 == (await api.put(f"{path}/new", thing("new"))).status
    assert 404 == (await api.patch(f"{path}/new", {"spec": {"size": 1}})).status
    assert 4 == (await api.patch(f"{path}/held", {"spec": {"size": 4}})).ok()["spec"]["size"]
    assert 5 == (await api.apply(f"{path}/held", thing("held", spec={"size": 5}), force="true")).ok()["spec"]["size"]

    (await api.patch(f"{path}/held", {"metadata": {"finalizers": None}})).ok()
    await api.gone(definition)


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


async def redefine(api: Api, path: str, change: Callable[[Any], object]) -> None:
    """Replace the definition at `path` by what `change` makes of it."""

    async def replaced() -> Answer:
        definition = (await api.get(path)).ok()
        change(definition)
        return await api.put(path, definition)

    await until(replaced, lambda answer: answer.status == 200)


async def test_what_was_valid_once_may_stay(api: Api, namespace: str, plural: str) -> None:
    definition, kind = f"{CRDS}/{plural}.{GROUP}", plural.capitalize()
    path = f"/apis/{GROUP}/v1/namespaces/{namespace}/{plural}"

    def thing(name: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

    def tighten(found: Any) -> None:
        spec = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        spec["size"]["maximum"] = spec["parts"]["items"]["properties"]["weight"]["maximum"] = 4

    (await api.post(CRDS, crd(plural, kind))).ok()
    await until(lambda: api.get(path), lambda answer: answer.status == 200)
    parts = [{"name": "a", "weight": 5}]
    (await until(lambda: api.post(path, thing("a", size=5, parts=parts)), lambda answer: answer.status == 201)).ok()
    await redefine(api, definition, tighten)
    await until(lambda: api.post(path, thing("b", size=5), dryRun="All"), lambda answer: answer.status == 422)

    (await api.patch(f"{path}/a", {"metadata": {"labels": {"a": "b"}}})).ok()
    (await api.patch(f"{path}/a", {"spec": {"parts": [{"name": "b"}, {"name": "a", "weight": 5}]}})).ok()
    (await api.patch(f"{path}/a/status", {"status": {"seen": True}})).ok()
    (await api.apply(f"{path}/a", thing("a", size=5, mode="safe"))).ok()
    assert 422 == (await api.patch(f"{path}/a", {"spec": {"size": 6}})).status
    assert 422 == (await api.patch(f"{path}/a", {"spec": {"parts": [{"name": "a", "weight": 6}]}})).status
    new = await api.patch(f"{path}/a", {"spec": {"mode": "none"}})
    assert ["spec.mode"] == [cause["field"] for cause in new.body["details"]["causes"]]
    (await api.delete(definition)).ok()


async def test_who_owned_fields_at_a_version_that_is_gone_is_in_the_way(api: Api, namespace: str, plural: str) -> None:
    """An apply fails; any other write drops what is known of owners."""
    definition, kind = f"{CRDS}/{plural}.{GROUP}", plural.capitalize()

    def at(version: str) -> str:
        return f"/apis/{GROUP}/{version}/namespaces/{namespace}/{plural}/a"

    def thing(version: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": "a"}, "spec": spec}

    def store_second(found: Any) -> None:
        first, second = found["spec"]["versions"]
        first["served"], first["storage"], second["storage"] = False, False, True
        for version in (first, second):
            properties = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
            properties["stored"] = {"type": "string", "default": "again"}

    (await api.post(CRDS, crd(plural, kind, versions=("v1", "v2")))).ok()
    await until(lambda: api.apply(at("v1"), thing("v1", size=5), "old"), lambda answer: answer.status in (200, 201))
    await until(lambda: api.apply(at("v2"), thing("v2", mode="fast"), "new"), lambda answer: answer.status == 200)
    await redefine(api, definition, store_second)
    await until(lambda: api.get(at("v1")), lambda answer: answer.status == 404)
    again = {"metadata": {"labels": {"stored": "again"}}}
    # The default tells whose write it was: the old definition may live a moment longer, and stores the old version.
    await until(lambda: api.patch(at("v2"), again), lambda answer: "stored" in answer.body.get("spec", {}))
    (await api.patch(f"{definition}/status", {"status": {"storedVersions": ["v2"]}})).ok()
    await redefine(api, definition, lambda found: found["spec"]["versions"].pop(0))

    dry = {"dryRun": "All"}
    await until(lambda: api.apply(at("v2"), thing("v2", mode="fast"), "new", **dry), lambda one: one.status == 500)
    held = (await api.get(at("v2"))).ok()["metadata"]["managedFields"]
    place = [entry["manager"] for entry in held].index("old")
    mended = [{"op": "remove", "path": f"/metadata/managedFields/{place}"}]
    kept = (await api.patch(at("v2"), mended, JSON_PATCH, **dry)).ok()
    wiped = (await api.patch(at("v2"), {"metadata": {"labels": {"a": "b"}}}, **dry)).ok()

    assert 500 == (await api.apply(at("v2"), thing("v2", size=5), "old", **dry)).status
    assert {entry["manager"] for entry in held} - {"old"} == {
        entry["manager"] for entry in kept["metadata"]["managedFields"]
    }
    assert "managedFields" not in wiped["metadata"]
    (await api.delete(definition)).ok()


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
