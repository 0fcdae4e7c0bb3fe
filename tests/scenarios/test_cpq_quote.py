"""A quote in the whole application: prices that change, floors, lost answers, withdrawing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import SCENARIOS, Choice
from countersign.bot.demo.world import World, open_world
from countersign.sandbox._faults import Fault
from countersign.sandbox.cpq.server import Cpq

pytestmark = pytest.mark.asyncio

SCENARIO = SCENARIOS["cpq_quote"]
APPROVE = Choice(Verdict.APPROVE)
TIMEOUT_S, LOOK_EVERY_S = 60.0, 0.05


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world changes them
    async with open_world("api", SCENARIO) as made:
        yield made


def cpq(world: World) -> Cpq:
    found: Cpq = world.office.more["cpq"]
    return found


async def until(world: World, path: str, holds: Callable[[Any], object]) -> Any:
    """What the API says, once it holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            found = await world.call("alex", "GET", path)
            if holds(found):
                return found
            await asyncio.sleep(LOOK_EVERY_S)


async def pending(world: World, session_id: str, revision: int = 1) -> dict[str, Any]:
    path = f"/api/v1/requests?session={session_id}&status=pending"
    found = await until(
        world, path, lambda them: [o for o in them["items"] if o["revision"] == revision]
    )
    one: dict[str, Any] = found["items"][0]
    return one


async def over(world: World, session_id: str) -> dict[str, Any]:
    session: dict[str, Any] = await until(
        world,
        f"/api/v1/sessions/{session_id}",
        lambda one: one["status"] not in ("running", "waiting"),
    )
    return session


async def test_price_that_changes_is_asked_again_and_the_release_is_withdrawn(
    world: World,
) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    cpq(world).store.reprice("INS-SEAT", "1190.00")
    await front.decide(request, APPROVE)
    again = await pending(world, session_id, revision=2)
    cpq(world).faults.add(Fault(kind="reset_after", method="PATCH"))  # the answer is lost
    await front.decide(again, APPROVE)
    session = await over(world, session_id)
    released = cpq(world).store.quote("Q-7001")
    path = f"/api/v1/requests/{request['id']}"
    begun = await world.call("alex", "POST", f"{path}/undo", {"reason": "They have cancelled."})
    await over(world, begun["undo"]["attempts"][0]["session_id"])
    (attempt,) = (await world.call("alex", "GET", path))["undo"]["attempts"]

    assert "EUR 33,659.00" == request["facts"]["net_total"]
    assert "EUR 34,751.50" == again["facts"]["net_total"]
    seats = "25 x 1,190.00, less 5 % for volume, less 8 % discount"
    assert [
        "Insight Platform, seat and year", seats, "28,262.50", "26,001.50",
    ] in again["preview"]["rows"]  # fmt: skip
    assert ("released", 2) == (released["status"], released["version"])
    assert "is released: 34,751.50 EUR net" in session["answer"]
    assert "undone" == attempt["state"]
    assert "draft" == cpq(world).store.quote("Q-7001")["status"]
    assert 2 == len(cpq(world).effects())


async def test_what_the_cpq_does_not_allow_is_asked_of_nobody(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    given = [{**one, "discount_percent": 30} for one in request["arguments"]["lines"][:1]]
    wrong = Choice(Verdict.MODIFY, comment="More.", changes={"lines": given})
    with pytest.raises(ValueError, match="more than the 25 %"):
        await front.decide(request, wrong)
    cpq(world).store.change("Q-7001", {"status": "released"}, 1, None)
    await front.decide(request, APPROVE)
    session = await over(world, session_id)

    assert "is released, not a draft" in session["answer"]
    assert 1 == len(cpq(world).effects())
