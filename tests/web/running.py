"""The demo as a user starts it, and the browser that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clusters import free_ports

DEADLINE_S = 100.0
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--no-sandbox",  # it is shown our own pages only, and root may have no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class WebDemo:
    """A demo that runs."""

    url: str  # of the daemon, ends in "/"
    token: str
    repo_url: str  # of the fleet
    directory: Path

    @property
    def signed_in(self) -> str:
        return f"{self.url}#token={self.token}"

    def by_hand(self, *arguments: str) -> None:
        """Do something to a cluster behind gitopsd's back."""
        command = [sys.executable, "-m", "gitopsd", "demo", *arguments, "--dir", str(self.directory)]
        subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S)  # noqa: S603 - ours

    def commit(self, files: dict[str, str]) -> None:
        """Push a commit that writes `files` to the fleet."""
        with tempfile.TemporaryDirectory() as place:
            _git("clone", "--quiet", self.repo_url, place)
            for name, text in files.items():
                file = Path(place, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            _git("-C", place, "add", "--all")
            _git(
                "-C", place, "-c", "user.name=me", "-c", "user.email=me@localhost", "commit", "--quiet", "-m", "Change"
            )
            _git("-C", place, "push", "--quiet")


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True, timeout=DEADLINE_S)  # noqa: S603, S607 - ours


@contextmanager
def web_demo(clusters: int = 2, apps: int = 6) -> Iterator[WebDemo]:
    """Run a demo for the block."""
    directory = Path(tempfile.mkdtemp(prefix="w"))
    port = free_ports(2)[0]
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(directory), "HOME": "/nonexistent"}
    command = [
        sys.executable,
        "-m",
        "gitopsd",
        "demo",
        "--clusters",
        str(clusters),
        "--apps",
        str(apps),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(  # noqa: S603 - ours
        [*command, "--dir", str(directory / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
    )
    try:
        yield _ready(process, port, directory / "demo")
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
        shutil.rmtree(directory)


def _ready(process: subprocess.Popen[str], port: int, directory: Path) -> WebDemo:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    text = "".join(lines)
    shown = re.search(r"signed in: (http://\S+/)#token=(\S+)", text)
    cloned = re.search(r"git clone (\S+)", text)
    assert shown is not None, text
    assert cloned is not None, text
    assert f"http://127.0.0.1:{port}/" == shown[1]
    return WebDemo(shown[1], shown[2], cloned[1], directory)
