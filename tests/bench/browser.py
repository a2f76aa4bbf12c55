"""The web UI in Chromium, of an API without a daemon behind it: 5,000 applications, and one of 2,000 objects."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.comparison import SyncStatus
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GVK, ResourceKey
from tests.api.serving import TOKEN, Api, serving
from tests.bench.figures import Budget, Figure
from tests.bench.world import Options
from tests.core.lives import HEALTHY, live_of
from tests.fakes.backend import FakeBackend, app_view
from tests.web.running import CHROMIUM, OPTIONS

ROWS = ("browser",)
DEPLOYMENT, POD = GVK("apps", "v1", "Deployment"), GVK("", "v1", "Pod")
APPS, OBJECTS = 5000, 2000
CHANGES_EACH_S, STEADY_S = 50, 10.0
FIRST_SEEN = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("[role=listitem], [role=treeitem]")) return;
  observer.disconnect();
  requestAnimationFrame(() => (window.firstSeen = performance.now()));
}).observe(document, { childList: true, subtree: true });
"""
LONGEST_FRAME = """
async () => {
  const box = document.querySelector(".framed.tall");
  let last = performance.now(), longest = 0;
  for (let step = 0; step < 120; step += 1) {
    box.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}
"""


async def measure(_: Options, __: frozenset[str]) -> list[Figure]:
    """Return the figures of the page; none where there is no Chromium."""
    if CHROMIUM is None:
        return []
    backend = FakeBackend(*(app_view(f"app-{number:05}", cluster=f"c{number % 50}") for number in range(APPS)))
    backend.nodes = [_node(number) for number in range(OBJECTS)]
    async with serving(backend) as api, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        figures = [*await _list(browser, api), await _tree(browser, api)]
        await browser.close()
    return figures


async def _list(browser: Browser, api: Api) -> list[Figure]:
    page, devtools, sizes = await _opened(browser, api, "applications")
    seen_s = await _first_seen(page) / 1000
    await page.get_by_role("status").filter(has_text=f"{APPS} of {APPS}").wait_for()
    transfer_bytes = sum(sizes)
    frame_ms: float = await page.evaluate(LONGEST_FRAME)
    share = await _share(devtools, api)
    await devtools.send("HeapProfiler.collectGarbage")
    heap_bytes = (await _metrics(devtools))["JSHeapUsedSize"]
    await page.context.close()
    told = f"with {APPS} applications"
    return [
        Figure("browser", f"first rows of the list {told}, cold", seen_s * 1000, "ms", Budget(1000)),
        Figure("browser", f"transfer until all rows are there {told}", transfer_bytes / 1000, "kB", Budget(200)),
        Figure("browser", f"longest frame of a scroll {told}", frame_ms, "ms", Budget(50)),
        Figure("browser", f"page at {CHANGES_EACH_S} changes a second", share * 100, "% of a core", Budget(15)),
        Figure("browser", f"heap of the page {told}", heap_bytes / 1e6, "MB", Budget(80)),
    ]


async def _tree(browser: Browser, api: Api) -> Figure:
    page, _, _ = await _opened(browser, api, "applications/app-00000?tab=tree")
    seen_ms = await _first_seen(page)
    await page.context.close()
    return Figure("browser", f"first rows of a tree of {OBJECTS} objects, cold", seen_ms, "ms", Budget(500))


async def _opened(browser: Browser, api: Api, view: str) -> tuple[Page, CDPSession, list[float]]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    await context.add_init_script(FIRST_SEEN)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    sizes: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    devtools.on("Network.dataReceived", lambda _: None)
    await devtools.send("Network.enable")
    await devtools.send("Performance.enable")
    await page.goto(f"{api.url}/{view}#token={TOKEN}")
    return page, devtools, sizes


async def _first_seen(page: Page) -> float:
    await page.locator("[role=listitem], [role=treeitem]").first.wait_for()
    milliseconds: float = await page.evaluate("new Promise(requestAnimationFrame).then(() => window.firstSeen)")
    return milliseconds


async def _share(devtools: CDPSession, api: Api) -> float:
    """Return the share of a core that the page takes while applications change."""
    names = list(api.backend.apps)
    before, began_s = (await _metrics(devtools))["TaskDuration"], time.monotonic()
    for turn in range(int(CHANGES_EACH_S * STEADY_S)):
        name = names[turn * 37 % len(names)]
        _flip(api.backend, name)
        api.changes.changed(name)
        await asyncio.sleep(max(0.0, began_s + turn / CHANGES_EACH_S - time.monotonic()))
    return ((await _metrics(devtools))["TaskDuration"] - before) / (time.monotonic() - began_s)


def _flip(backend: FakeBackend, name: AppName) -> None:
    view = backend.apps[name]
    assert view.status is not None
    comparison = dataclasses.replace(view.status.comparison, status=SyncStatus.OUT_OF_SYNC)
    backend.apps[name] = dataclasses.replace(view, status=dataclasses.replace(view.status, comparison=comparison))


async def _metrics(devtools: CDPSession) -> dict[str, float]:
    answer: dict[str, Any] = await devtools.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}


def _node(number: int) -> TreeNode:
    """Return one of many objects: Deployments, each with nine Pods."""
    name = f"web-{number // 10:03}"
    deployment = live_of(ResourceKey("apps", "Deployment", "shop", name))
    if number % 10 == 0:
        return TreeNode(DEPLOYMENT, deployment, HEALTHY)
    pod = live_of(ResourceKey("", "Pod", "shop", f"{name}-{number % 10}"))
    return TreeNode(POD, pod, HEALTHY, ((DEPLOYMENT, deployment),))
