"""Questions that those who decide ask first: who may, who answers, and that they leave no gap."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.decisions.answering import AGAIN, ATTEMPTS, LEASE, Side
from countersign.approvals.decisions.outbox import ANSWER
from countersign.approvals.decisions.questions import PER_PERSON, PER_REQUEST
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ConflictError,
    ExpiredError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.forms.questions import looked_up, standing
from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.models import (
    AnsweredBy,
    LookUp,
    PauseKind,
    PauseScope,
    Question,
    QuestionStatus,
    Request,
    RequestStatus,
    Verdict,
)
from countersign.approvals.tickets import ActKey
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT, STRANGER, acting, person
from tests.doubles.world import RULES, THREAD, World

pytestmark = pytest.mark.asyncio
WHY = "Why is the discount so high?"
LOOKED = LookUp(tool="look", arguments={"name": "Contoso"}, ran=True, text="Two orders.")


async def ask(world: World, request: Request, who: Any = BEN, text: str = WHY) -> Question:
    asked = await world.approvals.questions.ask(request.id, acting(who), text)
    assert asked is not None
    return asked


async def begin(world: World, question: Question) -> Side:
    side = await world.domain.answering.begin(question.id)
    assert side is not None
    return side


async def handed_over(world: World, request: Request) -> Question:
    question = await ask(world, request)
    await world.domain.answering.unanswered(await begin(world, question), "It has no model.")
    return await world.records.question(question.id)


async def sound(world: World) -> bool:
    found = await world.records.verify()
    assert found.verified, found.problems
    return True


async def test_the_agents_answer_stands_with_the_request_and_on_the_ledger(world: World) -> None:
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "quote")
    world.take()
    question = await ask(world, request)
    rung = {(job.kind, job.id) for job in world.take()}
    side = await begin(world, question)
    await world.domain.answering.answered(side, " They buy every year. ", [LOOKED])
    (shown,) = (await world.records.view(request.id)).questions
    kinds = await world.kinds(request.session_id)
    entry = (await world.records.ledger(request.session_id))[-1]

    assert (ANSWER, question.id) in rung
    assert (QuestionStatus.ANSWERED, "They buy every year.") == (shown.status, shown.answer)
    assert (AnsweredBy.AGENT, "seller") == (shown.answered_by, shown.answerer)
    assert (LOOKED,) == shown.calls
    assert ["asked", "answered"] == list(kinds)[-2:]
    assert LOOKED.model_dump() == entry.body["calls"][0]
    assert RequestStatus.PENDING is (await world.now(request)).status
    assert RequestStatus.APPROVED is (await world.vote(request)).status
    assert await sound(world)


async def test_several_people_ask_and_the_agent_knows_what_was_answered(world: World) -> None:
    (request,) = await world.asked("wire")
    first = await ask(world, request)
    await world.domain.answering.answered(await begin(world, first), "Yearly.", [])
    second = await ask(world, request, DAVE, "Since when?")
    side = await begin(world, second)
    shown = await world.records.questions([await world.now(request)])

    assert (1, 2) == (first.number, second.number)
    assert ("Ben", "Dave") == (first.asker_name, second.asker_name)
    assert ["Yearly."] == [each.answer for each in side.earlier]
    assert [WHY, "Since when?"] == [each.text for each in shown[request.id]]


@pytest.mark.parametrize("who", [ANNA, ERIN, DAVE])
async def test_only_whoever_may_decide_may_ask(world: World, who: Any) -> None:
    (request,) = await world.asked()
    with pytest.raises(NotAuthorisedError):
        await ask(world, request, who)

    assert "asking_refused" == (await world.kinds(request.session_id))[-1]
    assert () == (await world.records.view(request.id)).questions


async def test_whoever_is_not_known_may_not_ask(world: World) -> None:
    (request,) = await world.asked()
    with pytest.raises(NotAuthorisedError):
        await world.approvals.questions.ask(request.id, STRANGER, WHY)


async def test_what_is_decided_or_too_late_cannot_be_asked_about(world: World) -> None:
    (decided,) = await world.asked()
    await world.vote(decided)
    with pytest.raises(AlreadyDecidedError):
        await ask(world, decided)
    (late,) = await world.asked()
    world.clock.advance(3700)
    with pytest.raises(ExpiredError):
        await ask(world, late)
    with pytest.raises(ExpiredError):  # now it is written down
        await ask(world, late)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2_001])
async def test_nothing_and_too_much_are_no_question(world: World, text: str) -> None:
    (request,) = await world.asked()
    with pytest.raises(InvalidError):
        await ask(world, request, text=text)


async def test_questions_are_bounded_by_person_and_request(world: World) -> None:
    (request,) = await world.asked()
    for _ in range(PER_PERSON):
        await ask(world, request)
    with pytest.raises(ConflictError, match="You have asked 10"):
        await ask(world, request)

    assert (await ask(world, request, CARA)).number == PER_PERSON + 1
    for number in range(PER_REQUEST // PER_PERSON - 1):
        world.directory.put(other := person(f"M{number}", "manager"))
        for _ in range(PER_PERSON - (number == 0)):
            await ask(world, request, other)
    with pytest.raises(ConflictError, match="40 questions"):
        await ask(world, request, CARA)


async def test_what_the_agent_cannot_answer_goes_to_whoever_asked_for_the_call(
    world: World,
) -> None:
    (request,) = await world.asked()
    question = await handed_over(world, request)
    assert (QuestionStatus.HANDED_OVER, "It has no model.") == (question.status, question.why)
    with pytest.raises(NotAuthorisedError):
        await world.approvals.questions.answer(question.id, acting(BEN), "Because.")
    given = await world.approvals.questions.answer(question.id, acting(ANNA), " A good customer. ")
    assert given is not None
    with pytest.raises(ConflictError):
        await world.approvals.questions.answer(question.id, acting(ANNA), "Once more.")
    targets = {each.target for each in await world.records.deliveries(request.id)}

    assert ("A good customer.", AnsweredBy.PERSON) == (given.answer, given.answered_by)
    assert ("anna", "teams") == (given.answerer, given.answered_via)
    assert "person:anna" in targets
    kinds = await world.kinds(request.session_id)
    assert ["asked", "handed_over", "answering_refused", "answered"] == list(kinds)[-4:]
    assert await sound(world)


async def test_answer_to_what_is_decided_or_was_never_asked(world: World) -> None:
    (request,) = await world.asked()
    question = await handed_over(world, request)
    await world.vote(request)
    answer = world.approvals.questions.answer
    with pytest.raises(AlreadyDecidedError):
        await answer(question.id, acting(ANNA), "Too late.")
    for missing in ("nothing", f"{request.id}.9"):
        with pytest.raises(NotFoundError):
            await answer(missing, acting(ANNA), "What?")
    with pytest.raises(NotFoundError):
        await world.records.question("nothing")


async def test_deadline_is_found_by_an_answer(world: World) -> None:
    (request,) = await world.asked()
    question = await handed_over(world, request)
    world.clock.advance(3700)
    with pytest.raises(ExpiredError):
        await world.approvals.questions.answer(question.id, acting(ANNA), "Too late.")

    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_decision_drops_what_is_open_and_says_so(world: World) -> None:
    (request,) = await world.asked()
    answered = await ask(world, request)
    await world.domain.answering.answered(await begin(world, answered), "Yes.", [])
    await handed_over(world, request)
    asked = await ask(world, request, CARA)
    side = await begin(world, asked)
    await world.vote(request, BEN, Verdict.REJECT)
    await world.domain.answering.answered(side, "Too late.", [])
    await world.domain.answering.unanswered(side, "Too late.")
    found = (await world.records.view(request.id)).questions

    dropped = QuestionStatus.DROPPED
    assert [QuestionStatus.ANSWERED, dropped, dropped] == [each.status for each in found]
    assert "decided before" in found[1].why
    assert [] == await due(world)
    assert await sound(world)


async def test_cancelled_session_drops_its_questions(world: World) -> None:
    (request,) = await world.asked()
    await ask(world, request)
    await world.approvals.cancel(request.session_id, acting(ANNA))
    (question,) = (await world.records.view(request.id)).questions

    assert QuestionStatus.DROPPED is question.status
    assert await sound(world)


async def due(world: World) -> list[str]:
    now = world.clock.now()
    jobs = await world.store.read(lambda c: due_jobs(c, now, kinds=[ANSWER]))
    return [job.id for job in jobs]


async def test_one_server_at_a_time_has_it_answered(world: World) -> None:
    (request,) = await world.asked()
    question = await ask(world, request)
    assert [question.id] == await due(world)
    begun = await asyncio.gather(*(world.domain.answering.begin(question.id) for _ in range(3)))
    (side,) = filter(None, begun)
    assert [] == await due(world)

    world.clock.advance(LEASE.total_seconds())  # it was killed
    assert [question.id] == await due(world)
    second = await begin(world, question)
    with pytest.raises(ConflictError):
        await world.domain.answering.answered(side, "From the dead.", [])
    await world.domain.answering.answered(second, "Yes.", [])
    assert "Yes." == (await world.records.question(question.id)).answer


async def test_question_that_kills_servers_goes_to_a_person(world: World) -> None:
    (request,) = await world.asked()
    question = await ask(world, request)
    for _ in range(ATTEMPTS):
        await begin(world, question)
        world.clock.advance(LEASE.total_seconds())

    assert await world.domain.answering.begin(question.id) is None
    found = await world.records.question(question.id)
    assert (QuestionStatus.HANDED_OVER, "It was tried 3 times, and came to nothing.") == (
        found.status,
        found.why,
    )
    assert await world.domain.answering.begin("no question") is None
    assert await sound(world)


async def test_model_that_is_away_is_asked_again_but_not_for_ever(world: World) -> None:
    (request,) = await world.asked()
    question = await ask(world, request)
    for attempt in range(1, ATTEMPTS + 1):
        side = await begin(world, question)
        assert attempt == side.attempt
        await world.domain.answering.again(side, "The language model cannot be reached.")
        assert [] == await due(world)
        world.clock.advance(AGAIN / timedelta(seconds=1))

    found = await world.records.question(question.id)
    assert (QuestionStatus.HANDED_OVER, "The language model cannot be reached.") == (
        found.status,
        found.why,
    )


async def test_server_that_stops_leaves_it_to_another_one_at_once(world: World) -> None:
    (request,) = await world.asked()
    question = await ask(world, request)
    await world.domain.answering.release(await begin(world, question))

    assert [question.id] == await due(world)
    assert 1 == (await begin(world, question)).attempt


async def test_same_act_asks_and_answers_once(world: World) -> None:
    (request,) = await world.asked()
    act, questions = (
        ActKey(channel="jira", ticket_id="10001", act_id="comment-1"),
        world.approvals.questions,
    )
    first = await questions.ask(request.id, acting(BEN), WHY, act)
    assert first is not None
    assert await questions.ask(request.id, acting(BEN), WHY, act) is None
    refused = ActKey(channel="jira", ticket_id="10001", act_id="comment-2")
    with pytest.raises(NotAuthorisedError):
        await questions.ask(request.id, acting(ERIN), WHY, refused)
    assert await questions.ask(request.id, acting(ERIN), WHY, refused) is None

    assert 1 == len((await world.records.view(request.id)).questions)
    answered = act.model_copy(update={"act_id": "comment-3"})
    await world.domain.answering.unanswered(await begin(world, first), "It has no model.")
    assert await questions.answer(first.id, acting(ANNA), "Because.", answered) is not None
    assert await questions.answer(first.id, acting(ANNA), "Because.", answered) is None
    (told,) = (await world.records.view(request.id)).questions
    assert "Because." == told.answer


async def test_requester_who_is_gone_is_shown_nothing(world: World) -> None:
    (request,) = await world.asked()
    question = await ask(world, request)
    side = await begin(world, question)
    world.directory.remove("anna")
    await world.domain.answering.unanswered(side, "It has no model.")

    assert "person:anna" not in {d.target for d in await world.records.deliveries(request.id)}
    assert QuestionStatus.HANDED_OVER is (await world.records.question(question.id)).status


async def test_where_a_question_stands_in_words(world: World) -> None:
    (request,) = await world.asked()
    question = await ask(world, request)
    handed = question.model_copy(
        update={"status": QuestionStatus.HANDED_OVER, "why": "It has no model."}
    )
    await world.vote(request)
    (dropped,) = (await world.records.view(request.id)).questions

    assert "The agent is asked" in standing(question)
    assert standing(handed).endswith("It has no model.")
    assert "The request was decided before it was answered." == standing(dropped)
    assert "" == looked_up(question)
    assert "Looked up with look." == looked_up(question.model_copy(update={"calls": (LOOKED,)}))


async def test_question_is_for_the_revision_that_was_shown(world: World) -> None:
    world.change_rule("quote", RULES["tools"]["pay"])
    (request,) = await world.asked()
    question = await ask(world, request)
    changed = {**request.arguments, "amount": 90}
    revised = await world.vote(request, BEN, Verdict.MODIFY, arguments=changed)
    (shown,) = (await world.records.view(request.id)).questions

    assert 2 == revised.revision
    assert (1, QuestionStatus.OPEN) == (shown.revision, shown.status)
    assert question == shown


async def test_what_may_be_looked_up(world: World) -> None:
    rules = {
        **RULES,
        "reversibility": {"look": "read_only", "drop": "read_only", "quote": "read_only"},
    }
    world.use(rules)
    (request,) = await world.asked("wire")
    side = await begin(world, await ask(world, request))

    async def let_run(tool: str) -> Request | str:
        proposal = world.proposal(request.session_id, tool)
        return await world.domain.answering.let_run(side, proposal)

    allowed = await let_run("look")
    assert isinstance(allowed, Request)
    assert RequestStatus.APPROVED is allowed.status
    assert "read_only" in str(await let_run("wire"))
    assert "Never from an agent." in str(await let_run("drop"))
    assert isinstance(await let_run("quote"), str)  # read_only, but people would have to approve
    everything = PauseScope(kind=PauseKind.ALL)
    await world.approvals.pausing.pause(everything, "Incident.", acting(ROOT), {})
    assert "It is paused" in str(await let_run("look"))
    with pytest.raises(NotFoundError):
        await world.records.request(allowed.id)
