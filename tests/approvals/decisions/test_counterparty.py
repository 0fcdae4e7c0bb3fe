"""Whoever a call is with decides nothing of it: at the vote, at the claim, by grant, by edit."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import (
    ConfigurationError,
    NotAuthorisedError,
)
from countersign.approvals.models import (
    Cause,
    Delegation,
    Principal,
    Request,
    RequestStatus,
    Result,
    Terms,
    Verdict,
)
from countersign.approvals.rules.policy import Policy
from tests.doubles.directory import BEN, CARA, DAVE, ERIN, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
TO_BEN = {"customer": "Ben@Example.com", "amount": 100}
ASKS = {"effect": "require_approval", "roles": ["manager"], "counterparty": "args.customer"}


def rules(**more: Any) -> dict[str, Any]:
    return {
        "tools": {"quote": {**ASKS, **more}},
        "reversibility": {"quote": "reversible"},
    }


async def asked(world: World, arguments: Any = None, **more: Any) -> Request:
    world.use(rules(**more))
    run = await world.begun()
    call = world.proposal(run.session.id, "quote", TO_BEN if arguments is None else arguments)
    (request,) = await world.submit(run, call)
    return request


def lends(world: World, giver: Principal, delegate: Principal) -> None:
    world.directory.delegations = [Delegation(giver=giver.id, delegate=delegate.id)]


async def test_the_counterparty_neither_decides_nor_is_asked(world: World) -> None:
    request = await asked(world)
    view = await world.records.view(request.id)
    proposed = next(
        e for e in await world.records.ledger(request.session_id) if e.kind == "proposed"
    )

    assert [CARA.id] == [person.id for person in view.eligible]
    assert [] == [each.id for each in await world.records.waiting_for(BEN)]
    assert [request.id] == [each.id for each in await world.records.waiting_for(CARA)]
    assert ["Ben@Example.com"] == proposed.body["stages"][0]["parties"]
    for verdict in Verdict.APPROVE, Verdict.REJECT:
        with pytest.raises(NotAuthorisedError, match="You are the counterparty of this call"):
            await world.vote(request, BEN, verdict)
    with pytest.raises(NotAuthorisedError, match="the counterparty of this call"):
        await world.approvals.foresee(
            request.id, acting(BEN), digest=request.digest, arguments=dict(TO_BEN, customer="x@y.z")
        )

    assert RequestStatus.APPROVED is (await world.vote(request, CARA)).status


@pytest.mark.parametrize(
    "named",
    [
        "ben",
        "Ben Roe <ben@example.com>",
        "mailto:BEN+refunds@example.com",
        " ben@example.com ",
        "x@y.example, ben@example.com",
        "acc-ben",
        ["x@y.example", None, "\uff42en@example.com"],
    ],
)
async def test_a_person_is_known_by_everything_that_names_them(world: World, named: Any) -> None:
    request = await asked(world, {**TO_BEN, "customer": named})
    with pytest.raises(NotAuthorisedError, match="counterparty"):
        await world.vote(request, BEN)


@pytest.mark.parametrize("named", [None, "", [], "bens@example.com", "ben@example.com.evil", 7])
async def test_others_are_not(world: World, named: Any) -> None:
    request = await asked(world, {**TO_BEN, "customer": named})

    assert RequestStatus.APPROVED is (await world.vote(request, BEN)).status


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"amount": 1}, "args.customer is missing"),
        ({"customer": True}, "args.customer is a truth value, which is nobody's identity"),
        (
            {"customer": [["ben@example.com"]]},
            "args.customer is a list, which is nobody's identity",
        ),
    ],
)
async def test_a_call_of_which_nobody_can_say_with_whom_it_is_is_denied(
    world: World, arguments: Any, says: str
) -> None:
    request = await asked(world, arguments)

    assert request.result is not None
    assert Cause.DENIED_BY_POLICY is request.result.cause
    assert (
        "The rule tools.quote keeps the counterparty from deciding, and who that is cannot be "
        f"said: {says}. What cannot be decided is denied."
    ) == request.reason


async def test_whoever_stands_in_for_the_counterparty_decides_neither(world: World) -> None:
    lends(world, BEN, CARA)
    request = await asked(world, roles=["manager", "controller"])
    view = await world.records.view(request.id)
    with pytest.raises(NotAuthorisedError, match="You stand in for Ben, whom this call is with"):
        await world.vote(request, CARA)

    assert [DAVE.id] == [person.id for person in view.eligible]


async def test_nobody_decides_in_the_name_of_the_counterparty(world: World) -> None:
    lends(world, BEN, ERIN)
    request = await asked(world)
    with pytest.raises(NotAuthorisedError, match="You stand in for Ben, whom this call is with"):
        await world.vote(request, ERIN)


async def test_the_counterparty_does_not_decide_for_somebody_else(world: World) -> None:
    lends(world, CARA, ERIN)
    request = await asked(world, {**TO_BEN, "customer": "erin@example.com"})
    view = await world.records.view(request.id)
    with pytest.raises(NotAuthorisedError, match="You are the counterparty of this call"):
        await world.vote(request, ERIN)

    assert [BEN.id, CARA.id] == [person.id for person in view.eligible]


async def claimed(world: World, request: Request) -> Request | Result | None:
    run = await world.begin(request.session_id)
    return await world.runs.claim(run, request.id, request.arguments)


async def test_who_turns_out_to_be_the_counterparty_has_not_approved(world: World) -> None:
    request = await asked(world)
    await world.vote(request, CARA)
    same = {**CARA.identities, "email": "ben@example.com"}
    world.directory.put(CARA.model_copy(update={"identities": same}))
    result = await claimed(world, request)

    assert isinstance(result, Result)
    assert "Cara, who approved this, is its counterparty." in result.message


async def test_who_stands_in_for_the_counterparty_by_then_has_not_approved(world: World) -> None:
    request = await asked(world)
    await world.vote(request, CARA)
    lends(world, BEN, CARA)
    result = await claimed(world, request)

    assert isinstance(result, Result)
    assert "Cara, who approved this, stands in for Ben." in result.message


async def test_an_edit_makes_nobody_of_the_counterparty(world: World) -> None:
    request = await asked(world, roles=["manager", "controller"])
    edit = {**TO_BEN, "customer": "cara@example.com"}
    with pytest.raises(NotAuthorisedError, match="the counterparty of this call"):
        await world.vote(request, CARA, Verdict.MODIFY, arguments=edit)
    after = await world.vote(request, DAVE, Verdict.MODIFY, arguments=edit)

    assert RequestStatus.APPROVED is after.status
    assert ("Ben@Example.com", "cara@example.com") == after.stages[0].parties[::-1]
    assert isinstance(await claimed(world, after), Request)


async def test_a_rule_that_begins_to_name_the_counterparty_asks_again(world: World) -> None:
    world.use({"tools": {"quote": {**ASKS, "counterparty": []}}})
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", TO_BEN))
    await world.vote(request, BEN)
    world.use(rules())
    again = await claimed(world, request)

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2) == (again.status, again.revision)
    assert ("Ben@Example.com",) == again.stages[0].parties


async def test_a_grant_does_not_cover_calls_with_its_giver(world: World) -> None:
    grants = {"max_uses": 5}
    request = await asked(world, {**TO_BEN, "customer": "x@y.example"}, grants=grants)
    await world.vote(request, BEN, grant=Terms())
    covered = await asked(world, {**TO_BEN, "customer": "z@y.example"}, grants=grants)
    with_ben = await asked(world, grants=grants)

    assert RequestStatus.APPROVED is covered.status
    assert RequestStatus.PENDING is with_ben.status
    with pytest.raises(NotAuthorisedError, match="Neither the counterparty of a call nor"):
        await world.approvals.granting.give(with_ben.id, acting(BEN), Terms())


async def test_the_counterparty_does_not_say_what_became_of_it(world: World) -> None:
    request = await asked(world)
    await world.vote(request, CARA)
    run = await world.begin(request.session_id)
    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)
    await world.runs.unknown(run, request.id, message="The line broke.")
    with pytest.raises(NotAuthorisedError, match="counterparty of this call; somebody else has to"):
        await world.approvals.resolve(request.id, acting(BEN), happened=True, note="It is there.")
    after = await world.approvals.resolve(
        request.id, acting(CARA), happened=True, note="It is there."
    )

    assert RequestStatus.EXECUTED is after.status


async def test_nobody_asks_where_only_the_counterparty_is_left(world: World) -> None:
    request = await asked(world, {**TO_BEN, "customer": "dave@example.com"}, roles=["controller"])

    assert request.result is not None
    assert Cause.NO_APPROVER is request.result.cause
    assert (
        "It needs one person with the role controller, and there is nobody, as the call is with "
        "Dave. Anna"
    ) not in request.result.message
    assert "as the call is with Dave" in request.result.message
    assert "Ben, Cara" in request.result.message


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"effect": "allow", "counterparty": "args.customer"}, "is for what people approve"),
        ({**ASKS, "counterparty": "agent"}, "speaks of agent; whom a call is with stands in its"),
        ({**ASKS, "counterparty": "args.customer ="}, "cannot be read"),
        ({**ASKS, "counterparty": "1.5"}, "1.5 is a number; a counterparty is a text"),
        (
            {"effect": "require_approval", "stages": [{"roles": ["manager"], "parties": ["x"]}]},
            "write `counterparty: args.…` beside stages",
        ),
    ],
)
async def test_a_counterparty_that_cannot_be_one_is_refused_when_the_rules_are_read(
    rule: Any, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Policy.load({"tools": {"quote": rule}})
