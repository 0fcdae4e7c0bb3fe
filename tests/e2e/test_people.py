"""Who decides, where people see it: a limit that an edit passes, two steps, a delegate, a rota."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import ARTIFACTS, shot
from tests.e2e.inbox import LIVE_MS, PHONE, Person, person
from tests.e2e.playground import Chat, playground
from tests.stack import Stack, stack

TASK = "quote for Contoso, 25 seats"
ASK: dict[str, Any] = {"tool": "release_quote", "effect": "require_approval", "risk": "high"}
TALL_PHONE = {**PHONE, "height": 1700}
"""As wide as a phone: the box of the Playground covers what is below a card on a short one."""
SHIFT = "%Y%m%dT%H%M%SZ"
pytestmark = pytest.mark.timeout(240)


def people(settings: dict[str, Any], **changes: dict[str, Any]) -> None:
    """Some of the people of the shipped configuration, changed."""
    for each in settings["people"]:
        each |= changes.get(each["id"], {})


def with_a_limit(settings: dict[str, Any]) -> None:
    """Quotes above 26,000 are the controller's as well, after the sales manager."""
    policy = settings["policy"]
    del policy["tools"]["release_quote"]
    both = [{"roles": ["sales_manager"]}, {"roles": ["controller"]}]
    policy["rules"] = [
        {"id": "large_quotes", **ASK, "when": "args.amount > 26000.0", "stages": both},
        {"id": "quotes", **ASK, "roles": ["sales_manager"]},
    ]
    people(settings, megan={"roles": ["controller"]})


def with_a_rota(folder: Path, settings: dict[str, Any]) -> None:
    """Dana signs, who is away and has named Alex; then whoever is on call by a calendar."""
    now = datetime.now(UTC)
    first, last = now - timedelta(hours=1), now + timedelta(hours=7)
    rota = folder / "desk.ics"
    rota.write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        f"DTSTAMP:{now:{SHIFT}}\r\nDTSTART:{first:{SHIFT}}\r\nDTEND:{last:{SHIFT}}\r\n"
        "SUMMARY:meganb@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    settings["directory"] = {
        "schedules": {"desk": {"ics": str(rota), "zone": "Europe/Berlin"}},
    }
    dana = {"id": "dana", "name": "Dana Ito", "roles": ["director"], "delegates": [{"to": "alex"}]}
    settings["people"].append({**dana, "identities": {"email": "danai@example.com"}})
    stages = [{"roles": ["director"]}, {"on_call": "desk"}]
    settings["policy"]["tools"]["release_quote"] = {
        "effect": "require_approval",
        "stages": stages,
    }


def on_a_phone(page: Page, name: str) -> None:
    """The latest card as a phone shows it; wide again afterwards."""
    wide = page.viewport_size
    page.set_viewport_size(TALL_PHONE)  # type: ignore[arg-type]
    page.locator(".ac-adaptiveCard").last.screenshot(path=str(ARTIFACTS / f"{name}-phone.png"))
    if wide is not None:
        page.set_viewport_size(wide)


def opened(someone: Person, server: Stack) -> str:
    """The page of the request that waits, in their inbox; its id."""
    expect(someone.page.get_by_role("link", name="Release quote")).to_be_visible(timeout=LIVE_MS)
    request = str(server.pending()["id"])
    someone.go(f"/inbox/requests/{request}")
    expect(someone.page.get_by_role("heading", name="What exactly would run")).to_be_visible()
    return request


def approve(someone: Person) -> None:
    someone.page.get_by_role("button", name="Approve", exact=True).click()
    expect(someone.page.get_by_text("Your decision counts.")).to_be_visible(timeout=LIVE_MS)


def votes_of(server: Stack, request: str) -> list[dict[str, Any]]:
    """The votes on the ledger of a request's session, in their order."""
    session = server.get(f"/requests/{request}")["session_id"]
    entries = server.get(f"/ledger?session={session}")["items"]
    return [each["body"] for each in entries if each["kind"] == "voted"]


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, adjust=with_a_limit) as one:
        one.start()
        yield one


@pytest.fixture
def on_call(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, adjust=lambda settings: with_a_rota(tmp_path, settings)) as one:
        one.start()
        yield one


def test_an_edit_above_a_limit_says_before_the_click_that_the_controller_decides_too(
    limited: Stack, page: Page, browser: Browser, tmp_path: Path
) -> None:
    with (
        playground(limited, tmp_path) as url,
        person(limited, browser, "megan") as megan,
    ):
        chat = Chat(page, url)
        chat.say(TASK)
        chat.see("Approval needed")
        expect(chat.card().get_by_text("controller")).to_have_count(0)
        chat.press("Edit")
        chat.fill("Amount", "30000")
        chat.press("Approve with changes")
        chat.see("With amount 30000 the controller decides as well")
        shot(page, "people-1-said-before")
        on_a_phone(page, "people-1-said-before")
        nothing_yet = limited.pending()
        chat.press("Approve with changes")
        chat.see("approved by Alex Wilber")
        chat.see("needed, from Megan Bowen")
        shot(page, "people-2-waits-for-the-controller")
        on_a_phone(page, "people-2-waits-for-the-controller")
        half = limited.pending()
        request = opened(megan, limited)
        megan.check("people-second-step")
        approve(megan)
        chat.see("Finished.")
        shot(page, "people-3-both-approved")
        on_a_phone(page, "people-3-both-approved")

    assert (25080, 1) == (nothing_yet["arguments"]["amount"], nothing_yet["revision"])
    assert 30000 == half["arguments"]["amount"]
    assert half["rule"]["id"].endswith("large_quotes")
    votes = votes_of(limited, request)
    assert [("alex", 0), ("megan", 1)] == [(vote["by"], vote["stage"]) for vote in votes]
    assert [30000] == [each["arguments"]["amount"] for each in limited.effects("create_quote")]
    assert limited.ledger_verifies()


def test_a_delegate_and_whoever_is_on_call_approve_one_after_the_other(
    on_call: Stack, page: Page, browser: Browser, tmp_path: Path
) -> None:
    with (
        playground(on_call, tmp_path) as url,
        person(on_call, browser, "megan") as megan,
    ):
        chat = Chat(page, url)
        chat.say(TASK)
        chat.see("Approval needed")
        shot(page, "people-4-delegate-asked")
        on_a_phone(page, "people-4-delegate-asked")
        expect(megan.page.get_by_role("link", name="Release quote")).to_have_count(0)
        chat.see("needed, from Alex Wilber or Dana Ito")
        chat.decide("Approve")
        chat.see("Alex Wilber for Dana Ito")
        shot(page, "people-5-on-call-asked")
        on_a_phone(page, "people-5-on-call-asked")
        request = opened(megan, on_call)
        megan.check("people-on-call")
        approve(megan)
        chat.see("Finished.")
        shot(page, "people-6-approved")
        on_a_phone(page, "people-6-approved")
        session = on_call.get(f"/requests/{request}")["session_id"]
        megan.go(f"/inbox/sessions/{session}")
        megan.check("people-session")
        told = megan.page.locator("main").inner_text()

    first, second = votes_of(on_call, request)
    assert ("alex", "dana") == (first["by"], first["on_behalf_of"])
    assert ("megan", ["desk"]) == (second["by"], second["on_call"])
    assert "Alex Wilber for Dana Ito" in told
    assert "for dana" not in told
    assert 1 == len(on_call.effects("create_quote"))
    assert on_call.ledger_verifies()
