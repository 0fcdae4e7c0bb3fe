"""The story of a session is rebuilt from its ledger alone."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import LookUp, Request, SessionId, Verdict
from countersign.approvals.store import schema
from countersign.approvals.store.replaying import replay
from countersign.bot.audit.story_lines import lines
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, acting
from tests.doubles.replayed import differing, replayed
from tests.doubles.world import QUOTE, World

pytestmark = pytest.mark.asyncio
LONG = "A reason of more than sixty-four characters, of which rows hold the hash only." * 4


async def told(world: World) -> tuple[SessionId, list[Request]]:
    """A session with a question, an edit, a vote that is taken back, a doubt and a refusal."""
    run = await world.begun()
    proposed = (world.proposal(run.session.id, "quote", rationale=LONG), "pay", "wire")
    quote, pay, wire = await world.submit(run, *proposed)
    for delivery in await world.records.deliveries(quote.id):
        await world.courier.deliver(delivery.id)
    for who, text in ((BEN, f"Why? {LONG}"), (CARA, "For whom?")):
        question = await world.approvals.questions.ask(quote.id, acting(who), text)
        assert question is not None
        side = await world.domain.answering.begin(question.id)
        assert side is not None
        looked = (LookUp(tool="look", arguments={"name": "Contoso"}, ran=True, text=LONG),)
        if who is BEN:
            await world.domain.answering.unanswered(side, f"It cannot. {LONG}", looked)
            await world.approvals.questions.answer(question.id, acting(ANNA), f"Because. {LONG}")
        else:
            await world.domain.answering.answered(side, "For Contoso.", looked)
    edited = {"arguments": {**QUOTE, "amount": 90}, "comment": LONG}
    await world.vote(await world.now(quote), BEN, Verdict.MODIFY, **edited)
    await world.vote(pay, BEN)
    await world.approvals.withdraw(pay.id, acting(BEN))
    await world.vote(await world.now(pay), CARA, Verdict.REJECT, comment=LONG)
    await world.vote(wire, CARA)
    await world.vote(await world.now(wire), DAVE, comment="Fine.")
    run = await world.begin(run.session.id)
    for request in run.batch:
        await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, quote.id, ok=True, content=f"Q-1 {LONG}")
    await world.runs.raised(run, wire.id, content="boom")
    await world.approvals.resolve(wire.id, acting(BEN), happened=True, note=LONG)
    await world.runs.fail(run, error=f"No model. {LONG}")
    return run.session.id, [quote, pay, wire]


async def test_a_session_is_rebuilt_from_its_ledger_alone(world: World) -> None:
    session_id, requests = await told(world)
    trail = AuditTrail(world.store, world.records)
    found, verification = await trail.replay(session_id)

    assert verification.verified
    assert [] == await world.store.read(lambda c: differing(c, session_id))
    quote, pay, wire = found.requests
    assert [request.id for request in requests] == [quote["id"], pay["id"], wire["id"]]
    assert [QUOTE, {**QUOTE, "amount": 90}] == [each["arguments"] for each in quote["revisions"]]
    assert [("ben", LONG)] == [(each["principal_id"], each["comment"]) for each in quote["votes"]]
    assert ["answered", "answered"] == [each["status"] for each in quote["questions"]]
    assert ("executed_with_changes", f"Q-1 {LONG}") == (
        quote["outcome"]["outcome"],
        quote["outcome"]["content"],
    )
    assert ("reject", "cara") == (pay["decision"]["verdict"], pay["decision"]["by"])
    assert ["reject"] == [each["verdict"] for each in pay["votes"]]
    assert (True, LONG) == (wire["outcome"]["happened"], wire["outcome"]["note"])
    text = "\n".join(lines(found))
    for words in ("Why? A reason", "For Contoso.", "amount: 90", "decided: reject by cara",
                  "vote_withdrawn pay", "doubt_settled wire", "No model. A reason"):  # fmt: skip
        assert words in text


async def test_a_row_that_was_changed_changes_nothing_of_the_story(world: World) -> None:
    (request,) = await world.asked()
    forged = update(schema.requests).values(status="approved", tool="pay")
    await world.store.write(lambda c: c.execute(forged))
    found = await world.store.read(lambda c: replayed(c, request.session_id))
    _, verification = await AuditTrail(world.store, world.records).replay(request.session_id)

    assert ("pending", "quote") == (found.requests[0]["status"], found.requests[0]["tool"])
    assert not verification.verified
    assert [] != await world.store.read(lambda c: differing(c, request.session_id))


async def test_what_was_erased_is_missing_and_said(world: World) -> None:
    (request,) = await world.asked()
    entries = await world.records.ledger(request.session_id)
    bare = [entries[0], entries[1].model_copy(update={"body": {}, "salt": ""})]
    found = replay(bare)

    assert (1, ()) == (found.erased, found.requests)
    assert "proposed: erased" in "\n".join(lines(found))
    with pytest.raises(NotFoundError):
        await AuditTrail(world.store, world.records).replay("S-NONE")
    assert (replay([]).session, replay([]).story) == ({"id": ""}, ())
