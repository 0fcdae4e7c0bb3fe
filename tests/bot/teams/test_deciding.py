"""Several people on one card: who has voted, whom an edit brings in, votes taken back."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from countersign.approvals.models import JsonObject, Request, RequestStatus, UndoOffer
from countersign.approvals.rules.policy import Policy
from countersign.bot.teams.cards import CARD_LIMIT_BYTES, size_bytes
from countersign.sandbox.botframework.world import Message
from tests.bot.teams.stage import ALEX, ISAIAH, Stage, person

pytestmark = pytest.mark.asyncio
CLARA = person("clara", "Clara Controller", 9, "controller")
ASKS = {"tool": "push_quote", "effect": "require_approval"}
BANDS: dict[str, Any] = {
    "rules": [
        {"id": "huge", "tool": "push_quote", "when": "args.amount > 50000", "effect": "deny",
         "reason": "Nobody may quote more than 50,000."},
        {"id": "large", "when": "args.amount > 10000", **ASKS,
         "stages": [{"roles": ["sales_manager"]}, {"roles": ["controller"]}]},
        {"id": "small", "roles": ["sales_manager"], **ASKS},
    ]
}  # fmt: skip


async def asked(world: Stage, amount: int, rules: dict[str, Any] = BANDS) -> Request:
    world.directory.put(CLARA)
    world.policies.replace(Policy.load(rules))
    arguments = {"customer": "Contoso", "amount": amount}
    return await world.pending(arguments=arguments)


async def typed(world: Stage, amount: str, who: str = ALEX) -> Any:
    """What comes of the form that is sent with another amount."""
    (card,) = world.cards()
    await world.teams.click(card, "edit", person=who)
    return await world.teams.click(card, "save", {"arg_amount": amount}, person=who)


async def test_card_says_who_has_voted_and_what_is_still_needed(signed: Stage) -> None:
    request = await asked(signed, 24000)
    (card,) = signed.cards()
    assert "▸ Step 1, " in str(card.card())
    assert "sales manager: 1 is needed, from Alex Wilber" in str(card.card())
    assert "controller: 1 is needed, from Clara Controller, once the steps" in str(card.card())
    await signed.teams.click(card, "approve", person=ALEX)
    await signed.settle()

    shown = str(signed.cards()[0].card())
    assert "✓ Step 1, " in shown
    assert "sales manager: approved by Alex Wilber" in shown
    assert "controller: 1 is needed, from Clara Controller'" in shown
    assert RequestStatus.PENDING is (await signed.records.request(request.id)).status


async def test_edit_over_a_band_is_reviewed_before_it_counts(signed: Stage) -> None:
    request = await asked(signed, 9000)
    review = await typed(signed, "12000")

    assert "With amount 12000 the controller decides as well." in str(review.card)
    assert "Nothing is decided yet" in str(review.card)
    assert size_bytes(review.card) <= CARD_LIMIT_BYTES
    before = await signed.records.request(request.id)
    assert (1, request.digest) == (before.revision, before.digest)

    (card,) = signed.cards()
    answer = await signed.teams.click(card, "confirm", person=ALEX)
    after = await signed.records.request(request.id)
    assert "Your vote is counted" in str(answer.card)
    assert (RequestStatus.PENDING, 2, 1) == (after.status, after.revision, after.stage)
    assert 12000 == after.arguments["amount"]


async def test_review_leads_back_to_the_form_with_what_was_typed(signed: Stage) -> None:
    await asked(signed, 9000)
    await typed(signed, "12000")
    (card,) = signed.cards()
    form = await signed.teams.click(card, "edit", person=ALEX)

    assert "Edit what will run" in str(form.card)
    assert "12000" in str(form.card)


async def test_confirmation_of_something_else_counts_for_nobody(signed: Stage) -> None:
    """The rule changes between the review and the click."""
    request = await asked(signed, 9000)
    await typed(signed, "12000")
    stages = [{"roles": ["sales_manager"], "quorum": 2}, {"roles": ["controller"]}]
    large = {**BANDS["rules"][1], "stages": stages}
    signed.policies.replace(Policy.load({"rules": [BANDS["rules"][0], large, BANDS["rules"][2]]}))
    (card,) = signed.cards()
    answer = await signed.teams.click(card, "confirm", person=ALEX)

    assert "Not decided yet" in str(answer.card)
    assert [] == await signed.records.votes(request.id)


async def test_edit_that_keeps_its_editor_out_says_so_before_and_after(signed: Stage) -> None:
    """Before the click, on the card of who made it, and to those who decide it then."""
    kept_out = {**BANDS["rules"][2], "edits": {"without_editor_above": "args.amount > 10000"}}
    request = await asked(signed, 9000, {"rules": [kept_out]})
    review = await typed(signed, "12000")

    assert "With amount 12000 Isaiah Langer can decide it, and you cannot" in str(review.card)
    assert "it is asked as you have changed it" in str(review.card)
    assert "Ask with changes" in str(review.card)
    (card,) = signed.cards()
    answer = await signed.teams.click(card, "confirm", person=ALEX)
    await signed.settle()
    shown = str(signed.cards()[0].card())
    assert "Not decided yet: read below why your values are asked again" in str(answer.card)
    assert "Alex Wilber changed the arguments, and above the limit" in shown
    view = await signed.records.view(request.id)
    assert ["Isaiah Langer"] == [each.name for each in view.eligible]
    refused = await signed.teams.click(signed.cards()[0], "approve", person=ALEX)
    assert "You have changed this call" in str(refused.card)
    assert RequestStatus.PENDING is (await signed.records.request(request.id)).status


async def test_edit_within_the_band_needs_no_review(signed: Stage) -> None:
    await asked(signed, 9000)

    assert "✓ Approved with changes" in str((await typed(signed, "8000")).card)


async def test_edit_that_is_denied_shows_the_reason_of_the_rule(signed: Stage) -> None:
    request = await asked(signed, 9000)
    answer = await typed(signed, "60000")

    assert "Nobody may quote more than 50,000." in str(answer.card)
    assert "Nothing was decided" in str(answer.card)
    assert request == await signed.records.request(request.id)


async def test_card_offers_no_edit_where_the_rule_forbids_it(signed: Stage) -> None:
    await asked(signed, 9000, {"rules": [{**BANDS["rules"][2], "edits": False}]})
    (card,) = signed.cards()
    answer = await signed.teams.click(card, "approve", person=ALEX)

    assert "'edit'" not in str(card.card())
    assert "✓ Approved" in str(answer.card)


async def test_approval_without_the_comment_that_is_required_says_so(signed: Stage) -> None:
    await asked(signed, 9000, {"rules": [{**BANDS["rules"][2], "comment": "required"}]})
    (card,) = signed.cards()
    assert "required to approve and to reject" in str(card.card())
    refused = await signed.teams.click(card, "approve", person=ALEX)
    assert "Say why you approve this" in str(refused.card)

    answer = await signed.teams.click(card, "approve", {"comment": "As agreed."}, person=ALEX)
    assert "✓ Approved" in str(answer.card)


async def test_vote_is_taken_back_on_the_card(signed: Stage) -> None:
    request = await signed.pending(tool="release_pair")
    (card,) = signed.cards()
    assert "Take back my vote" not in str(card.card())
    voted = await signed.teams.click(card, "approve", person=ALEX)
    assert "Take back my vote" in str(voted.card)
    await signed.settle()
    nothing = await signed.teams.click(card, "withdraw", person=ISAIAH)
    assert "You have not voted on this request as it stands" in str(nothing.card)
    answer = await signed.teams.click(card, "withdraw", person=ALEX)

    assert "Your vote is taken back." in str(answer.card)
    assert [] == await signed.records.votes(request.id)
    await signed.settle()
    assert any("has taken back the approval" in text for text in signed.texts())


async def test_approval_is_revoked_on_the_card_until_it_is_used(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    approved = await signed.teams.click(card, "approve", person=ALEX)
    assert "Revoke approval" in str(approved.card)
    await signed.settle()
    unsaid = await signed.teams.click(card, "revoke", person=ALEX)
    assert "why you revoke it" in str(unsaid.card)
    other = await signed.teams.click(card, "revoke", {"comment": "No."}, person=ISAIAH)
    assert "You have not approved this" in str(other.card)
    answer = await signed.teams.click(card, "revoke", {"comment": "Wrong quote."}, person=ALEX)

    assert "✗ Rejected" in str(answer.card)
    assert "rejected" == await signed.status(request.id)
    await signed.settle()
    assert any("**Approval revoked**" in text for text in signed.texts())


async def test_used_approval_is_not_revoked_on_the_card(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    await signed.teams.click(card, "approve", person=ALEX)
    run = await signed.runs.begin(request.session_id)
    assert run is not None
    await signed.runs.claim(run, request.id, request.arguments)
    answer = await signed.teams.click(card, "revoke", {"comment": "Wrong."}, person=ALEX)

    assert "and has begun at" in str(answer.card)
    assert "executing" == await signed.status(request.id)


async def done(signed: Stage, arguments: JsonObject) -> tuple[Request, Message]:
    """What was executed, with its card: `drop_quote` takes it back with these arguments."""
    request = await signed.pending()
    (card,) = signed.cards()
    await signed.teams.click(card, "approve", person=ALEX)
    run = await signed.runs.begin(request.session_id)
    assert run is not None
    await signed.runs.claim(run, request.id, request.arguments)
    offer = UndoOffer(tool="drop_quote", executor="gatekeeper", arguments=arguments, within_s=60)
    await signed.runs.finish(run, request.id, ok=True, content="Q-1", undo=offer)
    await signed.settle()
    return request, card


async def test_what_was_done_is_undone_on_the_card(signed: Stage) -> None:
    """By who could approve it, and has read with what; the card then says how that stands, and
    offers it no more."""
    request, card = await done(signed, {"quote_id": "Q-1", "note": "The customer cancelled."})
    shown = str(signed.cards()[0].card())
    assert "Drop quote takes it back" in shown
    assert "'text': 'Q-1'" in shown
    assert "The customer cancelled." in shown
    assert "'title': 'Undo'" in shown
    before = deepcopy(card)  # as it still is on somebody's screen, whenever it is drawn again

    unsaid = await signed.teams.click(card, "undo", person=ALEX)
    assert "why this has to be undone" in str(unsaid.card)
    answer = await signed.teams.click(card, "undo", {"comment": "Wrong one."}, person=ALEX)
    assert "Alex Wilber has it undone; that is under way" in str(answer.card)
    assert "'title': 'Undo'" not in str(answer.card)
    again = await signed.teams.click(before, "undo", {"comment": "Wrong one."}, person=ISAIAH)
    assert "has it undone already" in str(again.card)
    (attempt,) = (await signed.records.view(request.id)).undos
    assert (attempt.session.undoes, attempt.by) == (request.id, "Alex Wilber")


async def test_what_cannot_be_read_on_the_card_is_not_undone_there(signed: Stage) -> None:
    await done(signed, {"quote_id": "Q" * 30_000})
    shown = str(signed.cards()[0].card())

    assert "Not all of it fits on this card" in shown
    assert "'title': 'Undo'" not in shown


async def test_what_confirms_an_edit_cannot_be_made_up(signed: Stage) -> None:
    request = await asked(signed, 9000)
    (card,) = signed.cards()
    await signed.teams.click(card, "edit", person=ALEX)
    forged = await signed.teams.click(
        card, "save", {"arg_amount": "12000"}, person=ALEX, data={"foreseen": "x"}
    )
    assert "data was changed" in str(forged)

    await signed.teams.click(card, "save", {"arg_amount": "12000"}, person=ALEX)
    answer = await signed.teams.click(card, "confirm", person=ALEX, data={"foreseen": "0" * 64})
    assert "Not decided yet" in str(answer.card)
    assert [] == await signed.records.votes(request.id)
