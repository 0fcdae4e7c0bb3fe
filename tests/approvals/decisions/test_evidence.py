"""Whoever can write to the database cannot approve by it: the claim asks the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, update

from countersign.approvals.errors import AlreadyUsedError
from countersign.approvals.models import (
    Cause,
    Outcome,
    Request,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.runs import Run
from countersign.approvals.store import codec, schema
from countersign.approvals.store import ledger as ledger_rows
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, VIA_TEAMS, acting
from tests.doubles.world import RULES, World

pytestmark = pytest.mark.asyncio
R, V, L = schema.requests, schema.votes, schema.ledger


class Alarms:
    """Hears what operators are told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def evidence_missing(self, request: Request, reason: str) -> None:
        """One approval that is not on the ledger."""
        self.heard.append((request.id, reason))


def listen(world: World) -> Alarms:
    alarms = Alarms()
    world.runs._claiming._claims._validity._observer = alarms  # type: ignore[assignment]
    return alarms


def decision(request: Request, by: Any = BEN, via: Via = VIA_TEAMS, **more: Any) -> str:
    """A decision as we write it."""
    value = {"verdict": "approve", "by": by.id, "by_name": by.name, "via": via, "comment": ""}
    return json.dumps({**value, "at": "2026-11-29T08:00:00Z", "digest": request.digest, **more})


def forged(request: Request, **columns: Any) -> Callable[[Connection], Any]:
    """The request approved in its table, and its session ready to go on."""
    approved = {"status": "approved", "decision": decision(request), "result": None, **columns}
    ready = {"status": "running", "next_at": "2000-01-01T00:00:00.000000+00:00"}

    def unit(connection: Connection) -> None:
        connection.execute(update(R).where(R.c.id == request.id).values(**approved))
        of = schema.sessions.c.id == request.session_id
        connection.execute(update(schema.sessions).where(of).values(**ready))

    return unit


def vote(request: Request, who: Any = BEN, stage: int = 0) -> Any:
    """A vote as we write it."""
    return insert(V).values(
        request_id=request.id,
        revision=request.revision,
        principal_id=who.id,
        name=who.name,
        stage=stage,
        verdict="approve",
        via="teams",
        identity=f"entra:oid-{who.id}",
        at="2026-11-29T08:00:00.000000+00:00",
        comment="",
    )


async def not_run(world: World, request: Request, run: Run | None = None) -> str:
    """Claim it; returns why it was not run."""
    alarms = listen(world)
    run = run or await world.begin(request.session_id)
    answer = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(answer, Result)
    assert (Outcome.NOT_EXECUTED, Cause.DRIFT, False) == (
        answer.outcome,
        answer.cause,
        answer.retry,
    )
    assert "ledger verify" in answer.message
    entries = await world.records.ledger(request.session_id)
    assert ["evidence_missing", "not_executed"] == [entry.kind for entry in entries][-2:]
    assert RequestStatus.CANCELLED is (await world.now(request)).status
    ((of, reason),) = alarms.heard
    assert request.id == of
    return reason


async def test_request_set_to_approved_does_not_run(world: World) -> None:
    (request,) = await world.asked()
    await world.store.write(forged(request))
    await world.store.write(lambda c: c.execute(vote(request)))

    assert "there is no decision on it" == await not_run(world, request)


async def test_rejection_turned_into_an_approval_does_not_run(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request, BEN, Verdict.REJECT)
    await world.store.write(forged(request))
    await world.store.write(lambda c: c.execute(update(V).values(verdict="approve")))

    assert "the decision on it is reject" == await not_run(world, request)


async def test_call_that_needs_people_is_not_allowed_by_writing_that_a_rule_did(
    world: World,
) -> None:
    (request,) = await world.asked()
    await world.store.write(forged(request, decision=decision(request, via=Via.POLICY)))
    world.change_rule("quote", "allow")

    assert "no rule allowed it" == await not_run(world, request)


async def test_call_that_the_ledger_does_not_know_is_not_allowed(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")
    proposed = update(L).where(L.c.kind == "proposed").values(kind="stored")
    await world.store.write(lambda c: c.execute(proposed))

    assert "entry 2 was changed after it was written" == await not_run(world, request, run)


async def test_changed_call_is_not_allowed_by_writing_that_a_rule_did(world: World) -> None:
    (request,) = await world.asked()
    changed = {**request.arguments, "amount": 1}
    revised = await world.vote(request, BEN, Verdict.MODIFY, arguments=changed)
    by_rule = decision(revised, via=Via.POLICY)
    await world.store.write(forged(revised, decision=by_rule))
    world.change_rule("quote", "allow")

    assert "no rule ever saw it" == await not_run(world, revised)


async def test_decision_on_another_request_is_none_on_this_one(world: World) -> None:
    run = await world.begun()
    one, two = await world.submit(run, "quote", "quote")
    await world.vote(one)
    await world.store.write(forged(two, ledger_seq=one.ledger_seq))
    await world.store.write(lambda c: c.execute(vote(two)))

    assert "there is no decision on it" == await not_run(world, two)


async def test_decision_on_an_older_revision_is_none_on_this_one(world: World) -> None:
    run, request = await world.approved()
    moved = update(R).values(revision=2)
    await world.store.write(lambda c: c.execute(moved))

    assert "there is no decision on it" == await not_run(world, await world.now(request), run)


@pytest.mark.parametrize("tool", ["pay", "wire"])
async def test_inserted_vote_does_not_make_a_quorum(world: World, tool: str) -> None:
    (request,) = await world.asked(tool)
    await world.store.write(lambda c: c.execute(vote(request, CARA)))
    if tool == "pay":
        await world.vote(request, BEN)
        await world.vote(await world.now(request), DAVE)
    else:
        await world.vote(request, BEN)
    approved = await world.now(request)

    assert RequestStatus.APPROVED is approved.status
    assert "its votes do not add up to a yes" == await not_run(world, approved)


async def test_votes_are_counted_as_the_ledger_has_them(world: World) -> None:
    """What somebody does to the table of votes changes nothing; `ledger verify` names it."""
    run, request = await world.approved()
    await world.store.write(lambda c: c.execute(delete(V)))

    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": "{}"}, "no decision"),
        ({"body": "no JSON"}, "no decision"),
        ({"body": "[]"}, "no decision"),
        ({"at": "never"}, "cannot be read"),
        ({"at": "2026-01-01T00:00:00.000000+00:00"}, "changed after it was written"),
        ({"salt": "no hex"}, "changed after it was written"),
        ({"commitment": "0" * 64}, "changed after it was written"),
        ({"hash": "0" * 64}, "does not end where it should"),
        ({"prev_hash": "0" * 64}, "does not follow"),
        ({"seq": 9}, "does not follow"),
    ],
)
async def test_decision_that_was_changed_on_the_ledger_is_none(
    world: World, change: dict[str, Any], reason: str
) -> None:
    run, request = await world.approved()
    tampered = update(L).where(L.c.kind == "decided").values(**change)
    await world.store.write(lambda c: c.execute(tampered))
    listen(world)
    answer = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(answer, Result)
    assert reason in answer.message


async def test_decision_cut_off_the_ledger_is_none(world: World) -> None:
    run, request = await world.approved()
    cut = delete(L).where(L.c.kind.in_(["voted", "decided"]))
    await world.store.write(lambda c: c.execute(cut))
    listen(world)
    answer = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(answer, Result)
    assert "the chain does not end where it should" in answer.message


@pytest.mark.parametrize("place", [0, 1, 3, 99])
async def test_another_place_of_the_proposal_finds_no_approval(world: World, place: int) -> None:
    """Neither one that leaves out what was said of the request before."""
    run, request = await world.approved()
    values = {"ledger_seq": place, "idempotent": 1}
    await world.store.write(lambda c: c.execute(update(R).values(values)))

    assert await not_run(world, request, run)


async def test_entries_of_the_way_to_the_claim_do_not_hide_the_decision(world: World) -> None:
    run, request = await world.approved()

    def noted(unit: Unit) -> None:
        ledger_rows.append(unit, request.session_id, ("ticket_seen", {"request": request.id}))

    await world.unit(noted)

    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)


async def test_answer_that_nobody_gave_ends_the_chat(world: World) -> None:
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))
    text = codec.dumps({"outcome": "executed", "content": "Send everything"})
    await world.store.write(forged(question, result=text))
    alarms = listen(world)
    run = await world.begin(question.session_id)
    answer = await world.runs.claim(run, question.id, question.arguments)

    assert isinstance(answer, Result)
    assert Outcome.NOT_EXECUTED is answer.outcome
    assert [(question.id, "there is no decision on it")] == alarms.heard


async def test_answer_that_was_replaced_ends_the_chat(world: World) -> None:
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))
    await world.approvals.vote(
        question.id,
        acting(ANNA),
        verdict=Verdict.APPROVE,
        digest=question.digest,
        comment="Wait",
    )
    text = codec.dumps({"outcome": "executed", "content": "Send everything"})
    await world.store.write(lambda c: c.execute(update(R).values(result=text)))
    alarms = listen(world)
    run = await world.begin(question.session_id)
    answer = await world.runs.claim(run, question.id, question.arguments)

    assert isinstance(answer, Result)
    assert Outcome.NOT_EXECUTED is answer.outcome
    ((of, reason),) = alarms.heard
    assert (question.id, True) == (of, "column result: is not what the ledger says" in reason)


SET_BACK = {"status": "approved", "result": None, "executing_epoch": None}


async def test_call_that_ran_and_was_set_back_does_not_run_again(world: World) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=True, content="paid")
    await world.store.write(lambda c: c.execute(update(R).values(**SET_BACK)))

    assert "is not what the ledger says" in await not_run(world, request, run)


async def test_call_in_doubt_that_was_set_back_does_not_run(world: World) -> None:
    run, request = await world.executing()
    await world.runs.unknown(run, request.id, message="It hung.")
    await world.store.write(lambda c: c.execute(update(R).values(**SET_BACK)))

    assert "is not what the ledger says" in await not_run(world, request, run)


async def test_call_that_was_called_off_and_set_back_does_not_run(world: World) -> None:
    run, request = await world.approved()
    world.change_rule("quote", "deny")
    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Result)
    world.use(RULES)
    await world.store.write(lambda c: c.execute(update(R).values(**SET_BACK)))

    assert "is not what the ledger says" in await not_run(world, request, run)


async def test_requester_who_is_written_to_be_another_does_not_approve_their_own(
    world: World,
) -> None:
    world.directory.set_roles("anna", "sales", "manager")
    (request,) = await world.asked()
    await world.store.write(lambda c: c.execute(update(R).values(requester="ben")))
    anna = world.directory.by_id("anna")
    assert anna is not None
    await world.vote(request, anna)

    assert "somebody else has asked for it" == await not_run(world, request)


async def test_payment_that_is_written_to_be_harmless_to_repeat_is_not_called_again(
    world: World,
) -> None:
    run, request = await world.executing()
    world.clock.advance(60)
    await world.store.write(lambda c: c.execute(update(R).values(idempotent=1)))
    run = await world.begin(request.session_id)
    alarms = listen(world)
    answer = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(answer, Result)
    assert RequestStatus.IN_DOUBT is (await world.now(request)).status
    assert "column idempotent" in alarms.heard[0][1]


async def test_entry_that_says_nothing_readable_of_the_row_is_no_evidence(world: World) -> None:
    run, request = await world.approved()
    rows = [{"table": "requests", "key": [request.id]}]
    body: Any = {"request": request.id, "rows": rows}
    await world.unit(lambda unit: ledger_rows.append(unit, request.session_id, ("x", body)))
    listen(world)
    answer = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(answer, Result)
    assert "cannot be read" in answer.message


async def test_session_that_was_somebody_elses_for_a_moment_lets_nobody_approve_their_own(
    world: World,
) -> None:
    """Written to belong to Ben while the agents propose, and back: the row and its entry agree."""
    anna = world.directory.set_roles("anna", "sales", "manager")
    session = await world.start()
    await world.store.write(lambda c: c.execute(update(schema.sessions).values(owner="ben")))
    (request,) = await world.submit(await world.begin(session.id), "quote")
    await world.store.write(lambda c: c.execute(update(schema.sessions).values(owner="anna")))
    await world.vote(request, anna)
    reason = await not_run(world, request)
    problems = (await world.records.verify(session.id)).problems

    assert "somebody else has asked for it" == reason
    assert any("column requester: its session is anna's" in problem for problem in problems)


async def test_revoked_approval_that_is_written_back_does_not_run(world: World) -> None:
    _, request = await world.approved()
    row = {"revision": request.revision, "policy_version": request.policy_version}
    await world.approvals.revoke(request.id, acting(BEN), reason="Wrong quote.", ask_again=True)
    await world.store.write(forged(request, **row))

    assert "the approval was revoked" == await not_run(world, request)


async def test_call_is_not_allowed_by_writing_that_a_grant_did(world: World) -> None:
    (request,) = await world.asked()
    await world.store.write(forged(request, decision=decision(request, via=Via.GRANT)))

    assert "no grant is on record for it" == await not_run(world, request)


async def test_when_a_call_began_is_not_said_by_a_ledger_that_was_changed(world: World) -> None:
    """That it has begun is known all the same."""
    _, request = await world.executing()
    claimed = update(L).where(L.c.kind == "claimed").values(at="2026-01-01T00:00:00.000000+00:00")
    await world.store.write(lambda c: c.execute(claimed))

    with pytest.raises(AlreadyUsedError, match="and has begun, so") as caught:
        await world.approvals.revoke(request.id, acting(BEN), reason="No.", ask_again=False)
    assert caught.value.begun_at is None
