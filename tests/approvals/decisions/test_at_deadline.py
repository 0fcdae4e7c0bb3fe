"""At its deadline a request is rejected, or others are asked, or it runs if it can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.errors import AlreadyDecidedError, ExpiredError
from countersign.approvals.forms.times import then
from countersign.approvals.models import (
    Cause,
    JsonObject,
    Request,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.store.schema import requests
from tests.approvals.decisions.test_steps import entry, later, targets, work
from tests.doubles.directory import BEN, DAVE, acting
from tests.doubles.world import QUOTE, World

pytestmark = pytest.mark.asyncio
ASK: JsonObject = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h"}
SILENT = {**ASK, "at_deadline": "approve"}
LAST = {**ASK, "at_deadline": "escalate", "escalate": [{"roles": ["controller"]}]}
CLASSES = {"quote": "reversible", "look": "read_only", "pay": "irreversible"}


async def asked(world: World, rule: JsonObject, *others: str, **rules: Any) -> Request:
    """A request of this rule, shown, beside others."""
    world.use({"tools": {"quote": rule, **rules}, "reversibility": CLASSES})
    (request, *_) = await world.submit(await world.begun(), "quote", *others)
    await work(world)
    return request


async def claimed(world: World, request: Request) -> Request | Result | None:
    run = await world.begin(request.session_id)
    return await world.runs.claim(run, request.id, request.arguments)


async def test_reject_is_what_a_rule_means_that_says_nothing(world: World) -> None:
    request = await asked(world, ASK)
    await later(world, 1)
    body = await entry(world, request, "expired")

    assert RequestStatus.EXPIRED is (await world.now(request)).status
    assert "tools.quote" == body["rule"]


async def test_silence_lets_run_what_can_be_undone(world: World) -> None:
    request = await asked(world, SILENT)
    await later(world, 1)
    approved = await world.now(request)
    body = await entry(world, request, "decided")
    runs = await claimed(world, approved)

    assert approved.decision is not None
    assert (Verdict.APPROVE, Via.CLOCK) == (approved.decision.verdict, approved.decision.via)
    assert ("clock", "clock", "tools.quote") == (body["by"], body["via"], body["rule"])
    assert isinstance(runs, Request)
    assert RequestStatus.EXECUTING is runs.status
    assert (await world.records.verify()).verified


async def test_an_objection_is_heard_until_then(world: World) -> None:
    request = await asked(world, SILENT)
    await later(world, 0.9)
    await world.vote(request, BEN, Verdict.REJECT)
    await later(world, 0.2)

    assert RequestStatus.REJECTED is (await world.now(request)).status


async def test_vote_that_comes_too_late_learns_that_it_runs(world: World) -> None:
    request = await asked(world, SILENT)
    world.clock.advance(hours=1)
    with pytest.raises(AlreadyDecidedError, match="the deadline"):
        await world.vote(request, BEN, Verdict.REJECT)

    assert RequestStatus.APPROVED is (await world.now(request)).status


BOTH: JsonObject = {"roles": [], "stages": [{"roles": ["manager"], "quorum": 2}]}
"""One vote alone decides nothing."""


async def test_vote_that_is_taken_back_too_late_learns_that_it_runs(world: World) -> None:
    request = await asked(world, {**SILENT, **BOTH})
    await world.vote(request, BEN)
    world.clock.advance(hours=1)
    with pytest.raises(AlreadyDecidedError, match="the deadline"):
        await world.approvals.withdraw(request.id, acting(BEN))

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert ["ben"] == [vote.principal_id for vote in await world.records.votes(request.id)]
    assert (await world.records.verify()).verified


async def test_vote_is_taken_back_at_the_deadline_if_others_are_asked_then(world: World) -> None:
    request = await asked(world, {**LAST, **BOTH})
    await world.vote(request, BEN)
    world.clock.advance(hours=1)
    left = await world.approvals.withdraw(request.id, acting(BEN))

    assert RequestStatus.PENDING is left.status
    assert [] == await world.records.votes(request.id)
    assert ["escalated", "vote_withdrawn"] == list((await world.kinds(request.session_id))[-2:])
    assert (await world.records.verify()).verified


async def test_what_a_person_has_changed_needs_a_person(world: World) -> None:
    request = await asked(world, {**SILENT, **BOTH})
    await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})
    shown = await world.now(request)
    await later(world, 1)

    assert shown.timing is not None
    assert "reject" == shown.timing.rule.at_deadline
    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_what_a_person_has_changed_needs_a_person_when_it_is_asked_again(
    world: World,
) -> None:
    """As whoever is shown it reads."""
    request = await asked(world, {**SILENT, **BOTH})
    await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})
    risky = {"quote": {**SILENT, **BOTH, "risk": "high"}}
    world.use({"tools": risky, "reversibility": CLASSES})
    await world.approvals.ask_again_what_changed()
    again = await world.now(request)

    assert (3, "it does not run") == (again.revision, then(again))
    assert "Nobody decided in time. Nothing was run." == await expired_as(world, again)


async def test_what_a_person_has_changed_does_not_run_by_what_its_row_says(world: World) -> None:
    """Earlier versions have written it where such a request was asked again."""
    request = await asked(world, {**SILENT, **BOTH})
    assert request.timing is not None
    await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})
    as_before = update(requests).values(timing=request.timing.model_dump_json())
    await world.store.write(lambda c: c.execute(as_before))

    assert (await expired_as(world, request)).startswith("Its arguments were changed by a person.")


async def test_batch_takes_the_highest_class(world: World) -> None:
    """As whoever is shown it reads from the beginning."""
    request = await asked(world, SILENT, "pay", pay=ASK)
    await later(world, 1)

    assert request.timing is not None
    assert "reject" == request.timing.rule.at_deadline
    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_batch_of_what_can_be_undone_may_run(world: World) -> None:
    request = await asked(world, SILENT, "look", look="allow")
    await later(world, 1)

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_what_was_refused_in_the_batch_does_not_count(world: World) -> None:
    request = await asked(world, SILENT, "pay", pay="deny")
    await later(world, 1)

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def expired_as(world: World, request: Request) -> str:
    await later(world, 1)
    now = await world.now(request)
    assert now.result is not None
    assert (RequestStatus.EXPIRED, Cause.EXPIRED) == (now.status, now.result.cause)
    return now.result.message


async def test_what_was_shown_to_nobody_does_not_run(world: World) -> None:
    world.use({"tools": {"quote": SILENT}, "reversibility": CLASSES})
    (request,) = await world.asked()

    assert "It was shown to nobody. Nobody decided in time. Nothing was run." == await expired_as(
        world, request
    )


async def test_what_nobody_could_decide_does_not_run(world: World) -> None:
    request = await asked(world, SILENT)
    world.directory.set_roles("ben")
    world.directory.set_roles("cara")
    await world.domain.review.run()

    assert (await expired_as(world, request)).startswith("Nobody could decide it.")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tools": {"quote": ASK}}, "Its rule does not let it run without a decision any more"),
        ({"tools": {"quote": {**SILENT, "risk": "high"}}}, "The rule on quote has changed"),
        ({"tools": {"quote": SILENT}, "reversibility": {}}, "Its rule does not let it run"),
    ],
)
async def test_rule_that_changed_before_the_deadline(
    world: World, change: JsonObject, why: str
) -> None:
    request = await asked(world, SILENT)
    world.use({"reversibility": CLASSES, **change})

    assert (await expired_as(world, request)).startswith(why)


async def test_tool_that_changed_before_the_deadline(world: World) -> None:
    world.catalog.version = "1"
    request = await asked(world, SILENT)
    world.catalog.version = "2"

    assert "quote takes or fills in has changed" in await expired_as(world, request)


async def test_class_of_the_batch_is_looked_at_again(world: World) -> None:
    request = await asked(world, SILENT, "look", look="allow")
    world.use(
        {
            "tools": {"quote": SILENT, "look": "allow"},
            "reversibility": {**CLASSES, "look": "irreversible"},
        }
    )

    assert (await expired_as(world, request)).startswith("What was proposed with it cannot")


async def test_rule_is_asked_again_when_it_is_about_to_run(world: World) -> None:
    request = await asked(world, SILENT)
    await later(world, 1)
    world.use({"tools": {"quote": ASK}, "reversibility": CLASSES})
    refused = await claimed(world, request)

    assert isinstance(refused, Result)
    assert refused.message.startswith("Its rule does not let it run without a decision any more.")


async def test_approval_by_silence_holds_for_a_time_as_any_other(world: World) -> None:
    request = await asked(world, {**SILENT, "approval_valid_for": "30m"})
    await later(world, 1)
    world.clock.advance(hours=1)
    again = await claimed(world, request)

    assert isinstance(again, Request)
    assert RequestStatus.PENDING is again.status
    assert again.asked_again.startswith("Approved by its rule at the deadline on")


@pytest.mark.parametrize("forged", ["clock", "person"])
async def test_a_decision_of_the_clock_is_on_the_ledger_or_it_is_none(
    world: World, forged: str
) -> None:
    """Whoever writes to the tables can set what a row says."""
    request = await asked(world, SILENT)
    if forged == "clock":
        await world.vote(request, BEN)
    else:
        await later(world, 1)
    decided = await world.now(request)
    assert decided.decision is not None
    via = Via.CLOCK if forged == "clock" else Via.API
    text = decided.decision.model_copy(update={"via": via}).model_dump_json()
    await world.store.write(
        lambda c: c.execute(
            update(requests).where(requests.c.id == request.id).values(decision=text)
        )
    )
    refused = await claimed(world, request)

    assert isinstance(refused, Result)
    assert "The ledger does not have this approval on record" in refused.message


async def test_others_are_asked_and_have_as_long_again(world: World) -> None:
    request = await asked(world, {**LAST, "remind": ["30m"]})
    await later(world, 1)
    now = await world.now(request)
    body = await entry(world, request, "escalated")
    people = targets(world)
    await later(world, 0.5)
    reminded = (await world.kinds(request.session_id)).count("reminded")
    decided = await world.vote(now, DAVE)

    assert RequestStatus.PENDING is now.status
    assert now.expires_at == world.clock.now().replace(hour=11, minute=0)
    assert (True, ["dave"]) == (body["at_deadline"], body["fresh"])
    assert now.expires_at is not None
    assert now.expires_at.isoformat() == body["expires_at"]
    assert "person:dave" in people
    assert 1 == reminded
    assert RequestStatus.APPROVED is decided.status


async def test_after_the_last_of_them_it_is_rejected(world: World) -> None:
    escalate = [{"roles": ["controller"]}, {"roles": ["admin"], "instead": True}]
    request = await asked(world, {**LAST, "escalate": escalate})
    for _ in range(2):
        await later(world, 1)
        assert RequestStatus.PENDING is (await world.now(request)).status
    now = await world.now(request)
    await later(world, 1)

    assert ("admin",) == now.stages[0].roles
    assert 2 == (await world.kinds(request.session_id)).count("escalated")
    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_vote_at_the_deadline_counts_if_others_are_asked_then(world: World) -> None:
    request = await asked(world, LAST)
    world.clock.advance(hours=1)
    decided = await world.vote(request, DAVE)

    assert RequestStatus.APPROVED is decided.status
    assert "escalated" in await world.kinds(request.session_id)


async def test_vote_after_the_deadline_of_another_rule_is_too_late(world: World) -> None:
    request = await asked(world, ASK)
    world.clock.advance(hours=1)
    with pytest.raises(ExpiredError):
        await world.vote(request, BEN)


async def test_asked_again_beside_what_cannot_be_undone_it_needs_a_person(world: World) -> None:
    request = await asked(world, SILENT, "look", look="allow")
    world.use(
        {
            "tools": {"quote": {**SILENT, "risk": "high"}, "look": "allow"},
            "reversibility": {**CLASSES, "look": "irreversible"},
        }
    )
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)

    assert now.timing is not None
    assert (2, "reject") == (now.revision, now.timing.rule.at_deadline)
