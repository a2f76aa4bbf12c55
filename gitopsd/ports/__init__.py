"""What the shell needs of the world: one Protocol per neighbour, one to three verbs where that is enough.

The edges implement them; `daemon/` joins both sides. Every method that does traffic is async; it raises a
`Retryable` or a `Terminal` of `gitopsd.errors`, never a library's own error.
"""

from __future__ import annotations

from collections.abc import Callable

from gitopsd.ports.clusters import Applier, Checked, Diagnostics, HealthChecks, IgnoredPaths, LiveStates
from gitopsd.ports.sources import (
    Entry,
    Lent,
    Parts,
    RenderedSource,
    Renderer,
    Resolved,
    Signatures,
    Sources,
    Tree,
    Workers,
)
from gitopsd.ports.store import Applications, Declarations, DriftLedger, Inventory

Clock = Callable[[], float]  # Unix time in seconds; the only one is made in daemon/run.py

__all__ = [
    "Applications",
    "Applier",
    "Checked",
    "Clock",
    "Declarations",
    "Diagnostics",
    "DriftLedger",
    "Entry",
    "HealthChecks",
    "IgnoredPaths",
    "Inventory",
    "Lent",
    "LiveStates",
    "Parts",
    "RenderedSource",
    "Renderer",
    "Resolved",
    "Signatures",
    "Sources",
    "Tree",
    "Workers",
]
