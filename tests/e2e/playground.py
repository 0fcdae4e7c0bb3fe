"""The Microsoft 365 Agents Playground, driven as a person would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.e2e.conftest import NODE_MODULES, missing, visit
from tests.stack import ROOT, Process, Stack, free_port, until

CARD_TIMEOUT_MS = 45_000
CLICK_TIMEOUT_MS = 15_000
CLICKS = 3
SAID_TIMEOUT_MS, SAID_CHARS = 10_000, 20
PROGRAM = NODE_MODULES / "@microsoft" / "m365agentsplayground" / "cli.js"
CONFIG = ROOT / "tests" / "e2e" / "m365agentsplayground.yml"


def node() -> str:
    """The Node binary that `make test` has set up."""
    found = shutil.which("node")
    if found is None:
        local = ROOT / ".venv" / "bin" / "node"
        found = str(local) if local.exists() else None
    if found is None:
        missing("Node", "run `make test`")
    return found


def require_playground() -> None:
    """Fail or skip where it is not installed."""
    if not PROGRAM.exists():
        missing("The Agents Playground", "run `make test`, or scripts/ensure_playground.sh")


@contextmanager
def playground(stack: Stack, directory: Path) -> Iterator[str]:
    """The Playground connected to the server; yields its address."""
    require_playground()
    port = free_port()
    home = directory / "playground"
    home.mkdir()
    shutil.copy(CONFIG, home / ".m365agentsplayground.yml")
    argv = [node(), str(PROGRAM), "start", "-e", f"{stack.url}/api/messages", "-c", "msteams"]
    argv += ["-p", str(port), "--disable-telemetry"]
    env = {"TEAMSAPPTESTER_BROWSER": "none", "SEND_INSTALLATION_ACTIVITY": "true"}
    child = Process("agents-playground", argv, home, {**os.environ, **env})
    child.start()
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert child.running, f"the Playground ended:\n{child.text()}"
        try:
            return httpx.get(f"{url}/_debug/ping", timeout=5).text == "pong"
        except httpx.TransportError:
            return False

    try:
        until(answers, "the Playground")
        yield url
    finally:
        child.kill()


BOX = ":is([contenteditable=true], textarea):not(.ac-adaptiveCard *)"
"""Where messages are typed, below all cards."""
_SHOWN = """([words, box_of]) => {
    const box = document.querySelector(box_of);
    const typed = (box.value ?? box.innerText).split(words).length;
    return document.body.innerText.split(words).length - typed;
}"""
"""How often words stand on the page beside the box where they are typed."""


class Chat:
    """One person at the keyboard."""

    def __init__(self, page: Page, url: str):
        self.page = page
        visit(page, url)
        self._box = page.locator(BOX).first
        self._box.wait_for(timeout=CARD_TIMEOUT_MS)

    def say(self, text: str) -> None:
        """Type and send until it is there once more: what is typed while the page connects, or
        while it draws a message anew, is lost (seen in Playground 0.2.28)."""
        words = text[:SAID_CHARS]
        before = self.page.evaluate(_SHOWN, [words, BOX])
        once_more = f"([words, box, before]) => ({_SHOWN})([words, box]) > before"
        asked = [words, BOX, before]
        for _ in range(CLICKS):
            self._box.click()
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
            self.page.keyboard.press("Enter")
            with suppress(TimeoutError):
                self.page.wait_for_function(once_more, arg=asked, timeout=SAID_TIMEOUT_MS)
                return
        raise AssertionError(f"{text} was never sent")

    def button(self, name: str) -> Locator:
        """The latest button with this name."""
        return self.page.get_by_role("button", name=name, exact=True).last

    def card(self) -> Locator:
        """The latest card."""
        return self.page.locator(".ac-adaptiveCard").last

    def press(self, name: str) -> None:
        """Click it once it is there."""
        self.button(name).click(timeout=CARD_TIMEOUT_MS)

    def decide(self, name: str) -> None:
        """Click it until no card has it any more: a card that is drawn anew under the mouse takes
        no click (seen in Playground 0.2.28)."""
        for _ in range(CLICKS):
            self.press(name)
            with suppress(AssertionError):
                expect(self.button(name)).to_be_hidden(timeout=CLICK_TIMEOUT_MS)
                return
        raise AssertionError(f"{name} is still there after {CLICKS} clicks")

    def fill(self, label: str, value: str) -> None:
        """Type into the field of the latest card with this label."""
        field = self.page.get_by_label(label).last
        field.wait_for(timeout=CARD_TIMEOUT_MS)
        field.fill(value)

    def see(self, text: str) -> None:
        """Wait until this text is on the screen."""
        expect(self.page.get_by_text(text).last).to_be_visible(timeout=CARD_TIMEOUT_MS)
