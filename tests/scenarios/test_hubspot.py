"""HubSpot in the whole application: what changed meanwhile, is taken back, is no stage or gone."""

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
from countersign.sandbox.hubspot.server import HubSpot

pytestmark = pytest.mark.asyncio

SCENARIO = SCENARIOS["hubspot_update"]
CONTOSO = "18240012041"
APPROVE = Choice(Verdict.APPROVE)
TIMEOUT_S, LOOK_EVERY_S = 60.0, 0.05


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world changes them
    async with open_world("api", SCENARIO) as made:
        yield made


def account(world: World) -> HubSpot:
    found: HubSpot = world.office.more["hubspot"]
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


async def test_deal_that_changes_meanwhile_is_asked_again_and_then_undone(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    account(world).change(CONTOSO, amount="31000")
    await front.decide(request, APPROVE)
    again = await pending(world, session_id, revision=2)
    between = account(world).deal(CONTOSO)["amount"]
    await front.decide(again, APPROVE)
    session = await over(world, session_id)
    done = account(world).deal(CONTOSO)
    path = f"/api/v1/requests/{request['id']}"
    begun = await world.call("alex", "POST", f"{path}/undo", {"reason": "The wrong customer."})
    await over(world, begun["undo"]["attempts"][0]["session_id"])
    (attempt,) = (await world.call("alex", "GET", path))["undo"]["attempts"]
    undone = account(world).deal(CONTOSO)

    assert "31000" == between
    assert ["Amount", "31,000", "26,000"] in again["preview"]["rows"]
    assert ("contractsent", "26000") == (done["dealstage"], done["amount"])
    assert "is now in Contract Sent with 26,000.00" in session["answer"]
    assert "undone" == attempt["state"]
    assert ("qualifiedtobuy", "31000", "2026-12-18T00:00:00Z") == (
        undone["dealstage"], undone["amount"], undone["closedate"],
    )  # fmt: skip


async def test_archived_deal_and_unknown_stage_are_refused_before_anything(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    wrong = Choice(Verdict.MODIFY, comment="Sold!", changes={"stage": "contractsent"})
    with pytest.raises(ValueError, match="'contractsent' is no stage here"):
        await front.decide(request, wrong)
    account(world).store.archive(CONTOSO)
    await front.decide(request, APPROVE)
    session = await over(world, session_id)

    assert [] == account(world).effects()
    assert "resource not found" in session["answer"]
