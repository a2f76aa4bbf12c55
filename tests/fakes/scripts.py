"""Users' scripts that answer at once: what a jq expression names is told beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitopsd.errors import GitopsError
from gitopsd.model.manifest import Manifest

Pointer = tuple[str, ...]


@dataclass(slots=True)
class FakePaths:
    """Implements `ports.IgnoredPaths`."""

    named: Mapping[str, Pointer] = field(default_factory=dict)  # expression → what it names, in every document
    fails: GitopsError | None = None

    async def paths(self, expressions: Sequence[str], documents: Sequence[Manifest]) -> Sequence[Sequence[Pointer]]:
        if self.fails is not None:
            raise self.fails
        return [[self.named[text] for text in expressions if text in self.named] for _ in documents]
