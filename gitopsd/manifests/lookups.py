"""Asks a worker what closures look like at a revision, many in one job: a moved epoch asks for all at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitopsd.errors import GitopsError
from gitopsd.manifests.closure import LookedUp
from gitopsd.manifests.jobs import LOOK_UP, Place
from gitopsd.ports import Workers

MOST = 100_000  # look-ups in one job


@dataclass(slots=True, eq=False)
class _Question:
    inputs: str
    sets: Sequence[LookedUp]
    variables: Mapping[str, str]
    answer: list[str] | None = None  # one key per set
    error: GitopsError | None = None

    @property
    def size(self) -> int:
        return sum(len(looked_up) for looked_up in self.sets)


@dataclass(slots=True, eq=False)
class _Asked:
    """The questions about one place."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    open: deque[_Question] = field(default_factory=deque)
    users: int = 0


class LookUps:
    """While one job runs, the questions that come meanwhile wait for the next one together."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._places: dict[Place, _Asked] = {}

    async def keys(
        self, mirrors: Place, inputs: str, sets: Sequence[LookedUp], variables: Mapping[str, str]
    ) -> list[str]:
        """Return the manifests key that each of `sets` has at `mirrors`, in the build environment `variables`."""
        question = _Question(inputs, sets, variables)
        there = self._places.setdefault(mirrors, _Asked())
        there.open.append(question)
        there.users += 1
        try:
            async with there.lock:
                while question.answer is None and question.error is None:
                    await self._answer(mirrors, there.open)
        finally:
            there.users -= 1
            if not there.users:
                del self._places[mirrors]
        if question.error is not None:
            raise question.error.again() from question.error
        return question.answer or []

    async def _answer(self, mirrors: Place, waiting: deque[_Question]) -> None:
        batch = [waiting.popleft()]
        size = batch[0].size
        while waiting and (size := size + waiting[0].size) <= MOST:
            batch.append(waiting.popleft())
        answered = False
        try:
            questions = [(question.inputs, question.sets, question.variables) for question in batch]
            answers = await self._workers.call(LOOK_UP, mirrors, questions)
            answered = True
        except GitopsError as err:
            answers, answered = [err] * len(batch), True
        finally:
            if not answered:  # cancelled: the next one in line asks for the others
                waiting.extendleft(reversed(batch))
        for question, answer in zip(batch, answers, strict=True):
            if isinstance(answer, GitopsError):
                question.error = answer
            else:
                question.answer = answer
