"""Comments that are acts by what they say: they ask the agent, or take back a vote."""

from __future__ import annotations

import pytest

from countersign.approvals.tickets import (
    TicketFinding,
    TicketQuestion,
    TicketRef,
    TicketVote,
    TicketWithdrawal,
)
from countersign.sandbox.servicenow.people import ALEX, BOT, MEGAN
from countersign.sandbox.servicenow.persons import APPROVER_TABLE
from countersign.testing.suites.ticket_reading import among
from tests.connectors.servicenow.office import Office
from tests.contracts.orders import Orders


def say(office: Office, ref: TicketRef, user: str, text: str, *, own: bool) -> None:
    """A comment of this person, on their own approval or on the record."""
    if not own:
        office.person(user).comment(ref.key, text)
        return
    person = office.person(user)
    approval = person.approval(ref.key)
    assert approval is not None
    person.edit(APPROVER_TABLE, approval["sys_id"], {"comments": text})


async def meant(office: Office, ref: TicketRef) -> list[TicketFinding]:
    seen = await office.connector.fetch_one(ref)
    assert seen is not None
    return list(office.connector.decide(seen))


@pytest.mark.parametrize("own", [True, False])
async def test_comments_ask_and_withdraw(office: Office, orders: Orders, own: bool) -> None:
    ref = await orders.ticket()
    for text in ("Ask: why so much?", "Withdraw", "Just so."):
        say(office, ref, ALEX.user_name, text, own=own)
    say(office, ref, BOT.user_name, "Ask: ours is none", own=False)
    found = await meant(office, ref)
    (question,) = (each for each in found if isinstance(each, TicketQuestion))

    assert {TicketQuestion, TicketWithdrawal} == {type(each) for each in found}
    assert 2 == len(found) == len({each.act.id for each in found})
    assert ("why so much?", ALEX.user_name) == (question.text, question.act.actor)


async def test_a_question_is_no_word_beside_the_approval(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    say(office, ref, ALEX.user_name, "ask: is it the gold tier?", own=True)
    office.person(ALEX.user_name).approve(ref.key)
    found = await meant(office, ref)
    (vote,) = (each for each in found if isinstance(each, TicketVote))

    assert ("", ()) == (vote.act.comment, vote.act.earlier)
    assert 2 == len(found)


async def test_what_we_answer_does_not_hide_what_was_asked(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    say(office, ref, MEGAN.user_name, "frage: warum so viel?", own=False)
    (before,) = await meant(office, ref)
    await office.connector.comment(ref, "megan asked: warum so viel?", key="question:1:answered")
    (after,) = await meant(office, ref)

    assert isinstance(after, TicketQuestion)
    assert (before.act.id, "warum so viel?") == (after.act.id, after.text)


async def test_a_poll_finds_what_was_asked_since(office: Office, orders: Orders) -> None:
    asked, quiet = [await orders.ticket() for _ in range(2)]
    page = await office.connector.fetch_decisions(None, among([asked, quiet]))
    say(office, asked, ALEX.user_name, "ask: why?", own=True)
    later = await office.connector.fetch_decisions(page.cursor, among([asked, quiet]))
    found = {
        seen.ref.id: [type(each) for each in office.connector.decide(seen)]
        for seen in later.observations
    }

    assert [TicketQuestion] == found[asked.id]
    assert [] == found.get(quiet.id, [])


async def test_without_an_audit_the_journal_tells_what_was_asked(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    say(office, ref, ALEX.user_name, "ask: why?", own=True)
    (told,) = await meant(office, ref)
    for row in office.snow.rows("sys_audit"):
        office.snow.hide(row["sys_id"])
    (still,) = await meant(office, ref)

    assert told.act.id == still.act.id
