"""A pause and its end, and a grant and its last use, in the Agents Playground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import ARTIFACTS, shot
from tests.e2e.playground import Chat, playground
from tests.stack import Stack, stack

TASK = "quote for Contoso, 25 seats"


def with_grants(settings: dict[str, Any]) -> None:
    """The shipped configuration, in which one more quote for the same customer may be granted."""
    policy = settings["policy"]
    policy["tools"]["release_quote"]["grants"] = {"max_uses": 1, "same": ["customer_id"]}
    policy["reversibility"] = {**policy.get("reversibility", {}), "release_quote": "reversible"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, adjust=with_grants) as one:
        one.start()
        yield one


@pytest.fixture
def chat(running: Stack, page: Page, tmp_path: Path) -> Iterator[Chat]:
    with playground(running, tmp_path) as url:
        yield Chat(page, url)


def card(chat: Chat, name: str) -> None:
    """The latest card alone."""
    chat.card().screenshot(path=str(ARTIFACTS / f"{name}.png"))


def test_a_pause_and_its_end(running: Stack, chat: Chat) -> None:
    chat.say(TASK)
    chat.see("Approval needed")
    chat.say("pause tool release_quote: The price list of December is wrong.")
    chat.see("is paused. What waits keeps waiting")
    chat.see("Paused by Alex Wilber since")
    shot(chat.page, "pause-1-waits")
    card(chat, "pause-card")
    chat.decide("Approve")
    chat.see("It has not run: it is paused.")
    shot(chat.page, "pause-2-approved")
    card(chat, "pause-card-approved")

    assert [] == running.effects("create_quote")

    chat.say("resume tool release_quote")
    chat.see("Finished.")
    shot(chat.page, "pause-3-ended")

    assert 1 == len(running.effects("create_quote"))
    assert running.ledger_verifies()


def test_a_grant_and_its_last_use(running: Stack, chat: Chat) -> None:
    chat.say(TASK)
    chat.see("Approval needed")
    card(chat, "grant-card")
    chat.page.get_by_role("combobox").last.click()
    chat.page.get_by_role("option", name="The next one, too").click()
    shot(chat.page, "grant-1-choice")
    chat.decide("Approve")
    chat.see("Finished.")
    chat.say(TASK)
    chat.see("Runs by a grant of Alex Wilber")
    chat.see("1st of 1")
    shot(chat.page, "grant-2-last-use")
    chat.say(TASK)
    chat.see("Approval needed")
    shot(chat.page, "grant-3-asked-again")

    assert 2 == len(running.effects("create_quote"))
    assert running.ledger_verifies()
