"""A list-watch survives what servers do, and loses nothing: where it cannot go on it lists again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gitopsd.live.watch import ApiServerTraits, KindWatch
from gitopsd.model.manifest import GVK
from tests.kube.fake import Answer, Fake, refuses, says, serving
from tests.kube.kit import CONFIG_MAP
from tests.live.kit import until
from tests.live.script import (
    Notes,
    bookmark,
    breaks_off,
    config_map,
    ends_after,
    error,
    event,
    page,
    sends,
    sends_and_holds,
    without_failures,
)

PATH = "/api/v1/configmaps"
ONE, TWO, THREE = config_map("one", "1"), config_map("two", "2"), config_map("three", "3")
INITIAL = (event("ADDED", ONE), event("ADDED", TWO), bookmark("10", initial_end=True))


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with serving() as server:
        yield server


@asynccontextmanager
async def watching(
    fake: Fake,
    *answers: Answer,
    streams: bool = True,
    idle_s: float = 30.0,
    refresh_s: float = 600.0,
    **settings: Any,
) -> AsyncIterator[tuple[Notes, ApiServerTraits]]:
    """Watch ConfigMaps of a server that answers so, while the block runs."""
    fake.script(PATH, *answers, sends_and_holds(fake))
    notes, server = Notes(), ApiServerTraits(streams=streams, refresh_s=refresh_s)
    async with fake.client(**settings) as client, asyncio.TaskGroup() as group:
        watch = KindWatch(client, server, CONFIG_MAP, notes, idle_s=idle_s)
        task = group.create_task(watch.run(), name="watch under test")
        try:
            yield notes, server
        finally:
            task.cancel()


def watches(fake: Fake) -> list[dict[str, str]]:
    return [query for query in fake.queries(PATH) if "watch" in query]


async def test_a_streamed_list_ends_with_its_bookmark(fake: Fake) -> None:
    async with watching(fake, sends_and_holds(fake, *INITIAL, event("ADDED", THREE))) as (notes, server):
        await until(lambda: notes.has("put three@3"), "the event after the list")

    # What comes in one piece is taken before the list is called whole.
    assert ["begin", "put one@1", "put two@2", "put three@3"] == [line for line in notes.lines if line != "end"]
    assert notes.lines.index("end") >= 3
    assert server.streams
    assert "true" == watches(fake)[0]["sendInitialEvents"]
    assert "NotOlderThan" == watches(fake)[0]["resourceVersionMatch"]


async def test_a_watch_that_ends_goes_on_from_the_last_version(fake: Fake) -> None:
    async with watching(fake, sends(*INITIAL, event("MODIFIED", config_map("one", "11")))) as (notes, _):
        await until(lambda: len(watches(fake)) > 1, "opened again")

    assert "11" == watches(fake)[1]["resourceVersion"]
    assert 1 == notes.count("begin")


async def test_events_are_counted_without_lists_and_bookmarks(fake: Fake) -> None:
    told: list[tuple[GVK, int]] = []
    news = sends_and_holds(fake, event("MODIFIED", config_map("one", "11")), bookmark("12"))
    async with watching(fake, sends(*INITIAL), news) as (notes, server):
        server.on_events = lambda gvk, count: told.append((gvk, count))
        await until(lambda: notes.has("put one@11"), "the event after the list")

    assert [(CONFIG_MAP.gvk, 1)] == told


async def test_a_bookmark_moves_the_version_to_go_on_from(fake: Fake) -> None:
    async with watching(fake, sends(*INITIAL, bookmark("20"))):
        await until(lambda: len(watches(fake)) > 1, "opened again")

    assert "20" == watches(fake)[1]["resourceVersion"]


@pytest.mark.parametrize("gone", [sends(error(410)), refuses(410)])
async def test_an_expired_version_is_listed_anew(fake: Fake, gone: Answer) -> None:
    again = (event("ADDED", TWO), bookmark("30", initial_end=True))
    async with watching(fake, sends(*INITIAL), gone, sends_and_holds(fake, *again)) as (notes, _):
        await until(lambda: notes.count("end") == 2, "listed anew")

    assert ["begin", "put one@1", "put two@2", "end", "begin", "put two@2", "end"] == notes.lines


@pytest.mark.parametrize(
    "refusal",
    [
        sends(error(500, "RequestWatchProgress is disabled")),  # etcd before 3.6 behind the server
        refuses(422, "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"),
        refuses(400, "unknown parameter"),
        sends(error(400)),
    ],
)
async def test_a_server_that_does_not_stream_lists_is_asked_for_pages_from_then_on(fake: Fake, refusal: Answer) -> None:
    listed = page(ONE, version="5")
    async with watching(fake, refusal, listed, sends(error(410)), listed) as (notes, server):
        await until(lambda: notes.count("end") == 2, "listed in pages, twice")

    assert not server.streams
    assert 1 == sum("sendInitialEvents" in query for query in fake.queries(PATH))
    assert "5" == watches(fake)[1]["resourceVersion"]


@pytest.mark.parametrize("refusal", [sends(error(504, "Too large resource version")), refuses(504)])
async def test_a_list_that_the_server_fails_to_stream_is_read_in_pages(fake: Fake, refusal: Answer) -> None:
    broken = refuses(500, "conversion webhook failed")
    async with watching(fake, refusal, broken, broken, page(ONE, version="5")) as (notes, server):
        await until(lambda: notes.has("end"), "listed in pages")

    assert server.streams, "other kinds may be streamed"
    assert 2 == notes.count("failed: conversion webhook failed (500); see the API server")
    assert 1 == sum("sendInitialEvents" in query for query in fake.queries(PATH))


async def test_a_right_that_is_missing_is_not_taken_for_a_server_that_does_not_stream(fake: Fake) -> None:
    async with watching(fake, refuses(403, "configmaps is forbidden")) as (notes, server):
        await until(lambda: notes.lines[1:], "told")

    assert server.streams
    assert ["begin", "refused: configmaps is forbidden (403)"] == notes.lines


async def test_a_refusal_is_tried_again_and_warned_of_once(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitopsd.live.watch.REFUSED_RETRY_S", 0.01)
    refusal = refuses(403, "configmaps is forbidden")
    with capture_logs() as logs:
        async with watching(fake, *[refusal] * 3, sends_and_holds(fake, *INITIAL)) as (notes, _):
            await until(lambda: notes.has("end"), "listed once it may be")

    assert 3 == notes.count("refused: configmaps is forbidden (403)")
    assert ["warning", "debug", "debug"] == [each["log_level"] for each in logs if each["event"] == "kind.refused"]


async def test_a_stream_cut_in_its_initial_list_is_begun_anew(fake: Fake) -> None:
    async with watching(fake, sends(event("ADDED", ONE)), sends_and_holds(fake, *INITIAL)) as (notes, _):
        await until(lambda: notes.has("end"), "listed")

    assert ["begin", "put one@1", "begin", "put one@1", "put two@2", "end"] == without_failures(notes.lines)


async def test_pages_are_followed_to_the_end(fake: Fake) -> None:
    pages = page(ONE, version="5", more="a"), page(TWO, version="5", more="b"), page(THREE, version="5")
    async with watching(fake, *pages, streams=False, list_page=1) as (notes, _):
        await until(lambda: watches(fake), "watched")

    assert ["begin", "put one@1", "put two@2", "put three@3", "end"] == notes.lines
    assert [{"limit": "1"}, {"limit": "1", "continue": "a"}, {"limit": "1", "continue": "b"}] == fake.queries(PATH)[:3]
    assert "5" == watches(fake)[0]["resourceVersion"]


async def test_a_page_that_expires_begins_the_list_anew_and_at_last_without_pages(fake: Fake) -> None:
    first = page(ONE, version="5", more="a")
    whole = page(TWO, THREE, version="9")
    async with watching(fake, first, refuses(410), first, refuses(410), whole, streams=False) as (notes, _):
        await until(lambda: watches(fake), "watched")

    assert ["begin", "put one@1"] * 2 + ["begin", "put two@2", "put three@3", "end"] == notes.lines
    assert {} == fake.queries(PATH)[4]


async def test_a_page_too_large_makes_the_next_one_smaller(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitopsd.live.watch.PAGE_BYTES", 100)
    large = page(ONE, config_map("two", "2", annotations={"a": "x" * 2000}), version="5", more="a")
    async with watching(fake, large, page(version="5"), streams=False, list_page=500):
        await until(lambda: watches(fake), "watched")

    assert ["500", "21"] == [query["limit"] for query in fake.queries(PATH)[:2]]


async def test_a_silent_watch_is_opened_again_where_it_was(fake: Fake) -> None:
    async with watching(fake, sends_and_holds(fake, *INITIAL), idle_s=0.1) as (notes, _):
        await until(lambda: len(watches(fake)) > 1, "opened again")

    assert "10" == watches(fake)[1]["resourceVersion"]
    assert any("said nothing for 0.1 s" in line for line in notes.lines)


RESTORED = event("ADDED", TWO), bookmark("7", initial_end=True)


async def test_a_watch_that_says_nothing_at_all_begins_with_a_list(fake: Fake) -> None:
    """So does a server that was restored from a backup, and is behind the versions that it once gave."""
    answers = sends(*INITIAL), sends_and_holds(fake), sends_and_holds(fake, *RESTORED)
    async with watching(fake, *answers, idle_s=0.1) as (notes, _):
        await until(lambda: notes.count("end") == 2, "listed anew")

    assert "10" == watches(fake)[1]["resourceVersion"]
    assert ["begin", "put one@1", "put two@2", "end", "begin", "put two@2", "end"] == without_failures(notes.lines)


async def test_so_does_one_that_the_server_ends_after_longer_than_it_is_ever_silent(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitopsd.live.watch.BOOKMARK_S", 0.1)
    answers = sends(*INITIAL), ends_after(0.2), sends_and_holds(fake, *RESTORED)
    async with watching(fake, *answers) as (notes, _):
        await until(lambda: notes.count("end") == 2, "listed anew")


@pytest.mark.parametrize("lost", [sends(), breaks_off(), refuses(503), sends(b"<html>")])
async def test_what_a_watch_may_have_lost_is_found_by_a_list_within_the_refresh(fake: Fake, lost: Answer) -> None:
    going_on, listing = sends(event("ADDED", THREE), bookmark("40")), sends_and_holds(fake, *RESTORED)

    async def well(request: web.Request) -> web.StreamResponse:
        return await (going_on if "resourceVersion" in request.query else listing)(request)

    async with watching(fake, sends(*INITIAL), lost, well, refresh_s=1.5) as (notes, _):
        fake.scripts[PATH].pop()
        await until(lambda: notes.count("end") == 2, "listed anew")

    assert notes.has("put three@3"), "it went on meanwhile"


async def test_a_watch_is_not_heard_before_it_says_something(fake: Fake) -> None:
    heard: list[int] = []
    answers = sends(*INITIAL), sends_and_holds(fake)
    async with watching(fake, *answers) as (notes, _):
        notes.on_heard = lambda: heard.append(len(watches(fake)))
        await until(lambda: len(watches(fake)) > 1, "opened again")

    assert {1} >= set(heard)


async def test_a_kind_that_was_lost_for_long_is_listed_when_it_answers_again(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitopsd.live.watch.STALE_S", 0.0)
    async with watching(fake, breaks_off(*INITIAL), sends_and_holds(fake, *RESTORED)) as (notes, _):
        await until(lambda: notes.count("end") == 2, "listed anew")

    assert "resourceVersion" not in watches(fake)[1]


BROKEN = {
    "garbage": b"<html>\n",
    "no event": b"[]\n",
    "an event without object": b'{"type":"ADDED"}\n',
    "half a line": event("ADDED", THREE)[:20],
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_event_ends_the_watch_and_loses_nothing(fake: Fake, name: str) -> None:
    async with watching(fake, sends(*INITIAL, BROKEN[name]), sends_and_holds(fake, event("ADDED", THREE))) as (
        notes,
        _,
    ):
        await until(lambda: notes.has("put three@3"), "the event after it")

    assert 1 == notes.count("begin")
    assert "10" == watches(fake)[1]["resourceVersion"]
    assert any(line.startswith("failed: ") for line in notes.lines)


async def test_a_connection_that_is_cut_is_opened_again_where_it_was(fake: Fake) -> None:
    async with watching(fake, breaks_off(*INITIAL), sends_and_holds(fake, event("ADDED", THREE))) as (notes, _):
        await until(lambda: notes.has("put three@3"), "the event after it")

    assert "end" in notes.lines


async def test_a_line_without_end_is_not_kept(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitopsd.kube.lines.MAX_LINE_BYTES", 1000)
    async with watching(fake, sends_and_holds(fake, *INITIAL, b"x" * 2000)) as (notes, _):
        await until(lambda: any("a line of more than 1000 bytes" in line for line in notes.lines), "told")


async def test_of_an_object_only_the_last_of_many_events_is_taken(fake: Fake) -> None:
    many = b"".join(event("MODIFIED", config_map("one", str(version))) for version in range(20, 40))
    gone = event("DELETED", config_map("two", "40"))
    async with watching(fake, sends_and_holds(fake, b"".join(INITIAL) + many + gone)) as (notes, _):
        await until(lambda: notes.has("drop two@40"), "the last event")

    assert ["begin", "put one@39", "drop two@40", "end"] == notes.lines


async def test_an_overloaded_server_is_asked_again_soon(fake: Fake) -> None:
    async with watching(fake, sends(*INITIAL), sends(error(429, "too many requests"))) as (notes, _):
        await until(lambda: len(watches(fake)) > 2, "asked again")

    assert any(line.startswith("failed: too many requests") for line in notes.lines)
    assert 1 == notes.count("begin")


async def test_a_list_that_is_none_is_a_failure_not_an_empty_cluster(fake: Fake) -> None:
    async with watching(fake, says({"items": "none"}), page(ONE, version="5"), streams=False) as (notes, _):
        await until(lambda: notes.has("end"), "listed")

    assert ["begin", "begin", "put one@1", "end"] == without_failures(notes.lines)
