"""The Insights page in Chromium, with months of work behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.bot.inbox.test_suggesting import answered
from tests.bot.inbox_world import inbox
from tests.e2e.conftest import FLAGS, chromium
from tests.e2e.inbox import PHONE
from tests.e2e.looked_at import looked_at


@pytest.mark.timeout(180)
async def test_rules_are_suggested_while_one_looks(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world, async_playwright() as playwright:
        await answered(world, 50)
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.goto(f"{world.api.client.make_url('/inbox')}")
        await page.locator("button[name=person][value=megan]").click()
        await page.goto(f"{world.api.client.make_url('/inbox/insights')}")
        await page.get_by_role("button", name="Look for rules now").click()
        await expect(page.get_by_text("id: send-usual")).to_be_visible(timeout=30_000)
        await looked_at(page, "insights-suggested")
        await page.locator("footer button[value=de]").click()
        await page.goto(f"{world.api.client.make_url('/inbox/insights')}")
        await expect(page.get_by_text("Als Regel für send")).to_be_visible()
        await looked_at(page, "insights-german")
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        await page.reload()
        await expect(page.get_by_role("link", name="Einblicke")).to_be_in_viewport(ratio=1)
        await browser.close()
