"""The inbox in a real browser: signed in, watched for errors and for what leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.e2e import axe
from tests.e2e.conftest import shot, visit
from tests.stack import Stack

PHONE = {"width": 390, "height": 844}
LIVE_MS = 30_000
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, stack: Stack, context: BrowserContext, name: str):
        self.stack, self.context, self.name = stack, context, name
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._left)

    def _said(self, message: Any) -> None:
        # Chromium says of each answer of 400 and more that there was one.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _left(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None):
            self.elsewhere.append(request.url)

    def sign_in(self) -> Page:
        """By the people picker."""
        visit(self.page, f"{self.stack.url}/inbox")
        self.page.locator(f"button[name=person][value={self.name}]").click()
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        return self.page

    def go(self, path: str) -> Page:
        """To a page."""
        visit(self.page, f"{self.stack.url}{path}")
        return self.page

    def check(self, name: str) -> None:
        """The page is fit for everybody, in light and dark and on a phone; keep pictures of it."""
        page = self.page
        wide = page.viewport_size
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            shot(page, f"inbox-{name}-{scheme}")
            self._axe(f"{name} {scheme}")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} is {overflow} px wider than a phone"
        shot(page, f"inbox-{name}-phone")
        self._axe(f"{name} phone")
        if wide is not None:
            page.set_viewport_size(wide)

    def _axe(self, where: str) -> None:
        self.page.evaluate(axe.source())
        told = axe.told(self.page.evaluate(axe.RUN), where)
        assert told == [], "\n".join(told)

    def close(self) -> None:
        """Nothing went wrong in the browser, and nothing left this machine."""
        self.context.close()
        assert self.errors == [], self.errors
        assert self.elsewhere == [], self.elsewhere


@contextmanager
def person(stack: Stack, browser: Browser, name: str, **options: Any) -> Iterator[Person]:
    """A browser of this person's, signed in."""
    made = Person(
        stack, browser.new_context(viewport={"width": 1280, "height": 900}, **options), name
    )
    made.sign_in()
    yield made
    made.close()
