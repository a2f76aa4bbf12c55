"""What a render is given besides the tree and the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from gitopsd.core.source.ref_source import lent_key
from gitopsd.manifests.tools import Programs
from gitopsd.manifests.variables import Variables
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings


@dataclass(frozen=True, slots=True)
class RenderContext:
    limits: RenderSettings = field(default_factory=RenderSettings)
    programs: Programs = field(default_factory=Programs)
    variables: Variables = field(default_factory=lambda: Variables({}))
    refs: Mapping[str, Tree] = field(default_factory=dict)  # the repositories of other sources, by their `ref`

    @staticmethod
    def packed(limits: RenderSettings, programs: Programs, variables: Mapping[str, str]) -> dict[str, Any]:
        """Return what `unpacked` takes, as JSON."""
        return {"limits": asdict(limits), "programs": asdict(programs), "variables": dict(variables)}

    def closure(self) -> dict[str, str]:
        """Return what was asked for besides the source's own tree, as keys of a closure."""
        lent = {lent_key(ref, key): state for ref, tree in self.refs.items() for key, state in tree.closure().items()}
        return lent | self.variables.closure()

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any], refs: Mapping[str, Tree]) -> Self:
        """Return what is packed, with the trees that other sources lend."""
        limits, programs = RenderSettings(**packed["limits"]), Programs(**packed["programs"])
        return cls(limits, programs, Variables(packed["variables"]), refs)
