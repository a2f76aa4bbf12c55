"""Faults on order: what tests and demonstrations make a simulated cluster do wrong.

`POST /_sim/faults` takes one fault as JSON, `GET` lists those that are left, `DELETE` ends them all; administrators
only. Fields:

    fault    delay | throttle (429 with Retry-After) | error (500) | forbid (403) | expire (410) |
             stall (the request is never answered) | cut (open watches end, new ones end after `seconds`)
    path     regular expression that must match somewhere in the request's path; default: every path
    verb     get, list, watch, create, update, patch, delete, deletecollection or discover; default: all
    count    requests that it strikes; default 1; 0: until it is ended
    seconds  of a delay, of Retry-After (whole seconds), or until a watch is cut; default 0
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gitopsd.sim.answers import Overload, Refusal, Resource, bad_request, expired, forbidden

FAULTS = frozenset({"delay", "throttle", "error", "forbid", "expire", "stall", "cut"})
_FIELDS = frozenset({"fault", "path", "verb", "count", "seconds"})


@dataclass(slots=True, eq=False)
class Fault:
    """One ordered fault; `remaining` counts down, None goes on for ever."""

    fault: str
    path: re.Pattern[str]
    verb: str
    remaining: int | None
    seconds: float

    @staticmethod
    def parse(body: Any) -> Fault:
        """Return the fault that `body` orders.

        Raises:
            Refusal: 400, it is no fault that can be had.
        """
        if not isinstance(body, dict) or body.get("fault") not in FAULTS or not body.keys() <= _FIELDS:
            raise bad_request(f"a fault has the fields {sorted(_FIELDS)}; fault is one of {sorted(FAULTS)}")
        count, seconds = body.get("count", 1), body.get("seconds", 0)
        if not isinstance(count, int) or not isinstance(seconds, int | float) or count < 0 or seconds < 0:
            raise bad_request("count and seconds are numbers that are not negative")
        try:
            path = re.compile(body.get("path", ""))
        except (re.error, TypeError) as err:
            raise bad_request(f"path is no regular expression: {err}") from None
        return Fault(body["fault"], path, body.get("verb", ""), count or None, float(seconds))

    def shown(self) -> dict[str, Any]:
        fields = {"fault": self.fault, "path": self.path.pattern, "verb": self.verb, "seconds": self.seconds}
        return {**fields, "count": self.remaining or 0}

    def hits(self, verb: str, path: str) -> bool:
        return self.verb in ("", verb) and self.path.search(path) is not None


@dataclass(slots=True)
class Faults:
    """The faults that are on order, and the watches that one of them could cut."""

    ordered: list[Fault] = field(default_factory=list)
    _watches: set[tuple[str, asyncio.Event]] = field(default_factory=set)

    def order(self, fault: Fault) -> None:
        self.ordered.append(fault)
        if fault.fault == "cut":
            for path, cut in self._watches:
                if fault.hits("watch", path):
                    cut.set()

    def clear(self) -> None:
        self.ordered.clear()

    def take(self, verb: str, path: str, *, cut: bool = False) -> Fault | None:
        """Return the first fault that strikes a request, and count it; `cut` asks for those of open watches only."""
        for fault in self.ordered:
            if (fault.fault == "cut") == cut and fault.hits(verb, path):
                if fault.remaining is not None:
                    fault.remaining -= 1
                    if not fault.remaining:
                        self.ordered.remove(fault)
                return fault
        return None

    async def strike(self, verb: str, path: str, resource: Resource) -> None:
        """Do to a request what is on order for it: wait, or raise the refusal."""
        fault = self.take(verb, path)
        match fault.fault if fault else "":
            case "delay":
                await asyncio.sleep(fault.seconds if fault else 0)
            case "stall":
                await asyncio.Event().wait()
            case "throttle":
                raise Overload(max(1, round(fault.seconds if fault else 0)))
            case "error":
                raise Refusal(500, "InternalError", "Internal error occurred: a fault was ordered")
            case "forbid":
                raise forbidden(resource, "", "a fault was ordered")
            case "expire":
                raise expired("The provided resource version is too old: a fault was ordered")
            case _:
                return

    @contextmanager
    def watch(self, path: str) -> Iterator[asyncio.Event]:
        """Hold an event for the block that is set when the watch is to be cut."""
        cut = asyncio.Event()
        entry = (path, cut)
        self._watches.add(entry)
        try:
            yield cut
        finally:
            self._watches.discard(entry)
