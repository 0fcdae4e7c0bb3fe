"""The outreach in the whole application: who is asked about, and who gets how many letters."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import SCENARIOS, Choice, Scenario
from countersign.bot.demo.world import World, open_world

pytestmark = pytest.mark.asyncio

SCENARIO = SCENARIOS["outreach"]
ANA, PRIYA = "ana.ruiz@contoso.example", "priya@northwind.example"
APPROVE = Choice(Verdict.APPROVE)
TIMEOUT_S, LOOK_EVERY_S = 60.0, 0.05


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world changes them


async def play(world: World, task: str, **choices: Choice) -> tuple[dict[str, Any], list[Any]]:
    """The session at its end, and what was decided; `choices` by the beginning of the address."""
    front = ApiFront(world)
    session_id = await front.start(Scenario("outreach", task, "send_outreach", {}))
    decided: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            session = await world.call("sam", "GET", f"/api/v1/sessions/{session_id}")
            if session["status"] not in ("running", "waiting"):
                return session, [await world.stored(one) for one in decided]
            query = f"/api/v1/requests?session={session_id}&status=pending"
            for request in (await world.call("sam", "GET", query))["items"]:
                known = decided.get(request["id"])
                if known is None or known["revision"] < request["revision"]:
                    decided[request["id"]] = request
                    who = request["arguments"]["to"].partition("@")[0].partition(".")[0]
                    await front.decide(request, choices.pop(who, APPROVE))
            await asyncio.sleep(LOOK_EVERY_S)


async def test_people_are_asked_about_everybody_but_those_who_want_no_mail() -> None:
    async with open_world("api", SCENARIO) as world:
        session, decided = await play(world, SCENARIO.task)
        sent = world.office.more["sendgrid"].effects()

    assert [ANA, PRIYA] == [one.arguments["to"] for one in decided]
    assert [ANA, PRIYA] == [effect["arguments"]["to"] for effect in sent]
    assert [one.execution_token for one in decided] == [e["idempotency_key"] for e in sent]
    assert "robert.chen@fabrikam.example has unsubscribed from everything" in session["answer"]
    assert decided[0].preview is not None
    assert f"To: {ANA}\nSubject: Our webinar on 2026-12-10\n\nDear Ana," in str(
        decided[0].preview.model_dump()
    ).replace("\\n", "\n")


async def test_nobody_gets_two_letters_on_one_day_whoever_names_them() -> None:
    to_ana = Choice(Verdict.MODIFY, comment="To Ana, too.", changes={"to": ANA})
    shouted = Choice(Verdict.MODIFY, comment="To Ana, too.", changes={"to": ANA.upper()})
    async with open_world("api", SCENARIO) as world:
        await play(world, "outreach to Contoso: webinar on 2026-12-10")
        session, decided = await play(world, "outreach to Contoso: our autumn fair")
        with pytest.raises(ValueError, match="is not one address in small letters"):
            await play(world, "outreach to Northwind: webinar on 2026-12-10", priya=shouted)
        with pytest.raises(ValueError, match="has a limit of 1 call today"):
            await play(world, "outreach to Northwind: webinar on 2026-12-10", priya=to_ana)
        sent = [e["arguments"]["to"] for e in world.office.more["sendgrid"].effects()]

    assert [] == decided
    assert [ANA] == sent
    assert "outreach.person" in session["answer"]


async def test_whoever_unsubscribes_meanwhile_gets_nothing() -> None:
    async with open_world("api", SCENARIO) as world:
        grid = world.office.more["sendgrid"]
        front = ApiFront(world)
        session_id = await front.start(
            Scenario("outreach", "outreach to Contoso: webinar", "send_outreach", {})
        )
        query = f"/api/v1/requests?session={session_id}&status=pending"
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                found = await world.call("sam", "GET", query)
                if found["items"]:
                    break
                await asyncio.sleep(LOOK_EVERY_S)
        grid.store.suppress("global", ANA, "unsubscribed")
        await front.decide(found["items"][0], APPROVE)
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                session = await world.call("sam", "GET", f"/api/v1/sessions/{session_id}")
                if session["status"] not in ("running", "waiting"):
                    break
                await asyncio.sleep(LOOK_EVERY_S)

        assert [] == grid.store.messages()
        assert "has unsubscribed from everything" in session["answer"]
