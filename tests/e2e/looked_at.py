"""Pages as everybody has to be able to use them: light, dark, on a phone."""

from __future__ import annotations

from typing import Literal

from playwright.async_api import Page

from tests.e2e import axe
from tests.e2e.conftest import ARTIFACTS
from tests.e2e.inbox import PHONE

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def looked_at(page: Page, name: str) -> None:
    """Axe has nothing to say, nothing is wider than a phone; pictures are kept."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    wide = page.viewport_size
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await _looked_at(page, f"{name}-{scheme}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{name} is {over} px wider than a phone"
    await _looked_at(page, f"{name}-phone")
    if wide is not None:
        await page.set_viewport_size(wide)


async def _looked_at(page: Page, name: str) -> None:
    await page.screenshot(path=str(ARTIFACTS / f"{name}.png"), full_page=True)
    await page.evaluate(axe.source())
    told = axe.told(await page.evaluate(axe.RUN), name)
    assert told == [], "\n".join(told)
