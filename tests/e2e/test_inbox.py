"""The inbox in Chromium: found, read, changed, approved by two people at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from countersign.approvals.audit.notes import SigningKey, VerifierKey
from countersign.approvals.audit.receipts import parse, verify
from tests.e2e.inbox import LIVE_MS, Person, person
from tests.processes import until
from tests.stack import Stack, stack

TASK = "quote for Contoso, 25 seats"
CRM_TASK = "We won the Northwind Cloud deal"


def two_of_them(settings: dict[str, Any]) -> None:
    """Two sales managers have to approve a quote."""
    rule = settings["policy"]["tools"]["release_quote"]
    rule["stages"] = [{"roles": rule.pop("roles"), "quorum": 2}]
    for each in settings["people"]:
        if each["id"] == "megan":
            each["roles"].append("sales_manager")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp(f"inbox-{request.param}")
    key = {"COUNTERSIGN_LEDGER_KEY": str(SigningKey.new("gate.example/ledger"))}
    with stack(folder, adjust=two_of_them, database=request.param, server_env=key) as one:
        one.start()
        yield one


def is_looked_at(server: Stack) -> bool:
    """Pages look alike on both databases: pictures and axe of one are enough."""
    return server.database == "sqlite"


def quote_of(server: Stack, session: str) -> dict[str, Any]:
    """What the session asks of people."""

    def asked() -> list[dict[str, Any]]:
        items = server.get(f"/requests?session={session}")["items"]
        return [each for each in items if each["tool"] == "release_quote"]

    found: dict[str, Any] = until(asked, "the request")[0]
    return found


def open_first(someone: Person) -> None:
    someone.page.keyboard.press("j")
    someone.page.keyboard.press("Enter")
    expect(someone.page.get_by_role("heading", name="What exactly would run")).to_be_visible()


def keys_of(someone: Person) -> list[VerifierKey]:
    """The keys that the page of a receipt shows."""
    shown = someone.page.locator("aside p.mono").all_inner_texts()
    return [VerifierKey.parse(text) for text in shown]


@pytest.mark.timeout(240)
def test_two_people_read_change_and_approve_a_quote(server: Stack, browser: Browser) -> None:
    with person(server, browser, "alex") as alex, person(server, browser, "megan") as megan:
        if is_looked_at(server):
            alex.check("empty")
        session = server.ask(TASK, key="two-people")
        # Nobody reloads: the request comes to the open list by itself.
        for someone in (alex, megan):
            row = someone.page.get_by_role("link", name="Release quote")
            expect(row).to_be_visible(timeout=LIVE_MS)
        if is_looked_at(server):
            alex.check("waiting")
        for someone in (alex, megan):
            open_first(someone)
        if is_looked_at(server):
            alex.check("request")

        alex.page.get_by_text("Change the arguments").click()
        form = alex.page.locator("form[action$='/edits']")
        discount = form.get_by_label("Discount")
        discount.fill("much")
        alex.page.get_by_role("button", name="Approve with these changes").click()
        expect(alex.page.get_by_text("A number is needed.")).to_be_visible()
        expect(form.get_by_label("Discount")).to_have_value("much")
        if is_looked_at(server):
            alex.check("problem")
        form.get_by_label("Discount").fill("5")
        alex.page.get_by_role("button", name="Approve with these changes").click()
        expect(alex.page.get_by_role("heading", name="What a person has changed")).to_be_visible()

        # Megan types while it changes: what she typed stays, and she is told.
        expect(megan.page.locator("#state")).to_contain_text("Alex Wilber", timeout=LIVE_MS)
        expect(megan.page.locator("#facts ins").first).to_be_visible()
        if is_looked_at(server):
            megan.check("changed")
        digest = quote_of(server, session)["digest"]
        current = megan.page.locator(f"#forms input[name=digest][value='{digest}']").first
        expect(current).to_be_attached(timeout=LIVE_MS)
        megan.page.keyboard.press("c")
        megan.page.keyboard.type("Looks good, thanks.")
        megan.page.get_by_role("button", name="Approve", exact=True).click()
        expect(megan.page.get_by_text("Your decision counts.")).to_be_visible()
        expect(alex.page.locator("#state")).to_contain_text("Looks good, thanks.", timeout=LIVE_MS)
        server.ended(session)
        expect(alex.page.locator("#facts .tag.executed")).to_be_visible(timeout=LIVE_MS)
        if is_looked_at(server):
            alex.check("done")
        alex.page.get_by_role("link", name="Receipt: proof of this for others").click()
        download = alex.page.get_by_role("link", name="Download the receipt")
        again = alex.page.get_by_role("link", name="Show it as it is now")
        expect(download.or_(again)).to_be_visible()

        def signed() -> bool:
            if again.is_visible():
                again.click()
            return download.is_visible()

        until(signed, "a signed checkpoint")
        with alex.page.expect_download() as kept:
            download.click()
        verify(parse(kept.value.path().read_text("utf-8")), keys_of(alex))
        if is_looked_at(server):
            alex.check("receipt")

    ran = quote_of(server, session)
    assert (5, "executed") == (ran["arguments"]["discount_percent"], ran["status"])
    assert len(server.effects("create_quote")) == 1


def test_a_session_that_ends_while_typing_keeps_what_was_typed(
    server: Stack, browser: Browser
) -> None:
    server.ask(TASK, key="while-typing")
    until(lambda: server.pending(), "a request")
    with person(server, browser, "alex") as alex:
        open_first(alex)
        path = alex.page.url
        alex.page.get_by_label("Comment").first.fill("Too dear: 25 seats are enough.")
        alex.context.clear_cookies()
        alex.page.get_by_role("button", name="Reject").click()
        expect(alex.page.get_by_role("heading", name="You have been signed out")).to_be_visible()
        if is_looked_at(server):
            alex.check("kept")
        with alex.context.expect_page() as opened:
            alex.page.get_by_role("link", name="Sign in in another tab").click()
        opened.value.locator("button[name=person][value=alex]").click()
        expect(opened.value.get_by_role("heading", name="You are signed in")).to_be_visible()
        opened.value.close()
        alex.page.get_by_role("button", name="I am signed in again: go on").click()
        comment = alex.page.get_by_label("Comment").first
        expect(comment).to_have_value("Too dear: 25 seats are enough.")
        # Live parts are drawn again when the page begins to listen: not over what was typed.
        with alex.page.expect_response(lambda answer: "part=forms" in answer.url):
            pass
        expect(comment).to_have_value("Too dear: 25 seats are enough.")
        expect(alex.page.locator("#forms [data-more]")).to_be_hidden()
        alex.page.get_by_role("button", name="Reject").click()
        expect(alex.page.locator("#facts .tag.rejected")).to_be_visible(timeout=LIVE_MS)
        assert alex.page.url.startswith(path)


def test_all_of_it_works_without_javascript_and_in_german(server: Stack, browser: Browser) -> None:
    session = server.ask(TASK, key="no-script")
    asked = quote_of(server, session)
    options = {"java_script_enabled": False, "locale": "de-DE"}
    with person(server, browser, "alex", **options) as alex:
        page = alex.page
        expect(page.get_by_role("heading", name="Wartet auf mich")).to_be_visible()
        page.locator(f"a[href='/inbox/requests/{asked['id']}']").click()
        page.get_by_label("Kommentar").first.fill("Nicht zu diesem Preis.")
        page.get_by_role("button", name="Ablehnen").click()
        expect(page.get_by_text("Ihre Entscheidung zählt.")).to_be_visible()
    assert server.get(f"/requests/{asked['id']}")["status"] == "rejected"


@pytest.mark.timeout(240)
def test_a_workflow_is_started_paused_and_looked_at_from_all_sides(
    server: Stack, browser: Browser
) -> None:
    with person(server, browser, "sam") as sam:
        page = sam.go("/inbox/workflows")
        if is_looked_at(server):
            sam.check("workflows")
        card = page.locator("section.card", has_text="Sales quote")
        card.get_by_label("What is to be done").fill(TASK)
        card.get_by_role("button", name="Start").click()
        timeline = page.get_by_role("heading", name="What happened")
        expect(timeline).to_be_visible()
        expect(page.locator(".tag.waiting")).to_be_visible(timeout=LIVE_MS)
        if is_looked_at(server):
            sam.check("session")
        sam.go("/inbox/sessions")
        if is_looked_at(server):
            sam.check("sessions")

    with person(server, browser, "alex") as alex:
        page = alex.go("/inbox/rules")
        page.get_by_text("Pause something").click()
        page.get_by_label("What", exact=True).select_option("tool:release_quote")
        page.get_by_label("Reason").fill("The price list is wrong.")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.get_by_text("It is paused.")).to_be_visible()
        page.get_by_label("Tool", exact=True).fill("release_quote")
        page.get_by_role("button", name="Explain").click()
        expect(page.get_by_text("deny by arguments")).to_be_visible()
        if is_looked_at(server):
            alex.check("rules")
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Nothing is paused.")).to_be_visible()

        alex.go("/inbox/ledger")
        page.get_by_role("button", name="Verify now").click()
        expect(page.get_by_text("entries are as they were written")).to_be_visible(timeout=LIVE_MS)
        for path in ("ledger", "health", "insights", "rules/grants", "me"):
            alex.go(f"/inbox/{path}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            if is_looked_at(server):
                alex.check(path.replace("/", "-"))
