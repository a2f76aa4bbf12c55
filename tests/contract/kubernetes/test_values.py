"""Values at the edge of their types, and the words around them: numbers, times, fields given twice, versions, forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.kubernetes.api import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, METADATA, METADATA_LIST, Answer, Api
from tests.contract.kubernetes.objects import config_map, config_maps, deployment, deployments

POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "one"}]}
DRY = {"dryRun": "All"}


def jobs(namespace: str, name: str = "") -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs" + (f"/{name}" if name else "")


def job(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job"},
        "spec": {"template": {"spec": POD}, **spec},
    }


def raw(manifest: Any, number: str) -> bytes:
    """Return the manifest as text, with `number` in place of the value 7777."""
    return json.dumps(manifest).replace("7777", number).encode()


POSTED = {"2147483647": 201, "2147483648": 400, "-2147483649": 400, "2.0": 400, "1e2": 400, "2.5": 400}
APPLIED = {"2147483647": 201, "2147483648": 422, "2.0": 201, "1e2": 201, "2.5": 500}
PATCHED = {"2147483647": 200, "2147483648": 422, "2.0": 422}


@pytest.mark.parametrize("number", POSTED)
async def test_numbers_of_32_bits_that_are_posted(api: Api, namespace: str, number: str) -> None:
    body = raw(deployment("web", replicas=7777), number)

    assert POSTED[number] == (await api.post(deployments(namespace), body, **DRY)).status


@pytest.mark.parametrize("number", APPLIED)
async def test_numbers_of_32_bits_that_are_applied(api: Api, namespace: str, number: str) -> None:
    body = raw(deployment("web", replicas=7777), number)
    answer = await api.send("PATCH", deployments(namespace, "web"), body, APPLY_PATCH, fieldManager="m", **DRY)

    assert APPLIED[number] == answer.status, answer.body


@pytest.mark.parametrize("number", PATCHED)
async def test_numbers_of_32_bits_that_are_patched(api: Api, namespace: str, number: str) -> None:
    (await api.post(deployments(namespace), deployment("web"))).ok()
    merge = raw({"spec": {"replicas": 7777}}, number)
    change = raw([{"op": "replace", "path": "/spec/replicas", "value": 7777}], number)
    for body, content_type in ((merge, MERGE_PATCH), (change, JSON_PATCH)):
        answer = await api.send("PATCH", deployments(namespace, "web"), body, content_type, **DRY)

        assert PATCHED[number] == answer.status, (content_type, answer.body)


@pytest.mark.parametrize(("number", "status"), [("9223372036854775807", 201), ("9223372036854775808", 400)])
async def test_numbers_of_64_bits(api: Api, namespace: str, number: str, status: int) -> None:
    answer = await api.post(jobs(namespace), raw(job(activeDeadlineSeconds=7777), number), **DRY)

    assert status == answer.status, answer.body


TIMES = {
    "2024-01-01T00:00:00.000000Z": "2024-01-01T00:00:00.000000Z",
    "2024-01-01T02:00:00.123456+02:00": "2024-01-01T00:00:00.123456Z",
    "2024-01-01T00:00:00Z": None,
    "2024-01-01T00:00:00.123Z": None,
    "2024-01-01T00:00:00.1234567Z": None,
}


@pytest.mark.parametrize("given", TIMES)
async def test_times_of_a_lease_have_six_digits(api: Api, namespace: str, given: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    meta, spec = {"name": "one"}, {"renewTime": given}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
    posted = await api.post(path, lease, **DRY)
    applied = await api.apply(f"{path}/one", lease, **DRY)

    if TIMES[given] is None:
        assert (400, 500) == (posted.status, applied.status)
    else:
        assert [TIMES[given]] * 2 == [answer.ok()["spec"]["renewTime"] for answer in (posted, applied)]


TWICE = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}'


@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore"])
async def test_a_field_given_twice_is_refused_where_that_is_asked_for(
    api: Api, namespace: str, validation: str
) -> None:
    strict = validation == "Strict"
    query = {"fieldValidation": validation, **DRY}
    (await api.post(config_maps(namespace), config_map("there"))).ok()
    there, applied = config_maps(namespace, "there"), config_maps(namespace, "twice")

    posted = await api.post(config_maps(namespace), TWICE, **query)
    patched = await api.send("PATCH", there, b'{"data":{"a":"1","a":"2"}}', MERGE_PATCH, **query)
    answers = [posted, await api.send("PATCH", applied, TWICE, APPLY_PATCH, fieldManager="m", **query), patched]

    assert ([400, 400, 422] if strict else [201, 201, 200]) == [answer.status for answer in answers]
    assert strict or ["2"] * 3 == [answer.body["data"]["a"] for answer in answers]


async def test_a_validation_that_there_is_not(api: Api, namespace: str) -> None:
    answer = await api.post(config_maps(namespace), config_map("a"), fieldValidation="Perhaps", **DRY)

    assert (422, "Invalid") == (answer.status, answer.reason)


@pytest.mark.parametrize(("version", "status"), [("0", 200), ("", 200), ("1", 409), ("99999999", 409), ("x", 500)])
async def test_versions_that_a_write_is_made_from(api: Api, namespace: str, version: str, status: int) -> None:
    """Version 0 is whatever is there."""
    path = config_maps(namespace, "a")
    (await api.apply(path, config_map("a"))).ok()
    body = config_map("a", {"a": "2"}, resourceVersion=version)

    answers = [
        await api.apply(path, body, force="true", **DRY),
        await api.put(path, body, **DRY),
        await api.patch(path, {"metadata": {"resourceVersion": version}, "data": {"a": "2"}}, **DRY),
    ]

    assert [status] * 3 == [answer.status for answer in answers]


ONE, MANY = METADATA, METADATA_LIST
FORMS: dict[str, tuple[int, int]] = {  # Accept → status of one object and of a list
    "": (200, 200),
    "*/*": (200, 200),
    "text/plain": (406, 406),
    "text/plain, */*": (200, 200),
    "application/xml": (406, 406),
    "text/html,application/json;q=0.5": (200, 200),
    "application/json;foo=bar": (200, 200),
    "application/json;as=Nothing": (406, 406),
    "application/json;as=Nothing,application/json": (200, 200),
    ONE: (200, 406),
    MANY: (406, 200),
    f"{ONE},text/plain": (200, 406),
}


@pytest.mark.parametrize("accept", FORMS)
async def test_forms_that_are_accepted(api: Api, namespace: str, accept: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()
    found: list[Answer] = [
        await api.get(config_maps(namespace, "a"), accept=accept),
        await api.get(config_maps(namespace), accept=accept),
    ]

    assert FORMS[accept] == tuple(answer.status for answer in found)
    assert all(answer.status != 406 or answer.reason == "NotAcceptable" for answer in found)


async def test_no_form_is_no_write(api: Api, namespace: str) -> None:
    path, text = config_maps(namespace, "a"), "text/plain"
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    answers = [
        await api.post(config_maps(namespace), config_map("b"), accept=text),
        await api.patch(path, {"data": {"a": "2"}}, accept=text),
        await api.delete(path, accept=text),
        await api.get("/version", accept=text),
        await api.get("/api/v1", accept=text),
        await api.get("/apis", accept="application/json;as=Nothing"),
    ]

    assert [406] * 6 == [answer.status for answer in answers]
    assert "1" == (await api.get(path)).ok()["data"]["a"]


def template(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": metadata or {}, "spec": spec}}}


async def test_where_the_pods_of_a_suspended_job_run_may_change(api: Api, namespace: str) -> None:
    (await api.post(jobs(namespace), job(suspend=True))).ok()
    main = {"name": "main", "image": "one"}
    may = [
        template(containers=[{**main, "resources": {"requests": {"cpu": "1"}}}]),
        template(nodeSelector={"disk": "ssd"}),
        template(tolerations=[{"key": "a", "operator": "Exists"}]),
        template(schedulingGates=[{"name": "a/b"}]),
        template(affinity={"nodeAffinity": {}}),
        template({"labels": {"a": "b"}, "annotations": {"a": "b"}}),
    ]
    may_not = [template(containers=[{**main, "image": "two"}]), template(terminationGracePeriodSeconds=9)]

    for change in may:
        (await api.patch(jobs(namespace, "job"), change)).ok()
    for change in may_not:
        assert 422 == (await api.patch(jobs(namespace, "job"), change)).status, change
    (await api.patch(jobs(namespace, "job"), {"spec": {"suspend": False}})).ok()
    assert 422 == (await api.patch(jobs(namespace, "job"), template(nodeSelector={"disk": "hdd"}))).status
