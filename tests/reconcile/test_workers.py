"""Passes over a queue: what the class of an error means for the next one, and who is told."""

from __future__ import annotations

import asyncio

import pytest

from gitopsd.errors import ClusterUnreachable, InvalidManifest, NotPermitted
from gitopsd.model.ids import AppName
from gitopsd.model.status import Condition
from gitopsd.reconcile.workers import SPREAD, Again, Passes, spread_s
from gitopsd.runtime.lanes import PATIENCE_S, stepping_aside
from gitopsd.runtime.queue import KeyQueue
from gitopsd.runtime.turns import Asker, FairTurns

SHOP = AppName("shop")
LOST = ClusterUnreachable("no answer", remedy="see the cluster")


class Queue(KeyQueue[AppName]):
    """Keeps how long each pass is put off."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_s: list[float] = []

    def add(self, key: AppName, after_s: float = 0.0) -> None:
        if after_s > 0:
            self.waits_s.append(after_s)
        else:
            super().add(key)


class Bench:
    """Has passes over one application, one after the other."""

    def __init__(self, *outcomes: Again | Exception) -> None:
        self.outcomes = list(outcomes)
        self.told: list[Condition] = []
        self.observed: list[str] = []
        self.ended: list[AppName] = []
        self.queue = Queue()
        self.passes = Passes(
            self.queue,
            self.reconcile,
            lambda _app, condition: self.told.append(condition),
            at_once=2,
            refresh_s=600.0,
            observe=lambda _app, outcome, _seconds: self.observed.append(outcome),
            ended=lambda app, _began_s: self.ended.append(app),
        )

    async def reconcile(self, name: AppName) -> Again:
        outcome = self.outcomes.pop(0)
        if self.outcomes:
            self.queue.add(name)
        else:
            self.queue.close()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def run(self) -> None:
        self.queue.add(SHOP)
        async with asyncio.timeout(20):
            await self.passes.run()


async def test_fault_that_may_pass_is_tried_again_after_a_growing_rest() -> None:
    bench = Bench(LOST, LOST, LOST, Again(None))
    await bench.run()

    assert [1.0, 2.0, 4.0] == bench.queue.waits_s
    assert Condition("ComparisonError", "no answer", "see the cluster") == bench.told[0]


async def test_pass_that_succeeds_ends_the_row_of_failures() -> None:
    bench = Bench(LOST, LOST, Again(None), LOST, Again(None))
    await bench.run()

    assert [1.0, 2.0, 1.0] == bench.queue.waits_s


async def test_fault_that_a_person_must_mend_waits_for_a_change() -> None:
    bench = Bench(InvalidManifest("line 3 is no YAML", remedy="mend it"), Again(None))
    await bench.run()

    assert [spread_s(SHOP, 600.0)] == bench.queue.waits_s


async def test_wrong_declaration_is_told_as_such() -> None:
    bench = Bench(NotPermitted("no such project", remedy="declare it"), Again(None))
    await bench.run()

    assert ["InvalidSpecError"] == [each.type for each in bench.told]


async def test_unforeseen_error_is_the_applications_condition_and_ends_nothing() -> None:
    bench = Bench(ZeroDivisionError("oops"), Again(None))
    await bench.run()

    assert ["unforeseen", "done"] == bench.observed
    assert "ZeroDivisionError" in bench.told[0].message
    assert "oops" not in bench.told[0].message, "an unforeseen error may hold anything, so only the log has its words"


@pytest.mark.parametrize("outcome", [Again(None), LOST, ZeroDivisionError("oops")])
async def test_every_pass_is_told_to_have_ended(outcome: Again | Exception) -> None:
    bench = Bench(outcome)
    await bench.run()

    assert [SHOP] == bench.ended


def test_long_waits_are_spread_and_short_ones_are_not() -> None:
    waits = {spread_s(AppName(f"app-{number}"), 600.0) for number in range(100)}

    assert 1.0 == spread_s(SHOP, 1.0)
    assert 90 < len(waits)
    assert all(600.0 * (1 - SPREAD) <= wait <= 600.0 for wait in waits)


@pytest.mark.looptime
async def test_a_pass_that_waits_for_a_worker_holds_up_no_other() -> None:
    queue: KeyQueue[AppName] = KeyQueue()
    ended: list[tuple[str, float]] = []

    async def reconcile(app: AppName) -> Again:
        async with stepping_aside():
            await asyncio.sleep(0.0 if app == SHOP else 60.0)
        return Again(None)

    def told(app: AppName, _began_s: float) -> None:
        ended.append((app, asyncio.get_running_loop().time()))
        if app != SHOP:
            queue.close()

    for name in ("slow", SHOP):
        queue.add(AppName(name))
    await Passes(queue, reconcile, lambda _app, _condition: None, at_once=1, refresh_s=600.0, ended=told).run()

    assert [(SHOP, PATIENCE_S), ("slow", 60.0)] == ended


async def test_what_a_pass_does_is_done_for_its_project_and_application() -> None:
    queue: KeyQueue[AppName] = KeyQueue()
    askers: list[Asker] = []
    turns = FairTurns(1)

    async def reconcile(_app: AppName) -> Again:
        async with turns.turn() as turn:
            askers.append(turn.asker)
        queue.close()
        return Again(None)

    queue.add(SHOP)
    passes = Passes(
        queue, reconcile, lambda _app, _condition: None, at_once=1, refresh_s=600.0, project_of=lambda _app: "team"
    )
    await passes.run()

    assert [Asker("team", SHOP)] == askers
