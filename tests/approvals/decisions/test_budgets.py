"""Budgets: what is reserved at a claim, what is asked or stopped, and what is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from countersign.approvals.errors import DeniedByPolicyError
from countersign.approvals.models import (
    Cause,
    Limit,
    Outcome,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.budgets.charges import scope_in_words
from countersign.approvals.rules.conditions.facts import NOWHERE
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import budget_counters, budget_uses, requests
from tests.doubles.directory import BEN, CARA, DAVE, ROOT, acting
from tests.doubles.world import RULES, World

pytestmark = pytest.mark.asyncio
DAY = {"tool": ["look", "quote"], "window": "day", "zone": "Europe/Berlin"}


def budgeted(**limits: Any) -> Mapping[str, Any]:
    """The usual rules, with one budget on `look` (allowed) and `quote` (asked of a manager)."""
    return {**RULES, "budgets": {"calls": {**DAY, **limits}}}


async def proposed(world: World, tool: str = "look", amount: int = 100) -> tuple[Run, Request]:
    """A call of a session of its own, decided if it is asked."""
    run = await world.begun()
    call = world.proposal(run.session.id, tool, {"customer": "Contoso", "amount": amount})
    (request,) = await world.submit(run, call)
    return run, request


async def claimed(world: World, run: Run, request: Request) -> Request | Result:
    got = await world.runs.claim(run, request.id, request.arguments)
    assert got is not None
    return got


async def used(world: World, tool: str = "look", amount: int = 100) -> tuple[Run, Request]:
    """A call that runs now."""
    run, request = await proposed(world, tool, amount)
    if request.status is RequestStatus.PENDING:
        await world.vote(request)
        run = await world.begin(run.session.id)
    got = await claimed(world, run, request)
    assert isinstance(got, Request), got
    return run, got


async def counted(world: World) -> list[tuple[Any, ...]]:
    columns = budget_counters.c["count"], budget_counters.c.amount
    query = select(*columns).order_by(budget_counters.c.scope)
    return await world.store.read(lambda c: [tuple(row) for row in c.execute(query)])


async def sound(world: World) -> None:
    assert () == (await world.records.verify()).problems


async def test_all_budgets_are_read_with_what_is_used_of_them(world: World) -> None:
    parts = {**DAY, "per": "args.customer", "count": {"hard": 4}}
    value = {"amount": "args.amount", "currency": "EUR", "hard": 1000}
    rolling = {"tool": "look", "window": "24h", "value": value}
    rules = {"calls": {**DAY, "count": {"hard": 2}}, "parts": parts, "worth": rolling}
    world.use({**RULES, "budgets": {**rules, "unused": {**parts, "tool": "give"}}})
    fresh = await world.records.budgets()
    for amount in (100, 150):
        await used(world, amount=amount)
    found = await world.records.budgets()

    assert [("calls", 0.0), ("worth", 0.0)] == [(use.budget, use.share) for use in fresh]
    assert [
        ("calls", "", 2, 2, Decimal(0), None, 1.0),
        ("parts", "customer Contoso", 2, 4, Decimal(0), None, 0.5),
        ("worth", "", 2, None, Decimal(250), Decimal(1000), 0.25),
    ] == [
        (u.budget, u.scope, u.count, u.count_limit, u.value, u.value_limit, u.share) for u in found
    ]
    assert [True, True, False] == [use.free_at is not None for use in found]
    assert "" == scope_in_words("sha256:ab")
    assert 1.0 == found[0].model_copy(update={"count_limit": 0, "value_limit": Decimal(0)}).share
    without = Records(world.store, world.clock, world.directory)
    assert () == await without.budgets()


async def test_hard_limit_stops_what_a_rule_allows_and_says_when_it_is_free(world: World) -> None:
    world.use(budgeted(count={"hard": 2}))
    for _ in range(2):
        await used(world)
    _, request = await proposed(world)

    assert RequestStatus.REJECTED is request.status
    assert request.result is not None
    assert (Outcome.NOT_EXECUTED, Cause.DENIED_BY_POLICY) == (
        request.result.outcome,
        request.result.cause,
    )
    assert (
        "The budget calls has a limit of 2 calls today. 2 calls are counted already, so nothing "
        "was run. It fits again from 2026-03-03 00:00 CET."
    ) == request.reason
    await sound(world)


async def test_calls_of_one_message_count_before_each_other(world: World) -> None:
    world.use(budgeted(count={"hard": 2}))
    run = await world.begun()
    found = await world.submit(run, "look", "look", "look")

    assert [RequestStatus.APPROVED] * 2 + [RequestStatus.REJECTED] == [r.status for r in found]
    assert [1, 2, 3] == [r.budgets[0].count for r in found]


@pytest.mark.parametrize("tool", ["look", "quote"])
async def test_claim_stops_at_a_limit_that_was_reached_since(world: World, tool: str) -> None:
    world.use(budgeted(count={"hard": 1}))
    run, late = await proposed(world, tool)
    if tool == "quote":
        await world.vote(late)
        run = await world.begin(run.session.id)
    await used(world, tool)
    result = await claimed(world, run, late)

    assert isinstance(result, Result)
    assert Cause.DENIED_BY_POLICY is result.cause
    assert "limit of 1 call today" in result.message
    assert "not_executed" == (await world.kinds(run.session.id))[-1]
    assert [(1, "0")] == await counted(world)
    await sound(world)


async def test_soft_limit_asks_those_whom_the_budget_names(world: World) -> None:
    world.use(budgeted(count={"soft": 1, "hard": 3}, roles=["controller"]))
    await used(world)
    run, request = await proposed(world)

    assert RequestStatus.PENDING is request.status
    assert [("controller",)] == [stage.roles for stage in request.stages]
    assert Limit.SOFT is request.budgets[0].passes
    assert "passes what may be used of the budget calls without asking: 1 call" in request.reason

    await world.vote(request, DAVE)
    run = await world.begin(run.session.id)
    got = await claimed(world, run, request)

    assert isinstance(got, Request)
    assert [(2, "0")] == await counted(world)
    await sound(world)


async def test_soft_limit_asks_after_those_of_the_rule_and_their_votes_stand(world: World) -> None:
    world.use(budgeted(count={"soft": 1}, roles=["controller"]))
    await used(world)
    run, request = await proposed(world, "quote")

    assert [("manager",), ("controller",)] == [stage.roles for stage in request.stages]
    await world.vote(request, BEN)
    await world.vote(await world.now(request), DAVE)
    run = await world.begin(run.session.id)
    assert isinstance(await claimed(world, run, request), Request)


async def test_soft_limit_without_people_of_its_own_leaves_those_of_the_rule(world: World) -> None:
    world.use({**RULES, "budgets": {"quotes": {**DAY, "tool": "quote", "count": {"soft": 0}}}})
    run, request = await proposed(world, "quote")

    assert [("manager",)] == [stage.roles for stage in request.stages]
    assert "needs a person's approval. It passes what" in request.reason
    await world.vote(request)
    run = await world.begin(run.session.id)
    assert isinstance(await claimed(world, run, request), Request)


async def test_soft_limit_that_was_reached_since_asks_at_the_claim(world: World) -> None:
    world.use(budgeted(count={"soft": 1}, roles=["controller"]))
    by_rule, allowed = await proposed(world)
    by_people, asked = await proposed(world, "quote")
    await world.vote(asked)
    by_people = await world.begin(by_people.session.id)
    await used(world)
    result, again = await claimed(world, by_rule, allowed), await claimed(world, by_people, asked)

    assert isinstance(result, Result)
    assert (Cause.DRIFT, True) == (result.cause, result.retry)
    assert "Propose it again." in result.message
    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2) == (again.status, again.revision)
    assert [("manager",), ("controller",)] == [stage.roles for stage in again.stages]
    assert [(1, "0")] == await counted(world)
    await sound(world)


async def test_more_used_than_asked_for_does_not_ask_the_same_people_again(world: World) -> None:
    world.use(budgeted(count={"soft": 1}, roles=["controller"]))
    await used(world)
    run, request = await proposed(world)
    await world.vote(request, DAVE)
    other, beside = await proposed(world)
    await world.vote(beside, DAVE)
    other = await world.begin(other.session.id)
    assert isinstance(await claimed(world, other, beside), Request)
    run = await world.begin(run.session.id)
    got = await claimed(world, run, request)

    assert isinstance(got, Request)
    assert RequestStatus.EXECUTING is got.status
    assert (2, 3) == (request.budgets[0].count, got.budgets[0].count)


VALUE = {"amount": "args.amount", "currency": "EUR"}


async def test_amounts_add_up_exactly_and_stop(world: World) -> None:
    world.use(budgeted(value={**VALUE, "hard": "300"}))
    await used(world, amount=200)
    await used(world, "quote", amount=50)
    _, request = await proposed(world, amount=51)

    assert (
        "The budget calls has a limit of EUR 300 today. EUR 250 of it are used, in 2 calls, and "
        "this one is EUR 51"
    ) in request.reason
    assert RequestStatus.APPROVED is (await proposed(world, amount=50))[1].status
    assert "It alone is too much." in (await proposed(world, amount=301))[1].reason
    assert [(2, "250")] == await counted(world)


async def test_what_cannot_be_counted_is_denied(world: World) -> None:
    world.use(budgeted(value={**VALUE, "amount": "money(args.amount, args.currency)", "hard": 1}))
    run = await world.begun()
    calls = [
        world.proposal(run.session.id, "look", {"amount": amount, "currency": currency})
        for amount, currency in [(1, "USD"), (-1, "EUR"), ("x", "EUR")]
    ]
    usd, negative, text = await world.submit(run, *calls)

    assert "is USD 1, and the budget is in EUR" in usd.reason
    assert "is -1, which is less than nothing" in negative.reason
    assert "cannot be counted" in text.reason
    assert {RequestStatus.REJECTED} == {r.status for r in (usd, negative, text)}


async def test_each_part_of_a_divided_budget_has_all_of_it(world: World) -> None:
    world.use(budgeted(count={"hard": 1}, per=["args.customer"]))
    run = await world.begun()
    calls = [
        world.proposal(run.session.id, "look", {"customer": name, "amount": 1})
        for name in ("Contoso", "Contoso", "Fabrikam")
    ]
    found = await world.submit(run, *calls)

    assert ["approved", "rejected", "approved"] == [r.status for r in found]
    assert "The budget calls (customer Contoso) has" in found[1].reason
    assert ["customer Contoso"] * 2 == [r.budgets[0].scope for r in found[:2]]


async def test_next_day_and_what_rolls_on_are_free_again(world: World) -> None:
    world.use(
        {
            **RULES,
            "budgets": {
                "day": {**DAY, "count": {"hard": 2}},
                "span": {"tool": "look", "window": "24h", "count": {"hard": 3}},
            },
        }
    )
    await used(world)
    world.clock.advance(3600)
    await used(world)
    world.clock.advance(14 * 3600)  # past midnight in Berlin
    await used(world)
    _, stopped = await proposed(world)

    assert "budget span has a limit of 3 calls in 24 hours" in stopped.reason
    assert "It fits again from 2026-03-03 09:00 UTC" in stopped.reason
    world.clock.advance(9 * 3600 + 1)  # the first one is a day ago
    await used(world)
    assert (await proposed(world))[1].status is RequestStatus.REJECTED
    await sound(world)


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("harmless", 0),
        ("error", 1),
        ("unknown", 1),
        ("unknown, then found not to have happened", 0),
        ("unknown, then found to have happened", 1),
        ("unknown, then a harmless error comes late", 0),
        ("unknown, then a result comes late", 1),
        ("success", 1),
    ],
)
async def test_only_what_certainly_has_not_happened_is_taken_back(
    world: World, what: str, left: int
) -> None:
    world.use(budgeted(value={**VALUE, "hard": 100}))
    run, request = await used(world)
    if what.startswith("unknown"):
        await world.runs.unknown(run, request.id, message="The line broke.")
        assert [(1, "100")] == await counted(world)
    if "found" in what:
        happened = what.endswith("to have happened") and "not" not in what.split("found")[1]
        await world.approvals.resolve(request.id, acting(ROOT), happened=happened, note="I looked.")
    elif what in ("harmless", "unknown, then a harmless error comes late"):
        await world.runs.finish(run, request.id, ok=False, content="No such customer.")
    elif what in ("success", "unknown, then a result comes late"):
        await world.runs.finish(run, request.id, ok=True, content="Done.")
    elif what == "error":
        await world.runs.raised(run, request.id, content="boom")

    assert [(left, "100" if left else "0")] == await counted(world)
    assert (RequestStatus.REJECTED if left else RequestStatus.APPROVED) is (await proposed(world))[
        1
    ].status
    told = [entry.body.get("released") for entry in await world.records.ledger(run.session.id)]
    assert (["calls"] in told) is (left == 0)
    await sound(world)


async def test_taken_back_once(world: World) -> None:
    world.use(budgeted(count={"hard": 5}))
    await used(world)
    run, request = await used(world)
    for _ in range(2):
        await world.runs.finish(run, request.id, ok=False, content="No.", late=True)

    assert [(1, "0")] == await counted(world)


async def test_claim_of_an_idempotent_call_by_the_next_owner_counts_once(world: World) -> None:
    world.use(budgeted(count={"hard": 1}))
    run = await world.begun()
    call = world.proposal(run.session.id, "look", idempotent=True)
    (request,) = await world.submit(run, call)
    assert isinstance(await claimed(world, run, request), Request)
    world.clock.advance(31)
    after = await world.begin(run.session.id)
    again = await claimed(world, after, request)

    assert isinstance(again, Request)
    assert (after.epoch, 1) == (again.executing_epoch, again.budgets[0].count)
    assert [(1, "0")] == await counted(world)
    await sound(world)


async def test_edited_arguments_count_with_what_runs(world: World) -> None:
    world.use(budgeted(value={**VALUE, "hard": 100}))
    run, request = await proposed(world, "quote", amount=90)
    with pytest.raises(DeniedByPolicyError, match="It alone is too much"):
        await world.vote(
            request, verdict=Verdict.MODIFY, arguments={"customer": "C", "amount": 101}
        )
    await world.vote(request, verdict=Verdict.MODIFY, arguments={"customer": "C", "amount": 7})
    now = await world.now(request)
    run = await world.begin(run.session.id)
    assert isinstance(await claimed(world, run, now), Request)

    assert ("90", "7") == (request.budgets[0].amount, now.budgets[0].amount)
    assert [(1, "7")] == await counted(world)
    await sound(world)


async def test_what_a_budget_asks_for_may_be_edited(world: World) -> None:
    world.use(budgeted(count={"soft": 0}, roles=["controller"]))
    run, request = await proposed(world)
    await world.vote(request, DAVE, Verdict.MODIFY, arguments={"customer": "C", "amount": 7})
    run = await world.begin(run.session.id)
    got = await claimed(world, run, await world.now(request))

    assert isinstance(got, Request)
    assert 7 == got.arguments["amount"]


@pytest.mark.parametrize(
    ("window", "spent"), [("week", 150), ("month", 150), ("2d", 150), ("1h", 50), ("day", 50)]
)
async def test_another_window_keeps_what_was_used(world: World, window: str, spent: int) -> None:
    world.use(budgeted(value={**VALUE, "hard": 1000}))
    await used(world)
    world.clock.advance(86400)
    run, last = await used(world, amount=50)
    zone = {"zone": "Europe/Berlin" if window in ("week", "month", "day") else None}
    world.use(budgeted(value={**VALUE, "hard": 200}, window=window, **zone))
    _, request = await proposed(world, amount=20)

    assert f"{spent + 20}" == request.budgets[0].value
    await used(world, amount=1)
    assert [(3 if spent == 150 else 2, f"{spent + 1}")] == await counted(world)
    await sound(world)
    await world.runs.finish(run, last.id, ok=False, content="No.")
    assert [(2 if spent == 150 else 1, f"{spent - 49}")] == await counted(world)
    await sound(world)


async def test_another_limit_keeps_what_was_used(world: World) -> None:
    world.use(budgeted(value={**VALUE, "hard": 1000}))
    await used(world)
    world.use(budgeted(value={**VALUE, "hard": 100}))

    assert RequestStatus.REJECTED is (await proposed(world, amount=1))[1].status


async def test_another_currency_stops_until_what_was_used_is_past(world: World) -> None:
    world.use(budgeted(value={**VALUE, "hard": 1000}))
    await used(world)
    world.use(budgeted(value={**VALUE, "currency": "USD", "hard": 1000}))
    _, request = await proposed(world, amount=1)

    assert RequestStatus.REJECTED is request.status
    assert "is in USD, and EUR 100 is used of it today" in request.reason
    world.clock.advance(86400)
    await used(world, amount=1)
    await sound(world)


async def test_budget_that_comes_after_the_proposal_counts_at_the_claim(world: World) -> None:
    run, request = await proposed(world)
    world.use(budgeted(count={"hard": 1}))
    got = await claimed(world, run, request)

    assert isinstance(got, Request)
    assert 1 == got.budgets[0].count
    assert got == await world.now(request)
    await sound(world)


async def test_clock_that_was_ahead_leaves_nothing_uncounted(world: World) -> None:
    world.use(budgeted(count={"hard": 3}))
    await used(world)
    world.clock.advance(86400)
    await used(world)
    world.clock._now -= timedelta(days=1)
    _, request = await used(world)

    assert 3 == request.budgets[0].count
    await sound(world)


async def test_lost_counter_is_taken_again_from_the_uses(world: World) -> None:
    world.use(budgeted(value={**VALUE, "hard": 1000}))
    await used(world)
    await world.store.write(lambda c: c.execute(delete(budget_counters)))
    await sound(world)
    _, request = await used(world, amount=5)

    assert ("105", 2) == (request.budgets[0].value, request.budgets[0].count)


@pytest.mark.parametrize(
    "change",
    [
        update(budget_counters).values(count=0),
        update(budget_counters).values(amount="1"),
        update(budget_counters).values(definition=""),
        update(budget_uses).values(amount="1"),
        update(budget_uses).values(budget="x"),
        update(budget_uses).values(scope="x"),
        update(budget_uses).values(at="2020-01-01T00:00:00.000000+00:00"),
        update(budget_uses).values(released_at="2020-01-01T00:00:00.000000+00:00"),
        update(budget_uses).values(currency="USD"),
        delete(budget_uses),
        update(requests).values(budgets=None),
    ],
)
async def test_verifying_finds_what_was_changed(world: World, change: Any) -> None:
    world.use(budgeted(value={**VALUE, "hard": 1000}))
    await used(world)
    await world.store.write(lambda c: c.execute(change))

    assert not (await world.records.verify()).verified


async def test_names_of_one_function_share_its_budgets(world: World) -> None:
    world.use({**RULES, "budgets": {"calls": {**DAY, "tool": "look", "count": {"hard": 1}}}})
    policy = world.policy.strictest([frozenset({"look", "peek"})])
    call = world.proposal((await world.start()).id, "peek").call
    situation = {"workflow": "sales", "requester": "anna"}

    assert ["calls"] == [
        each.account.budget
        for each in policy.charges(call, type(NOWHERE).model_validate(situation))
    ]


async def test_two_limits_of_which_one_asks_and_one_stops(world: World) -> None:
    world.use(
        {
            **RULES,
            "budgets": {
                "asks": {**DAY, "count": {"soft": 0}, "roles": ["controller"]},
                "also": {
                    **DAY,
                    "count": {"soft": 0},
                    "stages": [{"roles": ["manager"], "quorum": 2}],
                },
                "stops": {**DAY, "count": {"hard": 1}},
            },
        }
    )
    run, request = await proposed(world, "quote")

    assert [(("manager",), 2), (("controller",), 1)] == [
        (stage.roles, stage.quorum) for stage in request.stages
    ]
    for who in (BEN, CARA, DAVE):
        await world.vote(await world.now(request), who)
    run = await world.begin(run.session.id)
    assert isinstance(await claimed(world, run, request), Request)
    assert RequestStatus.REJECTED is (await proposed(world, "quote"))[1].status
    await sound(world)
