"""A real browser, the real clients in it, and the real server behind them.

With `CI` set a missing browser or Playground fails the tests; elsewhere it skips them and says
what to install.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.stack import ROOT, Stack, stack

NODE_MODULES = ROOT / "tests" / "e2e" / "node" / "node_modules"
ARTIFACTS = ROOT / "artifacts" / "e2e"
FLAGS = [
    "--headless",
    "--no-sandbox",  # as root, as in most containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AGAIN_MS = 500.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def missing(what: str, fix: str) -> NoReturn:
    """Fail in CI, skip for a person."""
    text = f"{what} is missing: {fix}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def chromium() -> str:
    """The browser: `CHROME`, or the first one found."""
    found = os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and MAC.exists():
        found = str(MAC)
    if found is None:
        missing("Chromium", "run `make test`, or `apt-get install chromium`, or set CHROME")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, with a screenshot of its end in artifacts/e2e."""
    context = browser.new_context(viewport={"width": 1280, "height": 1100})
    page = context.new_page()
    yield page
    shot(page, f"{request.node.name}-end")
    context.close()


def shot(page: Page, name: str) -> None:
    """Keep what the person sees. Chromium refuses a capture at times, and takes the same one when
    it is asked again (https://github.com/MarketSquare/robotframework-browser/issues/5237)."""
    path = str(ARTIFACTS / f"{name}.png")
    _twice(page, "Unable to capture screenshot", lambda: page.screenshot(path=path))


def visit(page: Page, url: str) -> None:
    """Open a page of a server that runs. A navigation was once seen to end at once, its reason not
    kept: `again.txt` keeps it now. What is not there is not there the second time either."""
    _twice(page, "net::ERR_", lambda: page.goto(url, wait_until="load"))


def _twice(page: Page, refusal: str, act: Callable[[], object]) -> None:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    try:
        act()
    except Error as exc:
        if refusal not in exc.message:
            raise
        with (ARTIFACTS / "again.txt").open("a") as out:
            out.write(f"{exc.message}\n")
        page.wait_for_timeout(AGAIN_MS)
        act()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    """The product, started."""
    with stack(tmp_path) as one:
        one.start()
        yield one
