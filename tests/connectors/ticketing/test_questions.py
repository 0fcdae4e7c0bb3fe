"""Questions in tickets: a comment asks, and the answer is a comment, said once."""

from __future__ import annotations

from countersign.approvals.models import QuestionStatus
from tests.connectors.desk_world import DeskWorld
from tests.doubles.directory import ANNA, BEN, ERIN, acting
from tests.doubles.ticket_desk import Ticket


def said(ticket: Ticket) -> list[str]:
    return [comment.text for comment in ticket.comments]


async def test_comment_asks_and_the_answer_stands_in_the_ticket_once(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).comment(ticket.id, "ask: why so much?")
    for _ in range(2):
        await world.poll()
        await world.work()
    (question,) = (await world.records.view(request.id)).questions
    side = await world.domain.answering.begin(question.id)
    assert side is not None
    await world.domain.answering.answered(side, "They buy every year.", [])
    await world.work()
    world.restart()
    await world.unit(lambda unit: world.outbox.touched(unit, request.id))
    await world.work()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert ("why so much?", "ben") == (question.text, question.asker)
    assert [
        "ask: why so much?",
        f"{BEN.identities[world.tickets.name]}: the agent is asked; its answer will stand here. "
        "Nothing is decided yet.",
        "Ben asked: why so much?\n\nseller: They buy every year.",
    ] == said(ticket)[:3]
    assert "approved" == (await world.now(request)).status
    assert QuestionStatus.ANSWERED is (await world.records.question(question.id)).status


async def test_answer_of_the_requester_and_a_refused_question(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(ERIN).comment(ticket.id, "ask: what is this?")
    await world.poll()
    await world.work()
    asked = await world.approvals.questions.ask(request.id, acting(BEN), "Why?")
    assert asked is not None
    side = await world.domain.answering.begin(asked.id)
    assert side is not None
    await world.domain.answering.unanswered(side, "It has no language model.")
    await world.work()
    await world.approvals.questions.answer(asked.id, acting(ANNA), "For Contoso.")
    await world.work()
    words = said(ticket)

    assert "nothing was asked." in words[1]
    assert "whoever asked for this is asked. It has no language model." in words[2]
    assert "Anna (through Microsoft Teams): For Contoso." in words[3]
