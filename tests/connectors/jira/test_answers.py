"""What people do to an issue, and what it counts as: each act by what the issue said just then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from countersign.approvals.models import Verdict
from countersign.approvals.ports import TicketOrder
from countersign.approvals.tickets import (
    TicketAct,
    TicketQuestion,
    TicketRefusal,
    TicketVote,
    TicketWithdrawal,
)
from countersign.connectors.jira import wire
from countersign.connectors.jira.approvals import Answers
from countersign.connectors.jira.reading import CLOSED_UNDECIDED, TOOK_BACK, Reader
from countersign.sandbox.jira.catalog import (
    APPROVED,
    CHANGES,
    CLOSED,
    PENDING,
    REJECTED,
    REQUESTED_CHANGES,
)
from countersign.sandbox.jira.people import BOT
from countersign.testing.suites.ticket_system import Who
from tests.connectors.jira.fixtures import fixture, settings
from tests.connectors.jira.site import MAPPED, JiraSite
from tests.contracts.orders import Orders


async def test_changes_requested_by_status_and_field_are_a_modification(
    site: JiraSite, orders: Orders
) -> None:
    site.use(statuses=MAPPED)
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(
        ref.key, CHANGES, fields={REQUESTED_CHANGES: "amount: 90"}
    )
    (vote,) = await site.found(ref)

    assert Verdict.MODIFY == getattr(vote, "verdict", None)
    assert "amount: 90" == vote.act.changes


async def test_approval_while_own_changes_stand_in_the_field_is_one_with_changes(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    alex.transition(ref.key, APPROVED)

    assert ["modify"] == await site.said(ref)


async def test_approval_after_the_changes_were_taken_out_is_one_of_what_was_asked(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    alex.edit(ref.key, {REQUESTED_CHANGES: None})
    alex.transition(ref.key, APPROVED)

    assert ["approve"] == await site.said(ref)


async def test_changes_that_somebody_else_wrote_do_not_count_and_neither_does_the_approval(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("megan").edit(ref.key, {REQUESTED_CHANGES: "amount: 1"})
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    (reason,) = await site.said(ref)

    assert "last written by Megan Bowen" in reason
    assert "" == (await site.seen(ref)).acts[0].changes


async def test_changes_of_somebody_else_do_not_keep_anybody_from_rejecting(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("megan").edit(ref.key, {REQUESTED_CHANGES: "amount: 1"})
    site.jira.as_person("alex").transition(ref.key, REJECTED)

    assert ["reject"] == await site.said(ref)


async def test_changes_that_are_written_after_the_answer_are_none_of_it(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.as_person("megan").edit(ref.key, {REQUESTED_CHANGES: "amount: 1"})

    assert ["approve"] == await site.said(ref)


async def test_field_for_changes_is_known_by_its_name_on_data_center(
    data_center: JiraSite, orders: Orders
) -> None:
    ref = await data_center.connector.open_ticket(await on(data_center, orders))
    data_center.jira.as_person("alex").edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    data_center.jira.as_person("alex").transition(ref.key, APPROVED)

    assert ["amount: 90"] == [act.changes for act in (await data_center.seen(ref)).acts]


async def on(site: JiraSite, orders: Orders) -> TicketOrder:
    """An order for the people of another site."""
    order = await orders.new()
    asked = tuple(
        person.model_copy(update={"identities": {"jira": site.people[who]}})
        for person, who in zip(order.approvers, (Who.BEN, Who.CARA), strict=True)
    )
    return order.model_copy(update={"approvers": asked})


@pytest.mark.parametrize("field", ["description", "summary"])
async def test_answer_to_another_text_does_not_count_even_if_it_was_put_right_since(
    site: JiraSite, orders: Orders, field: str
) -> None:
    ref = await orders.ticket()
    ours = site.jira.issue(ref.key)["fields"][field]
    mallory, alex = site.jira.as_person("megan"), site.jira.as_person("alex")
    mallory.edit(ref.key, {field: "Free cake"})
    alex.transition(ref.key, APPROVED)
    mallory.edit(ref.key, {field: ours})
    (reason,) = await site.said(ref)

    assert "was changed by Megan Bowen before this" in reason
    assert None is (await site.seen(ref)).altered_by


async def test_answer_that_came_before_the_text_was_changed_counts(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.as_person("megan").edit(ref.key, {"description": "Free cake"})

    assert ["approve"] == await site.said(ref)
    assert site.people[Who.ERIN] == (await site.seen(ref)).altered_by


async def test_who_moves_on_at_once_has_taken_the_answer_back(
    site: JiraSite, orders: Orders
) -> None:
    site.use(statuses=MAPPED)
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.transition(ref.key, APPROVED)
    alex.transition(ref.key, PENDING)
    alex.transition(ref.key, REJECTED)

    assert [TOOK_BACK, "reject"] == await site.said(ref)


async def test_answer_that_somebody_else_moves_away_from_still_counts(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.as_person("megan").transition(ref.key, PENDING)

    assert ["approve"] == await site.said(ref)


async def test_comment_belongs_to_the_round_in_which_it_was_written(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.transition(ref.key, APPROVED, comment="Changes:\namount: lots")
    (first,) = (await site.seen(ref)).acts
    await site.connector.ask_again(ref, first, "That is no amount.", counted=False)
    alex.transition(ref.key, APPROVED)
    first, second = (await site.seen(ref)).acts

    assert ("Changes:\namount: lots", "") == (first.comment, second.comment)


async def test_newest_comment_is_the_reason_as_it_was_typed(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.comment(ref.key, "Let me see.")
    alex.transition(ref.key, REJECTED, comment=r"Too much\! See max\_seats.")

    assert ["Too much! See max_seats."] == [act.comment for act in (await site.seen(ref)).acts]


async def test_final_status_that_says_nothing_is_refused_only_while_it_stands(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, CLOSED)
    closed = await site.said(ref)
    site.jira.as_person("sam").transition(ref.key, PENDING)

    assert [CLOSED_UNDECIDED] == closed
    assert [] == await site.said(ref)


async def test_nothing_counts_before_we_know_who_we_are(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    seen = await site.seen(ref)
    stranger = site.use()

    assert [TicketRefusal] == [type(one) for one in stranger.decide(seen)]


async def test_comment_that_somebody_else_has_edited_is_no_reason() -> None:
    raw = fixture("issue_cloud")
    reader = Reader(settings(), "712020:approvals-bot")
    whole = reader.observe(wire.issue(raw)).acts[-1].comment
    raw["fields"]["comment"]["comments"][0]["updateAuthor"] = {"accountId": "712020:mallory"}
    edited = reader.observe(wire.issue(raw)).acts[-1].comment

    assert ("Too much!", "") == (whole, edited)


@pytest.mark.parametrize(("status", "counts"), [(APPROVED, False), (REJECTED, True)])
def test_approval_beside_a_comment_that_somebody_else_has_edited_does_not_count(
    status: str, counts: bool
) -> None:
    """It may have asked for changes. A rejection runs nothing, whatever was said."""
    raw = fixture("issue_cloud")
    moved, _ = raw["changelog"]["histories"]
    raw["changelog"] |= {"histories": [moved], "total": 1}
    moved["items"][1]["to"] = status
    raw["fields"]["status"]["id"] = status
    reader = Reader(settings(), "712020:approvals-bot")
    whole = reader.observe(wire.issue(raw)).acts[-1].flaw
    raw["fields"]["comment"]["comments"][0]["updateAuthor"] = {"accountId": "712020:mallory"}
    edited = reader.observe(wire.issue(raw)).acts[-1].flaw

    assert "" == whole
    assert counts == (edited == "")


@pytest.mark.parametrize(("state", "counts"), [("approved", False), ("declined", True)])
def test_answer_to_an_approval_beside_an_edited_comment_is_judged_alike(
    state: str, counts: bool
) -> None:
    raw = fixture("issue_cloud")
    raw["changelog"] |= {"histories": [], "total": 0}
    act = TicketAct(id="1:alex", at=datetime.now(UTC), actor="712020:alex", state=state)
    reader, given = Reader(settings(), "712020:approvals-bot"), Answers(acts=(act,))
    whole = reader.observe(wire.issue(raw), answers=given).acts[0]
    raw["fields"]["comment"]["comments"][0]["updateAuthor"] = {"accountId": "712020:mallory"}
    edited = reader.observe(wire.issue(raw), answers=given).acts[0]

    assert ("Too much!", "") == (whole.comment, whole.flaw)
    assert counts == (edited.flaw == "")


async def test_text_that_we_have_written_anew_is_ours_and_the_old_one_is_not(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    old = site.jira.issue(ref.key)["fields"]["description"]
    site.jira.as_person("bot").edit(ref.key, {"description": f"{old}\nMore."})
    again = ref.model_copy(update={"shown": wire.shown_sha256("", f"{old}\nMore.")})
    ours = (await site.seen(again)).altered_by
    site.jira.as_person("megan").edit(ref.key, {"description": old})

    assert None is ours
    assert site.people[Who.ERIN] == (await site.seen(again)).altered_by


@pytest.mark.parametrize("field", ["description", "summary"])
async def test_text_that_our_account_wrote_and_we_did_not_is_not_ours(
    site: JiraSite, orders: Orders, field: str
) -> None:
    """Whoever has our token may rewrite what people read, and put it right after the answer."""
    ref = await orders.ticket()
    ours = site.jira.issue(ref.key)["fields"][field]
    thief = site.jira.as_person("bot")
    thief.edit(ref.key, {field: "Approve free cake: amount 1"})
    altered = (await site.seen(ref)).altered_by
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    thief.edit(ref.key, {field: ours})
    seen = await site.seen(ref)

    assert altered == BOT.account_id
    assert seen.altered_by is None
    assert ["was changed by Approvals Bot" in act.flaw for act in seen.acts] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "withdraw",
        "Withdraw.",
        "I withdraw my vote!",
        "Zurückziehen",
        "je retire mon vote",
        "Retiro mi voto",
    ],
)
async def test_a_comment_that_says_nothing_else_takes_the_answer_back(
    site: JiraSite, orders: Orders, text: str
) -> None:
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.transition(ref.key, APPROVED)
    alex.comment(ref.key, text)
    found = site.connector.decide(await site.seen(ref))
    (vote, back) = sorted(found, key=lambda each: each.act.at)

    assert Verdict.APPROVE == getattr(vote, "verdict", None)
    assert isinstance(back, TicketWithdrawal)
    assert vote.act.actor == back.act.actor


@pytest.mark.parametrize(
    "text", ["Please withdraw 90 EUR", "withdraw?", "I will not withdraw my vote", "back"]
)
async def test_a_comment_that_may_mean_something_else_takes_nothing_back(
    site: JiraSite, orders: Orders, text: str
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("megan").comment(ref.key, text)

    assert not site.connector.decide(await site.seen(ref))


@pytest.mark.parametrize("word", ["ask", "Ask", "QUESTION", "Frage", "vraag"])
async def test_a_comment_that_begins_with_the_word_asks(
    site: JiraSite, orders: Orders, word: str
) -> None:
    ref = await orders.ticket()
    alex = site.jira.as_person("alex")
    alex.comment(ref.key, f"{word}: why 90 EUR?")
    (asked,) = site.connector.decide(await site.seen(ref))
    alex.transition(ref.key, APPROVED)
    found = site.connector.decide(await site.seen(ref))

    assert isinstance(asked, TicketQuestion)
    assert "why 90 EUR?" == asked.text
    assert [""] == [each.act.comment for each in found if isinstance(each, TicketVote)]


@pytest.mark.parametrize("text", ["ask", "ask:", "I ask: why?", "asking: why?"])
async def test_a_comment_without_the_word_asks_nothing(
    site: JiraSite, orders: Orders, text: str
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").comment(ref.key, text)

    assert not site.connector.decide(await site.seen(ref))


async def test_our_own_account_takes_nothing_back(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    await site.connector.comment(ref, "withdraw", key="x")
    site.jira.as_person("bot").comment(ref.key, "withdraw")

    assert not site.connector.decide(await site.seen(ref))
