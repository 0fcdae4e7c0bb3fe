"""Whoever asked is told whom it waits for, who decided and why, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from countersign.approvals.forms import told
from countersign.approvals.models import (
    Cause,
    Conversation,
    Outcome,
    Principal,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.store.schema import notices
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, acting
from tests.doubles.world import QUOTE, RULES, THREAD, World


async def said(world: World) -> list[str]:
    """All that the thread was told, in order."""
    query = select(notices.c.text).order_by(notices.c.id)
    return list(await world.store.read(lambda c: c.execute(query).scalars().all()))


async def asked(world: World, *tools: Any) -> tuple[Request, ...]:
    return await world.submit(await world.begun(THREAD), *tools)


async def claimed(world: World, request: Request, **end: Any) -> None:
    """What was approved runs."""
    run = await world.begin(request.session_id)
    found = await world.runs.claim(run, request.id, request.arguments)
    if isinstance(found, Request) and found.status is RequestStatus.EXECUTING:
        await world.runs.finish(run, request.id, **end)


async def test_whom_it_waits_for_and_until_when(world: World) -> None:
    first, second = await asked(world, "quote", "wire")
    (both,) = await said(world)

    assert both == (
        f"Quote ({first.id}) waits for Ben or Cara, until 2026-03-02 10:00 UTC; if nobody decides "
        f"by then, it does not run.\n\nWire ({second.id}) waits for 2 of Ben, Cara and Dave."
    )


async def test_each_approval_of_several_and_who_is_next(world: World) -> None:
    (request,) = await asked(world, "pay")
    await world.vote(request, BEN, comment="Fine *by* me.")
    await world.vote(request, CARA)
    _, first, second = await said(world)

    assert first.startswith(
        f"Ben approved Pay ({request.id}) through Microsoft Teams. Comment: Fine &#42;by&#42; me."
        "\n\n"
        f"Pay ({request.id}) waits for Cara, until 2026-03-02 11:00 UTC"
    )
    assert f"Pay ({request.id}) waits for Dave" in second


async def test_a_rejection_with_its_reason(world: World) -> None:
    (request,) = await asked(world, "quote")
    await world.vote(request, BEN, Verdict.REJECT, comment="Too much.")

    assert (await said(world))[1:] == [
        f"**Rejected** by Ben through Microsoft Teams: Quote ({request.id}). It does not run. "
        "Reason: Too much."
    ]


async def test_what_was_approved_and_what_ran(world: World) -> None:
    (request,) = await asked(world, "quote")
    await world.vote(request, BEN)
    await claimed(world, request, ok=True, content="Quote 7")

    assert (await said(world))[1:] == [
        f"**Approved** by Ben through Microsoft Teams: Quote ({request.id}).",
        f"**Ran:** Quote ({request.id}). Result: Quote 7",
    ]


async def test_what_was_changed_and_that_it_failed(world: World) -> None:
    (request,) = await asked(world, "quote")
    changed = await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 90})
    await claimed(world, changed, ok=False, content="no stock")

    assert (await said(world))[1:] == [
        f"**Approved with changes** by Ben through Microsoft Teams: Quote ({request.id}), with "
        "amount 100 → 90.",
        f"**Failed:** Quote ({request.id}). Error: no stock",
    ]


async def test_that_nobody_decided_in_time(world: World) -> None:
    (request,) = await asked(world, "quote")
    world.clock.advance(timedelta(hours=1).total_seconds())
    await world.approvals.expire(request.id)

    assert (await said(world))[1:] == [
        f"**Expired:** Quote ({request.id}). Nobody decided in time. It does not run."
    ]


async def test_why_what_was_approved_does_not_run(world: World) -> None:
    (request,) = await asked(world, "quote")
    await world.vote(request, BEN)
    world.directory.set_roles("ben")
    await claimed(world, request)

    assert (await said(world))[-1].startswith(f"**Not run:** Quote ({request.id}). ")


async def test_what_a_rule_refuses_is_told_and_what_it_allows_is_not(world: World) -> None:
    run = await world.begun(THREAD)
    denied, allowed = await world.submit(run, "drop", "look")
    await world.runs.claim(run, allowed.id, allowed.arguments)
    await world.runs.finish(run, allowed.id, ok=True, content="seen")

    assert await said(world) == [f"**Not run:** Drop ({denied.id}). Never from an agent."]


def ask_managers(world: World) -> None:
    world.use({**RULES, "human_input": {"roles": ["owner", "manager"]}})


async def test_answers_of_others_are_told_and_ones_own_are_not(world: World) -> None:
    ask_managers(world)
    run = await world.begun(THREAD)
    one, two = await world.submit(
        run, world.question(run.session.id), world.question(run.session.id)
    )
    await world.vote(one, ANNA, comment="Go on.")
    await world.vote(two, BEN, comment="Stop.")
    first, *rest = await said(world)

    assert f"A question ({one.id}) waits for " in first
    assert rest == [
        f"**Answered** by Ben through Microsoft Teams: A question ({two.id}). Answer: Stop."
    ]


def stands(request: Request, *people: Principal) -> str:
    return told.stands(request, people).whole


async def test_how_a_request_stands(world: World) -> None:
    (request,) = await asked(world, "quote")
    approved = await world.vote(request, BEN)
    by = f"**Approved** by Ben through Microsoft Teams: Quote ({request.id})."
    doubt = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.IN_DOUBT, message="Look there.")

    def as_it_is(status: RequestStatus, result: Result | None = None) -> str:
        return stands(approved.model_copy(update={"status": status, "result": result}))

    assert stands(request, DAVE).startswith(f"Quote ({request.id}) waits for Dave")
    assert stands(request).startswith(
        f"Quote ({request.id}) waits and nobody may decide it now, until"
    )
    assert stands(approved) == f"{by} It has not ended yet."
    assert as_it_is(RequestStatus.IN_DOUBT, doubt) == (
        f"{by} **In doubt:** Quote ({request.id}). Look there."
    )
    assert as_it_is(RequestStatus.REJECTED, doubt) == by
    assert stands(request.model_copy(update={"status": RequestStatus.CANCELLED})) == (
        f"Quote ({request.id}): cancelled."
    )


async def test_a_list_says_of_each_until_when(world: World) -> None:
    quote, wire = await asked(world, "quote", "wire")

    assert told.listed([quote, wire]) == (
        "2 requests of low risk wait for your decision:\n\n"
        f"- Quote ({quote.id}), until 2026-03-02 10:00 UTC; if nobody decides by then, it does not "
        f"run\n- Wire ({wire.id})"
    )


async def test_a_revoked_approval_with_its_reason(world: World) -> None:
    (request,) = await asked(world, "quote")
    await world.vote(request, BEN)
    await world.approvals.revoke(request.id, acting(BEN), reason="Too *much*.", ask_again=False)

    assert (await said(world))[-1] == (
        f"**Approval revoked** by Ben through Microsoft Teams: Quote ({request.id}). It does not "
        "run. Reason: Too &#42;much&#42;."
    )


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (
            Verdict.APPROVE,
            "**Answered** by Ben through Microsoft Teams: A question (R-1). Answer: Go on.",
        ),
        (
            Verdict.REJECT,
            "**Ended** by Ben through Microsoft Teams: A question (R-1). Reason: Go on.",
        ),
    ],
)
async def test_how_a_question_was_decided(world: World, verdict: Verdict, words: str) -> None:
    ask_managers(world)
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))
    after = await world.vote(question, BEN, verdict, comment="Go on.")
    assert told.decided(after).whole == words.replace("R-1", question.id)
    world.clock.advance(10**6)
    late = question.model_copy(update={"expires_at": world.clock.now()})

    assert told.waits(late, (BEN,)).endswith("if nobody decides by then, the chat ends.")


async def test_an_edit_that_changes_nothing_to_be_seen_is_said_so(world: World) -> None:
    (request,) = await asked(world, "quote")
    changed = await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 90})
    same = changed.model_copy(update={"proposed_arguments": changed.arguments})

    assert "with other values." in told.decided(same).whole


async def test_where_others_read_along_only_the_state_is_told(world: World) -> None:
    await a_group_hears(world)
    run = await world.begun(THREAD)
    denied, quote, pay = await world.submit(run, "drop", "quote", "pay")
    edited = {**QUOTE, "amount": 98765}
    changed = await world.vote(quote, BEN, Verdict.MODIFY, arguments=edited, comment="Why.")
    await world.vote(pay, BEN, comment="Fine.")
    await world.vote(pay, CARA, comment="Good.")
    await world.vote(pay, DAVE, Verdict.REJECT, comment="Too much.")
    await claimed(world, changed, ok=False, content="no stock")
    everything = "\n".join(await said(world))

    assert f"**Not run:** Drop ({denied.id}).\n" in everything
    assert f"Ben approved Pay ({pay.id}) through Microsoft Teams." in everything
    assert f"by Dave through Microsoft Teams: Pay ({pay.id}). It does not run." in everything
    assert f"with changes** by Ben through Microsoft Teams: Quote ({quote.id})." in everything
    assert f"**Failed:** Quote ({quote.id})." in everything
    for secret in ("Why.", "Fine.", "Good.", "Too much.", "98765", "no stock", "Never"):
        assert secret not in everything


async def test_where_others_read_along_nothing_is_told_of_why_it_is_asked_again(
    world: World,
) -> None:
    await a_group_hears(world)
    (request,) = await asked(world, "quote")
    await world.vote(request, BEN)
    controllers = {"effect": "require_approval", "roles": ["controller"], "deadline": "1h"}
    world.change_rule("quote", controllers)
    await claimed(world, request)
    texts = await said(world)

    assert f"**Asked again:** Quote ({request.id})." in texts
    assert "has changed since" not in "\n".join(texts)


async def test_where_others_read_along_a_refusal_is_not_repeated(world: World) -> None:
    await a_group_hears(world)
    (request,) = await asked(world, "quote")
    await world.vote(request, BEN, Verdict.REJECT, comment="Too much.")
    run = await world.begin(request.session_id)
    (again,) = await world.submit(run, "quote")

    assert f"**Not asked again:** Quote ({again.id})." in await said(world)


async def a_group_hears(world: World) -> None:
    """The thread of these sessions is a group chat, and requests are decided elsewhere."""
    group = Conversation(
        key=THREAD,
        channel=world.channel.name,
        kind="group",
        principal_id=None,
        reference={},
        updated_at=world.clock.now(),
    )
    await world.conversations.save(group)
