"""One object: create, read, replace, delete."""

from __future__ import annotations

import re

import pytest

from tests.contract.kubernetes.api import Api, manager_of
from tests.contract.kubernetes.objects import config_map, config_maps, deployment, deployments, service, services


async def test_created_object_has_identity_and_its_managers_fields(api: Api, namespace: str) -> None:
    answer = await api.post(config_maps(namespace), config_map("a", labels={"x": "y"}), fieldManager="me")

    made = answer.ok()
    assert 201 == answer.status
    assert ("v1", "ConfigMap", namespace) == (made["apiVersion"], made["kind"], made["metadata"]["namespace"])
    assert re.fullmatch(r"[0-9a-f-]{36}", made["metadata"]["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["metadata"]["creationTimestamp"])
    assert {
        "f:data": {".": {}, "f:a": {}},
        "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
    } == manager_of(made, "me", "Update")
    assert made == (await api.get(config_maps(namespace, "a"))).ok()


async def test_manager_is_the_user_agents_first_word_when_none_is_named(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"), agent="kubectl-edit/1.36 (linux)")).ok()

    assert manager_of(made, "kubectl-edit", "Update")


async def test_second_creation_of_a_name_already_exists(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    again = await api.post(config_maps(namespace), config_map("a"))

    assert (409, "AlreadyExists") == (again.status, again.reason)
    assert {"name": "a", "kind": "configmaps"} == again.body["details"]


async def test_generated_names_differ_and_keep_their_prefix(api: Api, namespace: str) -> None:
    body = {"metadata": {"generateName": "job-"}, "data": {}}
    names = [(await api.post(config_maps(namespace), body)).ok()["metadata"]["name"] for _ in range(2)]

    assert all(re.fullmatch(r"job-[a-z0-9]{5}", name) for name in names), names
    assert names[0] != names[1]


async def test_missing_object_is_not_found(api: Api, namespace: str) -> None:
    answer = await api.get(config_maps(namespace, "none"))

    assert (404, "NotFound", 'configmaps "none" not found') == (answer.status, answer.reason, answer.body["message"])
    assert {"name": "none", "kind": "configmaps"} == answer.body["details"]


async def test_replace_keeps_identity_and_moves_the_version(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()

    put = (await api.put(config_maps(namespace, "a"), config_map("a", {"b": "2"}))).ok()

    assert {"b": "2"} == put["data"]
    assert made["metadata"]["uid"] == put["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"] == put["metadata"]["creationTimestamp"]
    assert made["metadata"]["resourceVersion"] != put["metadata"]["resourceVersion"]


async def test_replace_with_the_same_content_does_not_move_the_version(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()

    assert made == (await api.put(config_maps(namespace, "a"), made)).ok()


async def test_replace_of_an_old_version_conflicts(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()
    (await api.put(config_maps(namespace, "a"), config_map("a", {"b": "2"}))).ok()

    answer = await api.put(config_maps(namespace, "a"), made)

    assert (409, "Conflict") == (answer.status, answer.reason)


async def test_replace_of_nothing_is_not_found(api: Api, namespace: str) -> None:
    assert 404 == (await api.put(config_maps(namespace, "none"), config_map("none"))).status


async def test_name_and_namespace_must_agree_with_the_path(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    assert 400 == (await api.put(config_maps(namespace, "a"), config_map("b"))).status
    assert 400 == (await api.post(config_maps(namespace), config_map("c", namespace="default"))).status
    assert 400 == (await api.post(config_maps(namespace), deployment("d"))).status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe"])
async def test_body_that_is_no_object_is_a_bad_request(api: Api, namespace: str, body: bytes) -> None:
    answer = await api.post(config_maps(namespace), body)

    assert (400, "BadRequest") == (answer.status, answer.reason)


async def test_unknown_media_type_is_refused(api: Api, namespace: str) -> None:
    assert 415 == (await api.send("PATCH", config_maps(namespace, "a"), {}, "application/x-unheard")).status


@pytest.mark.parametrize(
    ("field", "value"),
    [("matchLabels", {"app": "other"}), ("matchLabels", {})],
)
async def test_deployment_whose_selector_misses_its_template_is_invalid(
    api: Api, namespace: str, field: str, value: dict[str, str]
) -> None:
    answer = await api.post(deployments(namespace), deployment("d", selector={field: value}))

    assert (422, "Invalid") == (answer.status, answer.reason)
    assert "Deployment" == answer.body["details"]["kind"]
    assert answer.body["details"]["causes"]


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 254, "a/b"])
async def test_bad_names_are_invalid(api: Api, namespace: str, name: str) -> None:
    answer = await api.post(config_maps(namespace), config_map(name))

    assert (422, "Invalid", "metadata.name") == (
        answer.status,
        answer.reason,
        answer.body["details"]["causes"][0]["field"],
    )


async def test_bad_labels_annotations_and_keys_are_invalid(api: Api, namespace: str) -> None:
    for body in (
        config_map("a", labels={"x": "not a label!"}),
        config_map("a", labels={"bad key": "x"}),
        config_map("a", annotations={"bad key!": "x"}),
        config_map("a", {"bad key": "x"}),
    ):
        answer = await api.post(config_maps(namespace), body)
        assert (422, "Invalid") == (answer.status, answer.reason), body


async def test_required_values_are_named(api: Api, namespace: str) -> None:
    answer = await api.post(deployments(namespace), {"metadata": {"name": "d"}, "spec": {"template": {}}})

    fields = {cause["field"] for cause in answer.body["details"]["causes"]}
    assert (422, "Invalid") == (answer.status, answer.reason)
    assert "spec.template.spec.containers" in fields
    assert "spec.selector" in fields


async def test_wrong_types_are_a_bad_request(api: Api, namespace: str) -> None:
    posted = await api.post(deployments(namespace), deployment("d", replicas="three"))
    config = await api.post(config_maps(namespace), {"metadata": {"name": "a"}, "data": {"n": 1}})

    assert (400, "BadRequest") == (posted.status, posted.reason)
    assert (400, "BadRequest") == (config.status, config.reason)


async def test_unknown_fields_are_dropped_or_refused_as_asked(api: Api, namespace: str) -> None:
    body = {**config_map("a"), "unheard": 1}

    strict = await api.post(config_maps(namespace), body, fieldValidation="Strict")
    dropped = await api.post(config_maps(namespace), body)

    assert (400, "BadRequest") == (strict.status, strict.reason)
    assert "unheard" not in dropped.ok()


async def test_selector_of_a_deployment_is_immutable(api: Api, namespace: str) -> None:
    made = (await api.post(deployments(namespace), deployment("d"))).ok()
    labels = {"app": "d", "more": "x"}
    made["spec"]["template"]["metadata"]["labels"] = labels
    made["spec"]["selector"]["matchLabels"] = labels
    del made["metadata"]["resourceVersion"]

    answer = await api.put(deployments(namespace, "d"), made)

    assert (422, "Invalid") == (answer.status, answer.reason)
    assert "spec.selector" == answer.body["details"]["causes"][0]["field"]


async def test_cluster_ip_of_a_service_is_given_kept_and_immutable(api: Api, namespace: str) -> None:
    made = (await api.post(services(namespace), service("s"))).ok()
    body = service("s", {"port": 81})

    put = await api.put(services(namespace, "s"), body)
    moved = await api.patch(services(namespace, "s"), {"spec": {"clusterIP": "10.0.255.77"}})

    assert made["spec"]["clusterIPs"] == [made["spec"]["clusterIP"]]
    assert made["spec"]["clusterIP"] == put.ok()["spec"]["clusterIP"]
    assert (422, "Invalid") == (moved.status, moved.reason)


async def test_node_port_service_gets_a_port(api: Api, namespace: str) -> None:
    made = (await api.post(services(namespace), service("s", type="NodePort"))).ok()

    assert 30000 <= made["spec"]["ports"][0]["nodePort"] <= 32767


async def test_immutable_config_map_refuses_other_data(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), {**config_map("a"), "immutable": True})).ok()

    assert 422 == (await api.patch(config_maps(namespace, "a"), {"data": {"a": "2"}})).status
    assert 200 == (await api.patch(config_maps(namespace, "a"), {"metadata": {"labels": {"x": "y"}}})).status


async def test_string_data_of_a_secret_is_folded_into_data(api: Api, namespace: str) -> None:
    body = {"metadata": {"name": "s"}, "data": {"a": "YQ==", "b": "YQ=="}, "stringData": {"b": "B", "c": "C"}}

    made = (await api.post(f"/api/v1/namespaces/{namespace}/secrets", body)).ok()

    assert {"a": "YQ==", "b": "Qg==", "c": "Qw=="} == made["data"]
    assert "Opaque" == made["type"]
    assert "stringData" not in made


async def test_spec_change_moves_generation_and_metadata_change_does_not(api: Api, namespace: str) -> None:
    path = deployments(namespace, "d")
    first = (await api.post(deployments(namespace), deployment("d"))).ok()
    labelled = (await api.patch(path, {"metadata": {"labels": {"x": "y"}}})).ok()
    scaled = (await api.patch(path, {"spec": {"replicas": 2}})).ok()

    assert [1, 1, 2] == [one["metadata"]["generation"] for one in (first, labelled, scaled)]


async def test_status_is_written_by_its_subresource_only(api: Api, namespace: str) -> None:
    body = {**deployment("d", paused=True), "status": {"replicas": 9}}
    made = (await api.post(deployments(namespace), body, fieldManager="me")).ok()
    path = deployments(namespace, "d")

    by_main = (await api.patch(path, {"status": {"collisionCount": 5}})).ok()
    by_status = (
        await api.patch(f"{path}/status", {"status": {"collisionCount": 7}, "spec": {"replicas": 5}}, fieldManager="me")
    ).ok()

    assert 9 != made["status"].get("replicas")
    assert "collisionCount" not in by_main["status"]
    assert (7, 1) == (by_status["status"]["collisionCount"], by_status["spec"]["replicas"])
    assert {"f:status": {"f:collisionCount": {}}} == manager_of(by_status, "me", "Update", "status")
    assert 7 == (await api.get(f"{path}/status")).ok()["status"]["collisionCount"]


async def test_dry_run_answers_as_if_and_stores_nothing(api: Api, namespace: str) -> None:
    created = await api.post(config_maps(namespace), config_map("a"), dryRun="All")
    assert 201 == created.status
    assert 404 == (await api.get(config_maps(namespace, "a"))).status

    made = (await api.post(config_maps(namespace), config_map("a"))).ok()
    put = await api.put(config_maps(namespace, "a"), config_map("a", {"b": "2"}), dryRun="All")
    patched = await api.patch(config_maps(namespace, "a"), {"data": {"c": "3"}}, dryRun="All")
    deleted = await api.delete(config_maps(namespace, "a"), dryRun="All")
    bad = await api.put(config_maps(namespace, "a"), config_map("a"), dryRun="Some")

    assert {"b": "2"} == put.ok()["data"]
    assert {"a": "1", "c": "3"} == patched.ok()["data"]
    assert made["metadata"]["resourceVersion"] == patched.body["metadata"]["resourceVersion"]
    assert 200 == deleted.status
    assert made == (await api.get(config_maps(namespace, "a"))).ok()
    assert 422 == bad.status
