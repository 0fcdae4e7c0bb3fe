"""A standing yes: who may give it, what runs by it, how far, and what ends it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.models import (
    Grant,
    PrincipalId,
    Request,
    RequestStatus,
    Result,
    Terms,
    Verdict,
    Via,
)
from countersign.approvals.store.schema import governance, grant_uses, grants
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT, STRANGER, acting
from tests.doubles.world import QUOTE, World

pytestmark = pytest.mark.asyncio
PERMITS: dict[str, Any] = {
    "max_uses": 20,
    "max_duration": "7d",
    "max_total": 500,
    "value": "amount",
    "same": ["customer"],
}


def rules(*, reversibility: str = "reversible", quote: Any = None, **permits: Any) -> Any:
    given = {**PERMITS, **permits}
    given = {name: value for name, value in given.items() if value is not None}
    base = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h", "grants": given}
    stages = [{"roles": ["manager"], "quorum": 2}, {"roles": ["controller"]}]
    pay = {"effect": "require_approval", "stages": stages, "grants": given}
    plain = {"effect": "require_approval", "roles": ["manager"]}
    return {
        "tools": {"quote": quote or base, "pay": pay, "plain": plain},
        "reversibility": dict.fromkeys(("quote", "pay"), reversibility),
    }


@pytest.fixture(autouse=True)
def granting(world: World) -> None:
    world.use(rules())


async def given(
    world: World, terms: Terms | None = None, *, tool: str = "quote", who: Any = BEN, **more: Any
) -> tuple[Request, Grant]:
    """A request that was approved with a grant."""
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, tool, **more))
    voted = await world.vote(request, who, grant=terms or Terms(uses=3))
    (grant, _), *_ = await world.records.grants()
    return voted, grant


async def asked(world: World, tool: str = "quote", **arguments: Any) -> Request:
    """The request of a later call."""
    run = await world.begun()
    values = {**QUOTE, **arguments}
    (request,) = await world.submit(run, world.proposal(run.session.id, tool, values))
    return request


async def ran(world: World, tool: str = "quote", **arguments: Any) -> Request | Result:
    """What comes of claiming a later call that is not asked."""
    run = await world.begun()
    values = {**QUOTE, **arguments}
    (request,) = await world.submit(run, world.proposal(run.session.id, tool, values))
    assert RequestStatus.APPROVED is request.status
    claimed = await world.runs.claim(run, request.id, request.arguments)
    assert claimed is not None
    return claimed


async def entries(world: World, request: Request, kind: str) -> list[dict[str, Any]]:
    found = await world.records.ledger(request.session_id)
    return [entry.body for entry in found if entry.kind == kind]


async def test_later_calls_run_by_it_and_are_counted(world: World) -> None:
    _, grant = await given(world, Terms(uses=2))
    first, second = await ran(world, amount=19.99), await ran(world, amount=0.01)
    third = await asked(world)

    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert {RequestStatus.EXECUTING} == {first.status, second.status}
    assert first.decision is not None
    assert (Via.GRANT, "ben", "Ben") == (
        first.decision.via, first.decision.by, first.decision.by_name,
    )  # fmt: skip
    assert RequestStatus.PENDING is third.status
    (used,) = await entries(world, second, "grant_used")
    assert (grant.id, ["ben"], ["Ben"]) == (used["grant"], used["by"], used["names"])
    assert ("2nd of 2, 20.00 of 500", 2, 2, "20.00") == (
        used["use"], used["number"], used["of"], used["total"],
    )  # fmt: skip
    ((_, counted),) = await world.records.grants()
    assert (2, Decimal("20.00")) == (counted.uses, counted.total)
    kinds = [entry.kind for entry in await world.records.governance()]
    assert ["grant_given", "grant_used_up"] == kinds
    assert () == (await world.records.verify()).problems


async def test_the_first_call_is_run_by_its_votes(world: World) -> None:
    request, _ = await given(world)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)

    ((_, used),) = await world.records.grants()
    assert 0 == used.uses


@pytest.mark.parametrize(
    "arguments", [{"customer": "Fabrikam"}, {"amount": 501}, {"amount": -1}], ids=str
)
async def test_what_it_does_not_cover_is_asked(world: World, arguments: dict[str, Any]) -> None:
    await given(world, Terms())

    assert RequestStatus.PENDING is (await asked(world, **arguments)).status


async def test_it_is_for_its_tool_alone(world: World) -> None:
    await given(world)

    assert RequestStatus.PENDING is (await asked(world, "plain")).status


async def test_a_total_is_exact(world: World) -> None:
    await given(world, Terms(total=Decimal("0.3")))
    await ran(world, amount=0.1)
    await ran(world, amount=0.2)

    ((_, used),) = await world.records.grants()
    assert Decimal("0.3") == used.total
    assert RequestStatus.PENDING is (await asked(world, amount=0.01)).status


async def test_it_ends_in_time(world: World) -> None:
    await given(world, Terms(for_s=3600))
    world.clock.advance(3599)
    assert RequestStatus.APPROVED is (await asked(world)).status
    world.clock.advance(1)

    assert RequestStatus.PENDING is (await asked(world)).status


async def test_one_that_only_time_and_a_total_bound_says_so(world: World) -> None:
    world.use(rules(max_uses=None))
    _, grant = await given(world, Terms(for_s=3600))

    assert "until 2026-03-02 10:00 UTC, up to 500 in total" == grant.words
    assert grant.words in (await asked(world)).decision.comment  # type: ignore[union-attr]


async def test_it_is_for_its_tool_alone_where_a_rule_has_several(world: World) -> None:
    """Also if both are proposed together, so that its grants are looked up."""
    rule = {"effect": "require_approval", "roles": ["manager"], "grants": PERMITS}
    world.use(
        {
            "rules": [{"id": "both", "tool": ["quote", "pay"], **rule}],
            "reversibility": dict.fromkeys(("quote", "pay"), "reversible"),
        }
    )
    await given(world)
    quote, pay = await world.submit(await world.begun(), "quote", "pay")

    assert ("both", "both") == (quote.rule_id, pay.rule_id)
    assert (RequestStatus.APPROVED, RequestStatus.PENDING) == (quote.status, pay.status)


async def test_a_condition_that_cannot_be_decided_covers_nothing(world: World) -> None:
    await given(world, Terms(when="args.discount < 5"))

    assert RequestStatus.PENDING is (await asked(world)).status
    assert RequestStatus.APPROVED is (await asked(world, discount=4)).status


async def test_a_condition_narrows_it(world: World) -> None:
    await given(world, Terms(when="args.amount < 50.0"))

    assert RequestStatus.APPROVED is (await asked(world, amount=49)).status
    assert RequestStatus.PENDING is (await asked(world, amount=50)).status


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (Terms(uses=21), "permits 20 uses at most, not 21"),
        (Terms(for_s=8 * 86400), "permits 604800 seconds at most"),
        (Terms(total=Decimal(501)), "permits 500 in total at most, not 501"),
        (Terms(when="args.amount <"), "when: "),
    ],
)
async def test_what_the_rule_does_not_permit_is_not_given_and_not_approved(
    world: World, terms: Terms, says: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        await given(world, terms)

    (request,) = (await world.records.requests()).items
    assert says in str(caught.value)
    assert (RequestStatus.PENDING, ()) == (request.status, tuple(await world.records.grants()))


async def test_nothing_is_granted_where_no_rule_permits_it(world: World) -> None:
    with pytest.raises(InvalidError, match="permits no grants of plain"):
        await given(world, tool="plain")
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))
    with pytest.raises(InvalidError, match="permits no grants"):
        await world.approvals.granting.give(question.id, acting(BEN), Terms())


async def test_a_total_is_not_given_where_nothing_adds_up(world: World) -> None:
    world.use(rules(max_total=None, value=None))
    with pytest.raises(InvalidError, match="permits no grant by total"):
        await given(world, Terms(total=Decimal(5)))


async def test_what_cannot_be_undone_needs_the_rule_to_say_so(world: World) -> None:
    world.use(rules(reversibility="irreversible"))
    with pytest.raises(InvalidError, match="permits no grants of quote"):
        await given(world)
    world.use(rules(reversibility="irreversible", irreversible=True))
    await given(world)

    assert RequestStatus.APPROVED is (await asked(world)).status


async def test_a_grant_goes_with_an_approval(world: World) -> None:
    (request,) = await world.asked()
    with pytest.raises(InvalidError, match="A grant goes with an approval"):
        await world.vote(request, BEN, Verdict.REJECT, grant=Terms())


async def test_every_stage_has_to_give_it(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "pay"))
    await world.vote(request, BEN, grant=Terms(uses=9))
    assert RequestStatus.PENDING is (await asked(world, "pay")).status
    await world.vote(await world.now(request), CARA, grant=Terms(uses=5, when="true"))
    assert RequestStatus.PENDING is (await asked(world, "pay")).status
    await world.vote(await world.now(request), DAVE)
    assert RequestStatus.PENDING is (await asked(world, "pay")).status
    grant = await world.approvals.granting.give(request.id, acting(DAVE), Terms(uses=7))

    assert (5, ("true",), "Ben and Cara and Dave") == (grant.uses, grant.when, grant.names)
    assert RequestStatus.EXECUTING is (await ran(world, "pay")).status  # type: ignore[union-attr]
    with pytest.raises(ConflictError, match="It is given already"):
        await world.approvals.granting.give(request.id, acting(ROOT), Terms())
    assert () == (await world.records.verify()).problems


@pytest.mark.parametrize(
    ("who", "says"),
    [
        (acting(ERIN), "This needs the role manager"),
        (acting(ANNA), "You asked for this yourself"),
        (STRANGER, "You are not known here"),
    ],
)
async def test_nobody_gives_what_they_could_not_approve(world: World, who: Any, says: str) -> None:
    (request,) = await world.asked()
    with pytest.raises(NotAuthorisedError, match=says):
        await world.approvals.granting.give(request.id, who, Terms())


async def test_nobody_adds_to_what_was_given_under_another_rule(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "pay"))
    grant = await world.approvals.granting.give(request.id, acting(BEN), Terms())
    world.use(rules(max_uses=2))
    with pytest.raises(ConflictError, match=f"The rule has changed since Ben gave {grant.id}"):
        await world.approvals.granting.give(request.id, acting(CARA), Terms())

    ((stored, _),) = await world.records.grants()
    assert grant == stored


async def test_nobody_gives_twice(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "pay"))
    await world.approvals.granting.give(request.id, acting(BEN), Terms())
    with pytest.raises(ConflictError, match="You have given it already"):
        await world.approvals.granting.give(request.id, acting(BEN), Terms())


async def test_it_is_not_for_calls_of_whoever_gave_it(world: World) -> None:
    await given(world)
    session = await world.runs.start(
        workflow="sales", workflow_version="1", task="Quote", owner=PrincipalId("ben")
    )
    run = await world.begin(session.id)
    (request,) = await world.submit(run, world.proposal(session.id, "quote"))

    assert RequestStatus.PENDING is request.status


async def pending_again(world: World, why: str) -> None:
    """A call that was approved by a grant is asked at its claim."""
    run = await world.begin(world.waiting.session_id)  # type: ignore[attr-defined]
    again = await world.runs.claim(run, run.batch[0].id, run.batch[0].arguments)

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2, None) == (again.status, again.revision, again.decision)
    assert why in again.asked_again
    ((_, used),) = await world.records.grants()
    assert 0 == used.uses
    assert () == (await world.records.verify()).problems


async def approved_by_it(world: World, terms: Terms | None = None) -> Grant:
    _, grant = await given(world, terms)
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote"))
    assert RequestStatus.APPROVED is request.status
    await world.runs.release(run)
    world.waiting = request  # type: ignore[attr-defined]
    return grant


async def test_a_revoked_one_asks_people_again(world: World) -> None:
    grant = await approved_by_it(world)
    revoked = await world.approvals.granting.revoke(grant.id, acting(BEN))

    assert ("ben", "Ben") == (revoked.revoked_by, revoked.revoked_by_name)
    await pending_again(world, f"The grant {grant.id} of Ben does not hold for this call: Ben has")
    kinds = [entry.kind for entry in await world.records.governance()]
    assert ["grant_given", "grant_revoked"] == kinds


async def test_one_that_has_ended_since_asks_people_again(world: World) -> None:
    await approved_by_it(world, Terms(for_s=600))
    world.clock.advance(600)

    await pending_again(world, "it ended at 2026-03-02 09:10 UTC")


async def test_a_giver_who_lost_the_role_ends_its_use(world: World) -> None:
    await approved_by_it(world)
    world.directory.set_roles("ben")

    await pending_again(world, "Ben, who gave this, no longer holds the role manager")


async def test_a_rule_that_changes_ends_it(world: World) -> None:
    await approved_by_it(world)
    world.use(rules(max_uses=2))

    await pending_again(world, "the rule that permitted it has changed")


async def test_a_rule_that_permits_no_more_ends_it(world: World) -> None:
    await approved_by_it(world)
    world.use(rules(quote={"effect": "require_approval", "roles": ["manager"], "deadline": "1h"}))

    await pending_again(world, "the rule that permitted it has changed")


async def test_who_may_revoke(world: World) -> None:
    _, grant = await given(world)
    granting = world.approvals.granting
    with pytest.raises(NotAuthorisedError, match="Only Ben or an administrator may"):
        await granting.revoke(grant.id, acting(CARA))
    with pytest.raises(NotFoundError, match="There is no grant G-1"):
        await granting.revoke("G-1", acting(BEN))
    await granting.revoke(grant.id, acting(ROOT))
    with pytest.raises(ConflictError, match="Root has revoked it"):
        await granting.revoke(grant.id, acting(BEN))


async def test_claims_at_once_never_exceed_it(world: World) -> None:
    await given(world, Terms(uses=20))
    waiting = []
    for _ in range(32):
        run = await world.begun()
        (request,) = await world.submit(
            run, world.proposal(run.session.id, "quote", {**QUOTE, "amount": 1})
        )
        waiting.append((run, request))
    claims = [world.runs.claim(run, each.id, each.arguments) for run, each in waiting]
    found = await asyncio.gather(*claims)

    statuses = [each.status for each in found if isinstance(each, Request)]
    assert 20 == statuses.count(RequestStatus.EXECUTING)
    assert 12 == statuses.count(RequestStatus.PENDING)
    assert () == (await world.records.verify()).problems


async def test_a_call_that_is_called_again_after_a_crash_is_counted_once(world: World) -> None:
    await given(world)
    run = await world.begun()
    proposal = world.proposal(run.session.id, "quote", idempotent=True)
    (request,) = await world.submit(run, proposal)
    await world.runs.claim(run, request.id, request.arguments)
    world.clock.advance(60)
    run = await world.begin(request.session_id)
    again = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(again, Request)
    assert RequestStatus.EXECUTING is again.status
    ((_, used),) = await world.records.grants()
    assert 1 == used.uses


@pytest.mark.parametrize(
    "change",
    [
        update(grants).values(uses=100),
        update(grants).values(tool="look"),
        update(grants).values(givers="[]"),
        update(grants).values(id="G-X"),
        update(governance).values(at="2026-03-02T09:00:01.000000+00:00"),
    ],
    ids=["uses", "tool", "givers", "id", "entry"],
)
async def test_a_grant_that_was_written_into_the_tables_lets_nothing_run(
    world: World, change: Any
) -> None:
    await approved_by_it(world)
    await world.store.write(lambda c: c.execute(change))
    run = await world.begin(world.waiting.session_id)  # type: ignore[attr-defined]
    result = await world.runs.claim(run, run.batch[0].id, run.batch[0].arguments)

    assert isinstance(result, Result)
    assert "The ledger does not have this approval on record" in result.message
    assert () != (await world.records.verify()).problems


async def test_a_grant_that_the_governance_ledger_does_not_know_lets_nothing_run(
    world: World,
) -> None:
    await approved_by_it(world)
    await world.store.write(lambda c: c.execute(governance.delete()))
    run = await world.begin(world.waiting.session_id)  # type: ignore[attr-defined]
    await world.runs.claim(run, run.batch[0].id, run.batch[0].arguments)
    (found,) = await entries(world, run.batch[0], "evidence_missing")

    assert "its grant was never given" == found["reason"]


async def test_one_that_is_made_complete_in_the_tables_covers_nothing(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "pay"))
    await world.approvals.granting.give(request.id, acting(BEN), Terms())
    await world.store.write(lambda c: c.execute(update(grants).values(complete=1)))

    assert RequestStatus.PENDING is (await asked(world, "pay")).status
    assert () != (await world.records.verify()).problems


async def test_a_use_that_is_taken_back_is_found(world: World) -> None:
    await given(world)
    await ran(world)
    await world.store.write(lambda c: c.execute(grant_uses.delete()))

    (problem,) = (await world.records.verify()).problems
    assert "grant_uses" in problem
    assert "is on the ledger, but not in its table" in problem


async def test_nothing_is_granted_on_a_request_that_asks_others_than_its_rule_does_now(
    world: World,
) -> None:
    (request,) = await world.asked("quote")
    given = {**PERMITS, "max_total": None, "value": None}
    permits = {name: value for name, value in given.items() if value is not None}
    world.use(
        rules(quote={"effect": "require_approval", "roles": ["controller"], "grants": permits})
    )
    with pytest.raises(InvalidError, match="permits no grants of quote"):
        await world.approvals.granting.give(request.id, acting(BEN), Terms())

    assert () == tuple(await world.records.grants())
