"""Inputs that had to be stopped by force rest before they are tried again, longer each time."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import LRUCache

from gitopsd.backoff import backoff_s

FIRST_S = 60.0
LONGEST_S = 3600.0
MOST = 10_000  # inputs that are remembered

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class RestingInput:
    """Why an input rests, and how long it does."""

    content: Hashable  # what it had been when it was stopped
    stops: int  # in a row, of this content
    until_s: float
    others_until_s: float  # for another content: as long as the try took, so it has half of the time at most
    reason: str


class Rests(Generic[K]):
    """What rests, by a key and by the content that it had."""

    def __init__(self) -> None:
        self._resting: LRUCache[K, RestingInput] = LRUCache(MOST)

    def left_s(self, key: K, now_s: float, content: Hashable = None) -> tuple[float, str]:
        """Return how long `key` still rests with `content`, and why; 0.0 where it does not."""
        rest = self._resting.get(key)
        if rest is None:
            return 0.0, ""
        until_s = rest.until_s if rest.content == content else min(rest.until_s, rest.others_until_s)
        return max(0.0, until_s - now_s), rest.reason

    def stopped(self, key: K, now_s: float, reason: str, *, took_s: float = 0.0, content: Hashable = None) -> float:
        """Take note that `key` was stopped by force after `took_s`, and return for how long it rests."""
        before = self._resting.get(key)
        stops = before.stops + 1 if before is not None and before.content == content else 1
        rest_s = backoff_s(stops, first_s=FIRST_S, longest_s=LONGEST_S)
        self._resting[key] = RestingInput(content, stops, now_s + rest_s, now_s + took_s, reason)
        return rest_s

    def went_well(self, key: K) -> None:
        """Forget that `key` was ever stopped."""
        self._resting.pop(key, None)
