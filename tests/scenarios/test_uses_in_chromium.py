"""Each use as a person meets it, in Chromium: what waits is found, read, mistyped, changed and
approved by clicks, and the system that it is about shows what came of it.

Each is also asked in one more channel and looked at there: a card as Microsoft's renderer draws it,
a message in Slack, a mail. Pictures of every step are kept in artifacts/e2e.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.options import FrontName
from countersign.bot.demo.scenarios import APPROVER, SCENARIOS
from countersign.bot.demo.world import World, open_world, soon
from countersign.sandbox.botframework.cards import actions
from tests.e2e import renderer
from tests.e2e.conftest import ARTIFACTS, FLAGS, NODE_MODULES, chromium, missing
from tests.e2e.looked_at import looked_at
from tests.scenarios.test_slow_back_ends import pending

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(240)]
LIVE_MS = 30_000
LOOK_EVERY_S = 0.05


class Use(NamedTuple):
    """What is mistyped first and how the page says so, where the effect is seen and as what, and
    where else it is asked."""

    field: str
    typed: str
    said: str
    system: str
    seen: str
    also: FrontName


NO_NUMBER, NO_DATE = "A number is needed", "is no date"
USES = {
    "sales_quote": Use("amount", "a lot", NO_NUMBER, "crm", "27,000.00", "teams"),
    "crm_update": Use("amount", "much", NO_NUMBER, "crm", "2026-12-30", "email"),
    "it_change": Use("size", "big", "number is needed", "provisioning", "billing-stg-db", "slack"),
    "salesforce_update": Use("close_date", "soon", NO_DATE, "salesforce", "25,480.00", "slack"),
    "hubspot_update": Use("close_date", "soon", NO_DATE, "hubspot", "25,480.00", "teams"),
    "cpq_quote": Use("valid_until", "soon", NO_DATE, "cpq", "2027-01-15", "teams"),
    "outreach": Use(
        "to", "robert.chen@fabrikam.example", "has unsubscribed", "sendgrid", "Ana, our", "teams"
    ),
    "contract_redline": Use("new_text", " ", "is empty", "clm", "Clause 2.1 redlined", "slack"),
    "financial_report": Use("headline", " ", "is empty", "erp", "closed with a profit", "email"),
    "support_reply": Use("reply", " ", "is empty", "zendesk", "solved", "slack"),
    "renewal": Use("amount", "much", NO_NUMBER, "crm", "2027-01-15", "email"),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        await started.close()


async def signed_in(world: World, browser: Browser) -> Page:
    """The approver, with what waits for them before them."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await page.goto(f"{world.url}/inbox")
    await page.locator(f"button[name=person][value={APPROVER}]").click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


async def approved(world: World, page: Page, session: str) -> dict[str, Any]:
    """Approve whatever waits, by clicks; the session at its end."""
    while True:
        found = await world.call("sam", "GET", f"/api/v1/sessions/{session}")
        query = f"/api/v1/requests?session={session}&status=pending"
        for request in (await world.call("sam", "GET", query))["items"]:
            await page.goto(f"{world.url}/inbox/requests/{request['id']}")
            await page.get_by_role("button", name="Approve", exact=True).click()
            await expect(page.get_by_text("Your decision counts.")).to_be_visible()
        if found["status"] not in ("running", "waiting"):
            return found
        await asyncio.sleep(LOOK_EVERY_S)


@pytest.mark.parametrize("workflow", USES)
async def test_use_is_found_read_mistyped_changed_and_approved(
    workflow: str, browser: Browser
) -> None:
    use, scenario = USES[workflow], SCENARIOS[workflow]
    change = scenario.choices["modify"]
    async with open_world("inbox", scenario) as world:
        session = await ApiFront(world).start(scenario)
        waiting = await pending(world, session)
        asked = next(each for each in waiting if each["tool"] == scenario.tool)
        page = await signed_in(world, browser)
        await page.locator(f"a[href$='/inbox/requests/{asked['id']}']").first.click()
        await expect(page.get_by_role("heading", name="What exactly would run")).to_be_visible()
        await looked_at(page, f"use-{workflow}-1-asked")

        await page.get_by_text("Change the arguments").click()
        form = page.locator("form[action$='/edits']")
        was = await form.locator(f"[name='arg.{use.field}']").input_value()
        await form.locator(f"[name='arg.{use.field}']").fill(use.typed)
        await form.get_by_role("button", name="Approve with these changes").click()
        await expect(page.locator("#forms")).to_contain_text(use.said)
        await expect(form.locator(f"[name='arg.{use.field}']")).to_have_value(use.typed)
        await looked_at(page, f"use-{workflow}-2-mistyped")

        await form.locator(f"[name='arg.{use.field}']").fill(was)
        for name, value in change.changes.items():
            await form.locator(f"[name='arg.{name}']").fill(str(value))
        await form.locator("[name=comment]").fill(change.comment)
        await form.get_by_role("button", name="Approve with these changes").click()
        await expect(page.get_by_role("heading", name="What a person has changed")).to_be_visible()
        ended = await approved(world, page, session)
        await page.goto(f"{world.url}/inbox/requests/{asked['id']}")
        await expect(page.locator("#facts .tag.executed").first).to_be_visible(timeout=LIVE_MS)
        await looked_at(page, f"use-{workflow}-3-done")

        await page.goto(world.office.ready()[use.system]["url"])
        await expect(page.locator("main")).to_contain_text(use.seen)
        await page.screenshot(
            path=str(ARTIFACTS / f"use-{workflow}-4-{use.system}.png"), full_page=True
        )
        after = await world.stored(asked["id"])

        assert "completed" == ended["status"]
        assert change.changes.items() <= after.arguments.items()
        assert 1 == len(world.effects(after))


@pytest.mark.parametrize("workflow", USES)
async def test_use_is_whole_in_another_channel(workflow: str, browser: Browser) -> None:
    """All that is deciding can be read there, and nothing is wider than its place."""
    scenario, via = SCENARIOS[workflow], USES[workflow].also
    async with open_world(via, scenario) as world:
        if via == "teams":
            assert world.teams is not None
            await world.teams.send_message(world.name(APPROVER), scenario.task)
            found = await world.call(APPROVER, "GET", "/api/v1/sessions?limit=1")
            session = str(found["items"][0]["id"])
        else:
            session = await ApiFront(world).start(scenario)
        waiting = await pending(world, session)
        asked = next(each for each in waiting if each["tool"] == scenario.tool)
        page = await browser.new_page(viewport={"width": 700, "height": 700})
        await SHOW[via](world, page, asked["id"])
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=str(ARTIFACTS / f"use-{workflow}-{via}.png"), full_page=True)
        over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        text = " ".join((await page.locator("body").inner_text()).split())

        assert over <= 0
        missed = [each for each in asked["arguments"].values() if first_words(each) not in text]
        assert [] == missed


def first_words(value: Any) -> str:
    """How a value begins, wherever it is shown; long ones are cut, or behind a button."""
    text = value if isinstance(value, str) else json.dumps(value) if is_plain(value) else ""
    return " ".join(text.splitlines()[0].split()[:3]) if text.strip() else ""


def is_plain(value: Any) -> bool:
    return not isinstance(value, list | dict | float)


async def _card(world: World, page: Page, request: str) -> None:
    if not (NODE_MODULES / "adaptivecards").is_dir():
        missing("adaptivecards", "scripts/ensure_npm.sh test")
    assert world.teams is not None

    def asks(message: Any) -> bool:
        card = message.card() if message.from_bot else None
        return card is not None and request in json.dumps(list(actions(card)))

    message = await world.teams.wait_for(asks, timeout_s=30.0)
    await page.set_content(renderer.page("light"))
    await page.add_script_tag(path=str(NODE_MODULES / renderer.SCRIPT))
    await page.evaluate(renderer.DRAW, [json.loads(json.dumps(message.card())), renderer.LIGHT])


async def _message(world: World, page: Page, request: str) -> None:
    assert world.slack is not None
    slack, user = world.slack, f"U0{APPROVER.upper()}"

    async def look() -> bool:
        return bool(slack.asking(request, user))

    await soon(look, "nothing is asked in Slack")
    await page.goto(f"{slack.url}/?as={user}")


async def _mail(world: World, page: Page, request: str) -> None:
    async def look() -> dict[str, Any] | None:
        all_of_them = [world.mailbox.message(each["id"]) or {} for each in world.mailbox.messages()]
        return next((each for each in all_of_them if request in str(each.get("text"))), None)

    mail = await soon(look, "no mail has arrived")
    await page.set_content(mail["html"])


SHOW = {"teams": _card, "slack": _message, "email": _mail}
