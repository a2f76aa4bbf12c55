"""A cluster that says of every object what tests make it say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import ClusterId


@dataclass(slots=True)
class FakeWitness:
    """Implements `ports.Witness`."""

    lines: Sequence[str] = ()
    asked: list[LiveObject] = field(default_factory=list)

    async def evidence(self, cluster: ClusterId, live: LiveObject) -> Sequence[str]:
        self.asked.append(live)
        return self.lines
