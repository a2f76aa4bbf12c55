"""A pytest plugin, `-p tests.reworded`: messages are noise to the product, and only tests can read them.

What errors say, their remedies, the messages of operations, of their tasks and of what clusters answer, and why
something is so or is not done, are a `Noise`, empty ones too. `gitopsd` may put one into other words, but whatever it
compares, looks for, matches, takes apart, hashes or takes for absent is the same for all of them. A suite that passes
so goes by types, states and fields. The few tests that cannot read a noise, such as one joined to others, are marked
`words`.
"""

from __future__ import annotations

import sys
from functools import wraps
from inspect import signature
from typing import Any

from gitopsd.core.sync.decide import SyncDecision
from gitopsd.core.sync.windows import Blocked
from gitopsd.errors import GitopsError
from gitopsd.model.command import Accepted, Refused
from gitopsd.model.comparison import Compared
from gitopsd.model.health import Health
from gitopsd.model.operation import Operation, Task
from gitopsd.model.status import Condition

MESSAGES: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (GitopsError, ("what", "remedy")),
    (Operation, ("message",)),
    (Task, ("message",)),
    (Accepted, ("message",)),
    (Refused, ("message", "remedy")),
    (Compared, ("reason",)),
    (Health, ("message",)),
    (Condition, ("message", "remedy")),
    (Blocked, ("why",)),
    (SyncDecision, ("why",)),
)
MADE = "<string>"  # the file of what dataclasses make: that a test compares two of them is the test's doing


class Noise(str):
    """A text that is "noise" but where it is formatted, or where a test looks."""

    __slots__ = ("_said",)
    _said: str

    def __new__(cls, said: str) -> Noise:  # noqa: PYI034 - a text of a text
        made = super().__new__(cls, "noise")
        made._said = f"{said}"
        return made

    def __format__(self, spec: str) -> str:
        return format(self._said, spec)

    def __getitem__(self, index: Any) -> Noise:
        return Noise(self._said[index])

    def __eq__(self, other: object) -> bool:
        return bool(_read(self) == _read(other))

    def __contains__(self, part: str) -> bool:  # type: ignore[override]  # as of any text
        return part in _read(self)

    def startswith(self, *args: Any) -> bool:
        return bool(_read(self).startswith(*args))

    def endswith(self, *args: Any) -> bool:
        return bool(_read(self).endswith(*args))

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        return repr(self._said)


def _read(text: Any) -> Any:
    """Return `text` as whoever asked for it may read it."""
    if not isinstance(text, Noise):
        return text
    asks: Any = sys._getframe(2)  # noqa: SLF001 - whose code asks is what this is about
    while asks.f_code.co_filename == MADE:
        asks = asks.f_back
    by_product = str(asks.f_globals.get("__name__")).partition(".")[0] == "gitopsd"
    return str.__str__(text) if by_product else text._said  # noqa: SLF001 - its own module


def pytest_configure() -> None:
    for kind, names in MESSAGES:
        _reword(kind, names)


def _reword(kind: type[Any], names: tuple[str, ...]) -> None:
    made, parts = kind.__init__, signature(kind.__init__)

    @wraps(made)
    def reworded(*args: Any, **kwargs: Any) -> None:
        bound = parts.bind(*args, **kwargs)
        bound.arguments.update({name: Noise(bound.arguments.get(name, "")) for name in names})
        made(*bound.args, **bound.kwargs)

    kind.__init__ = reworded
