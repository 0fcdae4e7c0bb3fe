"""Budgets where something has changed between, is gone, or cannot be said."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete

from countersign.approvals.errors import DeniedByPolicyError, LostLeaseError
from countersign.approvals.models import RequestStatus, Result, Reversibility, Verdict
from countersign.approvals.rules.seeing import batch_of
from countersign.approvals.store.schema import budget_uses
from tests.approvals.decisions.test_budgets import (
    VALUE,
    budgeted,
    claimed,
    counted,
    proposed,
    sound,
    used,
)
from tests.doubles.world import RULES, World

pytestmark = pytest.mark.asyncio


async def test_what_cannot_be_counted_at_the_claim_does_not_run(world: World) -> None:
    run, request = await proposed(world)
    world.use(budgeted(count={"hard": 9}, per="args.payee"))
    got = await claimed(world, run, request)

    assert isinstance(got, Result)
    assert "args.payee is missing" in got.message


async def test_an_edit_that_cannot_be_counted_is_refused(world: World) -> None:
    world.use(budgeted(count={"hard": 9}, per="args.payee"))
    run = await world.begun()
    plain = {"customer": "Contoso", "amount": 5}
    call = world.proposal(run.session.id, "quote", {**plain, "payee": "ACME"})
    (request,) = await world.submit(run, call)
    assert RequestStatus.PENDING is request.status
    with pytest.raises(DeniedByPolicyError, match=r"args\.payee is missing"):
        await world.vote(request, verdict=Verdict.MODIFY, arguments=plain)

    assert request == await world.now(request)


async def test_what_is_given_back_on_another_day_was_not_used_today(world: World) -> None:
    world.use(budgeted(count={"hard": 9}))
    run, old = await used(world)
    world.clock.advance(86400)
    await used(world)
    with pytest.raises(LostLeaseError):  # after it is stored
        await world.runs.finish(run, old.id, ok=False, content="No.", late=True)

    assert [(1, "0")] == await counted(world)
    await sound(world)


async def test_a_rolling_budget_frees_up_when_enough_of_it_is_past(world: World) -> None:
    span = {"window": "24h", "zone": None}
    world.use(budgeted(value={**VALUE, "hard": 100}, **span))
    for amount in (10, 50, 40):
        await used(world, amount=amount)
        world.clock.advance(3600)
    _, request = await proposed(world, amount=55)
    assert "It fits again from 2026-03-03 10:00 UTC" in request.reason
    await world.store.write(lambda c: c.execute(delete(budget_uses)))
    _, request = await proposed(world, amount=55)

    assert request.reason.endswith("this one is EUR 55, so nothing was run.")


async def test_the_same_people_are_asked_once(world: World) -> None:
    world.use(budgeted(count={"soft": 0}, roles=["manager"]))
    _, request = await proposed(world, "quote")

    assert [(("manager",), 1)] == [(each.roles, each.quorum) for each in request.stages]


async def test_whether_people_may_be_asked(world: World) -> None:
    """Checks and previews are made for them."""
    session = await world.start()

    def asks(tool: str, **more: Any) -> bool:
        return world.runs.asks(session, world.proposal(session.id, tool, more or None).call)

    world.use(budgeted(count={"soft": 1}, roles=["controller"]))
    assert [True, True, False] == [asks(tool) for tool in ("look", "quote", "drop")]
    world.use(budgeted(count={"hard": 1}, per="args.payee"))
    assert [False, False] == [asks("look"), asks("look", payee="ACME")]
    world.use({"zone": "UTC", "rules": [{"id": "r", "tool": "look", "when": "history.today < 1",
                                        "effect": "allow"}]})  # fmt: skip
    assert asks("look")
    world.use({**RULES, "budgets": {"b": {"tool": "x", "window": "1h", "count": {"hard": 1}}}})
    assert not asks("look")


async def test_a_number_that_is_none_has_no_total(world: World) -> None:
    call = world.proposal((await world.start()).id, "look", {"amount": float("inf")}).call
    seen = batch_of([call], lambda _: Reversibility.READ_ONLY, frozenset({"amount"}))

    assert {"amount": None} == seen["total"]


async def test_long_values_are_compared_by_their_hash(world: World) -> None:
    world.use({"rules": [{"id": "known", "tool": "look", "when": 'history.same("customer")',
                          "effect": "allow"}], "tools": RULES["tools"]})  # fmt: skip

    async def rule(name: str) -> str:
        run = await world.begun()
        call = world.proposal(run.session.id, "look", {"customer": name, "amount": 1})
        (request,) = await world.submit(run, call)
        assert RequestStatus.APPROVED is request.status
        await claimed(world, run, request)
        return request.rule_id

    assert ["tools.look", "known", "tools.look"] == [
        await rule(name) for name in ("x" * 500, "x" * 500, "x" * 501)
    ]
