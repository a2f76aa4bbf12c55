"""Fair turns: nobody who asks for much holds up one who asks for little."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gitopsd.runtime.turns import FairTurns, asking

pytestmark = pytest.mark.looptime


@dataclass
class Place:
    """Where work is done in turns, and what came of it: who began when."""

    turns: FairTurns
    began: list[tuple[str, float]] = field(default_factory=list)

    async def work(self, who: str, took_s: float, *, stopped: bool = False) -> None:
        group, _, member = who.partition("/")
        with asking(group, member):
            async with self.turns.turn() as turn:
                self.began.append((who, asyncio.get_running_loop().time()))
                await asyncio.sleep(took_s)
                turn.ended_by_force = stopped

    def when(self, who: str) -> float:
        return next(at_s for name, at_s in self.began if name == who)


async def test_a_group_with_much_to_do_leaves_the_spare_turn_to_another() -> None:
    place = Place(FairTurns(2))
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(place.work(f"much/{number}", 60.0))
        await asyncio.sleep(1)
        group.create_task(place.work("little/one", 0.1))
        await asyncio.sleep(1)
        group.create_task(place.work("little/one", 0.1))

    assert [1.0, 2.0] == [at_s for who, at_s in place.began if who == "little/one"]
    assert [0.0] * 2 + [60.0] * 2 == [at_s for who, at_s in place.began if who != "little/one"][:4]


async def test_who_has_had_least_goes_first_among_groups_and_among_members() -> None:
    place = Place(FairTurns(1))
    async with asyncio.TaskGroup() as group:
        for who in ("a/x", "a/x", "a/x", "a/y", "b/z", "b/z"):
            group.create_task(place.work(who, 1.0))
            await asyncio.sleep(0)

    order = [who for who, _ in place.began]
    assert ["a/x", "b/z"] == order[:2]  # at once, by the spare turn
    assert {"a/y", "b/z"} == set(order[2:4])
    assert ["a/x", "a/x"] == order[4:]


async def test_whoever_comes_anew_has_saved_up_nothing() -> None:
    place = Place(FairTurns(1))
    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(place.work("old/x", 1.0))
            group.create_task(place.work("other/x", 1.0))
        await asyncio.sleep(3.5)
        for _ in range(4):
            group.create_task(place.work("new/x", 1.0))

    after = [who for who, at_s in place.began if at_s >= 4.0][:6]
    assert {"old/x", "other/x", "new/x"} == set(after[:3])


async def test_those_whose_last_turn_was_ended_by_force_have_half_of_the_turns() -> None:
    place = Place(FairTurns(2))
    async with asyncio.TaskGroup() as group:
        for name in ("bad", "worse"):
            group.create_task(place.work(f"{name}/x", 1.0, stopped=True))
        await asyncio.sleep(2)
        for name in ("bad", "worse"):
            group.create_task(place.work(f"{name}/x", 50.0))
        await asyncio.sleep(1)
        group.create_task(place.work("good/x", 1.0))

    assert 3.0 == place.when("good/x")
    assert [2.0, 52.0] == sorted(at_s for who, at_s in place.began if who != "good/x")[2:]


async def test_who_has_ended_well_again_is_no_suspect() -> None:
    place = Place(FairTurns(2))
    await place.work("a/x", 1.0, stopped=True)
    await place.work("a/x", 1.0)

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(place.work("a/x", 5.0))

    assert [2.0, 2.0] == [at_s for _, at_s in place.began[2:]]


async def test_who_gives_up_waiting_takes_no_turn() -> None:
    place = Place(FairTurns(1))
    async with asyncio.TaskGroup() as group:
        group.create_task(place.work("a/x", 1.0))
        await asyncio.sleep(0)
        gone = group.create_task(place.work("a/y", 1.0))
        also = group.create_task(place.work("a/z", 1.0))
        await asyncio.sleep(0.5)
        gone.cancel()
        await asyncio.sleep(0.5)  # the turn is another's by now, who is cancelled with it in hand
        also.cancel()
        group.create_task(place.work("a/w", 1.0))

    assert ["a/x", "a/w"] == [who for who, _ in place.began if who in ("a/x", "a/w")]
    assert "a/y" not in [who for who, _ in place.began]


async def test_who_asks_for_nobody_is_the_daemon_itself() -> None:
    place = FairTurns(1)
    async with place.turn() as turn:
        assert ("", "") == (turn.asker.group, turn.asker.member)
