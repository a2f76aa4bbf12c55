"""The demo's directory: gone when the demo is, however it ended."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from gitopsd.demo.home import PREFIX, home, running_demo
from gitopsd.errors import InvalidSettings, NotFound


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_directory_is_removed_when_the_demo_ends(temporary: Path) -> None:
    with home(None) as directory:
        (directory / "data").mkdir()

    assert [] == list(temporary.iterdir())


def test_directory_of_a_killed_demo_is_swept_by_the_next(temporary: Path) -> None:
    killed = temporary / f"{PREFIX}killed"
    (killed / "data").mkdir(parents=True)

    with home(None):
        assert not killed.exists()


def test_directory_of_a_running_demo_is_not_swept() -> None:
    with home(None) as first:
        with home(None):
            pass

        assert first.exists()


def test_link_is_not_followed(temporary: Path) -> None:
    (temporary / "mine").mkdir()
    (temporary / "mine" / "file").touch()
    (temporary / f"{PREFIX}link").symlink_to(temporary / "mine")

    with home(None):
        assert (temporary / "mine" / "file").exists()


def test_named_directory_stays_and_must_be_empty(temporary: Path) -> None:
    with home(temporary / "named") as directory:
        (directory / "log").touch()

    with pytest.raises(InvalidSettings, match="not empty"), home(temporary / "named"):
        pass
    assert (temporary / "named" / "log").exists()


def test_running_demo_is_found_and_two_must_be_told_apart() -> None:
    with pytest.raises(NotFound, match="no demo is running"):
        running_demo(None)
    with home(None) as first:
        assert first == running_demo(None)
        with home(None), pytest.raises(NotFound, match="more than one"):
            running_demo(None)
        assert first == running_demo(first)
