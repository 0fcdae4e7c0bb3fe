"""Rollout in Chromium: done by hand on its page, a promotion proposed and accepted, one click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from tests.e2e.inbox import person
from tests.processes import until
from tests.stack import stack


def by_phases(settings: dict[str, Any]) -> None:
    """Quotes come by phases; Megan, who decides no quote, accepts a promotion."""
    rule = settings["policy"]["tools"]["release_quote"]
    rule |= {"risk": "low", "tolerances": {"amount": "2%"}}
    rule["rollout"] = {
        "phases": ["shadow", "copilot"],
        "accepted_by": ["account_executive"],
        "needed": 2,
        "agreement": 0.05,
    }
    for each in settings["people"]:
        if each["id"] == "alex":
            each["roles"] = ["sales_manager", "it_manager"]


def test_a_promotion_is_proposed_and_accepted(browser: Browser, tmp_path: Path) -> None:
    with stack(tmp_path, adjust=by_phases) as one:
        one.start()

        def proposed(count: int) -> str:
            """The newest of so many quotes, once it is there."""
            one.ask(key=f"quote-{count}")

            def found() -> Any:
                items = one.get("/requests")["items"]
                quotes = [each for each in items if each["tool"] == "release_quote"]
                return quotes[-1]["id"] if len(quotes) >= count else None

            return str(until(found, f"quote {count}"))

        with person(one, browser, "alex") as alex, person(one, browser, "megan") as megan:
            for count, amount in ((1, None), (2, "30000")):
                alex.go(f"/inbox/requests/{proposed(count)}")
                page = alex.page
                stands = f"In shadow: {count - 1} of 2 towards co-pilot."
                expect(page.get_by_text(stands)).to_be_visible()
                if amount is not None:
                    page.get_by_label("Amount").fill(amount)
                    alex.check("rollout-by-hand")
                page.get_by_role("button", name="I did this").click()
                expect(page.get_by_text("What you did is on the record.")).to_be_visible()
            expect(
                page.get_by_text("Alex Wilber did it by hand otherwise: amount.")
            ).to_be_visible()

            alex.go("/inbox/rules/rollout")
            expect(alex.page.get_by_text("A promotion to co-pilot is proposed.")).to_be_visible()
            expect(alex.page.get_by_role("button", name="Promote to co-pilot")).to_have_count(0)
            megan.go("/inbox/rules/rollout")
            megan.page.get_by_label("Reason").fill("One of two, and small sums.")
            megan.check("rollout-proposed")
            megan.page.get_by_role("button", name="Promote to co-pilot").click()
            expect(megan.page.get_by_text("It stands at another phase now.")).to_be_visible()
            megan.check("rollout-accepted")

            proposed(3)
            alex.go("/inbox")
            alex.check("rollout-one-click")
            alex.page.locator("form.quick").get_by_role("button", name="Approve").click()
            until(lambda: len(one.effects("create_quote")) == 1, "the quote")

        assert one.ledger_verifies()
