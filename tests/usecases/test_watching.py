"""Streams of applications: who sees which, and what ends them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence

import pytest

from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.usecases.authentication import StaticToken, StreamHolder
from gitopsd.usecases.backend import AppView
from gitopsd.usecases.listing import Filters
from gitopsd.usecases.selector import selector
from gitopsd.usecases.watching import MUCH, ApplicationEvent, ChangeFeed
from tests.fakes.backend import FakeBackend, app_view
from tests.fakes.rights import ListedRights
from tests.usecases.asking import ANN, uses_of

SHOP, BANK = AppName("shop"), AppName("bank")
ALL = Filters(labels=selector(""))
RETAIL = ("ann", "applications", "get", "retail/*")
MONEY = ("ann", "applications", "get", "money/*")


class Session:
    """An authenticator of one session, which the test ends."""

    def __init__(self) -> None:
        self.caller_now: Caller | None = ANN

    def caller(self, token: str, address: str) -> Caller | None:
        return self.caller_now


def fleet() -> FakeBackend:
    return FakeBackend(app_view("shop", project="retail"), app_view("bank", project="money"))


async def next_event(told: AsyncIterator[Sequence[ApplicationEvent]]) -> tuple[str, str]:
    (event,) = await next_events(told)
    return event


async def next_events(told: AsyncIterator[Sequence[ApplicationEvent]]) -> list[tuple[str, str]]:
    while True:
        if events := await anext(told):
            return [(event.kind.value, event.name) for event in events]


@pytest.mark.looptime
async def test_a_stream_tells_of_what_its_reader_may_get_alone() -> None:
    backend, changes, session = fleet(), ChangeFeed(), Session()
    watch = uses_of(backend, RETAIL, changes=changes).watch
    holder = StreamHolder(session, "token", "", asyncio.get_running_loop().time)
    with watch.subscribe() as subscriber:
        events = watch.applications(holder, ALL, subscriber)
        assert ("ADDED", "shop") == await next_event(events)
        for name in (BANK, SHOP):
            changes.changed(name)
        assert ("MODIFIED", "shop") == await next_event(events)
        moved = dataclasses.replace(backend.apps[SHOP], application=app_view("shop", project="money").application)
        backend.apps[SHOP] = moved
        changes.changed(SHOP)
        assert ("DELETED", "shop") == await next_event(events)


@pytest.mark.looptime
async def test_case_42_a_stream_ends_with_the_session_of_its_reader() -> None:
    session = Session()
    watch = uses_of(fleet(), RETAIL).watch
    loop = asyncio.get_running_loop()
    with watch.subscribe() as subscriber:
        events = watch.applications(StreamHolder(session, "token", "", loop.time), ALL, subscriber)
        assert ("ADDED", "shop") == await next_event(events)
        session.caller_now, ended_s = None, loop.time()
        with pytest.raises(StopAsyncIteration):
            await next_event(events)
        assert loop.time() - ended_s <= watch.beat_s


@pytest.mark.looptime
async def test_case_42_rights_that_change_change_what_an_open_stream_tells_of() -> None:
    backend, changes = fleet(), ChangeFeed()
    uses = uses_of(backend, RETAIL, changes=changes)
    holder = StreamHolder(Session(), "token", "", asyncio.get_running_loop().time)
    with uses.watch.subscribe() as subscriber:
        events = uses.watch.applications(holder, ALL, subscriber)
        assert ("ADDED", "shop") == await next_event(events)
        uses.watch.access.rights.change(ListedRights(("ann", "applications", "get", "money/*")))
        assert [("ADDED", "bank"), ("DELETED", "shop")] == await next_events(events)


@pytest.mark.looptime
async def test_changes_are_told_at_once_and_together_while_there_is_much_to_tell() -> None:
    changes = ChangeFeed()
    watch = uses_of(fleet(), RETAIL, MONEY, changes=changes).watch
    clock = asyncio.get_running_loop().time
    with watch.subscribe() as subscriber:
        events = watch.applications(StreamHolder(Session(), "token", "", clock), ALL, subscriber, listed=True)
        assert [(), ()] == [await anext(events), await anext(events)]
        began_s = clock()
        for _ in range(20):
            changes.changed(SHOP)
            assert [("MODIFIED", "shop")] == await next_events(events)
        assert began_s == clock()
        for _ in range(2 * MUCH):
            changes.changed(BANK)
        changes.changed(SHOP)
        assert [("MODIFIED", "bank"), ("MODIFIED", "shop")] == await next_events(events)
        assert watch.rest_s == pytest.approx(clock() - began_s)


@pytest.mark.looptime
async def test_all_readers_of_a_change_see_the_same_view_and_those_of_the_next_one_another() -> None:
    changes, looked = ChangeFeed(), []

    def look(name: AppName) -> AppView:
        looked.append(name)
        return app_view(name)

    changes.changed(SHOP)
    seen = [changes.view(SHOP, look, 0.1) for _ in range(200)]
    changes.changed(SHOP)
    later = changes.view(SHOP, look, 0.1)
    await asyncio.sleep(0.2)
    changes.view(SHOP, look, 0.1)  # its ages are other ones by now

    assert all(view is seen[0] for view in seen)
    assert later is not seen[0]
    assert 3 == len(looked)


@pytest.mark.parametrize("token", ["", "wrong", "é\udcff", "right "])
def test_case_37_the_static_token_alone_is_the_static_token(token: str) -> None:
    assert StaticToken(lambda: "right").caller(token, "") is None
    assert StaticToken(lambda: "").caller(token, "") is None
    assert StaticToken(lambda: "right").caller("right", "192.0.2.1") == Caller("admin", address="192.0.2.1")


@pytest.mark.looptime
async def test_a_tree_is_looked_at_when_its_application_changed_and_now_and_then() -> None:
    changes = ChangeFeed()
    uses = uses_of(fleet(), RETAIL, changes=changes)
    clock = asyncio.get_running_loop().time
    session = Session()
    with uses.watch.subscribe() as subscriber:
        trees = uses.resources.trees(StreamHolder(session, "", "", clock), SHOP, subscriber)
        await anext(trees)
        began_s = clock()
        changes.changed(SHOP)
        await anext(trees)
        assert began_s == clock()
        changes.changed(BANK)
        await anext(trees)
        assert 5.0 == pytest.approx(clock() - began_s)
        session.caller_now = None
        with pytest.raises(StopAsyncIteration):
            await anext(trees)
