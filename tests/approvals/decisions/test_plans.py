"""Plans: who decides one, what its steps cover, and that everything else asks again."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.errors import InvalidError, NotAuthorisedError
from countersign.approvals.models import (
    Cause,
    Proposal,
    Request,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.models.plans import PLAN_TOOL
from countersign.approvals.runs import Run
from tests.approvals.decisions.test_delegating import give
from tests.approvals.test_told import said
from tests.doubles.catalog import FakeCatalog
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, acting
from tests.doubles.world import QUOTE, THREAD, World

pytestmark = pytest.mark.asyncio
ASKS = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h", "plans": True}
TWO = [{"roles": ["manager"], "quorum": 2}, {"roles": ["controller"]}]
RULES: dict[str, Any] = {
    "tools": {
        "look": "allow",
        "drop": {"effect": "deny", "reason": "Never from an agent."},
        "quote": ASKS,
        "pay": {"effect": "require_approval", "stages": TWO, "deadline": "2h", "plans": True},
        "wire": {"effect": "require_approval", "roles": ["manager"], "plans": True},
        "plain": {"effect": "require_approval", "roles": ["manager"]},
    },
    "reversibility": {"quote": "reversible", "pay": "reversible", "plain": "reversible"},
}
STEP = {"tool": "quote", "arguments": QUOTE}
VARIES = {**STEP, "times": 2, "may_vary": ["amount"], "when": "args.amount <= 150.0"}

EVERY: dict[str, Any] = {
    "type": "object",
    "properties": {name: {} for name in ("steps", "valid_for", "customer", "amount", "note")},
}


@pytest.fixture(autouse=True)
def _plans(world: World) -> None:
    world.catalog = FakeCatalog(every=EVERY)
    world.use(RULES)


def plan(*steps: Any, valid_for: str = "30m") -> dict[str, Any]:
    return {"steps": [dict(step) for step in steps], "valid_for": valid_for}


async def proposed(world: World, *steps: Any, **more: Any) -> tuple[Run, Request]:
    run = await world.begun(THREAD)
    (request,) = await world.submit(
        run, world.proposal(run.session.id, PLAN_TOOL, plan(*steps, **more))
    )
    return run, request


async def carried_out(world: World, request: Request) -> tuple[Run, Request | Result]:
    """The session goes on, and the plan is claimed and run."""
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, run.batch[0].arguments)
    assert claimed is not None
    if isinstance(claimed, Request):
        await world.runs.finish(run, request.id, ok=True, content="approved")
    return run, claimed


async def approved(world: World, *steps: Any, **more: Any) -> Run:
    """A run with an approved plan."""
    _, request = await proposed(world, *steps, **more)
    await world.vote(request)
    run, claimed = await carried_out(world, request)
    assert isinstance(claimed, Request), claimed
    return run


def call(world: World, run: Run, tool: str = "quote", **changed: Any) -> Proposal:
    return world.proposal(run.session.id, tool, {**QUOTE, **changed})


async def one(world: World, run: Run, proposal: Proposal) -> Request | Result | None:
    """What comes of one call."""
    (request,) = await world.submit(run, proposal)
    if request.status is not RequestStatus.APPROVED:
        return request
    claimed = await world.runs.claim(run, request.id, request.arguments)
    if isinstance(claimed, Request) and claimed.status is RequestStatus.EXECUTING:
        await world.runs.finish(run, request.id, ok=True, content="done")
    return claimed


async def test_planned_calls_run_as_often_as_was_approved(world: World) -> None:
    """The exact call once; then the next is asked. Each use names the plan and who gave it."""
    run = await approved(world, STEP)
    first = await one(world, run, call(world, run))
    entry = next(e for e in await world.records.ledger(run.session.id) if e.kind == "grant_used")
    second = await one(world, run, call(world, run))
    ((grant, used),) = await world.records.grants()

    assert isinstance(first, Request)
    assert first.decision is not None
    assert (Via.GRANT, "Ben") == (first.decision.via, first.decision.by_name)
    assert f"step 1 of the plan {grant.request_id}" in first.decision.comment
    assert (grant.request_id, 1, ["Ben"]) == (
        entry.body["plan"],
        entry.body["step"],
        entry.body["names"],
    )
    assert (1, 1) == (used.uses, grant.uses)
    assert isinstance(second, Request)
    assert RequestStatus.PENDING is second.status
    assert "Runs by step 1 of the plan" in " ".join(await said(world))
    assert (await world.records.verify()).verified


async def test_bounds_of_what_may_vary(world: World) -> None:
    run = await approved(world, VARIES)
    within = await one(world, run, call(world, run, amount=150))
    beyond = await one(world, run, call(world, run, amount=151))

    assert isinstance(within, Request)
    assert RequestStatus.EXECUTING is within.status
    assert isinstance(beyond, Request)
    assert RequestStatus.PENDING is beyond.status


@pytest.mark.parametrize("changed", [{"customer": "Fabrikam"}, {"note": "more"}, {"amount": 101}])
async def test_any_deviation_asks(world: World, changed: dict[str, Any]) -> None:
    run = await approved(world, STEP)
    found = await one(world, run, call(world, run, **changed))

    assert isinstance(found, Request)
    assert RequestStatus.PENDING is found.status


async def test_what_the_tool_fills_in_is_no_deviation(world: World) -> None:
    run = await approved(world, STEP)
    proposal = call(world, run, note="").model_copy(update={"defaulted": ("/note",)})
    found = await one(world, run, proposal)

    assert isinstance(found, Request)
    assert RequestStatus.EXECUTING is found.status


async def test_other_sessions_and_later_times_ask(world: World) -> None:
    run = await approved(world, VARIES)
    other = await one(world, fresh := await world.begun(), call(world, fresh))
    world.clock.advance(30 * 60 + 1)
    run = await world.begin(run.session.id)
    late = await one(world, run, call(world, run))

    assert isinstance(other, Request)
    assert isinstance(late, Request)
    assert RequestStatus.PENDING is other.status
    assert RequestStatus.PENDING is late.status


async def test_a_plan_asks_everybody_whom_its_calls_ask(world: World) -> None:
    """A manager alone decides a quote, and not a plan with a payment."""
    run, request = await proposed(world, STEP, {"tool": "pay", "arguments": QUOTE})
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, ANNA)  # who asked for it
    await world.vote(request, BEN)
    after_one = await world.now(request)
    await world.vote(after_one, CARA)
    await world.vote(await world.now(request), DAVE)
    run, claimed = await carried_out(world, request)
    paid = await one(world, run, call(world, run, "pay"))
    quoted = await one(world, run, call(world, run))
    grants = {grant.step: grant for grant, _ in await world.records.grants()}

    assert [(("manager",), 2), (("controller",), 1)] == [
        (stage.roles, stage.quorum) for stage in request.stages
    ]
    assert RequestStatus.PENDING is after_one.status
    assert isinstance(claimed, Request)
    assert [("ben", 0), ("cara", 0), ("dave", 1)] == sorted(
        (giver.by, giver.stage) for giver in grants[2].givers
    )
    assert {"manager"} == {"manager" for giver in grants[1].givers if giver.stage == 0}
    for found in (paid, quoted):
        assert isinstance(found, Request)
        assert RequestStatus.EXECUTING is found.status
    assert (await world.records.verify()).verified


REFUSED: list[tuple[Any, str]] = [
    ({"tool": "drop", "arguments": {}}, "Step 1 (drop): Never from an agent."),
    ({"tool": "look", "arguments": {}}, "needs no approval"),
    ({"tool": "plain", "arguments": QUOTE}, "does not let its calls be approved in a plan"),
    ({"tool": "unheard", "arguments": {}}, "Step 1 (unheard)"),
    ({"tool": PLAN_TOOL, "arguments": {}}, "no step of a plan"),
    ({**STEP, "may_vary": ["amount"]}, "say within which bounds"),
    ({**VARIES, "may_vary": ["sum"]}, "none of its arguments"),
    ({**VARIES, "when": "args.amount <="}, "when:"),
    ({**VARIES, "when": "args.amount <= 50.0"}, "is not true of it"),
    ({**VARIES, "tool": "wire"}, "cannot be undone"),
    ({**STEP, "times": 0}, "steps.0.times"),
]


@pytest.mark.parametrize(("step", "why"), REFUSED)
async def test_what_is_no_step_is_refused_with_its_number(
    world: World, step: Any, why: str
) -> None:
    """Nobody is asked; the agent reads what to change."""
    _, request = await proposed(world, step)

    assert RequestStatus.REJECTED is request.status
    assert why in request.reason


@pytest.mark.parametrize("valid_for", ["8d", "soon"])
async def test_time_of_a_plan_is_bounded(world: World, valid_for: str) -> None:
    _, request = await proposed(world, STEP, valid_for=valid_for)

    assert RequestStatus.REJECTED is request.status


async def test_irreversible_calls_stand_in_a_plan_as_they_are(world: World) -> None:
    _, request = await proposed(world, {"tool": "wire", "arguments": QUOTE})

    assert RequestStatus.PENDING is request.status


NARROWER = [
    plan(VARIES),
    plan(STEP, {**VARIES, "times": 1}),
    plan(STEP, {**VARIES, "when": "args.amount <= 120.0"}),
    plan(STEP, {**VARIES, "when": "args.amount <= 150.0 && args.amount >= 90.0"}),
    plan(STEP, {**VARIES, "may_vary": []}),
    plan(STEP, VARIES, valid_for="10m"),
]
WIDER = [
    plan(STEP, VARIES, STEP),
    plan(VARIES, STEP),
    plan({**STEP, "times": 2}, VARIES),
    plan({**STEP, "arguments": {**QUOTE, "amount": 1}}, VARIES),
    plan(STEP, {**VARIES, "when": "args.amount <= 160.0"}),
    plan(STEP, {**VARIES, "when": "args.amount >= 1.0"}),
    plan(STEP, {**VARIES, "when": "args.amount <= 150.0 && args.amount > 1.0 || true"}),
    plan(STEP, {**VARIES, "when": "args.amount <="}),
    plan(STEP, {**VARIES, "when": "args.amount <= args.amount"}),
    plan(STEP, {**VARIES, "when": "args.amount <= 'many'"}),
    plan(STEP, {**VARIES, "when": "args.customer <= 150.0"}),
    plan(STEP, VARIES, valid_for="31m"),
    {"steps": []},
]


@pytest.mark.parametrize("after", NARROWER)
async def test_whoever_decides_may_make_it_narrower(world: World, after: Any) -> None:
    _, request = await proposed(world, STEP, VARIES)
    decided = await world.vote(request, BEN, Verdict.MODIFY, arguments=after)

    assert (RequestStatus.APPROVED, after) == (decided.status, decided.arguments)


@pytest.mark.parametrize("after", WIDER)
async def test_nobody_makes_it_wider(world: World, after: Any) -> None:
    _, request = await proposed(world, STEP, VARIES)
    with pytest.raises(InvalidError, match="only be made narrower"):
        await world.vote(request, BEN, Verdict.MODIFY, arguments=after)

    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_whoever_makes_a_plan_with_a_step_above_the_limit_narrower_decides_nothing_of_it(
    world: World,
) -> None:
    """As of the step alone; a plan whose steps stay below is decided by whoever changes it."""
    for limit, held in ((50, True), (500, False)):
        band = {**ASKS, "edits": {"without_editor_above": f"args.amount > {limit}"}}
        world.use({**RULES, "tools": {**RULES["tools"], "quote": band}})
        _, request = await proposed(world, STEP, VARIES)
        edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=plan(VARIES))
        view = await world.records.view(request.id)
        if not held:
            assert RequestStatus.APPROVED is edited.status
            continue
        assert (RequestStatus.PENDING, []) == (edited.status, list(view.votes))
        assert BEN.id not in [each.id for each in view.eligible]
        with pytest.raises(NotAuthorisedError, match="You have changed this call"):
            await world.vote(edited, BEN)
        decided = await world.vote(edited, CARA)
        _, claimed = await carried_out(world, request)

        assert RequestStatus.APPROVED is decided.status
        assert isinstance(claimed, Request)


async def test_a_plan_that_was_changed_above_the_limit_takes_a_second_person(world: World) -> None:
    band = {**ASKS, "edits": {"second_person_above": "args.amount > 50"}}
    world.use({**RULES, "tools": {**RULES["tools"], "quote": band}})
    _, request = await proposed(world, STEP, VARIES)
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=plan(VARIES))
    decided = await world.vote(edited, CARA)

    assert (RequestStatus.PENDING, RequestStatus.APPROVED) == (edited.status, decided.status)


async def test_revoked_steps_ask_again(world: World) -> None:
    run = await approved(world, VARIES)
    ((grant, _),) = await world.records.grants()
    (request,) = await world.submit(run, call(world, run))
    await world.approvals.granting.revoke(grant.id, acting(BEN))
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert RequestStatus.APPROVED is request.status
    assert isinstance(claimed, Request)
    assert RequestStatus.PENDING is claimed.status
    assert "revoked" in claimed.asked_again


async def test_rejected_plan_grants_nothing(world: World) -> None:
    _, request = await proposed(world, STEP)
    await world.vote(request, BEN, Verdict.REJECT)
    run, result = await carried_out(world, request)
    found = await one(world, run, call(world, run))

    assert isinstance(result, Result)
    assert [] == list(await world.records.grants())
    assert isinstance(found, Request)
    assert RequestStatus.PENDING is found.status


async def test_rule_that_lets_no_plans_any_more_grants_nothing(world: World) -> None:
    """Between the approval and the claim."""
    _, request = await proposed(world, STEP)
    await world.vote(request)
    changed = {**RULES, "tools": {**RULES["tools"], "quote": {**ASKS, "plans": False}}}
    world.use(changed)
    _, result = await carried_out(world, request)

    assert isinstance(result, Result)
    assert Cause.DENIED_BY_POLICY is result.cause
    assert [] == list(await world.records.grants())


async def test_deputy_gives_nothing_by_a_plan(world: World) -> None:
    """Erin stands in for Ben: her vote approves the plan, and its calls are asked one by one."""
    world.directory = WithDelegations(world.directory, world.store)  # type: ignore[assignment]
    world.use(RULES)
    await give(world)
    _, request = await proposed(world, STEP)
    voted = await world.vote(request, ERIN)
    run, result = await carried_out(world, request)
    found = await one(world, run, call(world, run))

    assert RequestStatus.APPROVED is voted.status
    assert isinstance(result, Result)
    assert "could not have approved step 1 (quote)" in result.message
    assert [] == list(await world.records.grants())
    assert isinstance(found, Request)
    assert RequestStatus.PENDING is found.status


async def test_one_vote_of_one_person_counts_for_stages_that_let_it(world: World) -> None:
    stages = [{"roles": ["manager"]}, {"roles": ["controller", "manager"]}]
    rule = {**ASKS, "stages": stages, "same_person": True}
    rule.pop("roles")
    world.use({**RULES, "tools": {**RULES["tools"], "quote": rule}})
    run = await approved(world, STEP)
    found = await one(world, run, call(world, run))

    assert isinstance(found, Request)
    assert RequestStatus.EXECUTING is found.status


async def test_each_fills_only_the_stages_that_ask_them(world: World) -> None:
    """Dave, and not Ben, counts for the third stage as well."""
    stages = [{"roles": [role]} for role in ("manager", "controller", "controller")]
    rule = {**ASKS, "stages": stages, "same_person": True}
    rule.pop("roles")
    world.use({**RULES, "tools": {**RULES["tools"], "quote": rule}})
    _, request = await proposed(world, STEP)
    await world.vote(request, BEN)
    await world.vote(request, DAVE)
    run, claimed = await carried_out(world, request)
    found = await one(world, run, call(world, run))
    ((grant, _),) = await world.records.grants()

    assert isinstance(claimed, Request), claimed
    assert [("ben", 0, ()), ("dave", 1, (2,))] == [(g.by, g.stage, g.also) for g in grant.givers]
    assert isinstance(found, Request)
    assert RequestStatus.EXECUTING is found.status


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"effect": "allow", "plans": True}, "plans is for what people approve"),
        ({**ASKS, "step_up": "5m"}, "step_up asks at each call, and a plan at none"),
    ],
)
async def test_rules_that_cannot_have_plans_are_refused(
    world: World, rule: dict[str, Any], why: str
) -> None:
    with pytest.raises(Exception, match=why):
        world.use({"tools": {"quote": rule}})
