"""The help desk answers in the shapes of Zendesk, and its client reads them whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign.examples.back_office import BackOfficeError
from countersign.examples.help_desk import PER_PAGE, HelpDesk, text_of
from countersign.sandbox.zendesk.server import API, TOKEN, USER, Zendesk

pytestmark = pytest.mark.asyncio
TICKET, ANA = 5001, "ana.ruiz@contoso.example"
NULL = type(None)
# What Zendesk has answered to its own client: github.com/zendesk/zendesk_api_client_rb,
# spec/fixtures/cassettes/ZendeskAPI_Ticket/update.json at 327ba177 (of 2012; read 2026-12-01).
RECORDED: dict[str, tuple[type, ...]] = {
    "url": (str,),
    "id": (int,),
    "external_id": (NULL, str),
    "via": (dict,),
    "created_at": (str,),
    "updated_at": (str,),
    "type": (str,),
    "subject": (str,),
    "description": (str,),
    "priority": (str,),
    "status": (str,),
    "recipient": (NULL, str),
    "requester_id": (int,),
    "submitter_id": (int,),
    "assignee_id": (NULL, int),
    "organization_id": (NULL, int),
    "group_id": (NULL, int),
    "collaborator_ids": (list,),
    "has_incidents": (bool,),
    "problem_id": (NULL, int),
    "due_at": (NULL, str),
    "tags": (list,),
    "custom_fields": (list,),
    "satisfaction_rating": (NULL, dict),
    "fields": (list,),
}
RECORDED_AUDIT: dict[str, tuple[type, ...]] = {
    "id": (int,),
    "ticket_id": (int,),
    "created_at": (str,),
    "author_id": (int,),
    "via": (dict,),
    "metadata": (dict,),
    "events": (list,),
}


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Zendesk]:
    async with Zendesk.start() as started:
        yield started


@pytest.fixture
def client(desk: Zendesk) -> HelpDesk:
    return HelpDesk.from_settings({f"zendesk_{k}": v for k, v in desk.ready().items()})


async def got(desk: Zendesk, path: str, **query: str) -> dict[str, Any]:
    async with httpx.AsyncClient(auth=(f"{USER}/token", TOKEN)) as http:
        answer = await http.get(f"{desk.url}{API}{path}", params=query)
    found: dict[str, Any] = answer.json()
    return found


async def test_tickets_and_audits_have_the_shapes_that_zendesk_has_answered(desk: Zendesk) -> None:
    ticket = (await got(desk, f"/tickets/{TICKET}.json"))["ticket"]
    audit, *_ = (await got(desk, f"/tickets/{TICKET}/audits.json"))["audits"]

    for recorded, shown in ((RECORDED, ticket), (RECORDED_AUDIT, audit)):
        assert set(recorded) == set(shown)
        assert [] == [name for name, value in shown.items() if type(value) not in recorded[name]]
    assert {"system", "custom"} == set(audit["metadata"])


async def test_people_come_beside_what_names_them_by_number_if_asked(desk: Zendesk) -> None:
    alone = await got(desk, f"/tickets/{TICKET}.json")
    beside = await got(desk, f"/tickets/{TICKET}.json", include="users")
    said = await got(desk, f"/tickets/{TICKET}/comments.json", include="users")

    assert {"ticket"} == set(alone)
    assert [("Ana Ruiz", ANA)] == [(each["name"], each["email"]) for each in beside["users"]]
    assert alone["ticket"]["requester_id"] == beside["users"][0]["id"]
    assert {each["author_id"] for each in said["comments"]} == {
        each["id"] for each in said["users"]
    }


async def test_a_long_ticket_is_read_to_its_end(desk: Zendesk, client: HelpDesk) -> None:
    before = len(desk.comments(TICKET))
    for number in range(2 * PER_PAGE):
        desk.write(TICKET, ANA, f"Is anybody there? {number}")
    ticket, comments = await client.ticket(TICKET), await client.comments(TICKET)
    await client.reply(TICKET, ticket["updated_at"], "Yes.", "pending", "e-1")
    ours = await client._is_ours(TICKET, "e-1")

    assert ("Ana Ruiz", ANA) == (ticket["name"], ticket["requester"])
    assert before + 2 * PER_PAGE == len(comments)
    assert f"Is anybody there? {2 * PER_PAGE - 1}" == comments[-1]["body"]
    assert ("Ana Ruiz", ticket["requester_id"]) == (
        comments[-1]["author"],
        comments[-1]["author_id"],
    )
    assert ours
    assert not await client._is_ours(TICKET, "e-2")


async def test_a_list_without_an_end_is_said(
    client: HelpDesk, desk: Zendesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.examples.help_desk.PER_PAGE", 1)
    monkeypatch.setattr("countersign.examples.help_desk.MOST_PAGES", 1)
    with pytest.raises(BackOfficeError, match="has more than 1 pages"):
        await client.comments(TICKET)


async def test_articles_are_html_there_and_text_for_the_agents(
    desk: Zendesk, client: HelpDesk
) -> None:
    raw = await got(desk, "/help_center/articles/search.json", query="export rows")
    (article, *_) = await client.articles("export rows")

    assert raw["results"][0]["body"].startswith("<p>An export")
    assert article["body"].startswith("An export from the browser")


async def test_words_of_a_page_keep_its_breaks_and_lose_its_marks() -> None:
    page = "<h2>One</h2><p>two&nbsp;<b>three</b> &amp;\n four</p><ul><li>a</li><li>b</li></ul>"

    assert "One\ntwo three & four\na\nb" == text_of(page)
