"""A real browser against a real daemon with simulated clusters: the demo, as a user starts it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.clusters import free_ports

DEADLINE_S = 100.0
WAIT_MS = 30_000  # of the browser, for what a quick machine shows in tens of milliseconds
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


@pytest.fixture(scope="session")
def demo() -> Iterator[WebDemo]:
    directory = Path(tempfile.mkdtemp(prefix="w"))
    port = free_ports(2)[0]
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(directory), "HOME": "/nonexistent"}
    command = [sys.executable, "-m", "gitopsd", "demo", "--clusters", "2", "--apps", "6", "--port", str(port)]
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install the package chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield browser
        await browser.close()


Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, demo: WebDemo) -> AsyncIterator[Open]:
    """Open pages, signed in, each in a browser of its own; what a page complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def start(
        view: str = "", *, signed_in: bool = True, scheme: Literal["light", "dark"] = "light", width: int = 1280
    ) -> Page:
        context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if wrong(message) else None)
        if signed_in:
            await page.goto(demo.signed_in)
            await page.get_by_role("heading", name="Fleet").wait_for()
        await page.goto(urljoin(demo.url, view))
        return page

    yield start
    for context in contexts:
        await context.close()
    assert [] == complaints


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: Open) -> Page:
    return await open_page()


def wrong(message: ConsoleMessage) -> bool:
    """Tell whether the page complains; an answer like 401 is its business, and shown in it."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")
