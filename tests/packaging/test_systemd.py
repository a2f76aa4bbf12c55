"""The systemd unit: systemd itself takes it as it is, and calls its sandbox tight."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gitopsd.settings import Settings

UNITS = Path(__file__).parents[2] / "systemd"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze on this machine")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return a copy of the unit with its drop-ins, its program replaced by one that is there."""
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    copy = tmp_path / "gitopsd.service"
    copy.write_text(copy.read_text().replace("/opt/gitopsd/bin/gitopsd", "/bin/true"))
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ANALYZE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own


@needs_systemd
def test_systemd_finds_nothing_to_say_about_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))

    assert (0, "") == (done.returncode, done.stdout + done.stderr)


@needs_systemd
def test_sandbox_is_tight(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--threshold=22", "--no-pager", str(unit))

    found = re.search(r"exposure level for gitopsd\.service: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 2.2  # of which 0.4 are what bubblewrap needs
    assert 0 == done.returncode


def test_daemon_has_stopped_before_systemd_kills_it() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", (UNITS / "gitopsd.service").read_text(), re.MULTILINE)

    assert found
    assert int(found[1]) > Settings().grace_s
