"""Fair turns at what there are few of: by group and by member, for the time that each has had of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from cachetools import LRUCache

SPARE = 1  # turns beside the usual ones, for groups that have none
SUSPECTS = 10_000  # members that are remembered as such


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom something is done: a project and its application; the daemon itself has no names."""

    group: str = ""
    member: str = ""


NOBODY = Asker()
_asker: ContextVar[Asker] = ContextVar("asker", default=NOBODY)


@contextmanager
def asking(group: str, member: str) -> Iterator[None]:
    """Have all turns that are asked for in this block, and in the tasks it starts, be those of a group's member."""
    before = _asker.set(Asker(group, member))
    try:
        yield
    finally:
        _asker.reset(before)


@dataclass(slots=True, eq=False)
class Turn:
    """A turn that somebody has."""

    asker: Asker
    began_s: float
    suspect: bool  # the member's last one had to be ended
    ended_by_force: bool = False  # for its holder to say


@dataclass(slots=True)
class _Member:
    used_s: float = 0.0
    waiting: deque[asyncio.Future[Turn]] = field(default_factory=deque)
    working: int = 0


@dataclass(slots=True)
class _Group:
    used_s: float
    members: dict[str, _Member] = field(default_factory=dict)
    working: int = 0


class FairTurns:
    """At most `at_once` turns are had at a time, and one more by a group that has none.

    Who has had least time goes first: of the groups, then of a group's members; time that runs counts already. Who
    comes anew has had as little as the one with the least of those who are there, and no less, so nobody saves up.
    Members whose last turn had to be ended by force have half of the turns at most, all of them together.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._groups: dict[str, _Group] = {}  # those who wait, or have a turn
        self._turns: set[Turn] = set()
        self._suspects: LRUCache[Asker, None] = LRUCache(SUSPECTS)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a turn of who asks, and hold it for the block."""
        asker = _asker.get()
        turn = await self._called(asker)
        try:
            yield turn
        finally:
            self._over(turn)

    async def _called(self, asker: Asker) -> Turn:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Turn] = loop.create_future()
        self._member(asker).waiting.append(waiter)
        self._serve()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # called and cancelled at once
                self._over(waiter.result())
            else:
                self._groups[asker.group].members[asker.member].waiting.remove(waiter)
                self._tidy(asker)
            raise

    def _member(self, asker: Asker) -> _Member:
        group = self._groups.get(asker.group)
        if group is None:
            group = _Group(min((self._had_s(name) for name in self._groups), default=0.0))
            self._groups[asker.group] = group
        member = group.members.get(asker.member)
        if member is None:
            member = _Member(min((other.used_s for other in group.members.values()), default=0.0))
            group.members[asker.member] = member
        return member

    def _serve(self) -> None:
        while (asker := self._next()) is not None:
            group = self._groups[asker.group]
            member = group.members[asker.member]
            waiter = member.waiting.popleft()
            group.working += 1
            member.working += 1
            turn = Turn(asker, asyncio.get_running_loop().time(), asker in self._suspects)
            self._turns.add(turn)
            waiter.set_result(turn)

    def _next(self) -> Asker | None:
        if len(self._turns) >= self._at_once + SPARE:
            return None
        suspects = sum(turn.suspect for turn in self._turns)
        for name in sorted(self._groups, key=self._had_s):
            group = self._groups[name]
            if len(self._turns) >= self._at_once and group.working:
                continue
            for member in sorted(group.members, key=lambda member: group.members[member].used_s):
                asker = Asker(name, member)
                if group.members[member].waiting and self._may(asker, suspects):
                    return asker
        return None

    def _may(self, asker: Asker, suspects: int) -> bool:
        if asker not in self._suspects:
            return True
        return len(self._turns) < self._at_once and suspects < max(1, self._at_once // 2)

    def _had_s(self, name: str) -> float:
        now_s = asyncio.get_running_loop().time()
        return self._groups[name].used_s + sum(now_s - turn.began_s for turn in self._turns if turn.asker.group == name)

    def _over(self, turn: Turn) -> None:
        asker = turn.asker
        group = self._groups[asker.group]
        member = group.members[asker.member]
        took_s = asyncio.get_running_loop().time() - turn.began_s
        group.used_s += took_s
        member.used_s += took_s
        group.working -= 1
        member.working -= 1
        self._turns.discard(turn)
        if turn.ended_by_force:
            self._suspects[asker] = None
        else:
            self._suspects.pop(asker, None)
        self._tidy(asker)
        self._serve()

    def _tidy(self, asker: Asker) -> None:
        group = self._groups[asker.group]
        member = group.members[asker.member]
        if not member.waiting and not member.working:
            del group.members[asker.member]
        if not group.members:
            del self._groups[asker.group]
