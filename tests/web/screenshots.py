"""`python -m tests.web.screenshots`: takes the pictures of docs/ui.md anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, async_playwright

from tests.web.running import CHROMIUM, OPTIONS, WebDemo, web_demo

PICTURES = Path(__file__).parents[2] / "docs/screenshots"
Scheme = Literal["light", "dark"]
VIEWS: tuple[tuple[str, str, str, Scheme, int], ...] = (  # name, view, what is in it when it is drawn, scheme, width
    ("fleet", "", "nowhere", "light", 1200),
    ("applications", "applications", "25 of 25", "light", 1200),
    ("tree", "applications/billing?tab=tree", "ReplicaSet", "dark", 1200),
    ("object", "applications/billing?object=apps/Deployment/billing/billing", "containerPort", "light", 1200),
    ("phone", "applications/billing", "Last sync", "dark", 390),
)
HEIGHT = 760
BROKEN = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: reports}}
spec:
  project: default
  source: {{repoURL: {repo_url}, path: nowhere, targetRevision: main}}
  destination: {{name: cluster-1, namespace: reports}}
"""


async def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with web_demo(clusters=3, apps=24) as demo:
        demo.commit({"apps/reports.yaml": BROKEN.format(repo_url=demo.repo_url)})
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
            await _pictures(browser, demo)
            await browser.close()


async def _pictures(browser: Browser, demo: WebDemo) -> None:
    for name, view, text, scheme, width in VIEWS:
        page = await browser.new_page(color_scheme=scheme, viewport={"width": width, "height": HEIGHT})
        await page.goto(demo.signed_in)
        await page.get_by_text("nowhere").first.wait_for()
        await page.goto(demo.url + view)
        await page.get_by_text(text).first.wait_for()
        await page.screenshot(path=PICTURES / f"{name}.png")
        await page.close()


if __name__ == "__main__":
    asyncio.run(main())
