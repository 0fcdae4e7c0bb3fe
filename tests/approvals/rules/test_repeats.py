"""The same call twice in a session: said where it is asked, and a person's no stands."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from countersign.approvals.models import (
    Cause,
    Outcome,
    Request,
    RequestStatus,
    Result,
    SameCall,
    Verdict,
)
from countersign.approvals.rules.repeats import in_sentence
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import notices
from tests.doubles.directory import BEN
from tests.doubles.world import QUOTE, RULES, THREAD, World

NO = "INV-7 was paid already."
LOOSE = {**RULES["tools"]["quote"], "after_rejection": "ask"}


async def next_of(world: World, run: Run, *proposals: Any) -> tuple[Run, tuple[Request, ...]]:
    """What the agents propose once the session goes on."""
    again = await world.begin(run.session.id)
    return again, await world.submit(again, *proposals)


async def rejected(world: World, tool: str = "quote") -> tuple[Run, Request]:
    """A session whose one request Ben has refused."""
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, tool)
    return run, await world.vote(request, BEN, Verdict.REJECT, comment=NO)


def sentences(request: Request) -> list[str]:
    return [in_sentence(same) for same in request.same_calls]


async def test_two_of_one_message_say_so(world: World) -> None:
    run = await world.begun()
    other = world.proposal(run.session.id, "quote", {"amount": 100.0, "customer": "Contoso"})
    different = world.proposal(run.session.id, "quote", {**QUOTE, "amount": 101})
    one, two, three = await world.submit(run, "quote", other, different)
    stored = [await world.now(request) for request in (one, two, three)]

    assert [[two.id], [one.id], []] == [[s.request_id for s in r.same_calls] for r in stored]
    assert ["The same call is also proposed beside this one."] == sentences(one)
    assert (await world.records.verify(run.session.id)).verified


async def test_what_ran_is_said_with_who_approved_it_and_when(world: World) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=True, content="Q-1")
    (again,) = await world.submit(run, "quote")
    when = f"{request.decision.at:%Y-%m-%d %H:%M} UTC" if request.decision else ""

    assert RequestStatus.PENDING is again.status
    assert [f"The same call was carried out already, approved by Ben on {when}."] == (
        sentences(again)
    )


async def test_what_a_rule_allowed_is_no_reason_to_say_anything(world: World) -> None:
    """Nobody is asked of it, so nobody reads it; and what a rule forbade is no call."""
    run = await world.begun()
    one, two, three = await world.submit(run, "look", "look", "drop")
    (asked,) = await world.submit(run, "quote")

    assert [(), (), (), ()] == [r.same_calls for r in (one, two, three, asked)]


async def test_rejected_call_is_answered_by_that_rejection(world: World) -> None:
    run, first = await rejected(world)
    _, (second, other) = await next_of(
        world, run, "quote", world.proposal(run.session.id, "quote", {**QUOTE, "amount": 1})
    )
    said = await world.store.read(lambda c: [row[0] for row in c.execute(select(notices.c.text))])

    assert isinstance(second.result, Result)
    assert (RequestStatus.REJECTED, Outcome.NOT_EXECUTED, Cause.REJECTED, False) == (
        second.status,
        second.result.outcome,
        second.result.cause,
        second.result.retry,
    )
    assert f"Ben has rejected this very call before ({first.id}): {NO}" in second.result.message
    assert RequestStatus.PENDING is other.status
    assert [] == list(await world.records.deliveries(second.id))
    assert any(text.startswith(f"**Not asked again:** Quote ({second.id}). Ben") for text in said)
    proposed = [e for e in await world.records.ledger(run.session.id) if e.kind == "proposed"]
    assert ["require_approval", "deny", "require_approval"] == [e.body["effect"] for e in proposed]
    assert NO in proposed[1].body["reason"]


async def test_it_is_answered_however_often(world: World) -> None:
    run, first = await rejected(world)
    again, (second,) = await next_of(world, run, "quote")
    (third,) = await world.submit(again, "quote")

    assert third.result is not None
    assert first.id in third.result.message
    assert second.id not in third.result.message


async def test_it_is_asked_again_where_the_rule_says_so(world: World) -> None:
    world.change_rule("quote", LOOSE)
    run, first = await rejected(world)
    _, (second,) = await next_of(world, run, "quote")

    assert RequestStatus.PENDING is second.status
    assert [first.id] == [same.request_id for same in second.same_calls]
    (said,) = sentences(second)
    assert said.startswith("The same call was rejected by Ben on ")
    assert said.endswith(f" UTC: {NO}")


async def test_another_call_of_the_tool_is_asked(world: World) -> None:
    run, _ = await rejected(world)
    changed = world.proposal(run.session.id, "quote", {**QUOTE, "amount": 99})
    _, (second,) = await next_of(world, run, changed)

    assert (RequestStatus.PENDING, ()) == (second.status, second.same_calls)


async def test_a_rejection_in_another_session_says_nothing_here(world: World) -> None:
    await rejected(world)
    (request,) = await world.asked()

    assert (RequestStatus.PENDING, ()) == (request.status, request.same_calls)


async def test_what_a_person_changed_is_known_by_what_the_agent_proposed(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})
    _, (again,) = await next_of(world, run, "quote")
    (said,) = sentences(again)

    assert "was approved by Ben and has not run yet, with changed arguments" in said


async def test_changed_arguments_are_another_call(world: World) -> None:
    run = await world.begun()
    one, _ = await world.submit(run, "pay", "pay")
    revised = await world.vote(one, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})

    assert (RequestStatus.PENDING, ()) == (revised.status, revised.same_calls)


async def test_only_the_newest_few_are_told(world: World) -> None:
    run = await world.begun()
    asked = await world.submit(run, *["quote"] * 9)

    assert [r.id for r in asked[-5:]] == [same.request_id for same in asked[0].same_calls]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (RequestStatus.EXPIRED, "was asked before, and nobody decided in time on 2026"),
        (RequestStatus.CANCELLED, "was asked before, and not carried out on 2026"),
        (RequestStatus.IN_DOUBT, "was approved by a rule, and whether it took effect is in doubt"),
    ],
)
def test_every_state_has_its_words(status: RequestStatus, words: str) -> None:
    at = "2026-03-02T09:00:00Z"
    same = SameCall.model_validate({"request_id": "R-1", "status": status, "at": at})

    assert words in in_sentence(same)


async def test_an_edit_into_a_call_that_ran_is_told_to_the_next_stage(world: World) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=True, content="Q-1")
    ask = {
        "effect": "require_approval",
        "stages": [{"roles": ["manager"]}, {"roles": ["controller"]}],
    }
    world.change_rule("quote", ask)
    (second,) = await world.submit(
        run, world.proposal(run.session.id, "quote", {**QUOTE, "amount": 90})
    )
    edited = await world.vote(second, BEN, Verdict.MODIFY, arguments=QUOTE)

    assert (RequestStatus.PENDING, 1) == (edited.status, edited.stage)
    assert [request.id] == [same.request_id for same in edited.same_calls]
