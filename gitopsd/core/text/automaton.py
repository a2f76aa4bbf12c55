"""An automaton for globs: what a text may be so far is a set of places in the pattern, and a character is one step.

Patterns and texts are written by tenants, and a regular expression with several stars can take time without bound. Here
a set of places is the bits of one number, and no step is ever taken back. The sets that come up are kept with the steps
from them, so that a text of the usual kind costs a look-up for each character.

Source: Thompson, Regular expression search algorithm (1968), with steps by shifts as in the bitap algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

MOST_STATES = 64  # that are kept of one automaton, which begins anew then
MOST_PLACES = 4096  # of one automaton


class TooLarge(Exception):
    """There would be more than MOST_PLACES places."""


@dataclass(frozen=True, slots=True)
class CharClass:
    """One character of some, or of all others."""

    ranges: tuple[tuple[str, str], ...] = ()  # first and last
    negated: bool = False
    without: str = ""  # a character that it never is

    def __contains__(self, char: str) -> bool:
        return char != self.without and any(low <= char <= high for low, high in self.ranges) is not self.negated


@dataclass(frozen=True, slots=True)
class Star:
    """Any number of any characters."""

    without: str = ""  # a character that is not among them


@dataclass(frozen=True, slots=True)
class Alternation:
    """One of several sequences."""

    of: tuple[tuple[GlobPart, ...], ...]


GlobPart = str | CharClass | Star | Alternation  # a str is one character, as it is


@dataclass(eq=False, slots=True)
class _State:
    places: int
    following: dict[str, _State] = field(default_factory=dict)  # by character


class Automaton:
    """Takes the texts that a sequence of parts describes. Raises TooLarge where that is too long."""

    __slots__ = ("_after", "_begin", "_classes", "_leaping", "_literals", "_stars", "_states", "_taking")

    def __init__(self, parts: Sequence[GlobPart]) -> None:
        after = [0]  # place → the places behind it; they are numbered from the end, which is place 0
        self._literals: dict[str, int] = {}  # character → the places that take it alone
        self._classes: dict[CharClass, int] = {}
        self._stars = 0
        self._begin = self._laid(parts, 1, after)
        self._after = {place: behind for place, behind in enumerate(after) if not self._is_regular(place, behind)}
        self._leaping = sum(1 << place for place in self._after)
        self._restart()

    def takes(self, text: str) -> bool:
        """Tell whether the whole of `text` is described."""
        state = self._states[self._begin]
        for char in text:
            following = state.following.get(char)
            state = self._stepped(state, char) if following is None else following
            if not state.places:
                return False
        return bool(state.places & 1)

    def _laid(self, parts: Sequence[GlobPart], behind: int, after: list[int]) -> int:
        """Lay out `parts` in front of the places `behind`; return the places that they begin with."""
        for part in reversed(parts):
            if isinstance(part, Alternation):
                begins = [self._laid(each, behind, after) for each in part.of]
                behind = reduce(or_, begins)
                continue
            if len(after) > MOST_PLACES:
                raise TooLarge
            bit = 1 << len(after)
            if isinstance(part, str):
                self._literals[part] = self._literals.get(part, 0) | bit
            else:
                chars = CharClass(negated=True, without=part.without) if isinstance(part, Star) else part
                self._classes[chars] = self._classes.get(chars, 0) | bit
            if isinstance(part, Star):
                self._stars |= bit
                behind |= bit
                after.append(behind)
            else:
                after.append(behind)
                behind = bit
        return behind

    def _is_regular(self, place: int, behind: int) -> bool:
        """Tell whether behind `place` is but the next one, and the one after it where that is a star."""
        return behind == self._shifted(1 << place) | 1 << place & self._stars

    def _shifted(self, places: int) -> int:
        places >>= 1
        return places | (places & self._stars) >> 1

    def _restart(self) -> None:
        self._taking: dict[str, int] = {}  # character → the places that take it
        self._states = {self._begin: _State(self._begin)}

    def _stepped(self, state: _State, char: str) -> _State:
        taking = state.places & self._places_of(char)
        leaping = taking & self._leaping
        stepping = taking ^ leaping
        places = self._shifted(stepping) | stepping & self._stars
        while leaping:
            place = leaping.bit_length() - 1
            places |= self._after[place]
            leaping ^= 1 << place
        if len(self._states) > MOST_STATES:
            self._restart()
        following = self._states.setdefault(places, _State(places))
        state.following[char] = following
        return following

    def _places_of(self, char: str) -> int:
        places = self._taking.get(char)
        if places is None:
            places = self._literals.get(char, 0)
            for chars, bits in self._classes.items():
                places |= bits if char in chars else 0
            self._taking[char] = places
        return places
