"""What tests of faults and their neighbours share."""

from __future__ import annotations

from pathlib import Path


def left_overs(mirror: Path) -> tuple[list[Path], list[Path]]:
    """Locks and half packs in a mirror, and what is beside it."""
    return [left for left in mirror.rglob("*") if left.match("*.lock") or left.match("tmp_*")], list(
        mirror.parent.iterdir()
    )
