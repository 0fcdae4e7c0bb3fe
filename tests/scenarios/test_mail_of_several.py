"""Calls of chats side by side in one mail, whose link is followed in Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from playwright.async_api import Browser, Page, async_playwright, expect

from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.mailbox.desk import Mail, MailDesk
from countersign.sandbox.standins import ask_in, back_office
from tests.e2e.conftest import ARTIFACTS, FLAGS, chromium
from tests.e2e.looked_at import looked_at
from tests.processes import ROOT
from tests.scenarios.test_ticket_of_several import CHANGE, LETTER, TASK
from tests.scenarios.world import World, configured

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("both_databases")]
ALEX = "alexw@example.com"


def the_renewal(document: dict[str, Any]) -> None:
    """Its workflow and its rules, asked by mail."""
    example = yaml.safe_load((ROOT / "examples" / "parallel.yaml").read_text())
    document["workflows"]["modules"] = example["workflows"]["modules"]
    document["policy"]["tools"] = example["policy"]["tools"]
    document["policy"].pop("budgets", None)
    ask_in(document, "email")


class Renewals(World):
    """Renewals of a contract, whose two guarded calls are one mail."""

    desk: MailDesk

    async def both(self) -> tuple[dict[str, Any], dict[str, Any], Mail]:
        """The change, the letter, and the one mail about them."""
        session_id = await self.start("renewal", TASK)
        change, letter = [await self.pending(session_id, tool=tool) for tool in (CHANGE, LETTER)]

        async def look() -> Mail | None:
            found = [m for m in await self.desk.mails() if change["id"] in m.text and m.links]
            return found[0] if found else None

        return change, letter, await self.eventually(look)

    async def told(self, mail: Mail) -> Mail:
        """What came of it, in the thread of the mail."""

        async def look() -> Mail | None:
            of = mail.headers["Message-ID"]
            found = [m for m in await self.desk.mails() if m.headers.get("References") == of]
            assert len(found) < 2, "told twice"
            return found[0] if found else None

        found = await self.eventually(look)
        assert isinstance(found, Mail)
        return found

    def link(self, mail: Mail) -> str:
        """Where it leads, on the server of this test."""
        (url,) = mail.links
        return f"{self.url}/inbox/mail/{url.rpartition('/')[2]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(
    tmp_path_factory: pytest.TempPathFactory, both_databases: None
) -> AsyncIterator[Renewals]:
    folder: Path = tmp_path_factory.mktemp("mail")
    async with back_office() as office, BotFramework.start() as teams:
        ready = {**office.ready(), "email": office.mailbox.ready()}
        world = Renewals(configured(folder, ready, the_renewal), teams, office)
        async with MailDesk(office.mailbox.url, ALEX) as world.desk, world.server():
            yield world


@pytest_asyncio.fixture(loop_scope="module")
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        await started.close()


async def signed_in(app: Renewals, browser: Browser, person: str) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(f"{app.url}/inbox")
    await page.locator(f"button[name=person][value={person}]").click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


async def test_the_link_leads_to_all_of_them_and_one_click_runs_both(
    app: Renewals, browser: Browser
) -> None:
    change, letter, mail = await app.both()
    assert 400 > await app.desk.prefetch(app.link(mail))
    alex = await signed_in(app, browser, "alex")
    await alex.goto(app.link(mail))
    await expect(alex.get_by_role("heading", level=1)).to_have_text("2 calls proposed together")
    await looked_at(alex, "mail-of-several-page")
    for box in await alex.get_by_role("checkbox").all():
        await box.check()
    await alex.get_by_role("button", name="Approve what is ticked").click()
    session = await app.over(change["session_id"])
    told = await app.told(mail)

    assert "Approve 2 calls" in mail.subject
    assert "completed" == session["status"]
    for each in (change, letter):
        (vote,) = (await app.request(each["id"]))["votes"]
        assert ("alex", "email") == (vote["by"], vote["via"])
    assert "All 2 calls are over" in told.text
    assert "1. Update opportunity, branch record: Approved by Alex Wilber" in told.text
    await app.ledger(change["session_id"])


async def test_somebody_else_is_refused_and_one_is_rejected_alone(
    app: Renewals, browser: Browser
) -> None:
    change, letter, mail = await app.both()
    megan = await signed_in(app, browser, "megan")
    await megan.goto(app.link(mail))
    await expect(megan.locator("main")).to_contain_text("sent to somebody else")
    assert change["id"] not in await megan.content()

    alex = await signed_in(app, browser, "alex")
    await alex.goto(app.link(mail))
    await alex.get_by_role("link", name="Send email").click()
    await alex.locator("form[action$='/votes'] [name=comment]").fill("I will call her.")
    await alex.get_by_role("button", name="Reject", exact=True).click()
    await expect(alex.get_by_text("Your decision counts.")).to_be_visible()
    await alex.goto(app.link(mail))
    await alex.get_by_role("button", name="Approve what is ticked").click()
    await app.over(change["session_id"])
    told = await app.told(mail)

    assert ["executed", "rejected"] == [
        (await app.request(each["id"]))["status"] for each in (change, letter)
    ]
    assert "2. Send email, branch letter: Rejected by Alex Wilber" in told.text


async def test_the_mail_reads_well_in_light_dark_and_on_a_phone(
    app: Renewals, browser: Browser
) -> None:
    *_, mail = await app.both()
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for name, width, scheme in (
        ("light", 900, "light"),
        ("dark", 900, "dark"),
        ("phone", 390, "light"),
    ):
        look: Any = {"color_scheme": scheme}
        page = await browser.new_page(viewport={"width": width, "height": 800}, **look)
        await page.set_content(mail.html)
        await page.screenshot(path=str(ARTIFACTS / f"mail-of-several-{name}.png"), full_page=True)
        assert 0 >= await page.evaluate("document.documentElement.scrollWidth - innerWidth")
