"""Calls of chats side by side on one card of the Playground: one opened alone, then all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.e2e.conftest import ARTIFACTS
from tests.e2e.playground import Chat, playground
from tests.e2e.test_parallel import TASK, renewal
from tests.processes import until
from tests.stack import stack

TALL: ViewportSize = {"width": 1280, "height": 1900}


@pytest.mark.timeout(240)
def test_a_checkpoint_is_one_card(page: Page, tmp_path: Path) -> None:
    with stack(tmp_path, adjust=renewal) as server:
        server.start()
        with playground(server, tmp_path) as url:
            chat = Chat(page, url)
            chat.say(TASK)
            chat.see("Approval needed: 2 calls")
            ARTIFACTS.mkdir(parents=True, exist_ok=True)
            page.set_viewport_size(TALL)
            chat.card().screenshot(path=str(ARTIFACTS / "checkpoint-card.png"))

            chat.decide("Decide 2 alone")
            chat.see("2 of 2 proposed together")
            chat.card().screenshot(path=str(ARTIFACTS / "checkpoint-one.png"))
            chat.decide("Back to all 2")
            chat.see("Approval needed: 2 calls")
            assert ["create_activity"] == [each["action"] for each in server.effects()]
            chat.decide("Approve all 2")
            chat.see("Decided: 2 calls")

            def ran() -> bool:
                actions = [each["action"] for each in server.effects()]
                return "update_opportunity" in actions

            until(ran, "it ran")
            chat.see("2 ✓ Approved and done")
            chat.card().screenshot(path=str(ARTIFACTS / "checkpoint-over.png"))
        assert server.ledger_verifies()
