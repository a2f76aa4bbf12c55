from __future__ import annotations

import asyncio
from typing import Any

from tests.contract.kubernetes.api import METADATA, Api
from tests.contract.kubernetes.objects import config_map, config_maps

INITIAL_END = "k8s.io/initial-events-end"
LABEL = {"labelSelector": "of=watch"}


def watched(name: str, data: dict[str, str] | None = None) -> dict[str, Any]:
    return config_map(name, data, labels={"of": "watch"})


async def version_of(api: Api, namespace: str) -> str:
    return str((await api.get(config_maps(namespace))).ok()["metadata"]["resourceVersion"])


async def test_changes_come_in_order_with_whole_objects(api: Api, namespace: str) -> None:
    start = await version_of(api, namespace)
    async with api.watch(config_maps(namespace), resourceVersion=start, **LABEL) as events:
        made = (await api.post(config_maps(namespace), watched("a"))).ok()
        changed = (await api.patch(config_maps(namespace, "a"), {"data": {"b": "2"}})).ok()
        await api.delete(config_maps(namespace, "a"))

        assert ("ADDED", made) == await events.next()
        assert ("MODIFIED", changed) == await events.next()
        kind, last = await events.next()
    assert ("DELETED", {"a": "1", "b": "2"}) == (kind, last["data"])
    assert int(changed["metadata"]["resourceVersion"]) < int(last["metadata"]["resourceVersion"])


async def test_watch_from_an_earlier_version_tells_what_happened_since(api: Api, namespace: str) -> None:
    start = await version_of(api, namespace)
    (await api.post(config_maps(namespace), watched("a"))).ok()
    (await api.patch(config_maps(namespace, "a"), {"data": {"b": "2"}})).ok()

    async with api.watch(config_maps(namespace), resourceVersion=start, **LABEL) as events:
        assert ["ADDED", "MODIFIED"] == [(await events.next())[0] for _ in range(2)]


async def test_watch_without_version_begins_with_what_is_there(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), watched("a"))).ok()

    for params in ({}, {"resourceVersion": "0"}):
        async with api.watch(config_maps(namespace), **params, **LABEL) as events:
            kind, found = await events.next()
            assert ("ADDED", "a") == (kind, found["metadata"]["name"])


async def test_object_that_leaves_the_selector_is_deleted_for_the_watch(api: Api, namespace: str) -> None:
    start = await version_of(api, namespace)
    async with api.watch(config_maps(namespace), resourceVersion=start, **LABEL) as events:
        (await api.post(config_maps(namespace), watched("a"))).ok()
        (await api.patch(config_maps(namespace, "a"), {"metadata": {"labels": {"of": "other"}}})).ok()
        (await api.patch(config_maps(namespace, "a"), {"metadata": {"labels": {"of": "watch"}}})).ok()

        assert ["ADDED", "DELETED", "ADDED"] == [(await events.next())[0] for _ in range(3)]


async def test_dry_runs_and_unchanged_writes_are_not_told(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.apply(path, watched("a"))).ok()
    start = await version_of(api, namespace)
    async with api.watch(config_maps(namespace), resourceVersion=start, **LABEL) as events:
        (await api.apply(path, watched("a", {"a": "2"}), dryRun="All")).ok()
        (await api.apply(path, watched("a"))).ok()
        (await api.apply(path, watched("a", {"a": "3"}))).ok()

        kind, found = await events.next()
    assert ("MODIFIED", "3") == (kind, found["data"]["a"])


async def test_streamed_list_ends_with_its_bookmark_then_goes_on(api: Api, namespace: str) -> None:
    for name in ("a", "b"):
        (await api.post(config_maps(namespace), watched(name))).ok()

    async with api.watch(
        config_maps(namespace),
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch="NotOlderThan",
        **LABEL,
    ) as events:
        seen = await events.until(lambda kind, _: kind == "BOOKMARK")
        made = (await api.post(config_maps(namespace), watched("c"))).ok()
        after = await events.until(lambda kind, _: kind != "BOOKMARK")

    mark = seen[-1][1]
    assert [("ADDED", "a"), ("ADDED", "b")] == [(kind, one["metadata"]["name"]) for kind, one in seen[:-1]]
    assert ("ConfigMap", "v1", "true") == (
        mark["kind"],
        mark["apiVersion"],
        mark["metadata"]["annotations"][INITIAL_END],
    )
    assert int(mark["metadata"]["resourceVersion"]) >= int(seen[0][1]["metadata"]["resourceVersion"])
    assert ("ADDED", made) == after[-1]


async def test_watch_from_a_version_that_is_not_reached_yet_says_nothing(api: Api, namespace: str) -> None:
    ahead = int(await version_of(api, namespace)) + 100_000

    async with api.watch(
        config_maps(namespace), resourceVersion=f"{ahead}", allowWatchBookmarks="true", timeoutSeconds="4"
    ) as events:
        (await api.post(config_maps(namespace), watched("a"))).ok()

        assert await events.ended()


async def test_watch_from_a_version_that_is_reached_later_begins_there(api: Api, namespace: str) -> None:
    ahead = int(await version_of(api, namespace)) + 10

    async with api.watch(config_maps(namespace), resourceVersion=f"{ahead}", **LABEL) as events:
        last = 0
        while last <= ahead:
            made = (await api.apply(config_maps(namespace, "a"), watched("a", {"of": f"{last}"}))).ok()
            last = int(made["metadata"]["resourceVersion"])

        kind, found = await events.next()
    assert ("MODIFIED", f"{last}") == (kind, found["metadata"]["resourceVersion"])


async def test_streamed_list_that_is_to_be_newer_than_all_there_is_ends_in_an_error(api: Api, namespace: str) -> None:
    ahead = int(await version_of(api, namespace)) + 100_000
    stream = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    async with api.watch(config_maps(namespace), resourceVersion=f"{ahead}", **stream) as events:
        kind, status = await events.next()
        assert await events.ended()

    assert ("ERROR", 504, "Timeout") == (kind, status["code"], status["reason"])


async def test_watch_without_initial_events_begins_now(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), watched("a"))).ok()
    later = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}

    for number, params in enumerate(({}, {"resourceVersion": "0"})):
        async with api.watch(config_maps(namespace), **later, **params, **LABEL) as events:
            (await api.post(config_maps(namespace), watched(f"b{number}"))).ok()
            assert f"b{number}" == (await events.next())[1]["metadata"]["name"]


async def test_streamed_list_needs_its_match_rule(api: Api, namespace: str) -> None:
    for params in (
        {"sendInitialEvents": "true"},
        {"sendInitialEvents": "false"},
        {"sendInitialEvents": "true", "resourceVersionMatch": "Exact", "resourceVersion": "1"},
        {"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"},
    ):
        answer = await api.get(config_maps(namespace), watch="1", **params)

        assert (422, "Invalid") == (answer.status, answer.reason), params


async def test_streamed_metadata_list(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), watched("a"))).ok()

    async with api.watch(
        config_maps(namespace),
        accept=METADATA,
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch="NotOlderThan",
        **LABEL,
    ) as events:
        (first, (kind, mark)) = await events.until(lambda kind, _: kind == "BOOKMARK")

    assert ("PartialObjectMetadata", "meta.k8s.io/v1") == (first[1]["kind"], first[1]["apiVersion"])
    assert "data" not in first[1]
    assert ("BOOKMARK", "PartialObjectMetadata") == (kind, mark["kind"])


async def test_watch_ends_after_the_time_it_asked_for(api: Api, namespace: str) -> None:
    async with api.watch(
        config_maps(namespace), timeoutSeconds="1", resourceVersion=await version_of(api, namespace), **LABEL
    ) as events:
        assert await events.ended()


async def test_watch_with_bookmarks_gets_one_before_it_ends(api: Api, namespace: str) -> None:
    start = await version_of(api, namespace)
    async with api.watch(
        config_maps(namespace), timeoutSeconds="4", resourceVersion=start, allowWatchBookmarks="true", **LABEL
    ) as events:
        (await api.post(config_maps(namespace), config_map("unseen"))).ok()
        kind, mark = await events.next()

    assert ("BOOKMARK", "ConfigMap") == (kind, mark["kind"])
    assert int(start) <= int(mark["metadata"]["resourceVersion"])


async def test_two_watches_see_the_same(api: Api, namespace: str) -> None:
    start = await version_of(api, namespace)
    async with (
        api.watch(config_maps(namespace), resourceVersion=start, **LABEL) as one,
        api.watch(
            "/api/v1/configmaps", resourceVersion=start, fieldSelector=f"metadata.namespace={namespace}", **LABEL
        ) as two,
    ):
        (await api.post(config_maps(namespace), watched("a"))).ok()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watch.next(), name=name) for name, watch in (("one", one), ("two", two))]
    assert tasks[0].result() == tasks[1].result()


async def test_watch_of_one_object_by_name(api: Api, namespace: str) -> None:
    start = await version_of(api, namespace)
    async with api.watch(config_maps(namespace), resourceVersion=start, fieldSelector="metadata.name=b") as events:
        for name in ("a", "b"):
            (await api.post(config_maps(namespace), watched(name))).ok()

        assert "b" == (await events.next())[1]["metadata"]["name"]
