"""A real browser against a real daemon with simulated clusters: the demo, as a user starts it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Literal
from urllib.parse import urljoin

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.web.running import CHROMIUM, OPTIONS, WebDemo, web_demo

WAIT_MS = 30_000  # of the browser, for what a quick machine shows in tens of milliseconds


@pytest.fixture(scope="session")
def demo() -> Iterator[WebDemo]:
    with web_demo() as one:
        yield one


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
