"""One person's vote: what it changes, and why it counts for nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ExpiredError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
    TooManyRefusalsError,
)
from countersign.approvals.models import (
    Cause,
    Outcome,
    RequestId,
    RequestStatus,
    SessionStatus,
    Verdict,
    Via,
)
from countersign.approvals.ports import Job
from countersign.approvals.store import schema
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT, STRANGER, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
EDITED = {"customer": "Contoso", "amount": 90}


async def test_approval_decides_and_wakes_the_session(world: World) -> None:
    (request,) = await world.asked()
    world.take()
    approved = await world.vote(request, BEN, comment=" Fine. ")
    decision, session = approved.decision, await world.records.session(request.session_id)

    assert decision is not None
    assert (RequestStatus.APPROVED, SessionStatus.RUNNING) == (approved.status, session.status)
    assert (Verdict.APPROVE, "ben", "Ben", Via("teams"), world.clock.now(), "Fine.") == (
        decision.verdict,
        decision.by,
        decision.by_name,
        decision.via,
        decision.at,
        decision.comment,
    )
    assert request.digest == decision.digest
    assert Job(kind="run", id=request.session_id) in world.take()
    assert approved == await world.now(request)


async def test_rejection_tells_the_agents_why(world: World) -> None:
    (request,) = await world.asked()
    rejected = await world.vote(request, BEN, Verdict.REJECT, comment="Too much.")
    result = rejected.result

    assert result is not None
    assert RequestStatus.REJECTED is rejected.status
    assert (Outcome.NOT_EXECUTED, Cause.REJECTED, "Too much.", True) == (
        result.outcome,
        result.cause,
        result.message,
        result.retry,
    )


@pytest.mark.parametrize("who", [ANNA, DAVE, ERIN, ROOT])
async def test_refused_vote_changes_nothing_and_is_on_the_ledger(world: World, who: Any) -> None:
    (request,) = await world.asked()

    with pytest.raises(NotAuthorisedError):
        await world.vote(request, who)

    entry = (await world.records.ledger(request.session_id))[-1]
    assert request == await world.now(request)
    assert [] == await world.records.votes(request.id)
    assert ("vote_refused", who.id, f"entra:oid-{who.id}", "approve") == (
        entry.kind,
        entry.body["by"],
        entry.body["identity"],
        entry.body["verdict"],
    )


async def test_stranger_is_refused_and_on_the_ledger(world: World) -> None:
    (request,) = await world.asked()

    with pytest.raises(NotAuthorisedError, match="not known here"):
        await world.approvals.vote(
            request.id, STRANGER, verdict=Verdict.APPROVE, digest=request.digest
        )

    entry = (await world.records.ledger(request.session_id))[-1]
    assert ("vote_refused", None, "entra:oid-nobody") == (
        entry.kind,
        entry.body["by"],
        entry.body["identity"],
    )


async def test_second_vote_is_refused_through_whatever_channel(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request, BEN)

    with pytest.raises(NotAuthorisedError, match="already voted"):
        await world.approvals.vote(
            request.id, acting(BEN, Via.API), verdict=Verdict.APPROVE, digest=request.digest
        )


async def test_vote_that_comes_late_learns_who_decided(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request, BEN, Verdict.REJECT)

    with pytest.raises(AlreadyDecidedError) as caught:
        await world.vote(request, CARA)

    when = re.escape(f"{world.clock.now():%Y-%m-%d %H:%M:%S UTC}")
    assert re.search(f"reject by Ben at {when} through teams", str(caught.value))
    assert RequestStatus.REJECTED is caught.value.status


@pytest.mark.parametrize("digest", ["", "0" * 64])
async def test_vote_on_another_digest_does_not_count(world: World, digest: str) -> None:
    (request,) = await world.asked()

    with pytest.raises(StaleDigestError, match="Look at it again"):
        await world.vote(request, BEN, digest=digest)

    assert request == await world.now(request)


async def test_vote_at_the_very_deadline_is_too_late(world: World) -> None:
    (request,) = await world.asked()
    world.clock.advance(3600)

    with pytest.raises(ExpiredError, match="Nothing was run"):
        await world.vote(request, BEN)
    with pytest.raises(ExpiredError):
        await world.vote(request, CARA)

    expired = await world.now(request)
    assert expired.decision is not None
    assert expired.result is not None
    assert (RequestStatus.EXPIRED, "clock", Cause.EXPIRED) == (
        expired.status,
        expired.decision.by,
        expired.result.cause,
    )
    assert 1 == (await world.kinds(request.session_id)).count("expired")


async def test_vote_just_before_the_deadline_counts(world: World) -> None:
    (request,) = await world.asked()
    world.clock.advance(3599.999)

    assert RequestStatus.APPROVED is (await world.vote(request, BEN)).status


async def test_unknown_request_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no request R-0"):
        await world.approvals.vote(
            RequestId("R-0"), acting(BEN), verdict=Verdict.APPROVE, digest=""
        )


@pytest.mark.parametrize(
    ("verdict", "more", "says"),
    [
        (Verdict.REJECT, {"comment": "  "}, "Say why"),
        (Verdict.APPROVE, {"comment": "x" * (MAX_COMMENT + 1)}, "longer than"),
        (Verdict.MODIFY, {}, "Give the changed arguments"),
        (Verdict.APPROVE, {"arguments": EDITED}, "only be changed with the verdict modify"),
        (
            Verdict.MODIFY,
            {"arguments": {"customer": "C", "amount": 2**60}},
            "no canonical JSON form",
        ),
    ],
)
async def test_vote_of_the_wrong_form_changes_nothing(
    world: World, verdict: Verdict, more: dict[str, Any], says: str
) -> None:
    (request,) = await world.asked()

    with pytest.raises(InvalidError, match=says):
        await world.vote(request, BEN, verdict, **more)

    assert request == await world.now(request)
    assert ["session_started", "proposed"] == await world.kinds(request.session_id)


async def test_lone_surrogate_in_a_comment_is_replaced(world: World) -> None:
    (request,) = await world.asked()
    approved = await world.vote(request, BEN, comment="Fine \ud83d")

    assert approved.decision is not None
    assert "Fine ?" == approved.decision.comment


async def test_stages_open_one_after_the_other_and_are_shown_to_their_people(
    world: World,
) -> None:
    (request,) = await world.asked("pay")
    with pytest.raises(NotAuthorisedError, match="role manager"):
        await world.vote(request, DAVE)
    one = await world.vote(request, BEN)
    two = await world.vote(request, CARA)
    shown = {d.target for d in await world.records.deliveries(request.id)}
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, BEN)
    approved = await world.vote(request, DAVE)

    assert [(0, "pending"), (1, "pending"), (1, "approved")] == [
        (r.stage, r.status) for r in (one, two, approved)
    ]
    assert {"person:ben", "person:cara", "person:dave"} == shown


async def test_answer_to_a_question_is_its_comment(world: World) -> None:
    (asked,) = await world.asked(world.question((await world.start()).id))
    answered = await world.vote(asked, ANNA, comment="Take the first one.")

    assert answered.result is not None
    assert (Outcome.EXECUTED, "Take the first one.") == (
        answered.result.outcome,
        answered.result.content,
    )


async def test_question_that_is_rejected_or_expires_ends_the_chat(world: World) -> None:
    rules = {"human_input": {"roles": ["owner"], "deadline": "1h"}}
    world.use(rules)
    (one,) = await world.asked(world.question((await world.start()).id))
    (two,) = await world.asked(world.question((await world.start()).id))
    rejected = await world.vote(one, ANNA, Verdict.REJECT, comment="")
    world.clock.advance(3600)
    await world.approvals.expire(two.id)
    expired = await world.now(two)

    assert rejected.result is not None
    assert expired.result is not None
    assert "exit" == rejected.result.content == expired.result.content
    assert Cause.EXPIRED is expired.result.cause


async def test_question_has_no_arguments_to_change(world: World) -> None:
    (asked,) = await world.asked(world.question((await world.start()).id))

    with pytest.raises(InvalidError, match="answer it instead"):
        await world.vote(asked, ANNA, Verdict.MODIFY, arguments={})


async def test_question_of_a_proxy_with_roles_is_for_them(world: World) -> None:
    world.catalog._input_roles["lead"] = ("manager",)
    (asked,) = await world.asked(world.question((await world.start()).id, executor="lead"))

    with pytest.raises(NotAuthorisedError, match="role manager"):
        await world.vote(asked, ANNA)
    assert RequestStatus.APPROVED is (await world.vote(asked, BEN, comment="Yes.")).status


async def test_vote_is_stored_as_it_was_cast(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request, BEN, comment="Fine.")
    (vote,) = await world.records.votes(request.id)
    rows = await world.store.read(lambda c: c.execute(select(schema.votes)).all())

    assert 1 == len(rows)
    assert (1, "ben", "Ben", 0, Verdict.APPROVE, Via("teams"), "entra:oid-ben", "Fine.") == (
        vote.revision,
        vote.principal_id,
        vote.name,
        vote.stage,
        vote.verdict,
        vote.via,
        vote.identity,
        vote.comment,
    )
    assert world.clock.now() == vote.at


async def test_votes_that_are_refused_again_and_again_are_only_counted(world: World) -> None:
    """The ledger of a session does not grow by whoever may not decide there."""
    (request,) = await world.asked()
    for _ in range(20):
        with pytest.raises(NotAuthorisedError):
            await world.vote(request, DAVE)
    entries = len(await world.records.ledger(request.session_id))
    for _ in range(3):
        with pytest.raises(TooManyRefusalsError, match=r"You were refused 2[123] times at request"):
            await world.vote(request, DAVE)

    assert entries == len(await world.records.ledger(request.session_id))
    assert 20 == (await world.records.ledger(request.session_id))[-1].body["number"]


async def test_refusals_are_counted_for_each_person_and_request(world: World) -> None:
    first, second = await world.asked("quote", "quote")
    for _ in range(21):
        with pytest.raises(NotAuthorisedError):
            await world.vote(first, DAVE)
    for request, who in ((first, ANNA), (second, DAVE)):
        with pytest.raises(NotAuthorisedError):
            await world.vote(request, who)
        entry = (await world.records.ledger(request.session_id))[-1]

        assert (request.id, who.id, 1) == tuple(entry.body[n] for n in ("request", "by", "number"))


async def test_whoever_was_refused_too_often_counts_once_they_may_vote(world: World) -> None:
    (request,) = await world.asked()
    for _ in range(21):
        with pytest.raises(NotAuthorisedError):
            await world.vote(request, DAVE)
    promoted = DAVE.model_copy(update={"roles": frozenset({"manager"})})

    assert RequestStatus.APPROVED is (await world.vote(request, promoted)).status


async def test_attempts_that_a_channel_refused_are_bounded_too(world: World) -> None:
    (request,) = await world.asked()
    for _ in range(25):
        await world.approvals.refuse(request.id, acting(DAVE), "Not from here.")
    kinds = await world.kinds(request.session_id)

    assert 20 == list(kinds).count("vote_refused")
