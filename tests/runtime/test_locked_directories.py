"""Directories that go with their process: nobody sweeps one that is held, or that is just about to be."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from gitopsd.runtime.locked_directories import claimed, is_claimed, sweep, temporary

DEADLINE_S = 30.0


def test_directory_that_is_held_is_not_swept_and_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "run-left" / "deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    with claimed(tmp_path / "run-held"), claimed(tmp_path / "run-held"), temporary(tmp_path, "run-") as new:
        sweep(tmp_path, "run-")

        assert {"run-held", "other", new.name} == {place.name for place in tmp_path.iterdir()}
        assert is_claimed(new)
    assert not is_claimed(tmp_path / "run-held")
    assert not new.exists()


def test_directory_that_is_swept_while_it_is_claimed_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "run-one"
    place.mkdir()
    sweeper = os.open(place, os.O_RDONLY)
    fcntl.flock(sweeper, fcntl.LOCK_EX)
    held = threading.Event()
    let_go = threading.Event()

    def hold() -> None:
        with claimed(place):
            held.set()
            let_go.wait(DEADLINE_S)

    holder = threading.Thread(target=hold)
    holder.start()
    place.rmdir()
    os.close(sweeper)

    assert held.wait(DEADLINE_S)
    assert is_claimed(place)
    let_go.set()
    holder.join()


def test_directory_that_is_swept_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "run-one"
    place.mkdir()
    looks = []

    def swept(path: Path) -> bool:
        looks.append(path)
        place.rmdir()
        return False

    monkeypatch.setattr(Path, "is_dir", swept)  # what mkdir asks where something was there
    with claimed(place):
        assert stat.S_ISDIR(place.lstat().st_mode)

    assert [place] == looks


def test_file_in_the_place_of_a_directory_cannot_be_claimed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError), claimed(tmp_path / "file"):
        pass


def test_link_to_a_directory_cannot_be_claimed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")

    with pytest.raises(PermissionError), claimed(tmp_path / "link"):
        pass
