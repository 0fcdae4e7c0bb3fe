"""The same round trip in Web Chat, which is what the Bot Framework Emulator draws with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NODE_MODULES, missing, shot, visit
from tests.e2e.playground import CARD_TIMEOUT_MS, node
from tests.stack import ROOT, Process, Stack, free_port, until

TASK = "quote for Contoso, 25 seats"


@pytest.fixture
def web_chat(running: Stack, page: Page, tmp_path: Path) -> Iterator[Page]:
    if not (NODE_MODULES / "botframework-webchat").exists():
        missing("Web Chat", "run `make test`")
    port = free_port()
    script = ROOT / "tests" / "e2e" / "node" / "webchat.js"
    child = Process(
        "webchat", [node(), str(script), str(port), f"{running.url}/api/messages"], tmp_path, {}
    )
    child.start()

    def answers() -> bool:
        assert child.running, f"Web Chat ended:\n{child.text()}"
        try:
            return httpx.get(f"http://127.0.0.1:{port}/chat", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers, "Web Chat")
        visit(page, f"http://127.0.0.1:{port}/chat")
        yield page
    finally:
        child.kill()


def test_approve_in_web_chat(running: Stack, web_chat: Page) -> None:
    box = web_chat.get_by_role("textbox").first
    box.wait_for(timeout=CARD_TIMEOUT_MS)
    # Before it has reached the bot it sends nothing, whatever is pressed.
    web_chat.get_by_text("Write what you need").first.wait_for(timeout=CARD_TIMEOUT_MS)
    box.fill(TASK)
    web_chat.keyboard.press("Enter")
    approve = web_chat.get_by_role("button", name="Approve", exact=True).last
    approve.wait_for(timeout=CARD_TIMEOUT_MS)
    shot(web_chat, "webchat-1-card")
    approve.click()
    expect(web_chat.get_by_text("Finished.").last).to_be_visible(timeout=CARD_TIMEOUT_MS)
    shot(web_chat, "webchat-2-outcome")

    assert len(running.effects("create_quote")) == 1
    assert running.ledger_verifies()
