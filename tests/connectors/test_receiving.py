"""The one way in for votes: every outcome, whatever the channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import (
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    UnavailableError,
)
from countersign.approvals.models import Checked, Principal, Request, RequestId, Verdict, Via
from countersign.approvals.ports import RequestView
from countersign.approvals.tickets import ActKey
from countersign.connectors.comments.wanted import Written
from countersign.connectors.receiving import (
    Filled,
    VoteAttempt,
    VoteOutcome,
    VoteResult,
    not_counted,
    receive,
)
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, STRANGER, acting
from tests.doubles.world import World, opened

TEAMS = Via("teams")
ACT = ActKey(channel="jira", ticket_id="10001", act_id="a-1")
EDITED = {"customer": "Contoso", "amount": 90}


def unread(_: RequestView) -> str:
    return "Read all of it first."


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def tried(
    world: World, request: Request, who: Principal = BEN, verdict: str = "approve", **more: Any
) -> VoteOutcome:
    given = {"actor": acting(who), "digest": request.digest, **more}
    return await receive(
        world.approvals,
        world.records,
        VoteAttempt(request_id=request.id, verdict=Verdict(verdict), **given),
    )


async def test_approval_decides(world: World) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, comment="Fine.")

    assert (VoteResult.DECIDED, "") == (outcome.result, outcome.reason)
    assert outcome.decision is not None
    assert ("ben", TEAMS, "Fine.") == (
        outcome.decision.by,
        outcome.decision.via,
        outcome.decision.comment,
    )


async def test_first_of_several_votes_is_counted(world: World) -> None:
    (request,) = await world.asked("pay")

    assert VoteResult.COUNTED is (await tried(world, request)).result


async def test_form_that_was_filled_in_becomes_a_revision(world: World) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, verdict="modify", arguments=Filled({"amount": "90"}))

    assert (VoteResult.DECIDED, EDITED) == (outcome.result, outcome.counted().arguments)


async def test_own_words_with_changes_become_a_revision(world: World) -> None:
    (request,) = await world.asked()
    written = Written("Rounded.\nChanges:\namount: 90")
    outcome = await tried(world, request, arguments=written)
    decision = outcome.decision

    assert (VoteResult.DECIDED, EDITED) == (outcome.result, outcome.counted().arguments)
    assert decision is not None
    assert (Verdict.MODIFY, "Rounded.") == (decision.verdict, decision.comment)


async def test_own_words_are_the_reason_of_a_rejection(world: World) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, verdict="reject", arguments=Written("Too much."))

    assert outcome.decision is not None
    assert (Verdict.REJECT, "Too much.") == (outcome.decision.verdict, outcome.decision.comment)


async def test_values_of_which_the_tool_says_something_else_are_to_be_looked_at(
    world: World,
) -> None:
    (request,) = await world.asked()
    world.catalog.finds = Checked(facts={"price": 95})
    outcome = await tried(world, request, verdict="modify", arguments=EDITED)

    assert VoteResult.REVISED is outcome.result
    assert VoteResult.DECIDED is (await tried(world, outcome.counted())).result


async def test_loser_learns_who_decided_when_and_through_what(world: World) -> None:
    (request,) = await world.asked()
    await tried(world, request, CARA)
    outcome = await tried(world, request)
    decision = outcome.decision

    assert VoteResult.LOST is outcome.result
    assert decision is not None
    assert ("cara", TEAMS, world.clock.now()) == (decision.by, decision.via, decision.at)
    assert "Cara" in outcome.reason


async def test_too_late_is_expired(world: World) -> None:
    (request,) = await world.asked()
    world.clock.advance(3601)

    assert VoteResult.EXPIRED is (await tried(world, request)).result


async def test_digest_of_another_revision_is_stale(world: World) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, digest="0" * 64, comment="Only if it is cheaper.")

    assert VoteResult.STALE is outcome.result


async def test_answer_for_another_stage_is_stale(world: World) -> None:
    (request,) = await world.asked("pay")
    await tried(world, request, BEN)
    await tried(world, request, CARA)

    assert VoteResult.STALE is (await tried(world, request, DAVE, stage=0)).result


async def test_rule_that_changed_asks_again(world: World) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", {"effect": "require_approval", "roles": ["controller"]})
    outcome = await tried(world, request)

    assert VoteResult.STALE is outcome.result
    assert "It is asked again" in outcome.reason


@pytest.mark.parametrize(
    ("who", "said"),
    [(ERIN, "needs the role manager"), (ANNA, "asked for this yourself"), (None, "not known")],
)
async def test_wrong_person_is_refused_on_the_ledger(
    world: World, who: Principal | None, said: str
) -> None:
    (request,) = await world.asked()
    actor = STRANGER if who is None else acting(who)
    outcome = await tried(world, request, actor=actor, unread=unread, comment="Unless it is 5.")

    assert VoteResult.REFUSED is outcome.result
    assert said in outcome.reason
    assert "vote_refused" in await world.kinds(request.session_id)


async def test_what_was_shown_in_part_has_to_be_read_before_it_is_approved(world: World) -> None:
    (request,) = await world.asked()
    refused = await tried(world, request, unread=unread)
    await world.approvals.opened(request.id, BEN.id, revision=1, link="card")

    assert (VoteResult.UNREAD, "Read all of it first.") == (refused.result, refused.reason)
    assert 1 == list(await world.kinds(request.session_id)).count("vote_refused")
    assert VoteResult.DECIDED is (await tried(world, request, unread=unread)).result


async def test_rejection_needs_no_reading_and_may_say_anything(world: World) -> None:
    (request,) = await world.asked()
    attempt = VoteAttempt(
        request_id=request.id,
        actor=acting(BEN),
        verdict=Verdict.REJECT,
        digest=request.digest,
        comment="Only at 90.",
        unread=unread,
    )
    view = await world.records.view(request.id)

    outcome = await receive(world.approvals, world.records, attempt, view)
    assert VoteResult.DECIDED is outcome.result


@pytest.mark.parametrize("arguments", [{"customer": 1, "amount": -1}, Filled({"amount": "much"})])
async def test_values_that_do_not_fit_are_told_by_argument(world: World, arguments: Any) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, verdict="modify", arguments=arguments)

    assert VoteResult.INVALID is outcome.result
    assert "amount" in outcome.problems


async def test_form_without_a_change_is_no_edit(world: World) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, verdict="modify", arguments=Filled({"amount": "100"}))

    assert VoteResult.UNCHANGED is outcome.result


async def test_policy_denies_an_edit(world: World) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", {"effect": "deny", "reason": "Not today."})
    outcome = await tried(world, request, verdict="modify", arguments=EDITED)

    assert VoteResult.DENIED is outcome.result
    assert "Not today." in outcome.reason


async def test_condition_beside_an_approval_is_invalid_and_says_what_to_do(world: World) -> None:
    (request,) = await world.asked()
    outcome = await tried(world, request, comment="But only 90 please", instead="Use the form.")

    assert VoteResult.INVALID is outcome.result
    assert outcome.reason.endswith("Use the form.")
    assert "vote_refused" not in await world.kinds(request.session_id)


async def test_answer_in_bad_form_is_kept_once_where_everybody_can_see_it(world: World) -> None:
    (request,) = await world.asked()
    for _ in range(2):
        written = Written("But only 90 please")
        await tried(world, request, arguments=written, act=ACT, keep_refused=True)

    assert 1 == list(await world.kinds(request.session_id)).count("vote_refused")


async def test_answer_to_a_question_may_say_anything(world: World) -> None:
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))
    outcome = await tried(world, question, ANNA, comment="Yes, but only at 90 instead of 100.")

    assert VoteResult.DECIDED is outcome.result


@pytest.mark.parametrize("comment", ["", "Fine."])
async def test_request_that_is_not_there_is_gone(world: World, comment: str) -> None:
    (request,) = await world.asked()
    missing = request.model_copy(update={"id": RequestId("R-NONE")})
    outcome = await tried(world, missing, comment=comment)

    assert VoteResult.GONE is outcome.result
    with pytest.raises(NotFoundError):
        outcome.counted()


async def test_what_cannot_be_decided_now_is_raised(world: World) -> None:
    (request,) = await world.asked()
    world.catalog.finds = UnavailableError("The check is down.")

    with pytest.raises(UnavailableError):
        await tried(world, request, verdict="modify", arguments=EDITED)


async def test_precondition_is_invalid(world: World) -> None:
    (request,) = await world.asked()
    world.catalog.finds = PreconditionFailedError("It is sold out.")
    outcome = await tried(world, request, verdict="modify", arguments=EDITED)

    assert (VoteResult.INVALID, {}) == (outcome.result, outcome.problems)


def test_error_that_is_not_about_a_vote_has_no_outcome() -> None:
    assert not_counted(IntegrityError("The chain is broken.")) is None
