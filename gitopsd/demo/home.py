"""The directory of one demo: locked while it runs, removed when it ends, swept by a later one if it was killed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitopsd.errors import InvalidSettings, NotFound
from gitopsd.runtime.locked_directories import claimed, is_claimed, places, sweep, temporary

PREFIX = "gitopsd-demo-"


@contextmanager
def home(named: Path | None) -> Iterator[Path]:
    """Make and hold the demo's directory; a `named` one must be new or empty, and stays when the demo ends.

    Raises:
        InvalidSettings: `named` holds something.
    """
    sweep(_temporary(), PREFIX)
    if named is None:
        with temporary(_temporary(), PREFIX) as path:
            yield path
        return
    path = named.absolute()
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise InvalidSettings(f"{path} is not empty", remedy="name a directory that is new or empty")
    with claimed(path):
        yield path


def running_demo(named: Path | None) -> Path:
    """Return the directory of the demo that runs, of the one in `named` where it is given.

    Raises:
        NotFound: there is none, or more than one.
    """
    homes = [named.absolute()] if named else [path for path in places(_temporary(), PREFIX) if is_claimed(path)]
    if not homes:
        raise NotFound("no demo is running", remedy="start one with `gitopsd demo`")
    if len(homes) > 1:
        names = " or ".join(str(path) for path in homes)
        raise NotFound("more than one demo is running", remedy=f"name one with --dir {names}")
    return homes[0]


def _temporary() -> Path:
    return Path(tempfile.gettempdir()).resolve()
