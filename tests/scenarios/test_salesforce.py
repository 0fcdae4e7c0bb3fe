"""Salesforce in the whole application: what is read, what changed meanwhile, what is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import SCENARIOS, Choice
from countersign.bot.demo.world import World, open_world
from countersign.sandbox.salesforce.server import Salesforce

pytestmark = pytest.mark.asyncio

SCENARIO = SCENARIOS["salesforce_update"]
CONTOSO = "006Hs00001Xc2041IA"
APPROVE = Choice(Verdict.APPROVE)
TIMEOUT_S, LOOK_EVERY_S = 60.0, 0.05


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world changes them
    async with open_world("api", SCENARIO) as made:
        yield made


def org(world: World) -> Salesforce:
    found: Salesforce = world.office.more["salesforce"]
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
    """The request that waits, if it has been asked so often."""
    path = f"/api/v1/requests?session={session_id}&status=pending"
    found = await until(
        world, path, lambda them: [o for o in them["items"] if o["revision"] == revision]
    )
    one: dict[str, Any] = found["items"][0]
    return one


async def over(world: World, session_id: str) -> dict[str, Any]:
    def ended(session: Any) -> bool:
        return session["status"] not in ("running", "waiting")

    session: dict[str, Any] = await until(world, f"/api/v1/sessions/{session_id}", ended)
    return session


async def test_what_is_approved_is_a_difference_and_a_version(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    await front.decide(request, APPROVE)
    session = await over(world, session_id)
    now = org(world).opportunity(CONTOSO)

    assert {
        "opportunity": "Insight Platform, new plant in Leipzig",
        "account": "Contoso Ltd",
        "now": "Qualification, 28,500, closing 2026-12-18",
        "last_changed": "2026-11-02 09:15:00 UTC",
        "last_changed_by": "Megan Bowen",
    } == request["facts"]
    rows = request["preview"]["rows"]
    assert ["Stage", "Qualification", "Negotiation/Review"] in rows
    assert ["Probability (%)", "10", "90 (with the stage)"] in rows
    assert ("Negotiation/Review", 26000.0, "2026-12-30", 90.0) == (
        now["StageName"], now["Amount"], now["CloseDate"], now["Probability"],
    )  # fmt: skip
    assert "is now in Negotiation/Review with 26,000.00" in session["answer"]
    (effect,) = world.effects(await world.stored(request["id"]))
    assert ("Salesforce", "update Opportunity") == (effect.system, effect.action)


async def test_only_what_differs_is_written(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    changes = {"stage": "Qualification", "close_date": "2026-12-18"}
    request = await pending(world, session_id)
    edited = Choice(Verdict.MODIFY, comment="The price alone.", changes=changes)
    await front.decide(request, edited)
    again = await pending(world, session_id, revision=2)
    await front.decide(again, APPROVE)
    await over(world, session_id)
    (effect,) = org(world).effects()

    assert {"id", "Amount", "Countersign_Request__c"} == set(effect["arguments"])


async def test_change_by_somebody_else_is_not_written_over(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    org(world).change(CONTOSO, Amount=31000.0)
    await front.decide(request, APPROVE)
    again = await pending(world, session_id, revision=2)

    assert 31000.0 == org(world).opportunity(CONTOSO)["Amount"]
    assert request["facts"]["last_changed"] < again["facts"]["last_changed"]
    assert "Qualification, 31,000, closing 2026-12-18" == again["facts"]["now"]
    assert ["Amount", "31,000", "26,000"] in again["preview"]["rows"]


async def test_no_stage_of_the_org_is_asked_of_nobody(world: World) -> None:
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    wrong = Choice(Verdict.MODIFY, comment="Sold!", changes={"stage": "Sold"})
    with pytest.raises(ValueError, match="'Sold' is no stage here"):
        await front.decide(request, wrong)

    assert [] == org(world).effects()


async def undo(world: World, request_id: str) -> dict[str, Any]:
    """The one attempt, when it is over."""
    path = f"/api/v1/requests/{request_id}"
    body = {"reason": "It was the wrong account."}
    begun = await world.call("alex", "POST", f"{path}/undo", body)
    await over(world, begun["undo"]["attempts"][0]["session_id"])
    attempts = (await world.call("alex", "GET", path))["undo"]["attempts"]
    attempt: dict[str, Any] = attempts[-1]
    return attempt


async def changed(world: World) -> dict[str, Any]:
    """A session that is over, with its one request executed."""
    front = ApiFront(world)
    session_id = await front.start(SCENARIO)
    request = await pending(world, session_id)
    await front.decide(request, APPROVE)
    await over(world, session_id)
    return request


async def test_change_is_undone_once(world: World) -> None:
    request = await changed(world)
    attempt = await undo(world, request["id"])
    now = org(world).opportunity(CONTOSO)

    assert "undone" == attempt["state"]
    assert ("Qualification", 28500.0, "2026-12-18", 10.0) == (
        now["StageName"], now["Amount"], now["CloseDate"], now["Probability"],
    )  # fmt: skip
    assert 2 == len(org(world).effects())


async def test_what_changed_since_is_not_undone_even_within_a_second(world: World) -> None:
    request = await changed(world)
    then = org(world).opportunity(CONTOSO)["LastModifiedDate"]
    org(world).store.now = lambda: datetime.fromisoformat(then)
    org(world).change(CONTOSO, Amount=31000.0)
    attempt = await undo(world, request["id"])

    assert then == org(world).opportunity(CONTOSO)["LastModifiedDate"]
    assert "not_undone" == attempt["state"]
    assert 31000.0 == org(world).opportunity(CONTOSO)["Amount"]
