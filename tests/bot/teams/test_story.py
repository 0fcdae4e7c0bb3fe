"""The main story end to end: a message, a session, a card, a decision, the outcome for all."""

from __future__ import annotations

import pytest

from tests.bot.teams.stage import ALEX, SAM, Stage

pytestmark = pytest.mark.asyncio


async def test_message_starts_a_session_and_a_card_decides_it(signed: Stage) -> None:
    session_id = await signed.start("quote for Contoso", conversation="group")
    assert any(f"Started **Sales quote** `{session_id}`" in text for text in signed.texts())

    await signed.propose(session_id)
    (card,) = signed.cards()
    assert "Approval needed" in str(card.card())

    answer = await signed.teams.click(card, "approve", person=ALEX)
    assert answer.status == 200
    assert "✓ Approved" in str(answer.card)

    await signed.execute(session_id, content="Quote Q-7 pushed")
    (card,) = signed.cards()
    assert "✓ Approved and done" in str(card.card())
    assert "Quote Q-7 pushed" in str(card.card())
    assert "approve" not in str(card.card())


async def test_edit_a_number_and_approve(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    await signed.teams.click(card, "edit", person=ALEX)
    answer = await signed.teams.click(card, "save", {"arg_amount": "900"}, person=ALEX)

    assert "✓ Approved with changes" in str(answer.card)
    after = await signed.records.request(request.id)
    assert after.arguments["amount"] == 900
    assert isinstance(after.arguments["amount"], int)
    await signed.settle()
    assert "Approved with changes" in str(signed.cards()[0].card())


async def test_emulator_story_with_submit(webchat: Stage) -> None:
    session_id = await webchat.start("quote for Contoso", person=SAM)
    assert any("Local mode: this counts as asked by Sam Carter" in t for t in webchat.texts())
    await webchat.propose(session_id)
    (card,) = webchat.cards()
    assert "Action.Execute" not in str(card.card())
    await webchat.teams.click(card, "edit", person=SAM)
    await webchat.settle()
    await webchat.teams.click(webchat.cards()[0], "save", {"arg_amount": "900.5"}, person=SAM)
    await webchat.settle()
    assert "✓ Approved with changes" in str(webchat.cards()[0].card())
