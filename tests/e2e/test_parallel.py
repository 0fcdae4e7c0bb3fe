"""Chats side by side in Chromium: three branches, one checkpoint, one change, one rejection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, expect

from tests.e2e.inbox import LIVE_MS, person
from tests.processes import until
from tests.stack import ROOT, Stack, stack

TASK = "renew Contoso, 26,000 EUR, closing 2026-12-30"


def renewal(settings: dict[str, Any]) -> None:
    """The example of three branches, with its rules."""
    example = yaml.safe_load((ROOT / "examples" / "parallel.yaml").read_text())
    settings["workflows"]["modules"] = example["workflows"]["modules"]
    settings["policy"]["tools"] = example["policy"]["tools"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("parallel"), adjust=renewal) as one:
        one.start()
        yield one


@pytest.mark.timeout(240)
def test_one_call_of_a_checkpoint_is_changed_and_one_rejected(
    server: Stack, browser: Browser
) -> None:
    with person(server, browser, "alex") as alex:
        session = server.ask(TASK, key="renewal", workflow="renewal")
        page = alex.page
        expect(page.get_by_text("2 calls proposed together")).to_be_visible(timeout=LIVE_MS)
        # The third branch needed nobody: its note is there before anything is decided.
        assert ["create_activity"] == [each["action"] for each in server.effects()]
        alex.check("branches-waiting")
        page.get_by_role("link", name="All of them on one page").click()
        expect(page.get_by_text("2 of them wait")).to_be_visible()
        expect(page.get_by_text("At least one cannot be undone.")).to_be_visible()
        for branch in ("record", "letter"):
            expect(page.get_by_text(branch, exact=True)).to_be_visible()
        alex.check("together")

        page.get_by_role("link", name="Update opportunity").click()
        page.get_by_text("Change the arguments").click()
        page.locator("form[action$='/edits']").get_by_label("Close date").fill("2027-01-15")
        page.get_by_role("button", name="Approve with these changes").click()
        expect(page.get_by_role("heading", name="What a person has changed")).to_be_visible()
        assert ["create_activity"] == [each["action"] for each in server.effects()]

        page.get_by_role("link", name="All of them on one page").click()
        expect(page.get_by_text("1 of them waits")).to_be_visible()
        page.get_by_label("Comment").fill("We write it ourselves. Stop.")
        page.get_by_role("button", name="Reject what is ticked").click()
        expect(page.get_by_text("Your decision counts.")).to_be_visible()
        alex.check("together-decided")

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = server.get(f"/sessions/{session}")
            return found if found["status"] == "completed" else None

        answer = until(ended, "the session is over")["answer"]
        assert "is now in proposal with EUR 26,000.00, closing 2027-01-15" in answer
        assert "No letter was sent" in answer
        (change,) = [e for e in server.effects() if e["action"] == "update_opportunity"]
        assert "2027-01-15" == change["arguments"]["close_date"]
    assert server.ledger_verifies()
