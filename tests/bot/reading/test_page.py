"""The page that shows all of a request: a browser without a token reads it, and decides nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.approvals.models import PrincipalId, Request
from countersign.approvals.read_links import VALID_S, ReadLinks
from countersign.bot.reading.html import STYLE
from tests.bot.api_world import World, running
from tests.doubles.links import KEY

pytestmark = pytest.mark.asyncio
HOSTILE = "</dd><script>alert(1)</script><form action=https://evil.example>\u202eexe"


@dataclass
class Reading:
    """A world with a page, and links to it."""

    world: World
    links: ReadLinks
    request: Request

    def path(self, person: str | None = "alex") -> str:
        link = (
            self.links.for_ticket(self.request, "jira")
            if person is None
            else self.links.personal(self.request, PrincipalId(person), "teams")
        )
        return link.removeprefix("https://gate.example")

    async def get(self, path: str) -> tuple[int, str]:
        answer = await self.world.client.get(path)
        return answer.status, await answer.text()

    async def press(self, path: str, **form: str) -> tuple[int, str]:
        """Open the page and press its button."""
        _, page = await self.get(path)
        found = re.search(r'name="confirm" value="([^"]+)"', page)
        given = {"confirm": unescape(found[1]) if found else "none", **form}
        answer = await self.world.client.post(path, data=given)
        return answer.status, await answer.text()

    async def readers(self) -> list[str]:
        view = await self.world.records.view(self.request.id)
        return [opening.principal_id for opening in view.openings]


@pytest_asyncio.fixture
async def reading(tmp_path: Path) -> AsyncIterator[Reading]:
    async with running(tmp_path) as world:
        body = await world.waiting({"to": HOSTILE + "x" * 50_000, "amount": 5})
        request = await world.records.request(body["id"])
        yield Reading(world, ReadLinks(KEY, "https://gate.example", world.clock), request)


async def test_page_shows_everything_without_a_token(reading: Reading) -> None:
    status, page = await reading.get(reading.path())
    said = unescape(page)

    assert 200 == status
    assert "x" * 50_000 in said
    for piece in ("Send", "Medium risk", reading.request.digest, reading.request.id, "Amount",
                  "Alex Wilber or Megan Bowen", "Until 2026-11-22 16:00 UTC"):  # fmt: skip
        assert piece in said
    assert "\u202e" not in said
    assert "\\u202eexe" in said


async def test_nothing_of_an_agent_is_markup_on_the_page(reading: Reading) -> None:
    _, page = await reading.get(reading.path())

    assert "<script" not in page
    assert 1 == page.count("<form")
    assert "</dd><" not in page.partition("What exactly would run")[2].partition("</dd>")[0]


async def test_page_runs_fetches_and_keeps_nothing(reading: Reading) -> None:
    answer = await reading.world.client.get(reading.path())
    policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert "no-store" == answer.headers["Cache-Control"]
    assert "no-referrer" == answer.headers["Referrer-Policy"]
    assert f"<style>{STYLE}</style>" in await answer.text()
    assert not re.search(r"(src|href|url\()", await answer.text())


async def test_fetching_the_page_says_nothing_about_who_read_it(reading: Reading) -> None:
    for _ in range(3):
        await reading.world.client.get(reading.path())
        await reading.world.client.head(reading.path())

    assert [] == await reading.readers()


async def test_pressing_the_button_is_recorded_and_decides_nothing(reading: Reading) -> None:
    status, page = await reading.press(reading.path())

    assert (200, ["alex"]) == (status, await reading.readers())
    assert "Thank you, Alex Wilber" in page
    assert "pending" == (await reading.world.records.request(reading.request.id)).status
    assert "You have confirmed" in (await reading.get(reading.path()))[1]


async def test_button_needs_the_token_of_its_page(reading: Reading) -> None:
    path = reading.path()
    others = reading.links.confirmation("another link")
    for form in ({}, {"confirm": "x"}, {"confirm": others}):
        answer = await reading.world.client.post(path, data=form)
        assert 400 == answer.status
    answer = await reading.world.client.post(path, json={"confirm": "x"})

    assert 400 == answer.status
    assert [] == await reading.readers()


async def test_whoever_opens_the_link_of_a_ticket_says_who_they_are(reading: Reading) -> None:
    path = reading.path(None)
    _, page = await reading.get(path)
    nobody, _ = await reading.press(path)
    requester, _ = await reading.press(path, who="sam")
    megan, _ = await reading.press(path, who="megan")

    assert ['alex">Alex Wilber', 'megan">Megan Bowen'] == re.findall(
        r'<option value="(\w+">[^<]+)</option>', page
    )
    assert (400, 400, 200) == (nobody, requester, megan)
    assert ["megan"] == await reading.readers()


async def test_who_cannot_decide_may_read_and_is_not_recorded(reading: Reading) -> None:
    status, page = await reading.get(reading.path("adele"))
    pressed, _ = await reading.press(reading.path("adele"))

    assert (200, 400) == (status, pressed)
    assert "<form" not in page
    assert [] == await reading.readers()


async def test_expired_link_says_how_to_get_a_new_one(reading: Reading) -> None:
    path = reading.path()
    reading.world.clock.advance(seconds=VALID_S + 1)
    for status, page in (await reading.get(path), await reading.press(path)):
        assert 410 == status
        assert "This link has expired" in page
        assert "Read all of it" in page
    assert [] == await reading.readers()


async def test_forged_link_shows_nothing(reading: Reading) -> None:
    other = ReadLinks(b"y" * 32, "https://gate.example", reading.world.clock)
    link = other.personal(reading.request, PrincipalId("alex"), "teams")
    for path in (link.removeprefix("https://gate.example"), "/read/x", f"{reading.path()}A"):
        status, page = await reading.get(path)
        assert 404 == status
        assert "Amount" not in page


async def test_link_shows_its_own_revision_only(reading: Reading) -> None:
    path = reading.path()
    vote = {"verdict": "modify", "digest": reading.request.digest, "arguments": {"to": "x"}}
    await reading.world.call(
        "POST", f"/api/v1/requests/{reading.request.id}/votes", person="megan", json=vote
    )
    status, page = await reading.get(path)

    assert 410 == status
    assert "This has changed" in page


async def test_decided_request_can_be_read_and_not_confirmed(reading: Reading) -> None:
    path = reading.path()
    vote = {"verdict": "approve", "digest": reading.request.digest}
    await reading.world.call(
        "POST", f"/api/v1/requests/{reading.request.id}/votes", person="megan", json=vote
    )
    status, page = await reading.get(path)

    assert 200 == status
    assert "It is approved." in page
    assert "<form" not in page
    pressed = await reading.world.client.post(
        path, data={"confirm": reading.links.confirmation(path.rpartition("/")[2])}
    )
    assert pressed.status in {400, 409}
    assert [] == await reading.readers()


async def test_a_vote_through_the_api_needs_no_page(reading: Reading) -> None:
    """Whoever votes there has been given all of it."""
    vote = {"verdict": "approve", "digest": reading.request.digest}
    status, _ = await reading.world.call(
        "POST", f"/api/v1/requests/{reading.request.id}/votes", person="megan", json=vote
    )

    assert 200 == status
