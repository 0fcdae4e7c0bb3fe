"""Canaries: who is sent one, that nothing ever runs by it, and that its person is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.decisions.outbox import EXPIRE
from countersign.approvals.errors import (
    AlreadyDecidedError,
    IntegrityError,
    NotAuthorisedError,
)
from countersign.approvals.forms.canaries import is_canary
from countersign.approvals.models import (
    Canary,
    CanaryEnd,
    Cause,
    QuestionStatus,
    Request,
    RequestStatus,
    SessionStatus,
    Terms,
    Verdict,
)
from countersign.approvals.rules.canaries import drawn
from countersign.approvals.rules.oversight import CanaryFigures
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.oversight import newest
from countersign.approvals.store.schema import requests
from tests.approvals.decisions.test_rollouts import KEY
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ROOT, acting
from tests.doubles.world import World

EXAMPLE = {
    "name": "twice",
    "workflow": "sales",
    "tool": "quote",
    "arguments": {"customer": "Contoso", "amount": 1},
    "requester": "anna",
    "rationale": "They asked for the same again.",
    "expect": "reject",
    "because": "The customer has a quote already.",
}
QUOTE = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h"}


def policy(example: dict[str, Any] | None = None, **terms: Any) -> dict[str, Any]:
    more: dict[str, Any] = {
        name: terms.pop(name) for name in ("most_open", "budgets") if name in terms
    }
    rule: dict[str, Any] = {
        name: terms.pop(name) for name in ("stages", "grants", "deadline") if name in terms
    }
    asks = {**QUOTE, **rule}
    if "stages" in asks:
        del asks["roles"]
    canaries = {"every": "1h", "examples": [{**EXAMPLE, **(example or {})}], **terms}
    return {"tools": {"quote": {**asks, "canaries": canaries}, "look": "allow"}, **more}


def _taken(terms: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: terms.pop(name) for name in names if name in terms}


def begin(world: World, rules: dict[str, Any] | None = None, key: bytes | None = KEY) -> None:
    """Restart with canaries, as another process on the same store does."""
    world.use(policy() if rules is None else rules)
    world.domain = world.composed(handoff=world.handoff, sample_key=key)
    world.records, world.approvals = world.domain.records, world.domain.approvals
    world.runs = world.domain.runs


def until_drawn(world: World) -> None:
    """The next moment for which a canary is drawn."""
    terms = world.policy.tools["quote"].canaries
    assert terms is not None
    world.clock.advance(600)
    while drawn(KEY, "tools.quote", terms, world.clock.now()) is None:
        world.clock.advance(20)


async def waiting(world: World) -> list[Request]:
    """The canaries that wait."""
    found = await world.records.requests(status=RequestStatus.PENDING)
    return [each for each in found.items if each.canary is not None]


async def sent(world: World, rules: dict[str, Any] | None = None) -> Request:
    """A canary that waits, beside calls that are real."""
    begin(world, rules)
    (real,) = await world.asked()
    await world.vote(real)
    until_drawn(world)
    await world.domain.canaries.send()
    (request,) = await waiting(world)
    return request


def known(request: Request) -> Canary:
    assert request.canary is not None
    return request.canary


async def test_one_that_is_drawn_waits_like_any_other_request(world: World) -> None:
    (real,) = await world.asked()
    canary = await sent(world)
    view = await world.records.view(canary.id)
    (entry, proposed) = await world.records.ledger(canary.session_id)
    shown = canary.model_dump(mode="json")

    assert (RequestStatus.PENDING, "tools.quote", ANNA.id) == (
        canary.status, canary.rule_id, canary.requester,
    )  # fmt: skip
    assert (real.agent, real.executor, real.channels) == (
        canary.agent, canary.executor, canary.channels,
    )  # fmt: skip
    assert {BEN.id, CARA.id} == {each.id for each in view.eligible}
    assert SessionStatus.WAITING is view.session.status
    found = await world.records.deliveries(canary.id)
    assert ["person:ben", "person:cara"] == sorted(each.target for each in found)
    # Nothing that its people can read tells it from a real one.
    assert ("session_started", "proposed") == (entry.kind, proposed.kind)
    assert real.model_dump(mode="json").keys() == shown.keys()
    for text in (str(shown), repr(canary), str(entry.body), str(proposed.body)):
        assert "canar" not in text.lower()
        assert "twice" not in text
    assert (await world.records.verify(canary.session_id)).verified


@pytest.mark.parametrize(
    ("verdict", "end", "said"),
    [
        (Verdict.REJECT, CanaryEnd.CAUGHT, "Ben rejected it, and that was right."),
        (Verdict.APPROVE, CanaryEnd.MISSED, "Right would have been to reject it."),
        (Verdict.MODIFY, CanaryEnd.MISSED, "Ben approved it with changes. Right would have"),
    ],
)
async def test_the_first_answer_ends_it_and_its_person_is_told(
    world: World, verdict: Verdict, end: CanaryEnd, said: str
) -> None:
    canary = await sent(world)
    more = {"arguments": {"customer": "Contoso", "amount": 2}}
    after = await world.vote(canary, BEN, verdict, **(more if verdict is Verdict.MODIFY else {}))
    session = await world.records.session(canary.session_id)

    assert after.result is not None
    assert (RequestStatus.CANCELLED, Cause.CANARY, None) == (
        after.status, after.result.cause, after.decision,
    )  # fmt: skip
    assert is_canary(after)
    assert said in after.result.message
    assert "The customer has a quote already." in after.result.message
    assert (end, BEN.id, verdict.value) == (
        known(after).end, known(after).by, known(after).given,
    )  # fmt: skip
    assert after.arguments == canary.arguments
    assert (SessionStatus.COMPLETED, "canary") == (session.status, session.cause)
    assert ["session_started", "proposed", "voted", "canary_ended"] == await world.kinds(session.id)
    (told,) = (await world.records.ledger(session.id))[-1:]
    assert end.value == told.body["canary"]["end"]
    assert (await world.records.verify(session.id)).verified
    # Every place that shows it is brought up to date: the card, the ticket, the page.
    assert {"deliver"} == {job.kind for job in world.take() if job.id.startswith("D-")}
    # A second one is too late, whoever it is, by a card that is out of date.
    with pytest.raises(AlreadyDecidedError, match="cancelled"):
        await world.vote(canary, CARA)


async def test_it_never_runs(world: World) -> None:
    canary = await sent(world)
    with pytest.raises(IntegrityError, match="cannot go"):
        await world.unit(
            lambda unit: request_rows.replace(
                unit, (canary, canary.model_copy(update={"status": RequestStatus.APPROVED}))
            )
        )
    with pytest.raises(IntegrityError, match="is a test"):
        await world.unit(lambda unit: world.outbox.decided(unit, canary))
    assert await world.runs.begin(canary.session_id) is None
    await world.vote(canary, BEN)
    assert await world.runs.begin(canary.session_id) is None
    assert [] == [job for job in world.take() if job.kind == "run" and job.id == canary.session_id]


async def test_whoever_writes_the_database_does_not_make_it_run(world: World) -> None:
    canary = await sent(world)
    forged = update(requests).where(requests.c.id == canary.id).values(status="approved")
    await world.store.write(lambda connection: connection.execute(forged))
    await world.unit(lambda unit: session_rows.wake(unit, canary.session_id))
    run = await world.begin(canary.session_id)

    with pytest.raises(IntegrityError, match="it never runs"):
        await world.runs.claim(run, canary.id, canary.arguments)


async def test_a_yes_to_later_calls_is_none(world: World) -> None:
    canary = await sent(world, policy(grants={"max_uses": 5, "max_duration": "1h"}))
    after = await world.vote(canary, BEN, grant=Terms(uses=2))

    assert CanaryEnd.MISSED is known(after).end
    assert [] == list(await world.records.grants())


async def test_of_a_quorum_the_first_answer_is_enough(world: World) -> None:
    canary = await sent(world, policy(stages=[{"roles": ["manager"], "quorum": 2}]))

    assert CanaryEnd.CAUGHT is known(await world.vote(canary, BEN, Verdict.REJECT)).end


async def test_whoever_may_not_decide_it_does_not_answer_it(world: World) -> None:
    canary = await sent(world)
    for person in (ANNA, DAVE):
        with pytest.raises(NotAuthorisedError):
            await world.vote(canary, person)
    assert RequestStatus.PENDING is (await world.now(canary)).status


async def test_a_question_ends_it_too(world: World) -> None:
    canary = await sent(world)
    question = await world.approvals.questions.ask(canary.id, acting(BEN), "Why twice?")
    after, view = await world.now(canary), await world.records.view(canary.id)

    assert question is not None
    assert (CanaryEnd.ASKED, BEN.id, None) == (
        known(after).end, known(after).by, known(after).given,
    )  # fmt: skip
    assert after.result is not None
    assert "Ben asked before deciding. Right would have been to reject it." in after.result.message
    assert [QuestionStatus.DROPPED] == [each.status for each in view.questions]
    assert [] == [job for job in world.take() if job.kind == "answer"]
    assert (await world.records.verify(canary.session_id)).verified


async def test_nobody_answers(world: World) -> None:
    canary = await sent(world)
    world.clock.advance(3601)
    await world.approvals.expire(canary.id)
    await world.approvals.expire(canary.id)
    after = await world.now(canary)

    assert (RequestStatus.CANCELLED, CanaryEnd.UNANSWERED) == (after.status, known(after).end)
    assert after.result is not None
    assert "Nobody answered it in time." in after.result.message
    found = await world.records.oversight.report(ROOT)
    assert (0, 0, 1) == (
        found.total.canaries.caught, found.total.canaries.missed, found.total.canaries.unanswered,
    )  # fmt: skip
    assert "cara" not in {each.id for each in found.people}
    assert [] == [job for job in world.take() if job.kind == "run" and job.id == canary.session_id]


async def test_an_answer_after_the_deadline_is_none(world: World) -> None:
    canary = await sent(world)
    world.clock.advance(3601)
    with pytest.raises(AlreadyDecidedError, match="cancelled"):
        await world.vote(canary, BEN)
    assert CanaryEnd.UNANSWERED is known(await world.now(canary)).end
    assert EXPIRE not in {job.kind for job in world.take()}


async def test_it_is_in_no_figure_but_its_own(world: World) -> None:
    begin(world)
    for verdict in (Verdict.REJECT, Verdict.APPROVE):
        (real,) = await world.asked()
        await world.vote(real, CARA)
        until_drawn(world)
        world.clock.advance(40 * 86400 if verdict is Verdict.APPROVE else 0)
        (real,) = await world.asked()
        until_drawn(world)
        await world.domain.canaries.send()
        (canary,) = await waiting(world)
        await world.vote(canary, BEN, verdict)
    world.clock.advance(1)
    since = world.clock.now() - timedelta(days=100)
    found = await world.records.oversight.report(ROOT, since)
    people = {each.id: each for each in found.people}
    rule = {each.id: each for each in found.rules}["tools.quote"]
    looked, _ = await world.store.read(lambda c: newest(c, since, world.clock.now(), most=100))

    both = CanaryFigures(caught=1, missed=1, low=0.0945, high=0.9055)
    assert both == people["ben"].canaries == rule.canaries == found.total.canaries
    assert (0, 2) == (people["ben"].votes, people["cara"].votes)
    assert CanaryFigures() == people["cara"].canaries
    assert 4 == found.requests == len(looked)
    assert ["S-"] * 4 == [each.id[:2] for each in (await world.records.sessions()).items]


async def test_decided_together_it_ends_as_well(world: World) -> None:
    canary = await sent(world)
    shown, ben = {canary.id: canary.digest}, acting(BEN)
    done = await world.approvals.vote_together(
        shown, ben, verdict=Verdict.REJECT, comment="No.", leave=False
    )

    assert [CanaryEnd.CAUGHT] == [known(each).end for each in done.requests]
    assert (await world.records.verify(canary.session_id)).verified
