from __future__ import annotations

from typing import Any

from tests.contract.kubernetes.api import METADATA, METADATA_LIST, Answer, Api, until
from tests.contract.kubernetes.objects import config_map, config_maps

LABEL = {"labelSelector": "of=list"}  # beside it is what controllers put into every namespace


async def fill(api: Api, namespace: str, count: int) -> None:
    for number in range(count):
        labels = {"of": "list", "parity": "odd" if number % 2 else "even"}
        (await api.post(config_maps(namespace), config_map(f"m{number}", labels=labels))).ok()


def names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


async def test_list_is_sorted_and_has_a_version_and_bare_items(api: Api, namespace: str) -> None:
    await fill(api, namespace, 3)

    found = (await api.get(config_maps(namespace), **LABEL)).ok()

    assert ("v1", "ConfigMapList") == (found["apiVersion"], found["kind"])
    assert ["m0", "m1", "m2"] == names(found)
    assert int(found["metadata"]["resourceVersion"]) > 0
    assert "kind" not in found["items"][0]
    assert "apiVersion" not in found["items"][0]


async def test_list_over_all_namespaces_has_this_one_too(api: Api, namespace: str) -> None:
    await fill(api, namespace, 1)

    found = (await api.get("/api/v1/configmaps", **LABEL)).ok()

    assert (namespace, "m0") in [(i["metadata"]["namespace"], i["metadata"]["name"]) for i in found["items"]]


async def test_pages_give_every_object_once_at_one_version(api: Api, namespace: str) -> None:
    await fill(api, namespace, 5)

    first = (await api.get(config_maps(namespace), limit="2")).ok()
    seen, page = names(first), first
    while token := page["metadata"].get("continue"):
        page = (await api.get(config_maps(namespace), limit="2", **{"continue": token})).ok()
        assert first["metadata"]["resourceVersion"] == page["metadata"]["resourceVersion"]
        seen += names(page)

    assert first["metadata"]["remainingItemCount"] >= 3
    assert ["m0", "m1", "m2", "m3", "m4"] == [name for name in seen if name.startswith("m")]
    assert len(seen) == len(set(seen))


async def test_bad_continue_token_is_a_bad_request(api: Api, namespace: str) -> None:
    assert 400 == (await api.get(config_maps(namespace), limit="2", **{"continue": "rubbish"})).status


async def test_label_selectors_choose(api: Api, namespace: str) -> None:
    await fill(api, namespace, 4)
    cases = {
        "parity=odd": ["m1", "m3"],
        "parity==even,of=list": ["m0", "m2"],
        "of=list,parity!=odd": ["m0", "m2"],
        "parity in (odd, none)": ["m1", "m3"],
        "of,parity notin (odd)": ["m0", "m2"],
        "of=list,!parity": [],
    }
    for selector, expected in cases.items():
        assert expected == names((await api.get(config_maps(namespace), labelSelector=selector)).ok()), selector
    assert 400 == (await api.get(config_maps(namespace), labelSelector="a in b")).status


async def test_field_selectors_choose(api: Api, namespace: str) -> None:
    await fill(api, namespace, 2)

    by_name = (await api.get(config_maps(namespace), fieldSelector="metadata.name=m1")).ok()
    elsewhere = (await api.get("/api/v1/configmaps", fieldSelector=f"metadata.namespace!={namespace}", **LABEL)).ok()
    bad = await api.get(config_maps(namespace), fieldSelector="data.a=1")

    assert ["m1"] == names(by_name)
    assert namespace not in [item["metadata"]["namespace"] for item in elsewhere["items"]]
    assert 400 == bad.status


async def test_metadata_of_one_object_and_of_a_list(api: Api, namespace: str) -> None:
    await fill(api, namespace, 2)

    one = (await api.get(config_maps(namespace, "m0"), accept=METADATA)).ok()
    many = (await api.get(config_maps(namespace), accept=METADATA_LIST, **LABEL)).ok()

    assert ("meta.k8s.io/v1", "PartialObjectMetadata") == (one["apiVersion"], one["kind"])
    assert {"apiVersion", "kind", "metadata"} == set(one)
    assert ("meta.k8s.io/v1", "PartialObjectMetadataList") == (many["apiVersion"], many["kind"])
    assert ["m0", "m1"] == names(many)
    assert one["metadata"] == many["items"][0]["metadata"]
    assert "data" not in many["items"][0]


async def test_list_not_older_than_what_was_just_written_has_it(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()
    version = made["metadata"]["resourceVersion"]

    exact = (
        await api.get(config_maps(namespace), resourceVersion=version, resourceVersionMatch="Exact", limit="500")
    ).ok()
    cached = (await api.get(config_maps(namespace), resourceVersion=version, resourceVersionMatch="NotOlderThan")).ok()

    assert "a" in names(exact)
    assert version == exact["metadata"]["resourceVersion"]
    assert "a" in names(cached)


async def test_reading_at_a_version_that_is_not_reached_yet_times_out(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()
    ahead = str(int(made["metadata"]["resourceVersion"]) + 100_000)

    for path, params in (
        (config_maps(namespace), {}),
        (config_maps(namespace), {"limit": "5"}),
        (config_maps(namespace), {"resourceVersionMatch": "NotOlderThan"}),
        (config_maps(namespace), {"resourceVersionMatch": "Exact"}),
        (config_maps(namespace, "a"), {}),
    ):
        answer = await api.get(path, resourceVersion=ahead, **params)

        assert (504, "Timeout") == (answer.status, answer.reason), params
        assert ["ResourceVersionTooLarge"] == [cause["reason"] for cause in answer.body["details"]["causes"]]
        assert "1" == answer.headers["Retry-After"]


async def test_list_of_any_version_has_no_pages(api: Api, namespace: str) -> None:
    await fill(api, namespace, 3)

    async def held() -> Answer:
        return await api.get(config_maps(namespace), resourceVersion="0", limit="1", **LABEL)

    found = await until(held, lambda answer: len(answer.ok()["items"]) >= 3)  # a cache may be a moment behind

    assert ["m0", "m1", "m2"] == names(found.body)
    assert "continue" not in found.body["metadata"]


async def test_versions_that_a_list_cannot_be_asked_for(api: Api, namespace: str) -> None:
    for params, status in (
        ({"resourceVersion": "x"}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "NotOlderThan"}, 422),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422),
        ({"resourceVersionMatch": "Newest", "resourceVersion": "1"}, 422),
        ({"sendInitialEvents": "true"}, 422),
        ({"sendInitialEvents": "false"}, 422),
    ):
        assert status == (await api.get(config_maps(namespace), **params)).status, params


async def test_delete_of_a_collection_takes_the_selected(api: Api, namespace: str) -> None:
    await fill(api, namespace, 3)

    (await api.delete(config_maps(namespace), labelSelector="parity=even")).ok()

    assert ["m1"] == names((await api.get(config_maps(namespace), **LABEL)).ok())
