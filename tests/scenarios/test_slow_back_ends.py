"""A back end of a use that takes a call and never answers: nobody else waits for it.

Shown by order: what others do is over while the call is still with the system. Then its own call
ends, and says how.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from countersign.bot.demo.fronts import ApiFront, TeamsFront
from countersign.bot.demo.scenarios import APPROVE, SCENARIOS, Choice, Scenario
from countersign.bot.demo.world import World, open_world
from countersign.sandbox._faults import Fault

pytestmark = pytest.mark.asyncio
TIMEOUT_S, LOOK_EVERY_S = 90.0, 0.02
LONG_S = 600.0
"""Longer than all of it, also on a busy machine."""
PATIENT: dict[str, Any] = {
    "back_office.TIMEOUT_S": LONG_S,
    "contract_systems.TIMEOUT_S": (LONG_S, LONG_S),
    "contract_systems.WITHIN_S": LONG_S,
    "vendors.cpq.TIMEOUT_S": LONG_S,
    "vendors.hubspot._LIMITS": (LONG_S, LONG_S),
    "vendors.sendgrid.TIMEOUT_S": LONG_S,
    "vendors.wire.READ_TIMEOUT_S": LONG_S,
}
"""The time limits of the clients, so that none of them ends the call."""


@dataclass(frozen=True)
class Use:
    """A use whose system hangs, by which call it writes there, and a use beside it."""

    workflow: str
    method: str
    path: str
    beside: str
    task: str = ""
    tool: str = ""

    @property
    def scenario(self) -> Scenario:
        """As it is asked for."""
        usual = SCENARIOS[self.workflow]
        return replace(usual, task=self.task or usual.task, tool=self.tool or usual.tool)


SIGN = "send the Northwind NDA to be signed"
USES = {
    "salesforce": Use("salesforce_update", "PATCH", "/sobjects/", "cpq_quote"),
    "hubspot": Use("hubspot_update", "PATCH", "/deals/", "salesforce_update"),
    "sendgrid": Use("outreach", "POST", "/mail/send", "hubspot_update"),
    "cpq": Use("cpq_quote", "PATCH", "/quotes/", "salesforce_update"),
    "clm": Use("contract_redline", "POST", "/versions", "support_reply"),
    "docusign": Use(
        "contract_redline", "POST", "/envelopes", "support_reply", SIGN, "send_for_signature"
    ),
    "zendesk": Use("support_reply", "PUT", "/tickets/", "financial_report"),
    "erp": Use("financial_report", "POST", "/reports", "support_reply"),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them


async def until(look: Any, otherwise: str) -> Any:
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(LOOK_EVERY_S)
    raise AssertionError(otherwise)


async def pending(world: World, session: str) -> list[dict[str, Any]]:
    """What waits for people, as soon as something does."""

    async def look() -> list[dict[str, Any]]:
        query = f"/api/v1/requests?session={session}&status=pending"
        found: list[dict[str, Any]] = (await world.call("sam", "GET", query))["items"]
        return found

    items: list[dict[str, Any]] = await until(look, "nothing is asked")
    return items


async def over(world: World, session: str) -> dict[str, Any]:
    """The session at its end."""

    async def look() -> dict[str, Any] | None:
        found = await world.call("sam", "GET", f"/api/v1/sessions/{session}")
        return found if found["status"] not in ("running", "waiting") else None

    ended: dict[str, Any] = await until(look, "it does not end")
    return ended


async def with_it(system: Any) -> bool:
    """Whether the system has a request that it has not answered."""
    return any(each.status is None for each in system.requests)


async def played(world: World, front: TeamsFront, scenario: Scenario) -> dict[str, Any]:
    """Another use from its first message to its last word, by cards."""
    session = await front.start(scenario)
    while (await world.call("sam", "GET", f"/api/v1/sessions/{session}"))["status"] in (
        "running",
        "waiting",
    ):
        query = f"/api/v1/requests?session={session}&status=pending"
        for request in (await world.call("sam", "GET", query))["items"]:
            await front.decide(request, APPROVE)
        await asyncio.sleep(LOOK_EVERY_S)
    return await over(world, session)


@pytest.mark.parametrize("system", USES)
async def test_others_are_over_while_the_call_is_still_with_the_system(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole session of another use, card and all, and a vote on one of the same use; then the
    system answers, and the call has run once."""
    for name, limit in PATIENT.items():
        monkeypatch.setattr(f"countersign.examples.{name}", limit)
    use = USES[system]
    beside = SCENARIOS[use.beside]
    async with open_world("teams", use.scenario, beside) as world:
        assert world.teams is not None
        api, teams, slow = ApiFront(world), TeamsFront(world, world.teams), world.office.more
        mine, same = [await api.start(use.scenario) for _ in range(2)]
        asked, waits = await pending(world, mine), (await pending(world, same))[0]
        with slow[system].faults.hanging():
            for request in asked:
                await api.decide(request, APPROVE)
            await until(lambda: with_it(slow[system]), "the call does not get there")
            other = await played(world, teams, beside)
            no = Choice(use.scenario.choices["reject"].verdict, comment="Not now.")
            await api.decide(waits, no)
            still = [await world.stored(request["id"]) for request in asked]
            rejected = await world.stored(waits["id"])
            unanswered = await with_it(slow[system])
        ended = await over(world, mine)
        after = [await world.stored(request["id"]) for request in asked]

        assert "completed" == other["status"]
        assert "rejected" == rejected.status
        assert unanswered
        assert {None} == {each.result for each in still}
        assert "completed" == ended["status"]
        assert {"executed"} == {str(each.status) for each in after if world.effects(each)}
        assert {1} == {len(world.effects(each)) for each in after if each.status == "executed"}


@pytest.mark.parametrize("system", USES)
async def test_call_that_is_never_answered_ends_in_doubt_and_says_so(system: str) -> None:
    """The write is taken and never answered: it is given up after the time that its rule has, the
    agents are told, a person looks, and the session is over."""
    use = USES[system]
    limit = {use.scenario.tool: {"tool_timeout": "1s"}}
    async with open_world("api", use.scenario, rules=limit) as world:
        api, slow = ApiFront(world), world.office.more[system]
        session = await api.start(use.scenario)
        asked = await pending(world, session)
        slow.faults.add(
            Fault(kind="slow", delay_s=LONG_S, method=use.method, path=use.path, times=9)
        )
        for request in asked:
            await api.decide(request, APPROVE)
        ended = await over(world, session)
        after = [await world.stored(request["id"]) for request in asked]
        ledger = await world.records.verify(after[0].session_id)

        assert {"in_doubt"} == {str(each.status) for each in after}
        results = [each.result for each in after if each.result is not None]
        assert len(after) == len(results)
        assert all("1 s" in str(each.message) for each in results), results
        assert "completed" == ended["status"]
        assert [] == [effect for each in after for effect in world.effects(each)]
        assert ledger.verified
