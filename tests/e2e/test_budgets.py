"""A budget on the card, as a person in Teams sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.conftest import ARTIFACTS, shot
from tests.e2e.playground import Chat, playground
from tests.processes import until
from tests.stack import stack

TASK = "quote for Contoso, 25 seats"


def two_a_day(settings: dict[str, Any]) -> None:
    """One quote of a day without more people, and no third one."""
    settings["policy"]["budgets"] = {
        "quotes": {
            "tool": "release_quote",
            "window": "day",
            "zone": "Europe/Berlin",
            "count": {"soft": 1, "hard": 2},
            "value": {"amount": "args.amount", "currency": "EUR", "hard": 100_000},
            "roles": ["sales_manager"],
        }
    }


def test_the_card_says_how_much_of_a_budget_is_used_and_the_limit_stops(
    page: Page, tmp_path: Path
) -> None:
    with stack(tmp_path, adjust=two_a_day) as one:
        one.start()
        with playground(one, tmp_path) as url:
            chat = Chat(page, url)
            chat.say(TASK)
            chat.see("quotes: 1st of 2 today")
            chat.decide("Approve")
            chat.see("Finished.")
            chat.say(TASK)
            chat.see("quotes: 2nd of 2 today")
            chat.see("past its soft limit of 1 call")
            shot(chat.page, "playground-budget")
            chat.card().screenshot(path=str(ARTIFACTS / "budget-card.png"))
            chat.decide("Approve")
            until(lambda: len(one.effects("create_quote")) == 2, "the second quote")
            chat.say(TASK)
            chat.see("has a limit of 2 calls today")

        assert 2 == len(one.effects("create_quote"))
        assert one.ledger_verifies()
