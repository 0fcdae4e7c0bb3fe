"""A reminder and an escalation in the Agents Playground, as a person in Teams reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import shot
from tests.e2e.playground import Chat, playground
from tests.e2e.test_playground import TASK
from tests.stack import Stack, stack


def soon(settings: dict[str, Any]) -> None:
    """Remind after some seconds, and ask others a little later."""
    rule = settings["policy"]["tools"]["release_quote"]
    rule |= {"remind": ["4s"], "escalate": [{"after": "12s", "roles": ["account_executive"]}]}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, adjust=soon) as one:
        one.start()
        yield one


def test_reminder_leads_to_the_card_and_escalation_stands_on_it(
    running: Stack, page: Page, tmp_path: Path
) -> None:
    with playground(running, tmp_path) as url:
        chat = Chat(page, url)
        chat.say(TASK)
        chat.see("Approval needed")
        chat.see("account_executive is asked as well from")
        shot(page, "time-1-asked")
        chat.see("Reminder:")
        shot(page, "time-2-reminder")
        chat.see("Escalated to account_executive at")
        chat.see("Still undecided:")
        shot(page, "time-3-escalated")

        assert 1 == page.get_by_role("button", name="Approve", exact=True).count()

        chat.decide("Approve")
        chat.see("Finished.")
        shot(page, "time-4-approved")

    assert 1 == len(running.effects("create_quote"))
    assert running.ledger_verifies()
