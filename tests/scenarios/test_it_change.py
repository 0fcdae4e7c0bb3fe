"""The IT change on the real application: policy, approval, failure and alternative."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import SCENARIOS, Choice, Scenario
from countersign.bot.demo.world import World, open_world

pytestmark = pytest.mark.asyncio

TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.05


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the world changes in this process is put back."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")


async def play(world: World, task: str, *choices: Choice) -> tuple[dict[str, Any], list[Any]]:
    """The session at its end and its requests, decided by `choices` in turn, then approved."""
    front = ApiFront(world)
    session_id = await front.start(Scenario("it_change", task, "provision", {}))
    left, decided = list(choices), list[str]()
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            session = await world.call("sam", "GET", f"/api/v1/sessions/{session_id}")
            if session["status"] not in ("running", "waiting"):
                break
            query = f"/api/v1/requests?session={session_id}&status=pending"
            for request in (await world.call("sam", "GET", query))["items"]:
                if request["id"] not in decided:
                    decided.append(request["id"])
                    choice = left.pop(0) if left else Choice(Verdict.APPROVE)
                    await front.decide(request, choice)
            await asyncio.sleep(LOOK_EVERY_S)  # as any client of the API would
    return session, [await world.stored(request_id) for request_id in decided]


async def test_approved_change_reaches_the_provisioning_system_once() -> None:
    async with open_world("api", SCENARIOS["it_change"]) as world:
        session, (request,) = await play(world, SCENARIOS["it_change"].task)

        assert "completed" == session["status"]
        assert "billing-stg-db is provisioned" in session["answer"]
        (effect,) = world.effects(request)
        assert ("provisioning", "provision") == (effect.system, effect.action)
        assert effect.arguments == request.arguments


@pytest.mark.parametrize(("decide", "requests"), [("reject", 2), ("modify", 1)])
async def test_it_manager_makes_it_smaller(decide: str, requests: int) -> None:
    scenario = SCENARIOS["it_change"]
    async with open_world("api", SCENARIOS["it_change"]) as world:
        session, decided = await play(world, scenario.task, scenario.choices[decide])

        assert "completed" == session["status"]
        assert requests == len(decided)
        (effect,) = (e for request in decided for e in world.effects(request))
        assert 100 == effect.arguments["size"]


async def test_failure_is_answered_with_an_alternative_in_the_same_session() -> None:
    task = f"{SCENARIOS['it_change'].task}, in eu-west"
    async with open_world("api", SCENARIOS["it_change"]) as world:
        session, (failed, alternative) = await play(world, task)

        assert "completed" == session["status"]
        assert ("failed", "executed") == (failed.status, alternative.status)
        assert ["eu-west", "eu-central"] == [r.arguments["region"] for r in (failed, alternative)]
        assert "eu-west is full" in alternative.rationale
        assert [0, 1] == [len(world.effects(request)) for request in (failed, alternative)]


async def test_failure_without_an_alternative_goes_to_the_on_call() -> None:
    async with open_world("api", SCENARIOS["it_change"]) as world:
        session, (failed,) = await play(world, "a gpu node for the search team")

        assert ("completed", "failed") == (session["status"], failed.status)
        assert "I opened INC-1001" in session["answer"]
        assert ["open_incident"] == [e["action"] for e in world.provisioning.effects()]


async def test_nobody_is_asked_for_what_the_policy_forbids() -> None:
    async with open_world("api", SCENARIOS["it_change"]) as world:
        session, requests = await play(world, "open port 443 from anywhere to billing-db")

        assert ("completed", []) == (session["status"], requests)
        assert "Nothing is opened to everybody" in session["answer"]
        assert "This would be allowed: source edge-gateway" in session["answer"]


async def test_edit_against_the_policy_is_not_provisioned() -> None:
    abroad = Choice(Verdict.MODIFY, comment="cheaper there", changes={"region": "us-east"})
    async with open_world("api", SCENARIOS["it_change"]) as world:
        session, (request,) = await play(world, SCENARIOS["it_change"].task, abroad)

        assert ("completed", "failed") == (session["status"], request.status)
        assert "Against the IT policy: The region us-east is not allowed" in session["answer"]
        assert [] == world.provisioning.effects()
