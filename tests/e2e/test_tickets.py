"""A manager opens the ticket in a browser and answers it there; the real server does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import shot, visit
from tests.stack import ALEX, Stack, stack, until

WAIT_MS = 15_000


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Stack]:
    """The product with both ticket systems, started."""
    with stack(tmp_path, tickets={"jira": {}, "servicenow": {}}) as one:
        one.start()
        yield one


def ticket(one: Stack, request: dict[str, Any], channel: str) -> dict[str, Any]:
    """The delivery that is the ticket, once it is open."""

    def opened() -> Any:
        found = one.get(f"/requests/{request['id']}")
        return next((d for d in found["deliveries"] if d["channel"] == channel and d["url"]), None)

    found: dict[str, Any] = until(opened, f"a ticket in {channel}")
    return found


def open_in_jira(page: Page, delivery: dict[str, Any], who: str) -> None:
    visit(page, delivery["url"])
    page.select_option("#as", label=who)
    switch = page.get_by_role("button", name="Switch")
    if switch.is_visible():
        switch.click()
    page.wait_for_load_state()


def test_approved_in_jira_it_runs_and_the_other_ticket_says_so(page: Page, asked: Stack) -> None:
    session = asked.ask()
    request = asked.pending()
    jira, snow = (ticket(asked, request, name) for name in ("jira", "servicenow"))
    open_in_jira(page, jira, "Alex Wilber")
    shot(page, "jira-ticket")

    for words in ("release_quote", "25080", "Why", request["digest"][:12]):
        expect(page.locator("body")).to_contain_text(words, timeout=WAIT_MS)

    page.fill("#comment", "Fine with me.")
    page.get_by_role("button", name="Approve", exact=True).click()
    ended = asked.ended(session)
    decided = asked.get(f"/requests/{request['id']}")

    assert ("completed", "executed") == (ended["status"], decided["status"])
    assert ("alex", "jira", "Fine with me.") == tuple(
        decided["votes"][0][key] for key in ("by", "via", "comment")
    )
    assert 1 == len(asked.effects("create_quote"))

    visit(page, f"{asked.tickets['servicenow']['url']}/change/{snow['ticket']}")
    expect(page.locator("body")).to_contain_text("it ran once", timeout=WAIT_MS)
    shot(page, "servicenow-after-jira")

    assert asked.ledger_verifies()


def test_changed_in_servicenow_what_was_changed_runs(page: Page, asked: Stack) -> None:
    session = asked.ask()
    request = asked.pending()
    snow = ticket(asked, request, "servicenow")
    visit(page, f"{asked.tickets['servicenow']['url']}/change/{snow['ticket']}")
    page.select_option("#as", label="Alex Wilber")
    page.wait_for_load_state()
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=WAIT_MS)
    shot(page, "servicenow-ticket")
    page.fill("#comment", "Rounded.")
    page.fill("#changes", "amount: 27000\ndiscount_percent: 10")
    page.get_by_role("button", name="Approve").click()
    asked.ended(session)
    (effect,) = asked.effects("create_quote")

    assert (27000, 10) == (effect["arguments"]["amount"], effect["arguments"]["discount_percent"])


def test_somebody_else_is_told_why_their_answer_does_not_count(page: Page, asked: Stack) -> None:
    asked.ask()
    request = asked.pending()
    jira = ticket(asked, request, "jira")
    open_in_jira(page, jira, "Adele Vance")
    with page.expect_navigation():  # a page that is still on its way cannot be loaded again
        page.get_by_role("button", name="Approve", exact=True).click()

    def told() -> bool:
        visit(page, jira["url"])
        return "does not count" in page.inner_text("body")

    until(told, "the answer in the ticket")
    shot(page, "jira-refused")
    now = asked.get(f"/requests/{request['id']}")
    mine = next(d for d in now["deliveries"] if d["channel"] == "jira")

    assert "pending" == now["status"]
    assert "needs the role" in mine["error"]
    answer = asked.api("GET", f"/ledger?session={request['session_id']}", ALEX).json()
    assert "vote_refused" in [entry["kind"] for entry in answer["items"]]
