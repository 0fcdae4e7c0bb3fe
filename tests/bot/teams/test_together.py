"""Calls that were proposed together, on one card: what they come to, and all approved at once."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.decisions.together import Together
from countersign.approvals.forms.together import digest_of
from countersign.approvals.models import Actor, Request, Via
from countersign.bot.teams.clicks import Click
from countersign.bot.teams.deciding_together import decide_all
from countersign.bot.teams.parts import Look
from countersign.bot.teams.voting import answer
from tests.bot.teams.stage import ALEX, Stage

pytestmark = pytest.mark.asyncio


async def together(world: Stage, *arguments: dict[str, Any]) -> list[Request]:
    """Calls of one message, in their order."""
    session_id = await world.start()
    await world.propose(session_id, *arguments)
    page = await world.records.requests(session_id=session_id)
    return sorted(page.items, key=lambda request: request.position)


async def test_all_that_waits_together_is_approved_on_one_card(signed: Stage) -> None:
    """It shows every call, what they come to, and is refused once any of them has changed."""
    calls = [{"amount": 100.5, "currency": "EUR"}, {"amount": 20, "currency": "EUR"}]
    one, two = await together(signed, *calls)
    card = next(c for c in signed.cards() if one.id in str(c.card()))
    shown = str(card.card())
    assert "In total 120.5 EUR. Of these 2 calls at least one cannot be undone." in shown
    assert "1. Push quote" in shown
    assert "2. Push quote" in shown
    assert "Approve all 2" in shown
    forged = await signed.teams.click(card, "approve_all", person=ALEX, data={"all": "0" * 64})
    assert "✓ Approved" not in str(forged.card)
    limited = await signed.teams.click(card, "approve_all", {"comment": "only 50"}, person=ALEX)
    assert "Decide the calls one by one" in str(limited.card)
    assert ["pending"] * 2 == [await signed.status(each.id) for each in (one, two)]

    approved = await signed.teams.click(card, "approve_all", {"comment": ""}, person=ALEX)
    assert "✓ Approved" in str(approved.card)
    assert ["approved"] * 2 == [await signed.status(each.id) for each in (one, two)]
    for each in (one, two):
        (vote,) = await signed.records.votes(each.id)
        assert ("alex", "teams") == (vote.principal_id, vote.via)


async def test_all_that_waits_together_is_rejected_with_one_reason(signed: Stage) -> None:
    """Also what there is no room for on the card; not without a reason, and not if one changed."""
    one, two = await together(signed, {"amount": 1}, {"note": "x" * 4_000})
    card = next(c for c in signed.cards() if one.id in str(c.card()))
    assert "Reject all 2" in str(card.card())
    unsaid = await signed.teams.click(card, "reject_all", {"comment": ""}, person=ALEX)
    assert "Say why you reject this" in str(unsaid.card)
    no = {"comment": "Not this year."}
    stale = await signed.teams.click(card, "reject_all", no, person=ALEX, data={"all": "0" * 64})
    assert "✗ Rejected" not in str(stale.card)
    assert ["pending"] * 2 == [await signed.status(each.id) for each in (one, two)]

    await signed.teams.click(card, "reject_all", no, person=ALEX)
    assert ["rejected"] * 2 == [await signed.status(each.id) for each in (one, two)]


async def test_whoever_decides_all_hears_which_of_them_wait_on(signed: Stage) -> None:
    """Here Alex has voted on one of them already, of which two people are needed."""
    one, two = await together(signed, {"amount": 1}, {"amount": 2})
    person = signed.directory.by_id("alex")
    assert person is not None
    actor = Actor(principal=person, via=Via("teams"), identity="entra:alex")
    view = await signed.records.view(one.id)
    digest = digest_of([view.request, *view.siblings])
    told = Together([], {two.id: "You have already voted on this request."})
    click = Click(one.id, one.digest, "reject_all", "No.", everything=digest)

    class Approvals:
        async def vote_together(self, *_: object, leave: bool, **__: object) -> Together:
            assert leave
            return told

    around: tuple[Any, ...] = (Approvals(), click, actor, Look("execute"), view, "")
    said = await decide_all(*around)
    assert f"1 of them wait on. Push quote ({two.id}): You have already voted" in said


async def test_calls_that_a_card_cannot_show_are_not_approved_on_it(signed: Stage) -> None:
    one, _ = await together(signed, {"amount": 1}, {"note": "x" * 4_000})
    card = next(c for c in signed.cards() if one.id in str(c.card()))
    assert "Approve all" not in str(card.card())
    view = await signed.records.view(one.id)
    digest = digest_of([view.request, *view.siblings])
    click = Click(one.id, one.digest, "approve_all", everything=digest)
    person = signed.directory.by_id("alex")
    assert person is not None
    actor = Actor(principal=person, via=Via("teams"), identity="entra:alex")
    forged = await answer(signed.approvals, signed.records, click, actor, Look("execute"))
    assert "✓ Approved" not in str(forged.card)
    ledger = await signed.records.ledger(one.session_id)
    assert "vote_refused" == ledger[-1].kind
    assert "pending" == await signed.status(one.id)
