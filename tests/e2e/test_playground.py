"""The main job in the Agents Playground, as a person in Teams does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import ARTIFACTS, shot
from tests.e2e.playground import Chat, playground
from tests.stack import Stack

TASK = "quote for Contoso, 25 seats"


@pytest.fixture
def chat(running: Stack, page: Page, tmp_path: Path) -> Iterator[Chat]:
    with playground(running, tmp_path) as url:
        yield Chat(page, url)


def test_edit_an_amount_and_approve(running: Stack, chat: Chat) -> None:
    """Ask, get the card, change the amount, approve, see the outcome and the final answer."""
    chat.say(TASK)
    chat.see("Approval needed")
    shot(chat.page, "playground-1-approval-card")
    chat.card().screenshot(path=str(ARTIFACTS / "approval-card.png"))
    chat.press("Edit")
    amount = chat.page.get_by_label("Amount").last
    amount.wait_for()
    shot(chat.page, "playground-2-edit")
    amount.fill("21000")
    chat.press("Approve with changes")
    chat.see("Approved with changes")
    chat.see("Finished.")
    shot(chat.page, "playground-3-outcome")

    quotes = running.effects("create_quote")
    assert [quote["arguments"]["amount"] for quote in quotes] == [21000]
    assert chat.page.get_by_role("button", name="Approve", exact=True).count() == 0
    assert running.ledger_verifies()


def test_reject_with_a_reason_leads_to_a_revised_proposal(running: Stack, chat: Chat) -> None:
    """Without a reason it is not rejected; with one, the agents come back with another quote."""
    chat.say(TASK)
    chat.see("Approval needed")
    chat.press("Reject")
    chat.page.wait_for_timeout(300)

    assert running.effects("create_quote") == []
    assert running.pending()["status"] == "pending"

    chat.fill("Reason", "The discount is too high, 5 % at most")
    chat.press("Reject")
    chat.see("Rejected")
    first = running.get("/requests?status=rejected")["items"][0]
    second = running.pending()
    shot(chat.page, "playground-4-rejected")

    assert first["arguments"] != second["arguments"]
    assert running.effects("create_quote") == []

    chat.decide("Approve")
    chat.see("Finished.")
    shot(chat.page, "playground-5-second-approved")

    assert len(running.effects("create_quote")) == 1
    assert running.ledger_verifies()
