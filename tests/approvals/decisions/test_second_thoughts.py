"""An agent that is asked about its proposal takes it back, or changes it: the domain's part."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.decisions.answering import Side
from countersign.approvals.decisions.outbox import REMIND
from countersign.approvals.decisions.second_thoughts import AS_IT_STANDS, SecondThought
from countersign.approvals.errors import ConflictError, StaleDigestError
from countersign.approvals.forms.told import prompt
from countersign.approvals.models import (
    Cause,
    Proposal,
    Question,
    QuestionStatus,
    Request,
    RequestStatus,
    Verdict,
)
from tests.approvals.decisions.test_questions import ask, begin, sound
from tests.approvals.test_told import said
from tests.doubles.directory import BEN, CARA, DAVE
from tests.doubles.world import QUOTE, THREAD, World

pytestmark = pytest.mark.asyncio
WHY = "The customer has left."


def instead(request: Request, **changed: Any) -> Proposal:
    """The same call with other arguments, as the agents' side prepares it."""
    call = {
        "session_id": request.session_id,
        "call_id": request.call_id,
        "tool": request.tool,
        "arguments": {**request.arguments, **changed},
        "agent": request.agent,
        "executor": request.executor,
        "rationale": WHY,
        "schema_version": request.schema_version,
    }
    return Proposal.model_validate({"call": call})


async def think(world: World, question: Question, proposal: Proposal | None = None) -> Side:
    side = await begin(world, question)
    await world.domain.answering.thought_better(side, SecondThought(WHY, proposal), [])
    return side


async def deliver_all(world: World, request: Request) -> None:
    for delivery in await world.records.deliveries(request.id):
        await world.courier.deliver(delivery.id)


async def test_what_the_agent_takes_back_does_not_run_and_who_voted_is_told(world: World) -> None:
    """One of two has approved; both questions end; the session goes on, and knows why."""
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "pay")
    await deliver_all(world, request)
    await world.vote(request, BEN)
    question, other = await ask(world, request, CARA), await ask(world, request, CARA, "And?")
    world.take()
    await think(world, question)
    rung = [job.id for job in world.take() if job.kind == REMIND]
    after = await world.now(request)
    first, second = (await world.records.view(request.id)).questions
    entry = (await world.records.ledger(request.session_id))[-1]
    for reminder in rung:
        await world.courier.remind(reminder)
    run = await world.begin(request.session_id)
    told = await world.runs.claim(run, request.id, request.arguments)

    assert (RequestStatus.CANCELLED, None) == (after.status, after.decision)
    assert after.result is not None
    assert (Cause.WITHDRAWN, True) == (after.result.cause, after.result.retry)
    assert f"seller took this back when Cara asked about it: {WHY}" == after.result.message
    assert told == after.result
    assert (QuestionStatus.ANSWERED, f"I take this back. {WHY}") == (first.status, first.answer)
    assert QuestionStatus.DROPPED is second.status
    assert other.id == second.id
    assert ("not_executed", "withdrawn", "seller") == (
        entry.kind,
        entry.body["cause"],
        entry.body["by"],
    )
    assert ["person:ben"] == [target for _, target, _ in world.channel.reminded]
    assert "What Ben voted does not count any more." in " ".join(await said(world))
    assert await sound(world)


async def test_what_the_agent_changes_is_asked_anew_of_everybody(world: World) -> None:
    """Votes on the first revision count no more, and those who cast them are shown the second."""
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "pay")
    await deliver_all(world, request)
    await world.vote(request, BEN)
    await world.vote(await world.now(request), CARA)
    at_second = await world.now(request)
    await deliver_all(world, request)
    question = await ask(world, at_second, DAVE)
    await think(world, question, instead(request, amount=90))
    after = await world.now(request)
    view = await world.records.view(request.id)
    entry = (await world.records.ledger(request.session_id))[-1]
    targets = {d.target: d.reference for d in await world.records.deliveries(request.id)}
    receipt = await world.vote(await world.now(request), BEN)
    await world.vote(receipt, CARA)
    decided = await world.vote(await world.now(request), DAVE)

    assert (1, 0) == (at_second.stage, after.stage)
    assert (RequestStatus.PENDING, 2) == (after.status, after.revision)
    assert 90 == after.arguments["amount"]
    assert request.digest != after.digest
    assert (None, request.arguments) == (after.proposed_arguments, after.written)
    assert f"seller changed its proposal when Dave asked about it: {WHY}" == after.asked_again
    assert {"ben", "cara"} <= {person.id for person in view.eligible}
    assert ("asked_again", "seller") == (entry.kind, entry.body["by"])
    assert {"person:ben", "person:cara", "person:dave"} <= targets.keys()
    assert [None] * 2 == [targets[f"person:{who}"] for who in ("ben", "cara")]
    assert 2 == sum(target.startswith("card:") for target in targets)
    assert f"I change this. {WHY}" == view.questions[0].answer
    assert decided.decision is not None
    assert (RequestStatus.APPROVED, Verdict.APPROVE) == (decided.status, decided.decision.verdict)
    assert "What Ben and Cara voted does not count any more." in " ".join(await said(world))
    assert await sound(world)


async def test_who_has_gone_and_programs_are_shown_no_second_card(world: World) -> None:
    """A voter who is not known any more; a place that is told by the same row."""
    world.channel.placing = world.channel.placing.model_copy(update={"places": ("program",)})
    world.use(world.rules)
    (request,) = await world.asked("pay")
    await deliver_all(world, request)
    await world.vote(request, BEN)
    await world.vote(await world.now(request), CARA)
    world.directory.remove("ben")
    question = await ask(world, await world.now(request), DAVE)
    await think(world, question, instead(request, amount=90))
    deliveries = await world.records.deliveries(request.id)

    assert ["place:program"] == [delivery.target for delivery in deliveries]


async def test_what_was_taken_back_is_said_in_words(world: World) -> None:
    (request,) = await world.asked("quote")
    await think(world, await ask(world, request))
    words = prompt(await world.now(request), escalated=False)

    assert f"seller has taken back Quote ({request.id})" in words


async def test_a_change_is_shown_anew_to_whoever_has_not_voted_yet(world: World) -> None:
    """What changes on a card calls nobody; what was shown before is kept up to date."""
    (request,) = await world.asked("quote")
    await deliver_all(world, request)
    await think(world, await ask(world, request), instead(request, amount=90))
    deliveries = await world.records.deliveries(request.id)
    fresh = {each.target for each in deliveries if each.reference is None}

    assert {"person:ben", "person:cara"} == fresh
    assert 4 == len(deliveries)


async def test_agents_change_replaces_what_a_person_made_of_it(world: World) -> None:
    """The chat still knows its call by what it wrote first."""
    (request,) = await world.asked("pay")
    await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 80})
    edited = await world.now(request)
    await think(world, await ask(world, edited, CARA), instead(edited, amount=70))
    after = await world.now(request)

    assert edited.modified
    assert not after.modified
    assert (70, request.arguments) == (after.arguments["amount"], after.written)


async def test_what_changed_meanwhile_is_not_overruled(world: World) -> None:
    (request,) = await world.asked("pay")
    side = await begin(world, await ask(world, request))
    await world.vote(request, CARA, Verdict.MODIFY, arguments={**QUOTE, "amount": 80})
    with pytest.raises(StaleDigestError):
        await world.domain.answering.thought_better(side, SecondThought(WHY), [])

    assert RequestStatus.PENDING is (await world.now(request)).status


@pytest.mark.parametrize("late", [False, True])
async def test_what_is_decided_or_too_late_stands(world: World, late: bool) -> None:
    (request,) = await world.asked("quote")
    side = await begin(world, await ask(world, request))
    if late:
        world.clock.advance(3700)
    else:
        await world.vote(request)
    before = await world.now(request)
    await world.domain.answering.thought_better(side, SecondThought(WHY), [])

    assert before == await world.now(request)


async def test_second_attempt_changes_nothing_more(world: World) -> None:
    (request,) = await world.asked("quote")
    side = await think(world, await ask(world, request), instead(request, amount=90))
    current = await world.now(request)
    stale = Side(side.question, (), current, side.session, side.chat, side.attempt)
    with pytest.raises(ConflictError):
        await world.domain.answering.thought_better(stale, SecondThought(WHY), [])

    assert current == await world.now(request)


async def test_only_what_people_can_be_asked_about_is_proposed_instead(world: World) -> None:
    (request,) = await world.asked("quote")
    side = await begin(world, await ask(world, request))
    answering = world.domain.answering

    assert AS_IT_STANDS == await answering.reason_against(side, instead(request))
    assert await answering.reason_against(side, instead(request, amount=90)) is None
    world.change_rule("quote", {"effect": "deny", "reason": "Not this month."})
    against = await world.domain.answering.reason_against(side, instead(request, amount=90))
    assert against is not None
    assert "Not this month." in against


async def test_rule_that_denies_it_meanwhile_ends_it(world: World) -> None:
    """Looked at again where it is written."""
    (request,) = await world.asked("quote")
    side = await begin(world, await ask(world, request))
    world.change_rule("quote", {"effect": "deny", "reason": "Not this month."})
    thought = SecondThought(WHY, instead(request, amount=90))
    await world.domain.answering.thought_better(side, thought, [])
    after = await world.now(request)

    assert after.result is not None
    assert (RequestStatus.CANCELLED, Cause.DENIED_BY_POLICY) == (after.status, after.result.cause)
