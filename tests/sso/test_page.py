"""Single sign-on in a real browser: from the page of logging in to the provider and back, and out again."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright, expect

from tests.sso.conftest import Sso
from tests.web.running import CHROMIUM, OPTIONS

WAIT_MS = 30_000


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install the package chromium")
async def test_a_person_signs_in_at_the_provider_and_out(sso: Sso) -> None:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        page = await chromium.new_page()
        page.set_default_timeout(WAIT_MS)
        await page.goto(f"{sso.url}/projects?q=ret")
        button = page.get_by_role("button", name="Sign in with Corp")
        await button.wait_for()
        violations = (await Axe().run(page)).response["violations"]
        await button.click()
        await at_provider(page)
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=WAIT_MS)
        wanted = page.url
        shown = await page.content()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Yes, sign me out").click()
        await expect(page.get_by_role("button", name="Sign in with Corp")).to_be_visible(timeout=WAIT_MS)
        sso.process.kill()
        await page.goto(f"{sso.url}/auth/callback?error=access_denied")
        await expect(page.get_by_text("The provider did not let you in.")).to_be_visible(timeout=WAIT_MS)
        await chromium.close()

    assert [] == [violation["id"] for violation in violations]
    assert f"{sso.url}/projects?q=ret" == wanted
    assert "sso:ann@corp.example" in shown


async def at_provider(page: Page) -> None:
    """Do at the provider what a person does there: say who it is, and agree."""
    await page.get_by_placeholder("Enter any login").fill("ann")
    await page.get_by_placeholder("and password").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()
