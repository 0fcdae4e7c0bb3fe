"""Questions on cards: asked behind a button, answered for everybody, and by the requester."""

from __future__ import annotations

import pytest

from countersign.approvals.models import LookUp, Request
from countersign.bot.teams.clicks import TamperedError, click_of_submit
from tests.bot.teams.stage import ALEX, ISAIAH, SAM, Stage

pytestmark = pytest.mark.asyncio
TEXT = "Why *this* amount?"
LOOKED = LookUp(tool="look_up", arguments={"name": "Contoso"}, ran=True, text="Two orders.")


async def answered(signed: Stage, request: Request, number: int, text: str) -> None:
    side = await signed.answering.begin(f"{request.id}.{number}")
    assert side is not None
    if text:
        await signed.answering.answered(side, text, [LOOKED])
    else:
        await signed.answering.unanswered(side, "It has no language model.")
    await signed.settle()


async def test_question_and_answer_stand_on_everybodys_card(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    asked = await signed.teams.click(card, "ask", {"question": TEXT}, person=ALEX)
    assert "Your question is asked." in str(asked.card)
    assert "The agent is asked; its answer will stand here." in str(asked.card)
    await answered(signed, request, 1, "They buy every year.")
    shown = str(signed.cards()[0].card())

    assert TEXT in shown
    assert "They buy every year." in shown
    assert "Looked up with look_up." in shown
    assert any("**Question answered** by" in text for text in signed.texts())
    done = await signed.teams.click(signed.cards()[0], "approve", person=ISAIAH)
    assert "✓ Approved" in str(done.card)


async def test_requester_answers_on_the_card_what_the_agent_could_not(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    await signed.teams.click(card, "ask", {"question": TEXT}, person=ALEX)
    await answered(signed, request, 1, "")
    (card,) = signed.cards()
    assert any("**Your answer is needed:**" in text for text in signed.texts())
    others = await signed.teams.click(card, "answer", {"answer": "Because."}, person=ISAIAH)
    assert "Only whoever asked for this can answer" in str(others.card)
    await signed.settle()
    given = await signed.teams.click(card, "answer", {"answer": "A good year."}, person=SAM)
    await signed.settle()

    assert "Your answer stands on this card now." in str(given.card)
    assert "A good year." in str(signed.cards()[0].card())
    assert "Send answer" not in str(signed.cards()[0].card())


async def test_whoever_may_not_decide_or_asks_nothing_is_told(signed: Stage) -> None:
    await signed.pending()
    (card,) = signed.cards()
    mine = await signed.teams.click(card, "ask", {"question": TEXT}, person=SAM)
    empty = await signed.teams.click(card, "ask", {"question": " "}, person=ALEX)

    assert "You cannot decide this." in str(mine.card)
    assert "Write the question in 1 to 2,000 characters." in str(empty.card)


async def test_only_the_newest_questions_are_on_the_card(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    for number in range(1, 6):
        await signed.teams.click(card, "ask", {"question": f"Question no {number}"}, person=ALEX)
        await answered(signed, request, number, f"Answer no {number}")
    shown = str(signed.cards()[0].card())

    assert "2 earlier ones are not shown here." in shown
    assert "Question no 2" not in shown
    assert "Answer no 5" in shown


async def test_changed_data_of_a_question_is_refused() -> None:
    data = {"request": "R1", "digest": "d", "verb": "ask", "question": 1}
    with pytest.raises(TamperedError, match="its text"):
        click_of_submit(data)
    with pytest.raises(TamperedError, match="more than it should"):
        click_of_submit({**data, "question": "Why?", "about": "R1.1"})
