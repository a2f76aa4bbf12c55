"""Nobody else of the machine looks into the daemon's directories: docs/security.md, "Who, and what each can do"."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gitopsd.daemon.run import make_private


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o700), (0o750, 0o700), (0o700, 0o700), (None, 0o700)])
def test_a_directory_is_the_daemons_also_where_it_was_there(tmp_path: Path, before: int | None, after: int) -> None:
    place = tmp_path / "data"
    if before is not None:
        place.mkdir()
        place.chmod(before)

    make_private(place)

    assert after == stat.S_IMODE(place.stat().st_mode)
